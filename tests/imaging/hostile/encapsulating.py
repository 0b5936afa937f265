"""DCM-07: fragments, offset tables, and codestreams that promise the moon."""

import random
import struct
from collections.abc import Iterator

from imaging.dicom.transfer_syntaxes import ENCAPSULATED, RLE
from tests.imaging.hostile.building import (
    JPEG_BASELINE,
    UNDEFINED,
    element,
    encapsulated_pixels,
    even,
    item,
    item_end,
    sequence_end,
    sound,
)
from tests.imaging.hostile.cases import EITHER, PASSES, REFUSED, Variant, kind

JPEG_2000, HTJ2K, JPEG_LS = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.80"
FRAMES = 0x00280008


def jpeg(rows: int, columns: int, components: int = 1, marker: int = 0xC0, bits: int = 8) -> bytes:
    """A JPEG that ends where its image would begin."""
    parts = b"".join(bytes([number + 1, 0x11, 0]) for number in range(components))
    frame = struct.pack(">BBHBHHB", 0xFF, marker, 8 + len(parts), bits, rows, columns, components) + parts
    return b"\xff\xd8" + frame + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + b"\x55" * 20 + b"\xff\xd9"


def jpeg_2000(rows: int, columns: int, components: int = 1, tile: int = 0, bits: int = 7) -> bytes:
    size = struct.pack(">HIIIIIIIIH", 0, columns, rows, 0, 0, tile or columns, tile or rows, 0, 0, components)
    size += bytes([bits, 1, 1]) * min(components, 300)
    coding = b"\xff\x52\0\x0c\0\0\0\1\0\x05\4\4\0\0"
    tile_part = b"\xff\x90\0\x0a\0\0\0\0\0\0\0\1\xff\x93\xff\xd9"
    return b"\xff\x4f\xff\x51" + struct.pack(">H", 2 + len(size)) + size + coding + tile_part


def rle(segments: int, *offsets: int, body: bytes = b"\xfe\xff" * 8) -> bytes:
    return struct.pack("<I", segments & UNDEFINED) + struct.pack("<15I", *(offsets + (0,) * 15)[:15]) + body


@kind("DCM-07 fragments")
def tables(source: random.Random) -> Iterator[Variant]:
    """Basic and Extended Offset Tables that point anywhere."""
    values = (0, 1, 2, 4, 8, 10, 12, 20, 100, 0x7FFFFFFF, 0xFFFFFFFF)
    for number in range(500):
        count = source.choice((1, 2, 3, 4))
        fragments = [
            item(source.randbytes(2 * source.randrange(6))) for _ in range(source.choice((count, count, 1, 5)))
        ]
        offsets = [source.choice(values) for _ in range(source.choice((0, count, count, count + 1, 1)))]
        table = item(struct.pack(f"<{len(offsets)}I", *offsets) + source.choice((b"", b"", b"x", b"xx")))
        news = [(FRAMES, "IS", even(str(count)))]
        pixels = encapsulated_pixels(table, *fragments)
        yield f"basic {number}", EITHER, bytes(sound(JPEG_BASELINE, *news, pixels=pixels))
        extended = b"".join(struct.pack("<Q", source.choice((*values, 1 << 40, (1 << 64) - 1))) for _ in offsets)
        news += [(0x7FE00001, "OV", extended), (0x7FE00002, "OV", extended[::-1])]
        pixels = encapsulated_pixels(item(b""), *fragments)
        yield f"extended {number}", EITHER, bytes(sound(JPEG_BASELINE, *news, pixels=pixels))


@kind("DCM-07 fragments")
def lengths(_: random.Random) -> Iterator[Variant]:
    fragment = jpeg(4, 4)
    for length in (*range(0, 90), 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFE, UNDEFINED):
        true = length == len(fragment)
        pixels = encapsulated_pixels(item(b""), item(fragment, length))
        yield f"fragment {length}", PASSES if true else REFUSED, bytes(sound(JPEG_BASELINE, pixels=pixels))
        pixels = encapsulated_pixels(item(b"", length), item(fragment))
        yield f"table {length}", PASSES if length == 0 else REFUSED, bytes(sound(JPEG_BASELINE, pixels=pixels))
        if length and length < 90:
            pixels = element(0x7FE00010, "OB", item(b"") + item(fragment) + sequence_end(), length=length)
            yield f"defined {length}", REFUSED, bytes(sound(JPEG_BASELINE, pixels=pixels))


