"""Where every byte of a ZIP lies before one of its files is read: pure arithmetic over names, lengths and CRCs.

Files are stored, not deflated, and their CRC-32 is known, so local headers, data and the central directory are fixed
(APPNOTE.TXT 6.3.10 §4.3): any range of the archive can be given without what comes before it. ZIP64 is used where a
field would overflow, and only there.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from struct import Struct, pack
from typing import NamedTuple

_LOCAL = Struct("<4s5H3I2H")  # §4.3.7
_CENTRAL = Struct("<4s6H3I5H2I")  # §4.3.12
_END_64 = Struct("<4sQ2H2I4Q")  # §4.3.14
_LOCATOR_64 = Struct("<4sIQI")  # §4.3.15
_END = Struct("<4s4H2IH")  # §4.3.16
_U16, _U32 = 0xFFFF, 0xFFFFFFFF  # in a field: look into ZIP64
_STORED = 0
_VERSION, _VERSION_64 = 20, 45  # needed to extract (§4.4.3); also said to have made it, on FAT
_EXTRA_64 = 0x0001  # §4.5.3
_FIRST_YEAR = 1980
_DIRECTORY_PIECE = 1000  # entries


class Entry(NamedTuple):
    """One file of an archive: an ASCII name, its length in bytes, zlib's CRC-32 of its bytes, its time."""

    name: str
    size: int
    crc32: int
    modified: datetime


@dataclass(frozen=True)
class Extent:
    """`length` bytes from `offset` of the file with this place in the archive."""

    place: int
    offset: int
    length: int


class Layout:
    """The archive of some entries in their order."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        lengths = (_local_length(entry) + entry.size for entry in entries)
        self._starts = list(accumulate(lengths, initial=0))
        central = (_central_length(*each) for each in zip(entries, self._starts, strict=False))
        self._directory_length = sum(central)
        self._end = self._make_end()
        self.length = self.directory_offset + self._directory_length + len(self._end)

    @property
    def directory_offset(self) -> int:
        """Where the central directory begins: behind the last file."""
        return self._starts[-1]

    def segments(self, start: int, stop: int) -> Iterator[bytes | Extent]:
        """The bytes [start, stop) of the archive: its own as they are, the files' as extents to be read; none empty."""
        for begins, segment in self._segments_from(start):
            if begins >= stop:
                return
            length = len(segment) if isinstance(segment, bytes) else segment.length
            if cut := _cut(segment, max(0, start - begins), min(length, stop - begins)):
                yield cut

    def _segments_from(self, start: int) -> Iterator[tuple[int, bytes | Extent]]:
        """Every segment with its place in the archive, from the file on in which `start` lies."""
        first = max(0, bisect_right(self._starts, start) - 1)
        for place in range(first, len(self._entries)):
            header = _local_header(self._entries[place])
            yield self._starts[place], header
            yield self._starts[place] + len(header), Extent(place, 0, self._entries[place].size)
        position = self.directory_offset
        for piece in self._directory():
            yield position, piece
            position += len(piece)
        yield position, self._end

    def _directory(self) -> Iterator[bytes]:
        for at in range(0, len(self._entries), _DIRECTORY_PIECE):
            some = slice(at, at + _DIRECTORY_PIECE)
            yield b"".join(map(_central_header, self._entries[some], self._starts[some]))

    def _make_end(self) -> bytes:
        count, size, offset = len(self._entries), self._directory_length, self.directory_offset
        end = _END.pack(
            b"PK\5\6", 0, 0, min(count, _U16), min(count, _U16), min(size, _U32), min(offset, _U32), 0
        )  # fmt: skip
        if count < _U16 and size < _U32 and offset < _U32:
            return end
        record = _END_64.pack(
            b"PK\6\6", _END_64.size - 12, _VERSION_64, _VERSION_64, 0, 0, count, count, size, offset
        )  # fmt: skip
        return record + _LOCATOR_64.pack(b"PK\6\7", 0, offset + size, 1) + end


def _cut(segment: bytes | Extent, first: int, last: int) -> bytes | Extent | None:
    if first >= last:
        return None
    if isinstance(segment, bytes):
        return segment[first:last]
    return Extent(segment.place, segment.offset + first, last - first)


def _local_header(entry: Entry) -> bytes:
    extra = _extra(entry.size, entry.size) if entry.size >= _U32 else b""
    name, size = entry.name.encode("ascii"), min(entry.size, _U32)
    version = _VERSION_64 if extra else _VERSION
    time, date = _dos_time(entry.modified)
    return b"".join((
        _LOCAL.pack(b"PK\3\4", version, 0, _STORED, time, date, entry.crc32, size, size, len(name), len(extra)),
        name, extra,
    ))  # fmt: skip


def _local_length(entry: Entry) -> int:
    return _LOCAL.size + len(entry.name) + (_extra_length(2) if entry.size >= _U32 else 0)


def _central_header(entry: Entry, start: int) -> bytes:
    extra = _extra(*_overflowing(entry, start))
    name, size = entry.name.encode("ascii"), min(entry.size, _U32)
    version = _VERSION_64 if extra else _VERSION
    time, date = _dos_time(entry.modified)
    return b"".join((
        _CENTRAL.pack(
            b"PK\1\2", version, version, 0, _STORED, time, date, entry.crc32, size, size, len(name), len(extra), 0, 0,
            0, 0, min(start, _U32),
        ),
        name, extra,
    ))  # fmt: skip


def _central_length(entry: Entry, start: int) -> int:
    return _CENTRAL.size + len(entry.name) + _extra_length(len(_overflowing(entry, start)))


def _overflowing(entry: Entry, start: int) -> list[int]:
    """What does not fit into its field of the central directory, in the order of §4.5.3."""
    return [value for value in (entry.size, entry.size, start) if value >= _U32]


def _extra(*values: int) -> bytes:
    return pack(f"<2H{len(values)}Q", _EXTRA_64, 8 * len(values), *values) if values else b""


def _extra_length(values: int) -> int:
    return 4 + 8 * values if values else 0


def _dos_time(at: datetime) -> tuple[int, int]:
    """Time and date as MS-DOS has them, to two seconds (§4.4.6)."""
    if at.year < _FIRST_YEAR:
        return 0, 1 << 5 | 1
    return at.hour << 11 | at.minute << 5 | at.second // 2, (at.year - _FIRST_YEAR) << 9 | at.month << 5 | at.day
