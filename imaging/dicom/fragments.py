"""Encapsulated Pixel Data: the fragments, and which of them make up a frame (PS3.5 §A.4)."""

from array import array
from collections.abc import Generator, Sequence
from itertools import pairwise
from struct import Struct

from imaging.dicom.elements import ITEM, SEQUENCE_END, UNDEFINED, name_tag
from imaging.dicom.limits import Limits
from imaging.dicom.reasons import LENGTH_LIES, TOO_MANY_ELEMENTS, Refused
from imaging.dicom.window import Window

Extent = tuple[int, int]  # (offset in the file, length)
Frames = tuple[tuple[Extent, ...], ...]
_item_header = Struct("<HHI").unpack
_HEADER = 8


class Fragments:
    """The fragments of one Pixel Data element, as they went by.

    `offsets` and `lengths` are theirs in the file; `basic_offsets` is the Basic Offset Table, whose numbers
    count from `origin`, the first fragment's item tag. `end` is where the element ends.
    """

    def __init__(self) -> None:
        self.offsets = array("Q")
        self.lengths = array("Q")
        self.basic_offsets: Sequence[int] = ()
        self.origin = 0
        self.end = 0


def read_fragments(window: Window, limits: Limits) -> Generator[None, None, Fragments]:
    """Consume the items behind an encapsulated Pixel Data header; raises Refused."""
    found = Fragments()
    length = yield from _read_item(window)
    if length is None or length % 4 or length > 4 * limits.frames:
        raise Refused(LENGTH_LIES, "Basic Offset Table")
    found.basic_offsets = numbers((yield from window.take(length)), 4)
    found.origin = window.start
    while (length := (yield from _read_item(window))) is not None:
        _note(found, window.start, length, limits)
        yield from window.skip(length)
    found.end = window.start
    return found


def _read_item(window: Window) -> Generator[None, None, int | None]:
    """Length of the next item, or None at the sequence's end."""
    group, element, length = _item_header((yield from window.take(_HEADER)))
    tag = (group << 16) | element
    if tag == SEQUENCE_END and not length:
        return None
    if tag != ITEM or length == UNDEFINED:
        raise Refused(LENGTH_LIES, f"{name_tag(tag)} in place of a fragment")
    return length


def _note(found: Fragments, offset: int, length: int, limits: Limits) -> None:
    if len(found.offsets) >= limits.fragments:
        raise Refused(TOO_MANY_ELEMENTS, f"more than {limits.fragments} fragments")
    found.offsets.append(offset)
    found.lengths.append(length)


def numbers(table: bytes, size: int) -> Sequence[int]:
    """Little-endian numbers of `size` (4 or 8) bytes; what is left over at the end is ignored."""
    count = len(table) // size
    return Struct(f"<{count}{'I' if size == 4 else 'Q'}").unpack_from(table)


def group_by_frame(found: Fragments, count: int, extended_offsets: Sequence[int]) -> Frames | None:
    """Which fragments make up each of `count` frames.

    By the Basic Offset Table, else by the Extended Offset Table, as far as every offset in it is the start of
    a fragment; else all fragments are the only frame, or there is one to a frame. None when nothing of this
    holds: then frames cannot be told apart without decoding.
    """
    for offsets in (found.basic_offsets, extended_offsets):
        if len(offsets) == count and (frames := _group_by_offsets(found, offsets)):
            return frames
    extents = tuple(zip(found.offsets, found.lengths, strict=True))
    if count == 1 and extents:
        return (extents,)
    if count == len(extents):
        return tuple((extent,) for extent in extents)
    return None


def _group_by_offsets(found: Fragments, offsets: Sequence[int]) -> Frames | None:
    place = {offset - _HEADER - found.origin: index for index, offset in enumerate(found.offsets)}
    starts = [place.get(offset, -1) for offset in offsets]
    ascending = all(first < second for first, second in pairwise(starts))
    if not starts or starts[0] != 0 or not ascending:
        return None
    ends = [*starts[1:], len(found.offsets)]
    extents = tuple(zip(found.offsets, found.lengths, strict=True))
    return tuple(extents[start:end] for start, end in zip(starts, ends, strict=True))
