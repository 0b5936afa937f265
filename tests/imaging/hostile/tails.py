"""DCM-20: what follows the data set, or hides in it."""

import io
import random
import zipfile
from collections.abc import Iterator

from imaging.dicom.transfer_syntaxes import DEFLATED
from tests.imaging.hostile.building import JPEG_BASELINE, ORDERED, element, sequence_end, sound
from tests.imaging.hostile.cases import EITHER, PASSES, REFUSED, Variant, kind
from tests.imaging.hostile.prefixes import MAGICS, MARKUP

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SYNTAXES = (*ORDERED, DEFLATED, JPEG_BASELINE)


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("../../evil.sh"), b"#!/bin/sh")
    return buffer.getvalue()


@kind("DCM-20 tails")
def foreign(source: random.Random) -> Iterator[Variant]:
    for syntax in SYNTAXES:
        file = sound(syntax)
        for tail in (EICAR, _archive(), bytes(sound()), *MAGICS, *MARKUP, sequence_end(), b"\1", b"\n", b" "):
            if tail.strip(b"\0"):
                yield f"{syntax} {tail[:8]!r}", REFUSED, bytes(file.but(tail=tail))
                yield (
                    f"{syntax} zeros and {tail[:8]!r}",
                    REFUSED,
                    bytes(file.but(tail=bytes(source.randint(1, 600)) + tail)),
                )
        for length in (1, 2, 3, 7, 8, 9, 127, 512, 70_000):
            yield f"{syntax} {length} zeros", PASSES, bytes(file.but(tail=bytes(length)))
        for length in range(1, 40):
            yield f"{syntax} {length} of noise", REFUSED, bytes(file.but(tail=b"\xa5" + source.randbytes(length)))


@kind("DCM-20 tails")
def late_elements(_: random.Random) -> Iterator[Variant]:
    """Elements behind the pixels: those that belong there, and those that would be somebody else."""
    for syntax in ORDERED:
        for tag, vr, _value in (
            (0x00100020, "LO", b""),
            (0x00080018, "UI", b""),
            (0x0020000D, "UI", b""),
            (0x7FE00010, "OW", b""),
        ):
            for value in (b"", b"1.2.666\0", bytes(32)):
                late = element(tag, vr, value, syntax)
                yield f"{tag:08X}", REFUSED, bytes(sound(syntax).but(tail=late))
                padding = element(0xFFFCFFFC, "OB", bytes(20), syntax)
                yield f"padding, {tag:08X}", REFUSED, bytes(sound(syntax).but(tail=padding + late))
        for size in range(0, 200, 9):
            yield (
                f"{size} of padding",
                PASSES,
                bytes(sound(syntax).but(tail=element(0xFFFCFFFC, "OB", bytes(size), syntax))),
            )


@kind("DCM-20 hidden programs")
def hidden(source: random.Random) -> Iterator[Variant]:
    """Malware as a value: DICOM, and never run by anybody; it must come back byte for byte and as an attachment."""
    for syntax in (*ORDERED, DEFLATED):
        for payload in (EICAR, _archive(), *MAGICS):
            for tag, vr in ((0x00411001, "UN"), (0x00411002, "OB"), (0x00420011, "OB")):
                value = payload + source.randbytes(12)
                yield (
                    f"{payload[:8]!r} in {tag:08X}",
                    EITHER,
                    bytes(sound(syntax, (tag, vr, value + b"\0" * (len(value) % 2)))),
                )
