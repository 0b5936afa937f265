"""DCM-16: files that are one patient to one reader and another to the next."""

import random
import struct
from collections.abc import Iterator

from imaging.dicom.transfer_syntaxes import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from tests.imaging.hostile.building import (
    ORDERED,
    UNDEFINED,
    VRS,
    File,
    base,
    changed,
    element,
    even,
    item,
    item_end,
    native_pixels,
    sequence_end,
    sound,
    write,
)
from tests.imaging.hostile.cases import EITHER, PASSES, REFUSED, Variant, kind

IDENTITY = (0x00080018, 0x00100010, 0x00100020, 0x0020000D, 0x0020000E)
EVIL = element(0x00100020, "LO", b"EVIL") + element(0x0020000D, "UI", b"1.2.666\0")
EVIL_IMPLICIT = element(0x00100020, "LO", b"EVIL", IMPLICIT_LITTLE)
DELIMITERS = item_end() + sequence_end()
LETTERS = (b"LO", b"UI", b"SH", b"AA", b"ZZ", b"PN", b"OB", b"SQ")


@kind("DCM-16 parser differential")
def duplicates(_: random.Random) -> Iterator[Variant]:
    """Each element twice: same value or another, next to itself, at the start or at the end."""
    for syntax in (*ORDERED, DEFLATED):
        plain = EXPLICIT_LITTLE if syntax == DEFLATED else syntax
        elements = base(plain)
        for place, (tag, vr, value) in enumerate(elements):
            for other in (value, value[:-2] + b"9\0" if vr == "UI" else even(b"X" + value[1:]), b""):
                again = [(tag, vr, other)]
                for at in (0, place, place + 1, len(elements)):
                    header = write(elements[:at] + again + elements[at:], plain)
                    data = bytes(File(syntax, header=header, pixels=native_pixels(syntax=plain)))
                    yield f"{tag:08X} at {at} {syntax}", REFUSED, data


@kind("DCM-16 parser differential")
def order(source: random.Random) -> Iterator[Variant]:
    """Elements out of order are read by everybody, and by everybody alike."""
    for syntax in ORDERED:
        for number in range(150):
            header = write(source.sample(base(syntax), len(base(syntax))), syntax)
            yield f"{syntax} {number}", PASSES, bytes(File(syntax, header=header, pixels=native_pixels(syntax=syntax)))


@kind("DCM-16 parser differential")
def nested_identity(_: random.Random) -> Iterator[Variant]:
    """The same tags inside a sequence are somebody else's."""
    for syntax in ORDERED:
        for tag in IDENTITY:
            vr = {0x00100010: "PN", 0x00100020: "LO"}.get(tag, "UI")
            inner = element(tag, vr, b"1.2.666\0", syntax)
            for around in (0x00081140, 0x0040A730, 0x00411010, 0x00081110):
                yield (
                    f"{tag:08X}",
                    PASSES,
                    bytes(sound(syntax, extra=element(around, "SQ", item(inner, syntax=syntax), syntax))),
                )
                open_item = item(inner, UNDEFINED, syntax) + item_end(syntax) + sequence_end(syntax)
                yield (
                    f"{tag:08X} open",
                    PASSES,
                    bytes(sound(syntax, extra=element(around, "SQ", open_item, syntax, UNDEFINED))),
                )


@kind("DCM-16 parser differential")
def looks_explicit(_: random.Random) -> Iterator[Variant]:
    """Implicit VR whose first length reads as a VR: some readers then take the file for explicit VR."""
    for letters in LETTERS:
        for high in (b"\0\0", b"\1\0", b"\4\0"):
            length = int.from_bytes(letters + high, "little")
            for tag in (0x00080000, 0x00080001, 0x00080006, 0x00090010):
                # seen as explicit, the first element is short and another data set lies in the rest of it
                value = (bytes(int.from_bytes(high, "little")) + write(base())[10:] + EVIL)[:length].ljust(
                    length, b"\0"
                )
                first = struct.pack("<HHI", tag >> 16, tag & 0xFFFF, length) + value
                header = first + write(base(IMPLICIT_LITTLE), IMPLICIT_LITTLE)
                file = File(IMPLICIT_LITTLE, header=header, pixels=native_pixels(syntax=IMPLICIT_LITTLE))
                yield f"{letters!r} {tag:08X}", REFUSED, bytes(file)


@kind("DCM-16 parser differential")
def unknown_looks_explicit(_: random.Random) -> Iterator[Variant]:
    """The same inside UN, whose content is implicit VR (PS3.5 §6.2.2)."""
    for letters in LETTERS:
        length = int.from_bytes(letters, "little")
        for tag in (0x00080000, 0x00080100, 0x00411001):
            for inner in (UNDEFINED, 8 + length):
                value = struct.pack("<HHI", tag >> 16, tag & 0xFFFF, length) + (DELIMITERS + EVIL).ljust(length, b"\0")
                value = item(value, inner) + (item_end() if inner == UNDEFINED else b"") + sequence_end()
                for around in (0x00411010, 0x0040A730):
                    extra = element(around, "UN", value, length=UNDEFINED)
                    yield f"{letters!r} {tag:08X} {around:08X}", REFUSED, bytes(sound(extra=extra))
                    wrapped = element(0x00400555, "SQ", item(extra))
                    yield f"{letters!r} {tag:08X} {around:08X} nested", REFUSED, bytes(sound(extra=wrapped))


