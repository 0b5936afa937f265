"""DCM-02 and DCM-15: lies of group 0002, DICOMDIR, and transfer syntaxes that the bytes do not follow."""

import random
import struct
from collections.abc import Iterator

from imaging.dicom.transfer_syntaxes import (
    ACCEPTED,
    DEFLATED,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    NATIVE,
)
from tests.imaging.dicom.hostile import CT_IMAGE, ROOT
from tests.imaging.hostile.building import (
    ORDERED,
    SOP_INSTANCE,
    UNDEFINED,
    VRS,
    element,
    even,
    meta,
    sound,
    with_group_length,
)
from tests.imaging.hostile.cases import EITHER, PASSES, REFUSED, Variant, kind

NATIVES = (*ORDERED, DEFLATED)
UNKNOWN = (
    "", "1", "1.2", "1.2.840.10008.1.2.", ".1.2.840.10008.1.2", "1.2.840.10008.1.2.3", "1.2.840.10008.1.2.1.1",
    "1.2.840.10008.1.2.1.98", "1.2.840.10008.1.20", "1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95",
    "1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.6.1", "1.2.840.10008.1.2.6.2", "1.2.840.10008.1.2.8.1",
    "1.2.840.113619.5.2", "1.3.46.670589.33.1.4.1", "1.2.826.0.1.3680043.2.494.1.1", "1.2.840.10008.1.2.1a",
    "1.2.840.10008.1.2.1\\1.2.840.10008.1.2", "1..2", "-1.2", "1.2.840.10008.1.2.1\n", "\0001.2.840.10008.1.2.1",
    " 1.2.840.10008.1.2.1", "1.2.840.10008.1.2 .1", "1" * 65, "9" * 300, "../../etc/passwd", "${jndi:ldap://x}",
    "ImplicitVRLittleEndian", "1.2.840.10008.1.2.1\0001.2.840.10008.1.2", "1.2.840.10008.1.02.1", "0",
)  # fmt: skip
PARTS = (
    (0x00020001, "OB", b"\0\1"), (0x00020002, "UI", even(CT_IMAGE, b"\0")),
    (0x00020003, "UI", even(SOP_INSTANCE, b"\0")), (0x00020010, "UI", even(EXPLICIT_LITTLE, b"\0")),
    (0x00020012, "UI", b"1.2.3\0"), (0x00020013, "SH", b"TEST"), (0x00020016, "AE", b"AE"),
    (0x00020102, "OB", b"private!"),
)  # fmt: skip


def _group(*parts: tuple[int, str, bytes]) -> bytes:
    return with_group_length(b"".join(element(*part) for part in parts))


@kind("DCM-02 file meta")
def group_lengths(_: random.Random) -> Iterator[Variant]:
    for syntax in NATIVES:
        sound_meta = meta(syntax)
        true = len(sound_meta) - 12
        for said in {*range(0, 260, 2), true - 1, true + 1, 0x7FFFFFFF, 0x80000000, UNDEFINED, 1 << 16} - {true}:
            lying = sound_meta[:8] + struct.pack("<I", said) + sound_meta[12:]
            yield f"{syntax} {said}", REFUSED, bytes(sound(syntax).but(meta=lying))
        yield f"{syntax} none", PASSES, bytes(sound(syntax).but(meta=sound_meta[12:]))
        for vr, value in (
            ("US", b"\2\0"),
            ("UL", b""),
            ("UL", struct.pack("<Q", true)),
            ("OB", struct.pack("<I", true)),
        ):
            other = element(0x00020000, vr, value) + sound_meta[12:]
            yield f"{syntax} {vr} {len(value)}", REFUSED, bytes(sound(syntax).but(meta=other))


