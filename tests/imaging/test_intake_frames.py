"""Frames are found by their place in the file."""

import pytest

from imaging.dicom.transfer_syntaxes import DEFLATED
from imaging.models import Instance
from imaging.services.frames import (
    FrameMissing,
    FramesUnknown,
    frame_ranges,
    pack_fragments,
    unpack_fragments,
)
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom import hostile
from tests.imaging.dicom.hostile import tiny_instance
from tests.imaging.incoming import take_in

FRAMES = [b"first frame!", b"second", b"third frame."]


@pytest.fixture
def indexed(northside: Tenant, bob: User):
    def index(data: bytes) -> Instance:
        (receipt,) = take_in(actor(bob), northside, {"a": data})
        assert receipt.outcome == "stored", receipt
        with tenant_scope(northside.id):
            return Instance.objects.get()

    return index


def cut(data: bytes, ranges: list[tuple[int, int]]) -> bytes:
    return b"".join(data[offset : offset + length] for offset, length in ranges)


def test_fragments_come_out_as_they_went_in() -> None:
    frames = (((8, 4), (20, 1 << 31)), (), ((1 << 40, 0),))
    assert unpack_fragments(pack_fragments(frames)) == frames


def test_native_frames_lie_one_after_the_other(indexed) -> None:
    pixels = bytes(range(256)) * 6
    data = tiny_instance(NumberOfFrames=3, pixels=pixels)
    row = indexed(data)
    assert [cut(data, frame_ranges(row, number)) for number in (1, 2, 3)] == [
        pixels[:512], pixels[512:1024], pixels[1024:],
    ]  # fmt: skip


def test_encapsulated_frames_are_put_together_from_their_fragments(indexed) -> None:
    data = hostile.encapsulated_instance(FRAMES)
    row = indexed(data)
    assert [cut(data, frame_ranges(row, number)) for number in (1, 2, 3)] == FRAMES


@pytest.mark.parametrize("number", [0, -1, 2])
def test_a_frame_that_is_not_there_is_missing(indexed, number: int) -> None:
    with pytest.raises(FrameMissing):
        frame_ranges(indexed(tiny_instance()), number)


def test_an_instance_without_pixels_has_no_frame(indexed) -> None:
    with pytest.raises(FrameMissing):
        frame_ranges(indexed(hostile.without_pixels()), 1)


def test_frames_of_a_deflated_file_are_nowhere_in_it(indexed) -> None:
    with pytest.raises(FramesUnknown):
        frame_ranges(indexed(tiny_instance(transfer_syntax_uid=DEFLATED)), 1)


def test_frames_that_cannot_be_told_apart_are_unknown(indexed) -> None:
    data = hostile.encapsulated_instance(FRAMES, has_bot=False, NumberOfFrames=2)
    with pytest.raises(FramesUnknown):
        frame_ranges(indexed(data), 1)


def test_single_bit_frames_that_begin_inside_a_byte_are_unknown(indexed) -> None:
    shape = {"rows": 3, "columns": 5, "BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    with pytest.raises(FramesUnknown):
        frame_ranges(indexed(tiny_instance(pixels=bytes(6), NumberOfFrames=3, **shape)), 1)