@kind("DCM-16 parser differential")
def empty_tags(_: random.Random) -> Iterator[Variant]:
    """Tag (0000,0000) and other groups below 8 inside an item: padding to one reader, implicit VR to the next."""
    for tag in (
        0x00000000,
        0x00000001,
        0x00000010,
        0x00020010,
        0x00040001,
        0x00060000,
        0xFFFEE000,
        0xFFFF0000,
        0xFFFFFFFF,
    ):
        for vr in ("\0\0", "UL", "ZZ", "OB", "AA", "\x04\0", "  "):
            for length in (0, 4, len(DELIMITERS), 300):
                inner = (
                    struct.pack("<HH", tag >> 16, tag & 0xFFFF)
                    + vr.encode()
                    + struct.pack("<H", length)
                    + DELIMITERS
                    + EVIL
                )
                for around in (item(inner), item(inner, UNDEFINED) + item_end()):
                    extra = element(0x0040A730, "SQ", around)
                    yield f"{tag:08X} {vr!r} {length}", EITHER, bytes(sound(extra=extra))


@kind("DCM-16 parser differential")
def searched(_: random.Random) -> Iterator[Variant]:
    """Undefined length where a reader with a dictionary expects no sequence, and searches for its end."""
    for tag in (0x00080021, 0x00081030, 0x00101010, 0x00102160, 0x00204000, 0x00321070, 0x00540400, 0x00660016):
        for hidden in (DELIMITERS + EVIL_IMPLICIT, sequence_end() + EVIL_IMPLICIT, sequence_end() + EVIL):
            for inner in (0x00411001, 0x00321064, 0x00104000):
                value = item(element(inner, "LT", hidden, IMPLICIT_LITTLE), UNDEFINED) + item_end() + sequence_end()
                extra = element(tag, "SQ", value, IMPLICIT_LITTLE, UNDEFINED)
                yield f"{tag:08X} {inner:08X}", REFUSED, bytes(sound(IMPLICIT_LITTLE, extra=extra))
                wrapped = element(
                    0x00411010, "UN", item(extra, UNDEFINED) + item_end() + sequence_end(), length=UNDEFINED
                )
                yield f"{tag:08X} {inner:08X} in UN", REFUSED, bytes(sound(extra=wrapped))
                known = element(0x0040A730, "SQ", value, IMPLICIT_LITTLE, UNDEFINED)
                expected = REFUSED if inner == 0x00321064 else PASSES  # a sequence without items in itself
                yield f"{inner:08X} in a known sequence", expected, bytes(sound(IMPLICIT_LITTLE, extra=known))


@kind("DCM-16 parser differential")
def unknown_in_big(_: random.Random) -> Iterator[Variant]:
    """UN of undefined length is little endian inside big endian by the standard, and not by every reader."""
    for tag in (0x00411010, 0x0040A730, 0x00081140):
        for syntax in (IMPLICIT_LITTLE, EXPLICIT_BIG, EXPLICIT_LITTLE):
            for depth in range(1, 20):
                inner = element(0x00411001, "LO", b"x" * (2 * depth), syntax)
                value = item(inner, UNDEFINED, syntax) + item_end(syntax) + sequence_end(syntax)
                extra = element(tag, "UN", value, EXPLICIT_BIG, UNDEFINED)
                yield f"{tag:08X} {syntax} {depth}", REFUSED, bytes(sound(EXPLICIT_BIG, extra=extra))


@kind("DCM-16 parser differential")
def sequences_without_items(source: random.Random) -> Iterator[Variant]:
    """A known sequence in implicit VR that holds no items: opaque to one reader, the end of the file to the next."""
    for tag in (0x00081140, 0x0040A730, 0x00081110, 0x00089215, 0x00120064, 0x00400555):
        for length in (1, 2, 4, 7, 8, 9, 16, 64):
            for value in (
                bytes(length),
                source.randbytes(length),
                (EVIL_IMPLICIT * 8)[:length],
                (sequence_end() * 8)[:length],
            ):
                extra = element(tag, "SQ", value, IMPLICIT_LITTLE)
                yield f"{tag:08X} {length}", REFUSED, bytes(sound(IMPLICIT_LITTLE, extra=extra))


@kind("DCM-16 parser differential")
def representations(_: random.Random) -> Iterator[Variant]:
    """The identifying elements in every other VR."""
    for syntax in (EXPLICIT_LITTLE, EXPLICIT_BIG):
        for tag, right, value in base(syntax):
            for vr in (*VRS, "ZZ"):
                if vr != right and tag in (*IDENTITY, 0x00080005, 0x00080016, 0x00280010, 0x00280002):
                    header = write(changed(base(syntax), (tag, vr, value)), syntax)
                    data = bytes(File(syntax, header=header, pixels=native_pixels(syntax=syntax)))
                    yield f"{tag:08X} as {vr}", EITHER, data