@kind("DCM-02 file meta")
def parts(source: random.Random) -> Iterator[Variant]:
    """Each part left out, doubled, moved, of another VR, of another length."""
    file = sound()
    for place, (tag, vr, value) in enumerate(PARTS):
        rest = PARTS[:place] + PARTS[place + 1 :]
        expected = REFUSED if tag == 0x00020010 else PASSES
        yield f"without {tag:08X}", expected, bytes(file.but(meta=_group(*rest)))
        yield f"twice {tag:08X}", REFUSED, bytes(file.but(meta=_group(*PARTS[: place + 1], *PARTS[place:])))
        yield f"last {tag:08X}", REFUSED if rest[place:] else PASSES, bytes(file.but(meta=_group(*rest, PARTS[place])))
        for other in (*VRS, "ZZ", "ui", "\0\0", "\xff\xff"):
            odd = (*PARTS[:place], (tag, other, value), *PARTS[place + 1 :])
            yield f"{tag:08X} as {other!r}", EITHER, bytes(file.but(meta=_group(*odd)))
        for length in (0, 1, len(value) + 1, len(value) + 2, 200, 0xFFFE, 0xFFFF):
            lying = b"".join(element(*part) for part in PARTS[:place]) + element(tag, vr, value, length=length)
            lying += b"".join(element(*part) for part in PARTS[place + 1 :])
            yield f"{tag:08X} of {length}", EITHER, bytes(file.but(meta=with_group_length(lying)))
    for number in range(200):
        shuffled = source.sample(PARTS, len(PARTS))
        ordered = sorted(PARTS) == shuffled
        yield f"shuffled {number}", PASSES if ordered else REFUSED, bytes(file.but(meta=_group(*shuffled)))


@kind("DCM-02 file meta")
def encodings(_: random.Random) -> Iterator[Variant]:
    """Group 0002 in what it may not be in."""
    for syntax in NATIVES:
        for other in (IMPLICIT_LITTLE, EXPLICIT_BIG):
            coded = b"".join(element(*part, syntax=other) for part in PARTS if part[0] != 0x00020010)
            coded += element(0x00020010, "UI", even(syntax, b"\0"), other)
            yield f"{syntax} in {other}", REFUSED, bytes(sound(syntax).but(meta=coded))


@kind("DCM-02 transfer syntaxes")
def unknown(_: random.Random) -> Iterator[Variant]:
    for syntax in UNKNOWN:
        for actual in NATIVES:
            file = sound(actual).but(meta=meta(syntax))
            yield f"{syntax!r} {actual}", REFUSED, bytes(file)


@kind("DCM-02 transfer syntaxes")
def other_than_stated(_: random.Random) -> Iterator[Variant]:
    for actual in sorted(ACCEPTED):
        for stated in sorted(ACCEPTED - {actual}):
            alike = not {actual, stated} & NATIVE  # what is inside a fragment is the decoder's affair
            yield f"{actual} as {stated}", PASSES if alike else REFUSED, bytes(sound(actual).but(meta=meta(stated)))


@kind("DCM-15 file meta and data set disagree")
def mismatches(source: random.Random) -> Iterator[Variant]:
    for syntax in NATIVES:
        for number in range(60):
            other = f"{ROOT}.{source.randrange(1, 10**12)}"
            yield f"instance {syntax} {number}", REFUSED, bytes(sound(syntax).but(meta=meta(syntax, CT_IMAGE, other)))
            other = f"1.2.840.10008.5.1.4.1.1.{number + 100}"
            yield f"class {syntax} {number}", REFUSED, bytes(sound(syntax).but(meta=meta(syntax, other)))
        for sop_class, instance in (("", SOP_INSTANCE), (CT_IMAGE, ""), ("", "")):
            yield f"silent {syntax}", PASSES, bytes(sound(syntax).but(meta=meta(syntax, sop_class, instance)))


@kind("DCM-15 file meta and data set disagree")
def directories(_: random.Random) -> Iterator[Variant]:
    """DICOMDIR, which is no object, with and without what would make it one."""
    record = element(0x00041500, "CS", b"..\\..\\ETC\\PASSWD")
    for syntax in NATIVES:
        group = meta(syntax, "1.2.840.10008.1.3.10")
        for extra in (b"", element(0x00041130, "CS", b"DISC"), element(0x00041220, "SQ", record), record):
            yield f"directory {syntax}", REFUSED, bytes(sound(syntax).but(meta=group))
            yield f"records {syntax}", REFUSED, bytes(sound(syntax).but(meta=group, header=extra, pixels=b""))
            yield f"group 4 {syntax}", REFUSED, bytes(sound(EXPLICIT_LITTLE).but(header=(record + extra) * 2))
