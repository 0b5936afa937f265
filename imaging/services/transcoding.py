"""Pixels in another transfer syntax than they are stored in: decoded in the sandbox, a batch of frames at a time.

Memory holds one batch. What follows Pixel Data in a file (padding, signatures of the stored bytes) is left out of a
transcoded one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from imaging.adapters.renderer import Frame, run
from imaging.dicom.byte_order import swap_words
from imaging.dicom.data_set import encoding_of
from imaging.dicom.elements import read_header as read_element_head
from imaging.dicom.sandbox import Job
from imaging.dicom.transfer_syntaxes import DECODED, EXPLICIT_BIG, EXPLICIT_LITTLE, NATIVE
from imaging.models import Instance
from imaging.services.answers import NotAcceptable, cut
from imaging.services.frame_stream import frame_stream
from imaging.services.frames import FramesUnknown
from imaging.services.originals import DeflatedLayout, iter_inflated, read_deflated_layout, read_header, sealed_file

BATCH_BYTES = 16 * 1024 * 1024  # decoded
BATCH_FRAMES = 64
MAX_FRAME_BYTES = 512 * 1024 * 1024  # decoded
MAX_FILE_BYTES = 2 * 1024**3  # decoded
_MAX_VALUE = 0xFFFFFFFE  # PS3.5 §7.1.1: lengths have 32 bits
_PATIENCE = 60.0  # seconds that an answer on its way waits for a free child
_ELEMENT_HEAD = 12
_FLOATS = {0x7FE00008: "OF", 0x7FE00009: "OD"}
_WORD = {b"OF": 4, b"OD": 8}


@dataclass(frozen=True)
class _Pixels:
    """The element the pixels stand in: tag, VR as in the file, and the bytes of a word in its byte order."""

    tag: int
    vr: bytes
    word: int


def transcoded_frames(
    instance: Instance, numbers: Sequence[int], target: str
) -> tuple[list[int | None], Iterator[bytes]]:
    """The length of each frame in the transfer syntax `target`, None where only encoding tells, and one stream.

    As for `frame_stream`, no piece belongs to two frames; of a frame without length there is one piece and then an
    empty one.

    Raises
    ------
    FrameMissing
    FramesUnknown
    NotAcceptable
    NoCopyReadable
    RenderFailed
    SandboxBusy
        The last three also while streaming.
    """
    stored = instance.transfer_syntax_uid
    if target == stored or (target == EXPLICIT_LITTLE and stored in NATIVE and stored != EXPLICIT_BIG):
        return frame_stream(instance, list(numbers))
    if target == EXPLICIT_LITTLE and stored == EXPLICIT_BIG:
        return little_frames(instance, numbers)
    lengths, _ = frame_stream(instance, list(numbers))  # raises for numbers that are none
    results = _iter_batches(instance, numbers, target)
    if target == EXPLICIT_LITTLE:
        return [decoded_length(instance)] * len(lengths), results
    return [None] * len(lengths), chain.from_iterable(zip(results, repeat(b"")))


def little_frames(instance: Instance, numbers: Sequence[int]) -> tuple[list[int], Iterator[bytes]]:
    """`frame_stream`, with a big-endian file's words turned round; raises as it does."""
    lengths, pieces = frame_stream(instance, list(numbers))
    if instance.transfer_syntax_uid != EXPLICIT_BIG:
        return lengths, pieces
    word = _read_pixel_element(instance, None).word
    if instance.number_of_frames > 1 and (instance.bits_allocated == 1 or any(length % word for length in lengths)):
        raise FramesUnknown  # two frames may share a word
    if any(length % word for length in lengths):
        return lengths, chain.from_iterable(_odd_frame(instance, length, word) for length in lengths)
    return lengths, _swapped(pieces, lengths, word)


def _odd_frame(instance: Instance, length: int, word: int) -> Iterator[bytes]:
    """The only frame, which ends within a word: the byte that pads the value has changed places with its last one."""
    whole = sealed_file(instance).iter_extents([(instance.value_offset, instance.value_length)])
    return cut(_swapped(whole, [instance.value_length], word), (0, length))


def transcoded_file(instance: Instance) -> tuple[int, Iterator[bytes]]:
    """The length and the pieces of the Part 10 file in Explicit VR Little Endian; raises as `transcoded_frames`."""
    layout = read_deflated_layout(instance) if instance.deflated else None
    header = layout.header if layout else read_header(instance)
    length = _value_length(instance)
    pixels = _read_pixel_element(instance, layout) if instance.number_of_frames else None
    head = _file_head(instance, header, pixels, length)
    pieces = _iter_value(instance, layout, pixels, length) if pixels else iter(())
    return len(head) + (length if pixels else 0), chain((head,), pieces)


