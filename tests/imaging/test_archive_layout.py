"""Where the bytes of a ZIP lie: judged by other programs that read ZIPs, and by arithmetic where none could be made."""

import io
import shutil
import struct
import subprocess
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.services.archive_layout import Entry, Extent, Layout

AT = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
GB = 1 << 30


def archive(contents: dict[str, bytes]) -> Layout:
    return Layout([Entry(name, len(data), zlib.crc32(data), AT) for name, data in contents.items()])


def read(layout: Layout, files: list[bytes], start: int, stop: int) -> bytes:
    return b"".join(
        each if isinstance(each, bytes) else files[each.place][each.offset : each.offset + each.length]
        for each in layout.segments(start, stop)
    )


FILES = {"README.txt": b"read me", "DICOM/1_CT/IM00001.dcm": bytes(range(256)), "DICOM/1_CT/empty.dcm": b""}
contents_of_archives = st.lists(st.binary(max_size=40), max_size=6).map(
    lambda datas: {f"DICOM/{place}.dcm": data for place, data in enumerate(datas)}
)


def test_another_program_reads_the_archive_and_finds_its_files_sound(tmp_path: Path) -> None:
    layout = archive(FILES)
    path = tmp_path / "a.zip"
    path.write_bytes(read(layout, list(FILES.values()), 0, layout.length))

    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == FILES
        assert {each.date_time for each in opened.infolist()} == {(2026, 1, 2, 3, 4, 6)}


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_unzip_finds_the_archive_sound(tmp_path: Path) -> None:
    layout = archive(FILES)
    path = tmp_path / "a.zip"
    path.write_bytes(read(layout, list(FILES.values()), 0, layout.length))

    done = subprocess.run(["unzip", "-t", str(path)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "No errors detected" in done.stdout


@given(contents_of_archives, st.data())
def test_any_range_is_that_of_the_whole(contents: dict[str, bytes], data: st.DataObject) -> None:
    layout, files = archive(contents), list(contents.values())
    whole = read(layout, files, 0, layout.length)
    start = data.draw(st.integers(0, layout.length))
    stop = data.draw(st.integers(start, layout.length))

    assert len(whole) == layout.length
    assert read(layout, files, start, stop) == whole[start:stop]


def test_no_segment_is_empty_and_none_is_asked_for_beyond_the_range() -> None:
    layout = archive(FILES)
    start = 30 + len("README.txt")

    assert list(layout.segments(start + 2, start + 5)) == [Extent(0, 2, 3)]
    assert list(layout.segments(5, 5)) == []


def test_a_range_far_behind_begins_at_its_own_file() -> None:
    """Nothing of what comes before it is even counted off: a million files would take a second."""
    layout = Layout([Entry("a", 100, 0, AT)] * 1000)
    position = layout._starts[900]
    (header, extent) = layout.segments(position, position + 131)

    assert header == layout._segments_from(0).__next__()[1]
    assert extent == Extent(900, 0, 100)


@pytest.mark.parametrize(("entries", "wide"), [
    ([Entry("a.dcm", 5 * GB, 7, AT), Entry("b.dcm", 9, 8, AT)], {"a.dcm", "b.dcm"}),
    ([Entry("a.dcm", 3 * GB, 7, AT), Entry("b.dcm", 3 * GB, 8, AT), Entry("c.dcm", 9, 9, AT)], {"c.dcm"}),
    ([Entry("a.dcm", 0xFFFFFFFF, 7, AT)], {"a.dcm"}),
    ([Entry("a.dcm", 0xFFFFFFFE, 7, AT)], set()),
])  # fmt: skip
def test_what_overflows_is_in_zip64_and_nothing_else_is(entries: list[Entry], wide: set[str]) -> None:
    layout = Layout(entries)
    sparse = io.BytesIO(b"".join(layout.segments(layout.directory_offset, layout.length)))

    opened = zipfile.ZipFile(_Behind(sparse, layout.directory_offset))

    assert [(each.filename, each.file_size, each.CRC) for each in opened.infolist()] == [each[:3] for each in entries]
    assert [each.header_offset for each in opened.infolist()] == layout._starts[:-1]
    assert {each.filename for each in opened.infolist() if each.extract_version == 45} == wide
    for entry, start in zip(entries, layout._starts, strict=False):
        assert _size_in_local_header(layout, start) == entry.size


def test_more_entries_than_a_field_holds_are_counted_in_zip64() -> None:
    layout = Layout([Entry(f"{number}", 1, 0, AT) for number in range(65_535)])
    sparse = io.BytesIO(b"".join(layout.segments(layout.directory_offset, layout.length)))

    assert len(zipfile.ZipFile(_Behind(sparse, layout.directory_offset)).infolist()) == 65_535
    assert b"PK\6\6" in sparse.getvalue()


def test_a_time_before_ms_dos_is_its_first_day() -> None:
    layout = Layout([Entry("a", 0, 0, datetime(1979, 5, 5, tzinfo=UTC))])
    opened = zipfile.ZipFile(io.BytesIO(read(layout, [b""], 0, layout.length)))
    assert opened.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)


class _Behind(io.RawIOBase):
    """A file of which only what comes from `offset` on exists; the rest would be gigabytes."""

    def __init__(self, end: io.BytesIO, offset: int) -> None:
        self._end, self._offset, self._size = end, offset, offset + len(end.getvalue())
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        assert self._at >= self._offset
        self._end.seek(self._at - self._offset)
        content = self._end.read(size)
        self._at += len(content)
        return content


def _size_in_local_header(layout: Layout, start: int) -> int:
    header = next(layout.segments(start, layout.length))
    (size,) = struct.unpack_from("<I", header, 22)
    if size < 0xFFFFFFFF:
        return size
    name, extra = struct.unpack_from("<2H", header, 26)
    tag, length, original, stored = struct.unpack_from("<2H2Q", header, 30 + name)
    assert (extra, tag, length, original) == (20, 1, 16, stored)
    return original
