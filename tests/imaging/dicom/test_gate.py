"""The gate lets sound files through and tells what they are."""

import struct
import zlib

import pytest
from pydicom.uid import UID

from imaging.dicom.gate import Gate, Limits, Refused
from imaging.dicom.transfer_syntaxes import DEFLATED, ENCAPSULATED, EXPLICIT_BIG, IMPLICIT_LITTLE
from tests.imaging.dicom import hostile
from tests.imaging.dicom.hostile import ROOT, element, item, tiny_instance, with_elements


def judge(data, limits=None):
    gate = Gate(limits) if limits else Gate()
    gate.feed(data)
    return gate.finish()


def code_of(data, limits=None):
    with pytest.raises(Refused) as caught:
        judge(data, limits)
    return caught.value.reason.code


def test_a_sound_instance_passes_with_its_identity_and_pixels():
    data = tiny_instance()
    passed = judge(data)
    assert passed.size == len(data)
    assert passed.sop_class_uid == hostile.CT_IMAGE
    assert (passed.study_instance_uid, passed.series_instance_uid) == (f"{ROOT}.1", f"{ROOT}.1.2")
    assert passed.sop_instance_uid == f"{ROOT}.1.2.3"
    pixels = passed.pixels
    assert (pixels.rows, pixels.columns, pixels.number_of_frames, pixels.frame_length) == (16, 16, 1, 512)
    assert data[pixels.value_offset :] == hostile._pixels(16, 16)
    assert data[132 : passed.header_end] == passed.file_meta + passed.header
    assert data[passed.header_end :].startswith(b"\xe0\x7f\x10\0OW")


@pytest.mark.parametrize("uid", [IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED])
def test_every_native_transfer_syntax_passes(uid):
    passed = judge(tiny_instance(transfer_syntax_uid=uid))
    assert passed.transfer_syntax_uid == uid
    assert (passed.pixels.rows, passed.pixels.columns) == (16, 16)
    assert passed.pixels.deflated == (uid == DEFLATED)
    assert (passed.header_end is None) == (uid == DEFLATED)


@pytest.mark.parametrize("uid", sorted(ENCAPSULATED))
def test_every_encapsulated_transfer_syntax_is_a_known_uid_and_passes(uid):
    assert UID(uid).is_encapsulated
    assert judge(hostile.encapsulated_instance([b"abcd"], transfer_syntax_uid=uid)).pixels.encapsulated


def test_an_instance_without_pixels_passes_with_its_whole_data_set_as_header():
    data = hostile.without_pixels()
    passed = judge(data)
    assert passed.pixels is None and passed.header_end is None
    assert data.endswith(passed.header)


def test_file_meta_may_be_silent_about_the_object():
    data = tiny_instance()
    meta = element(2, 0x10, "UI", b"1.2.840.10008.1.2.1\0")
    assert judge(data[:132] + meta + data[hostile._meta_end(data) :]).file_meta == meta


def test_sequences_of_every_form_pass():
    inner = element(0x0040, 0xA160, "UT", b"text")
    defined = element(0x0040, 0xA730, "SQ", item(inner) + item(b""))
    undefined = element(
        0x0040, 0xA731, "SQ", item(inner, 0xFFFFFFFF) + hostile.ITEM_END + hostile.SEQUENCE_END, 0xFFFFFFFF
    )
    implicit = b"\x40\0\x60\xa1\4\0\0\0text"
    unknown = element(0x0041, 0x1001, "UN", item(implicit) + hostile.SEQUENCE_END, 0xFFFFFFFF)
    extra = defined + undefined + unknown
    assert judge(with_elements(extra)).header.endswith(extra)


def test_private_bytes_that_only_look_like_a_sequence_pass():
    judge(with_elements(element(0x0041, 0x1001, "UN", item(b"no element at all", 900) + b"x" * 40)))


def test_an_icon_with_encapsulated_pixels_inside_a_sequence_passes():
    icon = element(0x7FE0, 0x0010, "OB", item(b"") + item(b"abcd") + hostile.SEQUENCE_END, 0xFFFFFFFF)
    judge(with_elements(element(0x0088, 0x0200, "SQ", item(icon))))


def test_elements_out_of_order_pass():
    judge(with_elements(element(0x0010, 0x4000, "LT", b"late")))


def test_what_may_follow_pixel_data_passes():
    judge(tiny_instance() + element(0xFFFC, 0xFFFC, "OB", bytes(1000)) + bytes(333))


def test_an_odd_length_does_not_shift_the_walk():
    judge(with_elements(element(0x0040, 0x0254, "LO", b"odd")))


