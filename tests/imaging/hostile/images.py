"""DCM-06: images of impossible shapes."""

import random
from collections.abc import Iterator

from imaging.dicom.transfer_syntaxes import DEFLATED, EXPLICIT_LITTLE
from tests.imaging.hostile.building import JPEG_BASELINE, ORDERED, VRS, even, native_pixels, short, sound
from tests.imaging.hostile.cases import EITHER, PASSES, REFUSED, Variant, kind

SAMPLES, PHOTOMETRIC, PLANAR, FRAMES, ROWS, COLUMNS = (
    0x00280002,
    0x00280004,
    0x00280006,
    0x00280008,
    0x00280010,
    0x00280011,
)
ALLOCATED, STORED, HIGH, SIGN = 0x00280100, 0x00280101, 0x00280102, 0x00280103
NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    12,
    15,
    16,
    17,
    24,
    31,
    32,
    33,
    63,
    64,
    65,
    127,
    128,
    255,
    256,
    1024,
    32767,
    32768,
    65534,
    65535,
)
COUNTS = (
    "0", "00", "-0", "-1", "-2147483648", "2147483647", "2147483648", "4294967296", "9" * 12, "1E9", "1e0", "1.0",
    "1,0", "0x1", "１", "+1", "+", "-", "one", "1 2", "1\\2", "\\1", "1\\", "NaN", "inf", " ", "\0", "1\0", "\0001",
    "01", "0001", "2", "3", "100", "1048576", "1048577", "65535", "65536", "16777216", "<1>", "1;", "1\n",
)  # fmt: skip
PHOTOMETRICS = (
    "", "MONOCHROME1", "RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420",
    "YBR_ICT", "YBR_RCT", "HSV", "ARGB", "CMYK", "XYB", "monochrome2", "MONOCHROME9", "MONO\0CHROME", "<script>",
    "A" * 16, "A" * 17, "RGB\\RGB", "../../x", "\x1b[2J", "RGB\n",
)  # fmt: skip


@kind("DCM-06 image shapes")
def numbers(_: random.Random) -> Iterator[Variant]:
    """One number wrong at a time."""
    for syntax in (*ORDERED, DEFLATED, JPEG_BASELINE):
        for tag in (SAMPLES, ROWS, COLUMNS, ALLOCATED, STORED, HIGH, SIGN, PLANAR):
            for number in NUMBERS:
                hopeless = tag in (ROWS, COLUMNS) and (not number or number > 16 and syntax != JPEG_BASELINE)
                hopeless |= tag == ALLOCATED and number not in (1, 8, 16, 32, 64)
                hopeless |= tag == SAMPLES and number not in (1, 3, 4)
                data = bytes(sound(syntax, (tag, "US", short(number, syntax))))
                yield f"{tag:08X} {number} {syntax}", REFUSED if hopeless else EITHER, data


@kind("DCM-06 image shapes")
def representations(_: random.Random) -> Iterator[Variant]:
    for tag in (SAMPLES, ROWS, COLUMNS, ALLOCATED):
        for vr in sorted({*VRS} - {"US", "UN"}):
            for value in (b"\4\0", b"\4\0\0\0", b"4 ", b"", bytes(8)):
                yield f"{tag:08X} {vr} {value!r}", REFUSED, bytes(sound(EXPLICIT_LITTLE, (tag, vr, value)))
        for value in (b"", b"\4", b"\4\0\4\0", bytes(6)):
            yield f"{tag:08X} of {len(value)}", REFUSED, bytes(sound(EXPLICIT_LITTLE, (tag, "US", value)))


@kind("DCM-06 image shapes")
def frame_counts(_: random.Random) -> Iterator[Variant]:
    for syntax in (*ORDERED, DEFLATED, JPEG_BASELINE):
        for count in COUNTS:
            data = bytes(sound(syntax, (FRAMES, "IS", even(count.encode("utf-8")))))
            yield f"{count!r} {syntax}", EITHER, data
        for vr in VRS:
            yield f"as {vr} {syntax}", EITHER, bytes(sound(syntax, (FRAMES, vr, b"1 ")))


@kind("DCM-06 image shapes")
def colours(_: random.Random) -> Iterator[Variant]:
    for syntax in (*ORDERED, DEFLATED, JPEG_BASELINE):
        for text in PHOTOMETRICS:
            for samples in (1, 3, 4):
                news = ((PHOTOMETRIC, "CS", even(text)), (SAMPLES, "US", short(samples, syntax)))
                yield f"{text!r} {samples}", EITHER, bytes(sound(syntax, *news))


@kind("DCM-06 image shapes")
def combined(source: random.Random) -> Iterator[Variant]:
    """Several numbers wrong at once, with as many pixels as they ask for where that is little."""
    for number in range(1500):
        syntax = source.choice((*ORDERED, JPEG_BASELINE))
        rows, columns = source.choice(NUMBERS), source.choice(NUMBERS)
        samples, bits = source.choice((0, 1, 2, 3, 4, 65535)), source.choice((0, 1, 3, 8, 12, 16, 32, 64, 65535))
        frames = source.choice(("", "1", "2", "1048576", "-1"))
        news = (
            (ROWS, "US", short(rows, syntax)), (COLUMNS, "US", short(columns, syntax)),
            (SAMPLES, "US", short(samples, syntax)), (ALLOCATED, "US", short(bits, syntax)),
            (FRAMES, "IS", even(frames)), (PHOTOMETRIC, "CS", even(source.choice(PHOTOMETRICS))),
        )  # fmt: skip
        size = -(-rows * columns * samples * bits * int(frames or 1) // 8)
        native = syntax != JPEG_BASELINE and 0 < size < 4096
        pixels = native_pixels(bytes(size + size % 2), syntax) if native else None
        yield f"{number}", EITHER, bytes(sound(syntax, *news, pixels=pixels))


@kind("DCM-06 image shapes")
def tables(source: random.Random) -> Iterator[Variant]:
    """Palettes and lookup tables whose descriptors lie; what they do to pixels is the sandbox's affair."""
    for syntax in (*ORDERED, DEFLATED):
        for number in range(60):
            descriptor = b"".join(
                short(source.choice(NUMBERS), syntax) for _ in range(source.choice((0, 1, 2, 3, 3, 3, 4)))
            )
            news = [(0x00281101 + each, "US", descriptor) for each in range(3)]
            news += [(0x00281201 + each, "OW", source.randbytes(2 * source.randrange(40))) for each in range(3)]
            news += [
                (PHOTOMETRIC, "CS", b"PALETTE COLOR "),
                (0x00283002, "US", descriptor),
                (0x00283006, "OW", bytes(6)),
            ]
            expected = PASSES
            yield f"{number} {syntax}", expected, bytes(sound(syntax, *news))
    for window in ("0", "-1", "1E400", "nan", "1\\2\\3", "", "1e-400", "9" * 16):
        news = ((0x00281050, "DS", even(window)), (0x00281051, "DS", even(window)), (0x00281053, "DS", even(window)))
        yield f"window {window}", PASSES, bytes(sound(EXPLICIT_LITTLE, *news))
