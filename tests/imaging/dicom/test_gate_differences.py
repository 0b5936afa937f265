"""What one reader takes for one patient and the next for another does not come in."""

import io
import struct
import tracemalloc
import zlib
from collections.abc import Iterator

import pydicom
import pytest

from imaging.dicom.attributes import read_attributes
from imaging.dicom.gate import Gate, Limits, Refused
from imaging.dicom.inflate import Inflation
from imaging.dicom.part10 import parse_header
from imaging.dicom.sequences import SEQUENCES
from imaging.dicom.transfer_syntaxes import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from tests.imaging.dicom.test_gate import code_of, judge
from tests.imaging.hostile.building import (
    UNDEFINED,
    File,
    base,
    element,
    even,
    item,
    item_end,
    meta,
    native_pixels,
    sequence_end,
    sound,
    with_group_length,
    write,
)

EVIL = element(0x00100020, "LO", b"EVIL")
CONTENT = 0x0040A730
STUDY = 0x0020000D


def patient_of(data: bytes) -> str:
    """As pydicom sees it."""
    return str(pydicom.dcmread(io.BytesIO(data)).PatientID)


def in_open_item(inner: bytes, syntax: str = EXPLICIT_LITTLE) -> bytes:
    return item(inner, UNDEFINED, syntax) + item_end(syntax) + sequence_end(syntax)


def looking_explicit() -> bytes:
    """Implicit VR whose first element has a length that reads as a VR, and another patient in its value."""
    length = int.from_bytes(b"SH\2\0", "little")
    value = b"AB" + write(base()) + EVIL
    first = struct.pack("<HHI", 8, 0, length) + value.ljust(length, b"\0")
    header = first + write(base(IMPLICIT_LITTLE), IMPLICIT_LITTLE)
    return bytes(File(IMPLICIT_LITTLE, header=header, pixels=native_pixels(syntax=IMPLICIT_LITTLE)))


def test_implicit_vr_that_looks_explicit_is_refused() -> None:
    assert patient_of(looking_explicit()) != "P1"
    assert code_of(looking_explicit()) == "BAD_VR"


def test_a_first_length_of_small_letters_is_a_length() -> None:
    length = int.from_bytes(b"sh\0\0", "little")
    first = struct.pack("<HHI", 8, 1, length) + bytes(length)
    header = first + write(base(IMPLICIT_LITTLE), IMPLICIT_LITTLE)
    judge(bytes(File(IMPLICIT_LITTLE, header=header, pixels=native_pixels(syntax=IMPLICIT_LITTLE))))


def unknown_looking_explicit() -> bytes:
    length = int.from_bytes(b"SH", "little")
    hidden = (item_end() + sequence_end() + EVIL + element(0x00411001, "OB", b"", length=length - 60)).ljust(
        length, b"\0"
    )
    inner = struct.pack("<HHI", 0x0041, 0x1001, length) + hidden
    return bytes(sound(extra=element(CONTENT, "UN", in_open_item(inner), length=UNDEFINED)))


def test_unknown_content_that_looks_explicit_is_refused() -> None:
    assert patient_of(unknown_looking_explicit()) == "EVIL"
    assert code_of(unknown_looking_explicit()) == "BAD_VR"


def test_unknown_content_of_implicit_vr_passes() -> None:
    inner = element(0x00080100, "SH", b"code", IMPLICIT_LITTLE)
    judge(bytes(sound(extra=element(CONTENT, "UN", in_open_item(inner), length=UNDEFINED))))


def searched(tag: int) -> bytes:
    """An item whose value holds a sequence's end, in an element of undefined length."""
    hidden = sequence_end() + element(0x00100020, "LO", b"EVIL", IMPLICIT_LITTLE)
    inner = element(0x00411001, "LT", hidden, IMPLICIT_LITTLE)
    value = element(tag, "SQ", in_open_item(inner), IMPLICIT_LITTLE, UNDEFINED)
    return bytes(sound(IMPLICIT_LITTLE, extra=value))


def test_an_end_within_what_is_no_sequence_to_others_is_refused() -> None:
    assert patient_of(searched(0x00102160)) == "EVIL"
    assert code_of(searched(0x00102160)) == "LENGTH_LIES"


@pytest.mark.parametrize("tag", [CONTENT, 0x00411010])
def test_an_end_within_a_value_of_a_sequence_passes(tag: int) -> None:
    judge(searched(tag))