def test_the_wrong_vr_un_is_read_as_the_right_one():
    data = tiny_instance()
    rows = element(0x28, 0x10, "US", b"\x10\0")
    assert judge(data.replace(rows, element(0x28, 0x10, "UN", b"\x10\0"))).pixels.rows == 16


def test_frames_of_encapsulated_pixels_are_found_by_the_basic_offset_table():
    frames = [b"first frame!", b"second", b"third frame."]
    data = hostile.encapsulated_instance(frames)
    fragments = judge(data).pixels.fragments
    assert [b"".join(data[at : at + length] for at, length in frame) for frame in fragments] == frames


def _in_fragments(*fragments, table=b"", **tags):
    value = item(table) + b"".join(item(fragment) for fragment in fragments)
    data = tiny_instance(pixels=value, transfer_syntax_uid="1.2.840.10008.1.2.4.50", **tags)
    found = judge(data).pixels.fragments
    return found and [b"".join(data[at : at + length] for at, length in frame) for frame in found]


def test_frames_of_several_fragments_are_put_together_by_their_table():
    table = (0).to_bytes(4, "little") + (20).to_bytes(4, "little")
    assert _in_fragments(b"aa", b"bb", b"cc", b"dd", table=table, NumberOfFrames=2) == [b"aabb", b"ccdd"]


def test_frames_are_found_by_the_extended_offset_table():
    table = (0).to_bytes(8, "little") + (30).to_bytes(8, "little")
    sizes = (6).to_bytes(8, "little") + (2).to_bytes(8, "little")
    frames = _in_fragments(
        b"aa",
        b"bb",
        b"cc",
        b"dd",
        NumberOfFrames=2,
        ExtendedOffsetTable=table,
        ExtendedOffsetTableLengths=sizes,
    )
    assert frames == [b"aabbcc", b"dd"]


def test_one_frame_takes_all_fragments():
    assert _in_fragments(b"aa", b"bb", b"cc") == [b"aabbcc"]


def test_without_table_a_fragment_is_a_frame_when_the_counts_match():
    assert _in_fragments(b"aa", b"bb", NumberOfFrames=2) == [b"aa", b"bb"]


def test_frames_that_cannot_be_told_apart_are_not_guessed():
    assert _in_fragments(b"aa", b"bb", b"cc", NumberOfFrames=2) is None


@pytest.mark.parametrize("offsets", [(0, 11), (10, 0), (4, 10), (0, 4000)])
def test_a_table_that_points_beside_the_fragments_is_not_believed(offsets):
    table = b"".join(offset.to_bytes(4, "little") for offset in offsets)
    assert _in_fragments(b"aa", b"bb", b"cc", table=table, NumberOfFrames=2) is None


def test_single_bit_frames_that_do_not_start_at_bytes_have_no_frame_length():
    shape = {"rows": 3, "columns": 5, "BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    assert judge(tiny_instance(pixels=bytes(6), NumberOfFrames=3, **shape)).pixels.frame_length is None
    assert judge(tiny_instance(pixels=bytes(2), **shape)).pixels.frame_length == 2


def test_subsampled_colour_has_two_thirds_of_the_length():
    shape = {
        "SamplesPerPixel": 3,
        "PlanarConfiguration": 0,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
    }
    data = tiny_instance(pixels=bytes(512), PhotometricInterpretation="YBR_FULL_422", **shape)
    assert judge(data).pixels.frame_length == 512
    assert code_of(tiny_instance(pixels=bytes(512), PhotometricInterpretation="RGB", **shape)) == "LENGTH_LIES"


def test_a_little_padding_behind_the_last_frame_passes_but_not_a_frame():
    assert judge(tiny_instance(pixels=bytes(512 + 128))).pixels.frame_length == 512
    assert code_of(tiny_instance(pixels=bytes(1024))) == "LENGTH_LIES"


def test_gzips_trailer_behind_the_deflated_data_passes_only_if_true():
    plain = tiny_instance()
    data_set = plain[hostile._meta_end(plain) :]
    trailer = struct.pack("<II", zlib.crc32(data_set), len(data_set))
    judge(hostile.deflated(plain, trailer=trailer))
    assert code_of(hostile.deflated(plain, trailer=trailer[::-1])) == "TRAILING_DATA"


def test_the_limit_on_the_file_is_the_last_byte_that_passes():
    data = tiny_instance()
    judge(data, Limits(file_bytes=len(data)))
    assert code_of(data, Limits(file_bytes=len(data) - 1)) == "TOO_LARGE"
