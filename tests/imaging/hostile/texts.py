"""DCM-08, DCM-09 and DCM-10: text that deceives, breaks out, or computes."""

import random
from collections.abc import Iterator

from imaging.dicom.transfer_syntaxes import DEFLATED
from tests.imaging.hostile.building import EXPLICIT_LITTLE, ORDERED, even, item, sound
from tests.imaging.hostile.building import element as written
from tests.imaging.hostile.cases import EITHER, PASSES, Variant, kind
from tests.imaging.hostile.payloads import DECEPTIONS, FORMULAS, MARKUP

CHARACTER_SETS = (
    b"", b"ISO_IR 6", b"ISO_IR 100", b"ISO_IR 101", b"ISO_IR 109", b"ISO_IR 110", b"ISO_IR 144", b"ISO_IR 127",
    b"ISO_IR 126", b"ISO_IR 138", b"ISO_IR 148", b"ISO_IR 13", b"ISO_IR 166", b"ISO_IR 192", b"GB18030", b"GBK",
    b"ISO 2022 IR 6", b"ISO 2022 IR 87", b"\\ISO 2022 IR 87", b"ISO 2022 IR 13\\ISO 2022 IR 87",
    b"\\ISO 2022 IR 149", b"\\ISO 2022 IR 58", b"ISO_IR 192\\ISO_IR 100", b"ISO 2022 IR 100\\ISO 2022 IR 144",
    b"\\ISO 2022 IR 159", b"UTF-8", b"latin-1", b"utf-7", b"utf-16", b"idna", b"rot13", b"zip", b"hex", b"base64",
    b"unicode_escape", b"raw_unicode_escape", b"undefined", b"ISO_IR 999", b"ISO\0IR 192", b"\xff\xfe", b"../../x",
    b"\\" * 40, b"ISO_IR 192 \\ ISO_IR 192", b"iso_ir 192", b"ISO IR 192", b"'; DROP TABLE",
    b"ISO_IR 100\\\\\\ISO_IR 192",
)  # fmt: skip
VALUES = (
    b"\xff\xfe\xfd", b"\xc0\xaf\xc0\xae", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80" * 40, b"\x1b$B;3ED\x1b(B",
    b"\x1b$B", b"\x1b", b"\x1b(J\xd4\xcf\xc0\xde", b"\x1b$)C\xb1\xe8", b"\x1b-F", b"\x1b" * 60, b"a\0b", b"\0\0",
    b"\r\n\r\n", b"\x84\x31\xa4\x37", b"\xe2\x80\xae" + b"gpj.exe", b"^^^^^^^^^", b"=====", b"a=b=c=d^e^f",
    b"\\\\\\\\", b"A" * 500, bytes(range(32)), bytes(range(128, 256)), b"\xef\xbb\xbfDoe", b"\xff\xfeD\0o\0e\0",
    b"+ADw-script+AD4-", b"~{<:Ky2;VS{NpJ)l6HK!#~}", b"\xa4\xb3\xa4\xf3", b"\x8e\xe0\x8f\xa2\xc3",
)  # fmt: skip
FIELDS = (
    (0x00080050, "SH"), (0x00080060, "CS"), (0x00080070, "LO"), (0x00080080, "LO"), (0x00080081, "ST"),
    (0x00080090, "PN"), (0x00081010, "SH"), (0x00081030, "LO"), (0x0008103E, "LO"), (0x00081050, "PN"),
    (0x00081070, "PN"), (0x00100010, "PN"), (0x00100020, "LO"), (0x00100021, "LO"), (0x00100040, "CS"),
    (0x00101000, "LO"), (0x00101040, "LO"), (0x00104000, "LT"), (0x00180015, "CS"), (0x00181030, "LO"),
    (0x00200010, "SH"), (0x00200060, "CS"), (0x00204000, "LT"), (0x00324000, "LT"), (0x0040A160, "UT"),
    (0x00080119, "UC"), (0x00080054, "AE"), (0x00100030, "DA"), (0x00080020, "DA"), (0x00080030, "TM"),
)  # fmt: skip
SEEN = FIELDS[7:13]  # the ones that are shown


@kind("DCM-08 character sets")
def character_sets(_: random.Random) -> Iterator[Variant]:
    for name in CHARACTER_SETS:
        for value in VALUES:
            news = [(tag, vr, even(value[:63])) for tag, vr in SEEN]
            yield (
                f"{name!r} {value[:8]!r}",
                PASSES,
                bytes(sound(EXPLICIT_LITTLE, (0x00080005, "CS", even(name)), *news)),
            )


@kind("DCM-08 character sets")
def values(_: random.Random) -> Iterator[Variant]:
    for syntax in (*ORDERED[1:], DEFLATED):
        for tag, vr in FIELDS:
            for value in VALUES:
                yield f"{tag:08X} {value[:8]!r}", PASSES, bytes(sound(syntax, (tag, vr, even(value))))


@kind("DCM-08 character sets")
def deceptions(_: random.Random) -> Iterator[Variant]:
    for text in DECEPTIONS:
        for tag, vr in SEEN:
            yield (
                f"{tag:08X} {text[:8]!r}",
                PASSES,
                bytes(sound(EXPLICIT_LITTLE, (tag, vr, even(text.encode("utf-8", "replace"))))),
            )
    for size in (65_534, 1 << 20, 3 << 20):
        long = b"L" * size
        yield f"UT of {size}", PASSES, bytes(sound(EXPLICIT_LITTLE, (0x0040A160, "UT", long)))
        expected = PASSES
        yield f"PN of {size}", expected, bytes(sound(ORDERED[1], (0x00100010, "PN", long)))


@kind("DCM-09 markup")
def markup(_: random.Random) -> Iterator[Variant]:
    for text in MARKUP:
        for tag, vr in FIELDS:
            yield (
                f"{tag:08X} {text[:12]!r}",
                PASSES,
                bytes(sound(EXPLICIT_LITTLE, (tag, vr, even(text.encode("utf-8"))))),
            )


@kind("DCM-09 markup")
def markup_deep(source: random.Random) -> Iterator[Variant]:
    """The same in content items and codes, as a structured report holds them."""
    for text in MARKUP:
        value = even(text.encode("utf-8"))
        code = written(0x0040A043, "SQ", item(written(0x00080104, "LO", value)))
        inner = item(code + written(0x0040A160, "UT", value))
        yield f"{text[:12]!r}", PASSES, bytes(sound(EXPLICIT_LITTLE, extra=written(0x0040A730, "SQ", inner)))


@kind("DCM-10 formulas")
def formulas(_: random.Random) -> Iterator[Variant]:
    for text in FORMULAS:
        for tag, vr in (*SEEN, (0x00080050, "SH"), (0x00100040, "CS")):
            expected = PASSES if tag != 0x00100020 else EITHER
            yield (
                f"{tag:08X} {text[:8]!r}",
                expected,
                bytes(sound(EXPLICIT_LITTLE, (tag, vr, even(text.encode("utf-8"))))),
            )
