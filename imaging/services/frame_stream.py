"""The bytes of frames, wherever they lie: in the file, behind an inflation, or between two bytes."""

from collections.abc import Iterator
from itertools import chain

from imaging.models import Instance
from imaging.services.frames import FrameMissing, FramesUnknown, frame_ranges
from imaging.services.originals import DeflatedLayout, iter_inflated, read_deflated_layout, sealed_file


def frame_stream(instance: Instance, numbers: list[int]) -> tuple[list[int], Iterator[bytes]]:
    """The length of each frame in bytes, and one stream of them all in which no piece belongs to two.

    Raises
    ------
    FrameMissing
    FramesUnknown
        The file does not tell its frames apart.
    NoCopyReadable
        Also while streaming.
    """
    if not numbers or not all(1 <= number <= instance.number_of_frames for number in numbers):
        raise FrameMissing
    if instance.encapsulated or (instance.frame_length is not None and not instance.deflated):
        return _stored_frames(instance, numbers)
    if instance.deflated and instance.frame_length is not None:
        return _deflated_frames(instance, numbers)
    if instance.bits_allocated == 1 and not instance.deflated:
        return _bit_frames(instance, numbers)
    raise FramesUnknown


def _stored_frames(instance: Instance, numbers: list[int]) -> tuple[list[int], Iterator[bytes]]:
    frames = [frame_ranges(instance, number) for number in numbers]
    lengths = [sum(length for _, length in extents) for extents in frames]
    return lengths, sealed_file(instance).iter_extents(chain.from_iterable(frames))


def _deflated_frames(instance: Instance, numbers: list[int]) -> tuple[list[int], Iterator[bytes]]:
    layout = read_deflated_layout(instance)
    frames = (_iter_deflated_frame(instance, layout, number) for number in numbers)
    return [instance.frame_length] * len(numbers), chain.from_iterable(frames)


def _iter_deflated_frame(instance: Instance, layout: DeflatedLayout, number: int) -> Iterator[bytes]:
    start = layout.value_start + (number - 1) * instance.frame_length
    return iter_inflated(instance, layout, start, instance.frame_length)


def _bit_frames(instance: Instance, numbers: list[int]) -> tuple[list[int], Iterator[bytes]]:
    """Frames of single bits that do not start at bytes (PS3.5 §8.1.1), each moved to start at one (PS3.18 §10.4)."""
    bits = instance.rows * instance.columns * instance.samples_per_pixel
    return [-(-bits // 8)] * len(numbers), (_read_bits(instance, (number - 1) * bits, bits) for number in numbers)


def _read_bits(instance: Instance, start: int, count: int) -> bytes:
    first, end = start // 8, -(-(start + count) // 8)
    packed = int.from_bytes(sealed_file(instance).read(instance.value_offset + first, end - first), "little")
    return (packed >> start % 8 & (1 << count) - 1).to_bytes(-(-count // 8), "little")
