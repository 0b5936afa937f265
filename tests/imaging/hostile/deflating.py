"""DCM-03: deflated data sets that grow, end early, go on, or are no deflate at all."""

import gzip
import random
import zlib
from collections.abc import Iterator

from imaging.dicom.transfer_syntaxes import DEFLATED
from tests.imaging.hostile.building import element, native_pixels, short, sound
from tests.imaging.hostile.cases import EITHER, PASSES, REFUSED, Variant, kind

_PLAIN = sound()
_DATA_SET = _PLAIN.header + _PLAIN.pixels
_START = bytes(sound(DEFLATED).but(header=b"", pixels=b""))[:-2]  # without the empty stream


def _squeezed(data: bytes, wbits: int = -15, level: int = 9, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    stream = zlib.compressobj(level, wbits=wbits, strategy=strategy)
    return stream.compress(data) + stream.flush()


def _growing(start: bytes, megabytes: int) -> bytes:
    """A stream that grows to `start` and so many MiB of zeros, made without holding them."""
    stream, zeros = zlib.compressobj(9, wbits=-15, strategy=zlib.Z_RLE), bytes(1 << 20)
    return stream.compress(start) + b"".join(stream.compress(zeros) for _ in range(megabytes)) + stream.flush()


@kind("DCM-03 deflate")
def forms(_: random.Random) -> Iterator[Variant]:
    for level in range(10):
        for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED):
            stream = _squeezed(_DATA_SET, level=level, strategy=strategy)
            yield f"level {level}", PASSES, _START + stream
            for tail in (b"\0", bytes(9), bytes(70_000)):
                yield f"padded {len(tail)}", PASSES, _START + stream + tail
            for tail in (b"x", b"\0x", b"PK\3\4", stream, _DATA_SET, b"\xff" * 8, bytes(70_000) + b"!"):
                yield f"followed by {tail[:4]!r}", REFUSED, _START + stream + tail
    yield "not deflated", REFUSED, _START + _DATA_SET
    for name, stream in (("zlib", zlib.compress(_DATA_SET)), ("gzip", gzip.compress(_DATA_SET, mtime=0))):
        yield name, REFUSED, _START + stream
        yield f"{name} twice", REFUSED, _START + zlib.compress(stream)
    yield "twice", REFUSED, _START + _squeezed(_squeezed(_DATA_SET))


@kind("DCM-03 deflate")
def bit_flips(source: random.Random) -> Iterator[Variant]:
    stream = _squeezed(_DATA_SET)
    for bit in range(0, 8 * len(stream), 3):
        flipped = bytearray(stream)
        flipped[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit}", EITHER, _START + bytes(flipped)
    for number in range(150):
        yield f"noise {number}", EITHER, _START + source.randbytes(source.randrange(300))


@kind("DCM-03 deflate")
def inside(source: random.Random) -> Iterator[Variant]:
    """What is hostile plain is hostile deflated."""
    for number in range(300):
        data_set = bytearray(_DATA_SET)
        for _ in range(source.randint(1, 4)):
            data_set[source.randrange(len(data_set))] = source.randrange(256)
        yield f"{number}", EITHER, _START + _squeezed(bytes(data_set), level=source.randrange(10))
    for tail in (b"x", b"tail" * 30, _DATA_SET, element(0x00100020, "LO", b"EVIL")):
        yield f"tail {tail[:4]!r}", REFUSED, _START + _squeezed(_DATA_SET + tail)


@kind("DCM-03 bombs")
def bombs(_: random.Random) -> Iterator[Variant]:
    for megabytes in (16, 32, 64, 200):
        stream = _growing(_DATA_SET[:-44], megabytes)
        for tail in (b"", b"\0", b"x"):
            yield f"{megabytes} MiB", REFUSED, _START + stream + tail
    for megabytes in (8, 40, 80):
        head = element(0x00420011, "OB", b"", length=megabytes << 20)
        yield f"one value of {megabytes} MiB", REFUSED, _START + _growing(_PLAIN.header + head, megabytes)
    for count in (3, 30):
        many = element(0x0040A730, "SQ", element(0xFFFEE000, "\0\0", b"") * (count << 17))
        yield f"{count} x 128 Ki items", REFUSED, _START + _squeezed(_PLAIN.header + many)
    for depth in (100, 10_000, 200_000):
        opening = (element(0x0040A730, "SQ", b"", length=0xFFFFFFFF) + b"\xfe\xff\0\xe0\xff\xff\xff\xff") * depth
        yield f"{depth} deep", REFUSED, _START + _squeezed(_PLAIN.header + opening)
    flat = ((0x00280010, "US", short(1024)), (0x00280011, "US", short(512)))
    image = sound(DEFLATED, *flat, pixels=native_pixels(bytes(1 << 20)))
    yield "a flat image that is none", PASSES, bytes(image)