def test_what_is_no_sequence_to_others_may_be_one_without_such_an_end() -> None:
    inner = element(0x00411001, "LT", b"text", IMPLICIT_LITTLE)
    judge(
        bytes(sound(IMPLICIT_LITTLE, extra=element(0x00102160, "SQ", in_open_item(inner), IMPLICIT_LITTLE, UNDEFINED)))
    )


def test_unknown_content_of_undefined_length_in_big_endian_is_refused() -> None:
    extra = element(0x00411010, "UN", in_open_item(b""), EXPLICIT_BIG, UNDEFINED)
    assert code_of(bytes(sound(EXPLICIT_BIG, extra=extra))) == "LENGTH_LIES"


@pytest.mark.parametrize("value", [b"abcd", b"no items here", sequence_end()])
def test_a_known_sequence_without_items_is_refused(value: bytes) -> None:
    assert code_of(bytes(sound(IMPLICIT_LITTLE, extra=element(CONTENT, "SQ", value, IMPLICIT_LITTLE)))) == "LENGTH_LIES"


def test_a_known_sequence_that_is_empty_passes() -> None:
    judge(bytes(sound(IMPLICIT_LITTLE, extra=element(CONTENT, "SQ", b"", IMPLICIT_LITTLE))))


def test_the_known_sequences_are_those_of_pydicoms_dictionary() -> None:
    known = {tag for tag, entry in pydicom._dicom_dict.DicomDictionary.items() if entry[0] == "SQ"}
    assert {tag for tag in known if tag >> 16 >= 8} == SEQUENCES


@pytest.mark.parametrize("tag", [0x00000000, 0x00020010, 0x00040001, 0xFFFF0000])
@pytest.mark.parametrize("vr", ["\0\0", "UL"])
def test_a_group_that_belongs_elsewhere_is_refused_in_an_item(tag: int, vr: str) -> None:
    inner = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode() + bytes(2)
    code = code_of(bytes(sound(extra=element(CONTENT, "SQ", item(inner)))))
    assert code in ("BAD_TAG", "BAD_VR")


def test_an_items_end_with_a_vr_is_refused() -> None:
    end = item_end()[:4] + b"UL\0\0"
    extra = element(CONTENT, "SQ", item(b"", UNDEFINED) + end + sequence_end(), length=UNDEFINED)
    assert code_of(bytes(sound(extra=extra))) == "BAD_TAG"


@pytest.mark.parametrize("value", [b" 1.2.3", b"\x001.2.3", b"\0 1.2.3", b"1.2\0.3", b"1.2 .3"])
def test_padding_in_front_of_or_inside_a_uid_is_refused(value: bytes) -> None:
    assert code_of(bytes(sound(EXPLICIT_LITTLE, (STUDY, "UI", value)))) == "INVALID_UID"


@pytest.mark.parametrize("value", [b"1.2.3\0", b"1.2.3 ", b"1.2.3\0\0\0", b"1.2.3 \0"])
def test_padding_behind_a_uid_passes(value: bytes) -> None:
    assert judge(bytes(sound(EXPLICIT_LITTLE, (STUDY, "UI", value)))).study_instance_uid == "1.2.3"


@pytest.mark.parametrize("vr", ["LO", "UN", "OB"])
def test_a_uid_of_file_meta_has_vr_ui(vr: str) -> None:
    group = with_group_length(element(0x00020010, vr, even(EXPLICIT_LITTLE, b"\0")))
    assert code_of(bytes(sound().but(meta=group))) == "BAD_VR"


@pytest.mark.parametrize("length", [0, 2, 8])
def test_a_group_length_has_four_bytes(length: int) -> None:
    rest = meta(EXPLICIT_LITTLE)[12:]
    group = element(0x00020000, "UL", len(rest).to_bytes(8, "little")[:length]) + rest
    assert code_of(bytes(sound().but(meta=group))) == "LENGTH_LIES"


@pytest.mark.parametrize(
    "start", [b"<img src=x>", b"<!-- -->", b"@echo off", b"BZh9", b"\xfd7zXZ\0", b"regf", b"x" * 60 + b"%PDF-1.4"]
)
def test_more_of_what_acts_is_refused_in_the_preamble(start: bytes) -> None:
    assert code_of(bytes(sound().but(preamble=start))) == "ACTIVE_PREAMBLE"


def test_markup_around_nul_is_seen_with_and_without_them() -> None:
    for start in (b"x<scr\0ipt>", b"x%P\0DF-1.4", b"x<\0svg"):
        assert code_of(bytes(sound().but(preamble=start))) == "ACTIVE_PREAMBLE"


