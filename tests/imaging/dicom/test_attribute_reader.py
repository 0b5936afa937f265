"""A reader that remembers what it read of other files reads the same of the next as one that does not."""

from pathlib import Path

import pytest
from pydicom.data import get_testdata_files

from imaging.dicom import attributes
from imaging.dicom.attributes import AttributeReader, read_attributes
from imaging.dicom.data_set import INDEXED
from imaging.dicom.gate import Refused
from tests.imaging.dicom.hostile import element, tiny_instance
from tests.imaging.dicom.test_gate import judge

_NUMBER, _NAME = (0x0020, 0x0013, "IS"), (0x0010, 0x0010, "PN")


def with_value(place: tuple[int, int, str], value: bytes, file: bytes | None = None) -> bytes:
    """A file in which an element that it has holds another value."""
    file = file or tiny_instance()
    start = file.index(element(*place, b"")[:6])
    length = int.from_bytes(file[start + 6 : start + 8], "little")
    return file[:start] + element(*place, value) + file[start + 8 + length :]


def test_the_gate_keeps_the_elements_that_the_index_is_made_of() -> None:
    assert {int(tag) for tag in attributes._TAGS} == INDEXED


def test_real_files_in_a_row_read_the_same_the_second_time_too() -> None:
    reader, compared = AttributeReader(), 0
    for path in filter(Path.is_file, map(Path, get_testdata_files())):
        try:
            passed = judge(path.read_bytes())
        except Refused:
            continue
        compared += 1
        assert [reader.read(passed), reader.read(passed)] == [read_attributes(passed)] * 2, path.name

    assert compared > 80


@pytest.mark.parametrize("number", [b"1 ", b"007 ", b"-3", b"+4", b" 12 ", b"9999999999", b"1\\2 ", b"one ", b""])
def test_it_takes_the_instance_number_of_the_next_slice(number: bytes) -> None:
    reader = AttributeReader()
    reader.read(judge(with_value(_NUMBER, b"5 ")))
    passed = judge(with_value(_NUMBER, number))

    assert reader.read(passed) == read_attributes(passed)


def test_it_tells_apart_names_that_differ_only_in_their_character_set() -> None:
    files = [tiny_instance(SpecificCharacterSet=name) for name in ("ISO_IR 100", "ISO_IR 144")]
    reader = AttributeReader()

    names = [reader.read(judge(with_value(_NAME, b"\xcc^J", file))).patient_name for file in files]

    assert names == ["Ì^J", "Ь^J"]
