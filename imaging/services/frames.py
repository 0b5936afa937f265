"""Where each frame of an instance lies in its Part 10 file.

`Instance.fragments`, little-endian: the number of frames (u32), per frame its number of fragments (u32), then
every fragment's offset (u64), then every fragment's length (u32; PS3.5 §A.4 allows no more).
"""

from struct import Struct, calcsize, pack, unpack_from

from imaging.dicom.fragments import Frames
from imaging.models import Instance

_COUNT = Struct("<I")


class FrameMissing(LookupError):
    """The instance has no frame of that number."""


class FramesUnknown(Exception):
    """The frames cannot be found by their place in the file: it is deflated, or does not tell them apart."""


def pack_fragments(frames: Frames) -> bytes:
    """The gate's fragments, per frame its (offset, length) pairs, as kept in `Instance.fragments`."""
    counts = [len(frame) for frame in frames]
    offsets = [offset for frame in frames for offset, _ in frame]
    lengths = [length for frame in frames for _, length in frame]
    layout = f"<I{len(counts)}I{len(offsets)}Q{len(lengths)}I"
    return pack(layout, len(counts), *counts, *offsets, *lengths)


def unpack_fragments(packed: bytes) -> Frames:
    """What `pack_fragments` was given."""
    (count,) = _COUNT.unpack_from(packed)
    return tuple(tuple(_unpack_frame(packed, number)) for number in range(1, count + 1))


def frame_ranges(instance: Instance, number: int) -> list[tuple[int, int]]:
    """The (offset, length) of each piece of frame `number`, counted from 1, in bytes of the Part 10 file.

    Raises
    ------
    FrameMissing
    FramesUnknown
    """
    if not 1 <= number <= instance.number_of_frames:
        raise FrameMissing
    if instance.deflated:
        raise FramesUnknown
    if instance.encapsulated:
        return _encapsulated_frame(instance, number)
    if instance.frame_length is None or instance.value_offset is None:
        raise FramesUnknown
    return [(instance.value_offset + (number - 1) * instance.frame_length, instance.frame_length)]


def _encapsulated_frame(instance: Instance, number: int) -> list[tuple[int, int]]:
    if instance.fragments is None:
        raise FramesUnknown
    return _unpack_frame(bytes(instance.fragments), number)


def _unpack_frame(packed: bytes, number: int) -> list[tuple[int, int]]:
    (frames,) = _COUNT.unpack_from(packed)
    counts = unpack_from(f"<{frames}I", packed, _COUNT.size)
    total, before, own = sum(counts), sum(counts[: number - 1]), counts[number - 1]
    offsets_at = _COUNT.size * (1 + frames)
    lengths_at = offsets_at + calcsize("<Q") * total
    offsets = unpack_from(f"<{own}Q", packed, offsets_at + calcsize("<Q") * before)
    lengths = unpack_from(f"<{own}I", packed, lengths_at + _COUNT.size * before)
    return list(zip(offsets, lengths, strict=True))