def decoded_length(instance: Instance) -> int:
    """Bytes of one decoded frame; raises `NotAcceptable` for one that is too large."""
    length = instance.rows * instance.columns * instance.samples_per_pixel * instance.bits_allocated // 8
    if length > MAX_FRAME_BYTES:
        raise NotAcceptable("The frame is too large to be transcoded.")
    return length


def is_decodable(instance: Instance) -> bool:
    """Whether the sandbox reads its transfer syntax."""
    return instance.transfer_syntax_uid in DECODED or instance.transfer_syntax_uid in NATIVE


def _iter_batches(instance: Instance, numbers: Sequence[int], target: str) -> Iterator[bytes]:
    header, size = read_header(instance), decoded_length(instance)
    count = max(1, min(BATCH_FRAMES, BATCH_BYTES // max(1, size)))
    for start in range(0, len(numbers), count):
        batch = numbers[start : start + count]
        patience = _PATIENCE if start else None
        job = Job("frames", instance.transfer_syntax_uid, {"target": target})
        # An incompressible frame grows a little when it is compressed.
        limit = len(batch) * (2 * size + 65536)
        yield from run(job, header, sandbox_frames(instance, batch), limit=limit, patience=patience)


def sandbox_frames(instance: Instance, numbers: Iterable[int]) -> Iterator[Frame]:
    """Frames as the sandbox takes them, little-endian; raises as `frame_stream`."""
    for number in numbers:
        (length,), pieces = little_frames(instance, [number])
        yield Frame(length, pieces)


def _value_length(instance: Instance) -> int:
    """Bytes of the file's Pixel Data in Explicit VR Little Endian, an even number."""
    length = instance.value_length
    if instance.encapsulated:
        if instance.fragments is None:
            raise FramesUnknown
        length = decoded_length(instance) * instance.number_of_frames
    limit = MAX_FILE_BYTES if instance.encapsulated else _MAX_VALUE
    if length > limit:
        raise NotAcceptable("The decoded file is too large to be given.")
    return length + length % 2


def _file_head(instance: Instance, header: bytes, pixels: _Pixels | None, length: int) -> bytes:
    vr = _FLOATS.get(pixels.tag) if pixels else ""
    if pixels and not vr:
        narrow = instance.encapsulated and instance.bits_allocated <= 8
        vr = "OB" if narrow or (pixels.vr == b"OB" and not instance.encapsulated) else "OW"
    arguments = {"pixel_tag": pixels.tag if pixels else 0, "pixel_vr": vr, "length": length}
    frames = sandbox_frames(instance, [1]) if instance.encapsulated else ()
    (head,) = run(
        Job("file_head", instance.transfer_syntax_uid, arguments), header, frames, limit=2 * len(header) + 2**20
    )
    return head


def _iter_value(instance: Instance, layout: DeflatedLayout | None, pixels: _Pixels, length: int) -> Iterator[bytes]:
    """The pixels' value, padded to its even length."""
    if instance.encapsulated:
        yield from _iter_batches(instance, range(1, instance.number_of_frames + 1), EXPLICIT_LITTLE)
        given = decoded_length(instance) * instance.number_of_frames
    else:
        given = instance.value_length
        pieces = _iter_native(instance, layout)
        yield from _swapped(pieces, [given], pixels.word) if instance.transfer_syntax_uid == EXPLICIT_BIG else pieces
    yield bytes(length - given)


def _iter_native(instance: Instance, layout: DeflatedLayout | None) -> Iterator[bytes]:
    if layout:
        return iter_inflated(instance, layout, layout.value_start, instance.value_length)
    return sealed_file(instance).iter_extents([(instance.value_offset, instance.value_length)])


def _read_pixel_element(instance: Instance, layout: DeflatedLayout | None) -> _Pixels:
    if layout:
        head = b"".join(iter_inflated(instance, layout, len(layout.header), _ELEMENT_HEAD))
    else:
        head = sealed_file(instance).read(instance.header_end, _ELEMENT_HEAD)
    tag, vr, _, _ = read_element_head(head, 0, encoding_of(instance.transfer_syntax_uid))
    word = max(_WORD.get(vr, 2 if vr == b"OW" else 1), instance.bits_allocated // 8)
    return _Pixels(tag, vr, word)


def _swapped(pieces: Iterable[bytes], lengths: Sequence[int], word: int) -> Iterator[bytes]:
    """The pieces with the bytes of each word turned round; a piece may end within a word, a frame does not."""
    pieces, rest = iter(pieces), b""
    for length in lengths:
        while length > 0:
            piece = next(pieces, b"")
            if not piece:
                return  # whoever counts the bytes will notice
            length -= len(piece)
            piece = rest + piece
            whole = len(piece) - len(piece) % word if length > 0 else len(piece)
            rest = piece[whole:]
            yield swap_words(piece[:whole], word)
        rest = b""
