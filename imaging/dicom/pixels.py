"""The Pixel Data element: where its frames lie, judged against what the header promised."""

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass

from imaging.dicom.elements import PIXEL_DATA, UNDEFINED, Encoding, name_tag, read_header
from imaging.dicom.fragments import Frames, group_by_frame, read_fragments
from imaging.dicom.image import Image
from imaging.dicom.limits import Limits
from imaging.dicom.reasons import BAD_VR, LENGTH_LIES, PIXEL_DIMENSIONS, TRUNCATED, Refused
from imaging.dicom.transfer_syntaxes import DEFLATED, ENCAPSULATED
from imaging.dicom.window import Window

_LONGEST_HEADER = 12
_VRS = {0x7FE00008: (b"OF", b""), 0x7FE00009: (b"OD", b""), PIXEL_DATA: (b"OB", b"OW", b"UN", b"")}
_FLOAT_BITS = {0x7FE00008: 32, 0x7FE00009: 64}


@dataclass(frozen=True)
class Pixels:
    """Shape and place of the pixel data; offsets count in the file, lengths in bytes.

    Native: `value_offset` and `frame_length`, the latter None when frames of single bits do not start at
    bytes.
    Encapsulated: `fragments`, per frame the (offset, length) of each of its fragments, or None when the file
    does not tell which fragments belong together. Deflated: no offsets, as there are none in the file.
    """

    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    number_of_frames: int
    photometric_interpretation: str
    encapsulated: bool
    deflated: bool
    value_offset: int | None
    value_length: int
    frame_length: int | None
    fragments: Frames | None


@dataclass(frozen=True)
class PixelContext:
    """What the header told that the pixels are judged by."""

    image: Image
    transfer_syntax_uid: str
    encoding: Encoding
    extended_offsets: Sequence[int]
    limits: Limits


def read_pixels(window: Window, context: PixelContext) -> Generator[None, None, Pixels]:
    """Consume the Pixel Data element at the start of `window`, keeping none of it; raises Refused."""
    tag, length = yield from _read_element_header(window, context)
    if context.transfer_syntax_uid in ENCAPSULATED:
        return (yield from _read_encapsulated(window, context, length))
    return (yield from _read_native(window, context, tag, length))


def _read_element_header(window: Window, context: PixelContext) -> Generator[None, None, tuple[int, int]]:
    while len(window.data) < _LONGEST_HEADER and not window.ended:
        yield
    if len(window.data) < 8:
        raise Refused(TRUNCATED, name_tag(PIXEL_DATA))
    tag, vr, length, start = read_header(window.data, 0, context.encoding)
    if vr not in _VRS[tag]:
        raise Refused(BAD_VR, name_tag(tag))
    if _FLOAT_BITS.get(tag, context.image.bits_allocated) != context.image.bits_allocated:
        raise Refused(PIXEL_DIMENSIONS, f"{name_tag(tag)} of {context.image.bits_allocated} bits")
    window.cut(start)
    return tag, length


def _read_encapsulated(window: Window, context: PixelContext, length: int) -> Generator[None, None, Pixels]:
    if length != UNDEFINED:
        raise Refused(LENGTH_LIES, "encapsulated Pixel Data of defined length")
    start = window.start
    found = yield from read_fragments(window, context.limits)
    if not found.offsets:
        raise Refused(LENGTH_LIES, "no fragment")
    return Pixels(
        **asdict(context.image),
        encapsulated=True,
        deflated=False,
        value_offset=None,
        value_length=found.end - start,
        frame_length=None,
        fragments=group_by_frame(found, context.image.number_of_frames, context.extended_offsets),
    )


def _read_native(
    window: Window, context: PixelContext, tag: int, length: int
) -> Generator[None, None, Pixels]:
    if length == UNDEFINED:
        raise Refused(LENGTH_LIES, f"{name_tag(tag)} of undefined length")
    frame_bits = _frame_bits(context, length)
    deflated = context.transfer_syntax_uid == DEFLATED
    start = window.start
    yield from window.skip(length)
    return Pixels(
        **asdict(context.image),
        encapsulated=False,
        deflated=deflated,
        value_offset=None if deflated else start,
        value_length=length,
        frame_length=_frame_length(frame_bits, context.image.number_of_frames),
        fragments=None,
    )


def _frame_bits(context: PixelContext, length: int) -> int:
    """Bits of a frame in a value of `length`; raises Refused(LENGTH_LIES) unless the frames fill the value.

    One byte may pad to even length (PS3.5 §8.1.1). Up to `Limits.pixel_padding` is tolerated too, as
    there are devices that pad, but never a whole frame: then it would be the number of frames that lies.
    """
    image = context.image
    for bits in (image.frame_bits, image.subsampled_frame_bits):
        if bits is None:
            continue
        spare = length - -(-bits * image.number_of_frames // 8)
        if 0 <= spare <= max(1, min(context.limits.pixel_padding, bits // 8 - 1)):
            return bits
    expected = -(-image.frame_bits * image.number_of_frames // 8)
    raise Refused(LENGTH_LIES, f"{name_tag(PIXEL_DATA)} has {length} bytes instead of {expected}")


def _frame_length(frame_bits: int, count: int) -> int | None:
    if frame_bits % 8 and count > 1:
        return None
    return -(-frame_bits // 8)
