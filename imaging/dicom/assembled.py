"""Files made of metadata and bulk data that came apart (PS3.18 §8.7.3, §10.5.1).

What is written is Explicit VR Little Endian; compressed frames get a fragment each, so that no offset table is needed.
Whether the result is sound is for the gate to say, which reads it like any file.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from imaging.dicom.from_dicom_json import (
    AVAILABLE_TRANSFER_SYNTAX,
    CHARACTER_SET,
    PIXEL_TAGS,
    Element,
    element_head,
    element_value,
    encode_elements,
    top_elements,
)
from imaging.dicom.image import TAGS as IMAGE_TAGS
from imaging.dicom.image import Image, read_image
from imaging.dicom.json_values import BAD_METADATA
from imaging.dicom.limits import Limits
from imaging.dicom.multipart import MalformedMultipart, parse_content_type
from imaging.dicom.reasons import INVALID_UID, LENGTH_LIES, MISSING_UID, TOO_LARGE, UNKNOWN_TRANSFER_SYNTAX, Refused
from imaging.dicom.transfer_syntaxes import ENCAPSULATED, EXPLICIT_LITTLE, IMPLICIT_LITTLE, RLE, VIDEO
from imaging.dicom.uid import InvalidUID, validate_uid

OTHER_LENGTH = LENGTH_LIES.saying("The bulk data of the pixels have another length than they should.")
OTHER_COUNT = LENGTH_LIES.saying("There are fewer or more parts than frames, or they came apart.")
EMPTY_TABLE, SEQUENCE_END = b"\xfe\xff\x00\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"
_SOP_CLASS, _SOP_INSTANCE = 0x00080016, 0x00080018
_OFFSET_TABLES = (0x7FE00001, 0x7FE00002)  # of the file the frames came from
_PIXEL_VRS = {0x7FE00008: ("OF",), 0x7FE00009: ("OD",), 0x7FE00010: ("OB", "OW")}
_UNDEFINED, _LONGEST_VALUE = 0xFFFFFFFF, 0xFFFFFFFE
_LIMITS = Limits()
_STEM = "1.2.840.10008.1.2.4."
# PS3.18 Tables 8.7.3-2, 8.7.3-4 and 8.7.3-5: what a media type may hold, its default first.
_SYNTAXES = {
    "application/octet-stream": (EXPLICIT_LITTLE,),
    "image/dicom-rle": (RLE,),
    "image/jpeg": tuple(_STEM + last for last in ("70", "50", "51", "53", "55", "57")),
    "image/jls": (f"{_STEM}80", f"{_STEM}81"),
    "image/jp2": (f"{_STEM}90", f"{_STEM}91"),
    "image/jpx": (f"{_STEM}92", f"{_STEM}93"),
    "image/jphc": tuple(_STEM + last for last in ("201", "202", "203")),
    "video/mpeg": tuple(_STEM + last for last in ("100", "100.1", "101", "101.1")),
    "video/mp4": tuple(
        _STEM + last for last in ("102", "102.1", "103", "103.1", "104", "104.1", "105", "105.1", "106", "106.1",
                                  "107", "108")
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Assembled:
    """All of an instance but its pixels: the data set before them and behind them, and what tells of them.

    `pixels` is their element, at `pixel_tag`, None where there are none. `available` is the transfer syntax that the
    metadata name, '' where they name none.
    """

    sop_class_uid: str
    sop_instance_uid: str
    header: bytes
    tail: bytes
    pixel_tag: int
    pixels: Element | None
    image: Image | None
    available: str


def assemble(instance: object, bulk: Mapping[str, bytes]) -> Assembled:
    """Encode an instance of DICOM JSON with the bulk data it names, but for its pixels.

    Raises Refused: BAD_METADATA, MISSING_BULK_DATA, MISSING_UID, INVALID_UID, PIXEL_DIMENSIONS and by size or depth.
    """
    elements = top_elements(instance)
    sop_class_uid, sop_instance_uid = (_uid(elements, tag) for tag in (_SOP_CLASS, _SOP_INSTANCE))
    available = _first_text(elements.pop(AVAILABLE_TRANSFER_SYNTAX, {}))
    if CHARACTER_SET not in elements and not _is_ascii(instance):
        elements = dict(sorted((elements | {CHARACTER_SET: {"vr": "CS"}}).items()))
    tag = next((tag for tag in PIXEL_TAGS if tag in elements), 0)
    pixels = elements.pop(tag, None)
    if pixels and pixels["vr"] not in _PIXEL_VRS[tag]:
        raise Refused(BAD_METADATA, "the VR of the pixels")
    image = _image(elements, bulk) if pixels else None
    before = {each: elements[each] for each in elements if each < PIXEL_TAGS[0] and each not in _OFFSET_TABLES}
    behind = {each: elements[each] for each in elements if each > PIXEL_TAGS[-1]}
    header, tail = encode_elements(before, bulk), encode_elements(behind, bulk)
    return Assembled(sop_class_uid, sop_instance_uid, header, tail, tag, pixels, image, available)


def pixel_syntax(content_type: str, available: str) -> str:
    """The transfer syntax of a part with pixels: the one it names, else the metadata's where the media type allows
    it, else the media type's default. Raises Refused(UNKNOWN_TRANSFER_SYNTAX)."""
    try:
        kind, parameters = parse_content_type(content_type or "application/octet-stream")
    except MalformedMultipart:
        kind, parameters = "", {}
    possible = _SYNTAXES.get(kind, ())
    named = parameters.get("transfer-syntax", "") or (available if available in possible else "".join(possible[:1]))
    if kind == "application/octet-stream" and named in ENCAPSULATED | {EXPLICIT_LITTLE}:
        return named
    if kind == "application/octet-stream" and named == IMPLICIT_LITTLE:
        return EXPLICIT_LITTLE  # the same words
    if named not in possible:
        raise Refused(UNKNOWN_TRANSFER_SYNTAX, "of pixels")
    return named


