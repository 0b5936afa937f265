"""Bundles: many small files in one upload.

`COLLIMATE-BUNDLE-1\n`, then per file: length of the path (u32), path in UTF-8, size (u64), bytes; big-endian.
"""

from collections.abc import Iterable, Iterator
from struct import unpack

from imaging.dicom.reasons import Reason, Refused
from imaging.services.intake import IncomingFile

MAGIC = b"COLLIMATE-BUNDLE-1\n"
BUNDLE_BROKEN = Reason("BUNDLE_BROKEN", "The upload was damaged here; send this file and those after it again.")
_LONGEST_PATH = 4096  # bytes
_MOST_FILES = 100_000


class Bundle:
    """The files of a bundle, or of the rest of one, one after the other; each must be read, or is skipped.

    Never raises: where the bundle is broken, its last file's chunks raise Refused(BUNDLE_BROKEN). `whole` counts the
    files that came whole, `boundary` the bytes up to the end of the last of them, `received` all bytes that came.
    """

    def __init__(self, chunks: Iterable[bytes], is_rest: bool = False) -> None:
        self._source = _Source(chunks)
        self._is_rest = is_rest
        self.whole = 0
        self.boundary = 0

    @property
    def received(self) -> int:
        """Bytes that came; reads over what is left of them."""
        for _ in self._source.iter_rest():
            pass
        return self._source.received

    def __iter__(self) -> Iterator[IncomingFile]:
        source = self._source
        if not self._is_rest and source.take(len(MAGIC)) != MAGIC:
            yield _broken("bundle", "it does not begin as one")
            return
        for count in range(_MOST_FILES + 1):
            self.boundary = source.taken
            if not source.peek():
                return
            file = _broken("bundle", "too many files") if count == _MOST_FILES else _next_file(source)
            yield file
            if not _drained(file):
                return
            self.whole += 1


def _next_file(source: "_Source") -> IncomingFile:
    try:
        path = source.take_exactly(*unpack(">I", source.take_exactly(4, _LONGEST_PATH)), _LONGEST_PATH)
        (size,) = unpack(">Q", source.take_exactly(8, _LONGEST_PATH))
        return IncomingFile(path.decode("utf-8"), source.stream(size))
    except (Refused, UnicodeDecodeError):
        return _broken("bundle", "a heading cannot be read")


def _broken(name: str, detail: str) -> IncomingFile:
    def chunks() -> Iterator[bytes]:
        raise Refused(BUNDLE_BROKEN, detail)
        yield b""

    return IncomingFile(name, _Remembering(chunks()))


def _drained(file: IncomingFile) -> bool:
    """Read over what is left of the file; False if the bundle cannot be read on after it."""
    try:
        for _ in file.chunks:
            pass
    except Refused:
        return False
    return not file.chunks.broken


class _Remembering:
    """An iterator that remembers whether it raised, for whoever comes after the one it raised at."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.broken = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except Refused:
            self.broken = True
            raise


class _Source:
    """The bundle's bytes, taken by length."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")
        self.received = 0

    @property
    def taken(self) -> int:
        """Bytes given out."""
        return self.received - len(self._rest)

    def iter_rest(self) -> Iterator[bytes]:
        """Whatever nobody asked for."""
        while self.peek():
            yield from self._pieces(len(self._rest))

    def peek(self) -> bool:
        """Whether there is another byte."""
        while not self._rest:
            piece = next(self._chunks, None)
            if piece is None:
                return False
            self._rest = memoryview(piece)
            self.received += len(piece)
        return True

    def take(self, length: int) -> bytes:
        """The next `length` bytes, fewer at the end."""
        return b"".join(self._pieces(length))

    def take_exactly(self, length: int, limit: int) -> bytes:
        """The next `length` bytes; raises Refused(BUNDLE_BROKEN) for more than `limit` and at the end."""
        taken = self.take(length) if length <= limit else b""
        if len(taken) != length:
            raise Refused(BUNDLE_BROKEN, "a heading")
        return taken

    def stream(self, size: int) -> _Remembering:
        """The next `size` bytes in pieces; raises Refused(BUNDLE_BROKEN) when there are fewer."""
        return _Remembering(self._stream(size))

    def _stream(self, size: int) -> Iterator[bytes]:
        for piece in self._pieces(size):
            size -= len(piece)
            yield piece
        if size:
            raise Refused(BUNDLE_BROKEN, f"{size} bytes missing")

    def _pieces(self, length: int) -> Iterator[bytes]:
        while length and self.peek():
            piece = self._rest[:length]
            self._rest = self._rest[len(piece) :]
            length -= len(piece)
            yield bytes(piece)
