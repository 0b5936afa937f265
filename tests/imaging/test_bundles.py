"""A bundle falls apart into the files it was made of; where it is broken, the files before are kept."""

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.dicom.reasons import Refused
from imaging.services.bundles import MAGIC, Bundle
from tests.imaging.incoming import bundle

FILES = {"CT/1.dcm": b"first", "CT/ünï.dcm": b"", "last": b"x" * 5000}


def in_pieces(data: bytes, size: int = 7) -> Iterator[bytes]:
    yield from (data[at : at + size] for at in range(0, len(data), size))


def split(data: bytes) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for file in Bundle(in_pieces(data)):
        try:
            found.append((file.name, b"".join(file.chunks)))
        except Refused as refused:
            found.append((file.name, refused.reason.code))
    return found


def test_a_bundle_falls_apart_into_its_files() -> None:
    assert split(bundle(FILES)) == list(FILES.items())


@given(st.dictionaries(st.text(max_size=20), st.binary(max_size=50), max_size=5), st.integers(1, 64))
def test_any_bundle_in_any_pieces_falls_apart_into_its_files(files: dict[str, bytes], size: int) -> None:
    found = [(file.name, b"".join(file.chunks)) for file in Bundle(in_pieces(bundle(files), size))]
    assert found == list(files.items())


def test_files_that_nobody_reads_are_skipped() -> None:
    assert [file.name for file in Bundle([bundle(FILES)])] == list(FILES)


def test_what_is_no_bundle_is_one_refused_line() -> None:
    assert split(b"PK\x03\x04" * 10) == [("bundle", "BUNDLE_BROKEN")]


def test_a_file_that_ends_too_early_is_named() -> None:
    assert split(bundle(FILES)[:-1]) == [*list(FILES.items())[:2], ("last", "BUNDLE_BROKEN")]


@pytest.mark.parametrize(
    "heading",
    [
        struct.pack(">I", 0xFFFFFFFF) + b"a",
        struct.pack(">I", 2) + b"\xff\xfe" + bytes(8),
        struct.pack(">I", 4) + b"a",
        b"\0\0",
        struct.pack(">I", 1) + b"a" + b"\0\0\0",
    ],
)
def test_a_heading_that_lies_costs_only_what_follows(heading: bytes) -> None:
    assert split(bundle({"a": b"1"}) + heading) == [("a", b"1"), ("bundle", "BUNDLE_BROKEN")]


def test_a_size_that_lies_ends_the_bundle_at_that_file() -> None:
    lying = struct.pack(">I", 1) + b"b" + struct.pack(">Q", 1 << 62) + b"12"
    assert split(bundle({"a": b"1"}) + lying) == [("a", b"1"), ("b", "BUNDLE_BROKEN")]


def test_an_empty_bundle_holds_nothing() -> None:
    assert split(MAGIC) == []
