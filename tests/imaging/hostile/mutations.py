"""DCM-05 and DCM-16 by chance: real files of pydicom's collection and synthetic ones, a few bytes changed."""

import random
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pydicom.data

from imaging.dicom.transfer_syntaxes import DEFLATED
from tests.imaging.hostile.building import JPEG_BASELINE, ORDERED, element, item, item_end, sequence_end, sound
from tests.imaging.hostile.cases import EITHER, Variant, kind

REAL = (
    "CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm", "JPEG2000.dcm", "JPEG-lossy.dcm",
    "rtplan.dcm", "reportsi.dcm", "test-SR.dcm", "image_dfl.dcm", "nested_priv_SQ.dcm", "priv_SQ.dcm",
    "UN_sequence.dcm", "liver_1frame.dcm", "chrFren.dcm", "chrH31.dcm", "chrX2.dcm", "chrKoreanMulti.dcm",
    "SC_rgb_small_odd.dcm", "no_meta_group_length.dcm", "meta_missing_tsyntax.dcm", "DICOMDIR", "693_UNCI.dcm",
    "color3d_jpeg_baseline.dcm", "explicit_VR-UN.dcm",
)  # fmt: skip
LARGEST = 40 << 10
BYTES = (0, 1, 2, 4, 7, 8, 0x10, 0x20, 0x28, 0x41, 0x4C, 0x53, 0x5C, 0x7F, 0x80, 0xE0, 0xFE, 0xFF)
SNIPPETS = (
    item(b""), item(b"", 0xFFFFFFFF), item_end(), sequence_end(), b"SQ\0\0\xff\xff\xff\xff",
    b"UN\0\0\xff\xff\xff\xff", bytes(8), element(0x00100020, "LO", b"EVIL"), element(0x0020000D, "UI", b"1.2.666\0"),
    b"\xff\xff\xff\xff", b"\x08\0\x18\0", b"\xe0\x7f\x10\0",
)  # fmt: skip


@cache
def samples() -> tuple[tuple[str, bytes], ...]:
    """(name, bytes) of small sound files: the library's and ours."""
    folder = Path(pydicom.data.__file__).parent
    real = [(file.name, file.read_bytes()) for file in sorted(folder.rglob("*")) if file.name in REAL]
    nested = element(0x0040A730, "SQ", item(element(0x0040A730, "SQ", item(element(0x00080100, "SH", b"code")))))
    ours = [(f"sound {syntax}", bytes(sound(syntax))) for syntax in (*ORDERED, DEFLATED, JPEG_BASELINE)]
    return tuple(
        sample for sample in [*real, *ours, ("nested", bytes(sound(extra=nested)))] if len(sample[1]) <= LARGEST
    )


@kind("DCM-05 mutations")
def bytes_changed(source: random.Random) -> Iterator[Variant]:
    for name, data in samples():
        for number in range(130):
            yield f"{name} {number}", EITHER, _changed(source, data)


def _changed(source: random.Random, data: bytes) -> bytes:
    mutated, end = bytearray(data), min(len(data), 3000)  # most of what is behind is pixels
    for _ in range(source.choice((1, 1, 2, 3, 6, 20))):
        mutated[source.randrange(128, end)] = source.choice(BYTES)
    return bytes(mutated)


@kind("DCM-05 mutations")
def lengths_changed(source: random.Random) -> Iterator[Variant]:
    for name, data in samples():
        for number in range(60):
            at = source.randrange(132, min(len(data), 3000) - 4)
            value = struct.pack(
                source.choice("<>") + "I",
                source.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, source.randrange(1 << 12))),
            )
            width = source.choice((2, 4))
            yield f"{name} {number}", EITHER, data[:at] + value[:width] + data[at + width :]


@kind("DCM-05 mutations")
def spliced(source: random.Random) -> Iterator[Variant]:
    """Pieces cut out, doubled, moved, or from another file; words of the format put in."""
    for name, data in samples():
        for number in range(90):
            start, end = sorted(source.randrange(132, min(len(data), 3000)) for _ in range(2))
            piece = data[start : min(end, start + 200)]
            yield f"{name} {number}", EITHER, source.choice(
                (
                    data[:start] + data[start + len(piece) :],
                    data[:start] + piece + data[start:],
                    data[:end] + piece + data[end:],
                    data[:start] + source.choice(SNIPPETS) + data[start:],
                    data[:start] + source.choice(SNIPPETS) + data[end:],
                    data[:start] + source.choice(samples())[1][start:],
                )
            )  # fmt: skip


@kind("DCM-05 mutations")
def walks(source: random.Random) -> Iterator[Variant]:
    """Every byte of a small file in turn, to a few values."""
    for syntax in (*ORDERED, JPEG_BASELINE):
        data = bytes(sound(syntax))
        for at in range(132, len(data)):
            for value in {data[at] ^ 1, data[at] ^ 0x80, source.choice(BYTES)} - {data[at]}:
                yield f"{syntax} {at} {value:02X}", EITHER, data[:at] + bytes([value]) + data[at + 1 :]