def bomb() -> bytes:
    """Much from little at first, and then as much as there is of what does not grow."""
    stream = zlib.compressobj(9, wbits=-15)
    noise = b"".join(zlib.crc32(bytes([number % 256, number >> 8])).to_bytes(4, "little") for number in range(1 << 15))
    head = sound().header + element(0x00420011, "OB", b"", length=(8 << 20) + len(noise))
    data = stream.compress(head + bytes(8 << 20)) + stream.compress(noise + native_pixels()) + stream.flush()
    return bytes(sound(DEFLATED).but(header=b"", pixels=b""))[:-2] + data


@pytest.mark.parametrize("size", [1, 1000, 30_000, 1 << 20])
def test_a_bomb_is_one_in_whatever_pieces_it_comes(size: int) -> None:
    data, gate = bomb(), Gate()
    with pytest.raises(Refused) as caught:
        for at in range(0, len(data), size):
            gate.feed(data[at : at + size])
        gate.finish()
    assert caught.value.reason.code == "DEFLATE_BOMB"


def test_the_ratio_is_judged_by_what_was_used_not_by_what_has_arrived() -> None:
    data = zlib.compress(bytes(6 << 20), 9, wbits=-15)
    with pytest.raises(Refused, match="BOMB"):
        list(Inflation(Limits(inflate_allowance=1 << 20)).pieces(data + bytes(1 << 20)))


def test_elements_picked_from_a_header_are_as_in_the_whole_of_it() -> None:
    requests = element(0x00400275, "SQ", in_open_item(element(0x00400009, "SH", b"STEP")), length=UNDEFINED)
    passed = judge(bytes(sound(extra=requests + element(CONTENT, "SQ", item(EVIL)))))

    picked = parse_header(passed.header, passed.transfer_syntax_uid, only=[0x00100020, 0x00400275])

    whole = parse_header(passed.header, passed.transfer_syntax_uid)
    assert [element.tag for element in picked] == [0x00080005, 0x00100020, 0x00400275]
    assert all(picked[tag] == whole[tag] for tag in (0x00100020, 0x00400275))


def test_what_is_long_is_not_kept_beside_the_header() -> None:
    passed = judge(bytes(sound(IMPLICIT_LITTLE, (0x00100010, "PN", b"D" * (1 << 19)))))

    assert passed.indexed[0x00100010] is None
    assert passed.indexed[0x00100020] == (b"", b"P1")
    assert read_attributes(passed).patient_name == "D" * 1024


@pytest.mark.parametrize("left", range(1, 8))
@pytest.mark.parametrize("tag", [CONTENT, 0x00411010])
def test_bytes_left_over_in_a_sequence_are_judged_without_what_follows(left: int, tag: int) -> None:
    """A public sequence with them is damaged; a private one is opaque, and the header alone says the same."""
    extra = element(tag, "SQ", item(b"") + bytes(left), IMPLICIT_LITTLE)
    for pixels in (None, native_pixels(b"\xff" * 32, IMPLICIT_LITTLE)):
        data = bytes(sound(IMPLICIT_LITTLE, extra=extra, pixels=pixels))
        if tag == CONTENT:
            assert code_of(data) == "LENGTH_LIES"
        else:
            assert parse_header(judge(data).header, IMPLICIT_LITTLE, only=[0x00100020]).PatientID == "P1"
    data = bytes(sound(IMPLICIT_LITTLE, extra=extra, pixels=b""))
    assert tag != CONTENT or code_of(data) == "LENGTH_LIES"


@pytest.mark.parametrize("vr", ["SS", "FD", "UV", "OB", "SQ", "UN"])
def test_a_character_set_of_any_vr_costs_only_itself(vr: str) -> None:
    file = sound(EXPLICIT_LITTLE, (0x00080005, vr, b"ISO_IR 192"))
    try:
        passed = judge(bytes(file))
    except Refused:
        return
    assert parse_header(passed.header, passed.transfer_syntax_uid, only=[0x00100020]).PatientID == "P1"


def large_file(size: int) -> Iterator[bytes]:
    """A sound file with a header of `size` bytes, in pieces."""
    file = sound(extra=b"")
    yield bytes(file.but(pixels=b"")) + element(0x00420011, "OB", b"", length=size)
    yield from (bytes(1 << 16) for _ in range(size >> 16))
    yield file.pixels


def test_the_largest_header_is_held_twice_at_most() -> None:
    size, gate = 60 << 20, Gate()
    tracemalloc.start()
    for piece in large_file(size):
        gate.feed(piece)
    gate.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.3 * size