def inline_pixels(assembled: Assembled) -> Iterator[bytes]:
    """Pixels that stand in the metadata, or none; raises as `native_pixels`."""
    if assembled.pixels is None:
        return iter(())
    value = element_value(assembled.pixels, {})
    return native_pixels(assembled, [value], len(value))


def native_pixels(assembled: Assembled, chunks: Iterable[bytes], length: int | None) -> Iterator[bytes]:
    """The element of native pixels. `length` is that of the first part, in bytes, where it is known.

    Raises Refused: LENGTH_LIES when the chunks have another length, TOO_LARGE.
    """
    expected = _value_length(assembled.image, length)
    if expected >= _LONGEST_VALUE:
        raise Refused(TOO_LARGE, "native pixels")
    padding = expected % 2
    yield element_head(assembled.pixel_tag, assembled.pixels["vr"], expected + padding)
    most = expected if length else expected + padding  # a value of unknown length may bring its padding along
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise Refused(OTHER_LENGTH, f"more than {expected} bytes")
        yield chunk
    if size < expected:
        raise Refused(OTHER_LENGTH, f"{size} bytes instead of {expected}")
    yield bytes(expected + padding - size)


def _value_length(image: Image, length: int | None) -> int:
    """Of all frames, when the first part has `length` bytes: it holds one of them, or all."""
    bits = image.subsampled_frame_bits or image.frame_bits
    if length is None:
        return -(-bits * image.number_of_frames // 8)
    if image.number_of_frames > 1 and 8 * length in (bits, image.frame_bits):
        return length * image.number_of_frames
    return length


def encapsulated_pixels(
    assembled: Assembled, transfer_syntax_uid: str, frames: Iterable[tuple[int, Iterable[bytes]]]
) -> Iterator[bytes]:
    """The element of compressed pixels, from the (length, chunks) of each frame, or of a video's only stream.

    Raises Refused(LENGTH_LIES) when lengths or the number of frames are others.
    """
    expected = 1 if transfer_syntax_uid in VIDEO else assembled.image.number_of_frames
    yield element_head(assembled.pixel_tag, "OB", _UNDEFINED) + EMPTY_TABLE
    count = 0
    for length, chunks in frames:
        count += 1
        if count > expected:
            raise Refused(OTHER_COUNT, f"more than {expected}")
        yield from _fragment(length, chunks)
    if count < expected:
        raise Refused(OTHER_COUNT, f"{count} of {expected}")
    yield SEQUENCE_END


def _fragment(length: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    if not 0 < length < _LONGEST_VALUE:
        raise Refused(OTHER_LENGTH, f"a frame of {length} bytes")
    yield EMPTY_TABLE[:4] + struct.pack("<I", length + length % 2)
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > length:
            break
        yield chunk
    if size != length:
        raise Refused(OTHER_LENGTH, f"a frame of {size} bytes instead of {length}")
    yield bytes(length % 2)


def _image(elements: Mapping[int, Element], bulk: Mapping[str, bytes]) -> Image:
    found = {tag: elements[tag] for tag in IMAGE_TAGS if tag in elements and elements[tag]["vr"] != "SQ"}
    values = {tag: (each["vr"].encode("ascii"), element_value(each, bulk)) for tag, each in found.items()}
    return read_image(values, _LIMITS, little=True)


def _uid(elements: Mapping[int, Element], tag: int) -> str:
    text = _first_text(elements.get(tag, {}))
    if not text:
        raise Refused(MISSING_UID, f"{tag:08X}")
    try:
        return validate_uid(text)
    except InvalidUID:
        raise Refused(INVALID_UID, f"{tag:08X}") from None


def _first_text(element: Element) -> str:
    values = element.get("Value")
    return values[0] if isinstance(values, list) and values and isinstance(values[0], str) else ""


def _is_ascii(value: object) -> bool:
    """Recursion is safe here: `metadata_text` bounds the depth."""
    if isinstance(value, str):
        return value.isascii()
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(map(_is_ascii, inner))


def joined(head: bytes, assembled: Assembled, pixels: Iterable[bytes]) -> Iterator[bytes]:
    """The file's bytes in their order."""
    return chain([head, assembled.header], pixels, [assembled.tail])
