"""DCM-05: lengths that lie, odd ones, and files cut anywhere."""

import random
from collections.abc import Iterator

from imaging.dicom.transfer_syntaxes import DEFLATED, IMPLICIT_LITTLE
from tests.imaging.hostile.building import (
    JPEG_BASELINE,
    LONG_VRS,
    ORDERED,
    UNDEFINED,
    File,
    base,
    changed,
    element,
    item,
    native_pixels,
    sequence_end,
    sound,
    write,
)
from tests.imaging.hostile.cases import EITHER, PASSES, REFUSED, Expected, Variant, kind

LIES = (0, 1, 2, 3, 5, 7, 64, 255, 256, 300, 0x7FFF, 0x8000, 0xFFFD, 0xFFFE, 0xFFFF)
LONG_LIES = (0x10000, 0x1000000, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFD, 0xFFFFFFFE, UNDEFINED)
LONG_ELEMENTS = (
    (0x00420011, "OB", b"document"), (0x00401101, "SQ", item(element(0x00080100, "SH", b"code"))),
    (0x0040A160, "UT", b"text"), (0x00400440, "UN", b"unknown!"), (0x00189074, "UC", b"chars "),
    (0x00081190, "UR", b"http://x"), (0x00660016, "OF", bytes(8)), (0x00660040, "OL", bytes(8)),
    (0x7F000020, "OD", bytes(8)), (0x00410010, "LO", b"PRIVATE "), (0x00411001, "UN", b"private!"),
    (0x00411002, "OW", bytes(8)), (0x00080001, "UL", bytes(4)),
)  # fmt: skip


@kind("DCM-05 lengths")
def lies(_: random.Random) -> Iterator[Variant]:
    """Each element of a header in turn says another length than it has."""
    for syntax in ORDERED:
        elements = changed(
            base(syntax), *(each for each in LONG_ELEMENTS if syntax != IMPLICIT_LITTLE or each[1] != "SQ")
        )
        for place, (tag, vr, value) in enumerate(elements):
            wide = vr in LONG_VRS or syntax == IMPLICIT_LITTLE
            for length in {*LIES, len(value) + 1, len(value) + 2, len(value) + 8, *(LONG_LIES if wide else ())} - {
                len(value)
            }:
                header = write(elements[:place], syntax) + element(tag, vr, value, syntax, length)
                header += write(elements[place + 1 :], syntax)
                beyond = 0x10000 <= length < UNDEFINED
                data = bytes(File(syntax, header=header, pixels=native_pixels(syntax=syntax)))
                yield f"{tag:08X} {length:X} {syntax}", REFUSED if beyond else EITHER, data


@kind("DCM-05 lengths")
def odd(_: random.Random) -> Iterator[Variant]:
    """Odd lengths that are true shift nothing."""
    for syntax in (*ORDERED, DEFLATED):
        for tag in (0x00081030, 0x0008103E, 0x00100010, 0x00101000, 0x00204000, 0x00081080, 0x00181030):
            for length in range(1, 40, 2):
                yield f"{tag:08X} {length}", PASSES, bytes(sound(syntax, (tag, "LO", b"o" * length)))


@kind("DCM-05 lengths")
def pixels(_: random.Random) -> Iterator[Variant]:
    """Pixel Data longer or shorter than the image, or than the file."""
    for syntax in ORDERED:
        for length in (*range(0, 32), *range(64, 120, 3), 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, UNDEFINED):
            yield f"says {length}", REFUSED, bytes(sound(syntax, pixels=native_pixels(syntax=syntax, length=length)))
            if length < 200:
                yield f"has {length}", REFUSED, bytes(sound(syntax, pixels=native_pixels(bytes(length), syntax)))
        for more in range(1, 32):
            # less than a frame of padding, as devices do
            yield f"padded {more}", PASSES, bytes(sound(syntax, pixels=native_pixels(bytes(32 + more), syntax)))


@kind("DCM-05 cut short")
def cuts(_: random.Random) -> Iterator[Variant]:
    """Cut behind every byte; only before the pixels is there a place where what is left is a whole file."""
    nested = element(0x00401101, "SQ", item(element(0x00080100, "SH", b"code"), UNDEFINED), length=UNDEFINED)
    nested += item(b"", 0, tag=0xFFFEE00D) + sequence_end()
    for name, file in (
        *((syntax, sound(syntax)) for syntax in (*ORDERED, DEFLATED, JPEG_BASELINE)),
        ("nested", sound(extra=nested)),
    ):
        data, pixels_at = bytes(file), len(bytes(file.but(pixels=b"")))
        for length in range(132, len(data)):
            expected: Expected = REFUSED if length > pixels_at or file.syntax == DEFLATED else EITHER
            yield f"{name} {length}", expected, data[:length]