@kind("DCM-07 fragments")
def words(source: random.Random) -> Iterator[Variant]:
    """Items and delimiters in no order."""
    tokens = (
        item(b""), item(b"ab"), item_end(), sequence_end(), item(b"", UNDEFINED), element(0x00100020, "LO", b"EVIL"),
        bytes(8), item(jpeg(4, 4)), item(sequence_end() + element(0x00100020, "LO", b"EVIL")), b"\xff\xd8\xff\xd9",
    )  # fmt: skip
    for number in range(500):
        pixels = encapsulated_pixels(
            *source.choices(tokens, k=source.randint(0, 7)), end=source.choice((b"", sequence_end()))
        )
        yield f"{number}", EITHER, bytes(sound(JPEG_BASELINE, pixels=pixels))


@kind("DCM-07 fragments")
def many(_: random.Random) -> Iterator[Variant]:
    for count in (1, 2, 1000, 20_000, 262_144, 262_146):
        for fragment in (b"", b"ab")[: 1 if count > 20_000 else 2]:
            pixels = encapsulated_pixels(item(b""), item(fragment) * count)
            yield f"{count}", PASSES if count <= 262_144 else REFUSED, bytes(sound(JPEG_BASELINE, pixels=pixels))


@kind("DCM-07 codestreams")
def promises(source: random.Random) -> Iterator[Variant]:
    """Codestreams of other dimensions than the header's: sound as DICOM, and poison to a decoder."""
    edges = (0, 1, 3, 4, 5, 255, 4096, 32767, 65535)
    for rows in edges:
        for columns in edges:
            for marker in (0xC0, 0xC1, 0xC3, 0xF7):
                syntax = {0xC3: "1.2.840.10008.1.2.4.70", 0xF7: JPEG_LS}.get(marker, JPEG_BASELINE)
                for components in (1, 3):
                    yield f"JPEG {rows} {columns}", PASSES, _one(syntax, jpeg(rows, columns, components, marker))
            for components in (1, 3, 16384):
                tile = source.choice((0, 1, 64, 1 << 31))
                syntax = source.choice((JPEG_2000, HTJ2K))
                big = jpeg_2000(rows * source.choice((1, 65536)), columns, components, tile)
                yield f"JPEG 2000 {rows} {columns} {components}", PASSES, _one(syntax, big)
    for number in range(200):
        offsets = [source.choice((0, 1, 63, 64, 65, 80, 1 << 31, UNDEFINED)) for _ in range(15)]
        body = source.choice((b"", b"\x81\0" * 4000, source.randbytes(64), b"\x7f"))
        frame = rle(source.choice((0, 1, 2, 3, 15, 16, UNDEFINED)), *offsets, body=body)
        yield f"RLE {number}", PASSES, _one(RLE, frame)


@kind("DCM-07 codestreams")
def noise(source: random.Random) -> Iterator[Variant]:
    """Every compressed syntax with noise behind a right beginning."""
    starts = (
        b"\xff\xd8",
        b"\xff\x4f\xff\x51",
        b"\xff\x0a",
        bytes(64),
        b"\0\0\1\xba",
        b"\0\0\0\x18ftyp",
        b"",
        jpeg(4, 4)[:30],
    )
    for syntax in sorted(ENCAPSULATED):
        for start in starts:
            for length in (0, 9, 200):
                yield f"{syntax}", PASSES, _one(syntax, start + source.randbytes(length) + b"\xff\xd9")


def _one(syntax: str, frame: bytes) -> bytes:
    return bytes(sound(syntax, pixels=encapsulated_pixels(item(b""), item(even(frame, b"\0")))))
