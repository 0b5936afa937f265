"""A video as one stream: the fragments of its Pixel Data, joined, however many frames the data set counts.

A fragment of a video is no frame (PS3.5 §8.2.5 to §8.2.12), so the index of frames does not tell where it lies: the
items are walked in the file, a few bytes each.
"""

from collections.abc import Iterator
from struct import Struct

from imaging.dicom.elements import ITEM
from imaging.models import Instance
from imaging.services.frames import FramesUnknown
from imaging.services.originals import sealed_file

Extent = tuple[int, int]  # (offset in the file, length)
MOST_FRAGMENTS = 4096
_ELEMENT_HEAD = 12  # Pixel Data in Explicit VR, of undefined length (PS3.5 §7.1.2)
_item = Struct("<HHI")


def video_extents(instance: Instance) -> list[Extent]:
    """Where the stream's bytes lie in the Part 10 file, in order.

    Raises
    ------
    FramesUnknown
        There are more fragments than a video has.
    NoCopyReadable
    Truncated
    """
    file, found = sealed_file(instance), []
    position = instance.header_end + _ELEMENT_HEAD
    for number in range(MOST_FRAGMENTS + 2):
        group, element, length = _item.unpack(file.read(position, _item.size))
        position += _item.size
        if (group << 16 | element) != ITEM:
            return found
        if number:  # the first is the Basic Offset Table
            found.append((position, length))
        position += length
    raise FramesUnknown


def iter_video(instance: Instance, extents: list[Extent], wanted: Extent) -> Iterator[bytes]:
    """The bytes [start, start + length) of the stream."""
    return sealed_file(instance).iter_extents(list(_within(extents, *wanted)))


def _within(extents: list[Extent], start: int, length: int) -> Iterator[Extent]:
    end, before = start + length, 0
    for offset, size in extents:
        first, last = max(start, before), min(end, before + size)
        if first < last:
            yield offset + first - before, last - first
        before += size
