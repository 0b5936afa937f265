"""Small DICOM files put together byte by byte, so that every lie can be told; fast enough for tens of thousands."""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from imaging.dicom.transfer_syntaxes import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from tests.imaging.dicom.hostile import CT_IMAGE, ROOT

UNDEFINED = 0xFFFFFFFF
LONG_VRS = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")
VRS = (
    "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI",
    "UL", "US", *LONG_VRS,
)  # fmt: skip
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
SOP_INSTANCE = f"{ROOT}.500000001"  # of a fixed length, so that a test can stamp another one over it
STUDY_INSTANCE, SERIES_INSTANCE = f"{ROOT}.600000001", f"{ROOT}.700000001"
ORDERED = (EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG)
PIXEL_DATA = 0x7FE00010

Element = tuple[int, str, bytes]  # tag, VR, value


def is_big(syntax: str) -> bool:
    return syntax == EXPLICIT_BIG


def is_implicit(syntax: str) -> bool:
    return syntax == IMPLICIT_LITTLE


def element(tag: int, vr: str, value: bytes, syntax: str = EXPLICIT_LITTLE, length: int | None = None) -> bytes:
    """One element; `length` is what its header says, cut to the width of its field."""
    order = ">" if is_big(syntax) else "<"
    length = len(value) if length is None else length
    if is_implicit(syntax):
        return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, length & UNDEFINED) + value
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF) + vr.encode("latin-1")
    if vr in LONG_VRS:
        return head + struct.pack(order + "HI", 0, length & UNDEFINED) + value
    return head + struct.pack(order + "H", length & 0xFFFF) + value


def item(value: bytes, length: int | None = None, syntax: str = EXPLICIT_LITTLE, tag: int = 0xFFFEE000) -> bytes:
    order = ">" if is_big(syntax) else "<"
    return struct.pack(order + "HHI", tag >> 16, tag & 0xFFFF, len(value) if length is None else length) + value


def item_end(syntax: str = EXPLICIT_LITTLE) -> bytes:
    return item(b"", 0, syntax, 0xFFFEE00D)


def sequence_end(syntax: str = EXPLICIT_LITTLE) -> bytes:
    return item(b"", 0, syntax, 0xFFFEE0DD)


def even(text: str | bytes, pad: bytes = b" ") -> bytes:
    value = text.encode("latin-1") if isinstance(text, str) else text
    return value + pad * (len(value) % 2)


def short(number: int, syntax: str = EXPLICIT_LITTLE) -> bytes:
    return (number & 0xFFFF).to_bytes(2, "big" if is_big(syntax) else "little")


def base(syntax: str = EXPLICIT_LITTLE, rows: int = 4, columns: int = 4) -> list[Element]:
    """The header of a sound image of 4 x 4 pixels of 16 bits."""
    return [
        (0x00080005, "CS", b"ISO_IR 192"),
        (0x00080016, "UI", even(CT_IMAGE, b"\0")),
        (0x00080018, "UI", even(SOP_INSTANCE, b"\0")),
        (0x00080020, "DA", b"20260102"),
        (0x00080030, "TM", b"030405"),
        (0x00080050, "SH", b"A1"),
        (0x00080060, "CS", b"CT"),
        (0x00080090, "PN", b"Roe^Rita"),
        (0x00081030, "LO", b"knee"),
        (0x0008103E, "LO", b"axial "),
        (0x00100010, "PN", b"Doe^Jane"),
        (0x00100020, "LO", b"P1"),
        (0x00100030, "DA", b"19700131"),
        (0x00100040, "CS", b"F "),
        (0x0020000D, "UI", even(STUDY_INSTANCE, b"\0")),
        (0x0020000E, "UI", even(SERIES_INSTANCE, b"\0")),
        (0x00200010, "SH", b"S1"),
        (0x00200011, "IS", b"1 "),
        (0x00200013, "IS", b"3 "),
        (0x00280002, "US", short(1, syntax)),
        (0x00280004, "CS", b"MONOCHROME2 "),
        (0x00280010, "US", short(rows, syntax)),
        (0x00280011, "US", short(columns, syntax)),
        (0x00280100, "US", short(16, syntax)),
        (0x00280101, "US", short(12, syntax)),
        (0x00280102, "US", short(11, syntax)),
        (0x00280103, "US", short(0, syntax)),
    ]


def changed(elements: Iterable[Element], *news: Element) -> list[Element]:
    """With elements replaced or added, in the order of their tags."""
    by_tag = {tag: (tag, vr, value) for tag, vr, value in elements} | {new[0]: new for new in news}
    return [by_tag[tag] for tag in sorted(by_tag)]


def meta(syntax: str, sop_class: str = CT_IMAGE, sop_instance: str = SOP_INSTANCE) -> bytes:
    """Group 0002 with its group length."""
    return with_group_length(
        element(0x00020001, "OB", b"\0\1")
        + element(0x00020002, "UI", even(sop_class, b"\0"))
        + element(0x00020003, "UI", even(sop_instance, b"\0"))
        + element(0x00020010, "UI", even(syntax, b"\0"))
    )


def with_group_length(rest: bytes) -> bytes:
    return element(0x00020000, "UL", struct.pack("<I", len(rest))) + rest


@dataclass(frozen=True)
class File:
    """The parts of a file; `bytes(file)` puts them together, deflating the data set where the syntax says so."""

    syntax: str = EXPLICIT_LITTLE
    preamble: bytes = b""
    meta: bytes | None = None
    header: bytes = b""
    pixels: bytes = b""
    tail: bytes = b""

    def __bytes__(self) -> bytes:
        start = self.preamble.ljust(128, b"\0")[:128] + b"DICM"
        group = meta(self.syntax) if self.meta is None else self.meta
        data_set = self.header + self.pixels
        if self.syntax == DEFLATED:
            stream = zlib.compressobj(wbits=-15)
            data_set = stream.compress(data_set) + stream.flush()
        return start + group + data_set + self.tail

    def but(self, **parts: object) -> "File":
        return replace(self, **parts)


def write(elements: Iterable[Element], syntax: str = EXPLICIT_LITTLE) -> bytes:
    return b"".join(element(tag, vr, value, syntax) for tag, vr, value in elements)


def native_pixels(value: bytes = bytes(range(32)), syntax: str = EXPLICIT_LITTLE, length: int | None = None) -> bytes:
    return element(PIXEL_DATA, "OW", value, syntax, length)


def encapsulated_pixels(*items: bytes, end: bytes | None = None) -> bytes:
    end = sequence_end() if end is None else end
    return element(PIXEL_DATA, "OB", b"".join(items) + end, length=UNDEFINED)


def sound(syntax: str = EXPLICIT_LITTLE, *news: Element, extra: bytes = b"", pixels: bytes | None = None) -> File:
    """A sound file of any syntax; `news` change its header, `extra` bytes follow it, in front of the pixels."""
    if pixels is None:
        native = syntax in (*ORDERED, DEFLATED)
        pixels = native_pixels(syntax=syntax) if native else encapsulated_pixels(item(b""), item(b"\xff\xd8\xff\xd9"))
    return File(syntax, header=write(changed(base(syntax), *news), syntax) + extra, pixels=pixels)
