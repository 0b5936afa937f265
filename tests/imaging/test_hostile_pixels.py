"""Pixels that pass the gate and are poison to decoders: whatever they do stays in the sandbox, and ends in time."""

import random
import resource
import time
from contextlib import suppress

import pytest

from imaging.adapters.renderer import RenderFailed, render_thumbnail
from imaging.dicom.gate import Passed
from tests.imaging.hostile.corpus import KINDS
from tests.imaging.hostile.oracles import judge
from tests.imaging.test_renderer import parts_of, read

EVERYDAY, ALL = 150, 3000
LONGEST_SECONDS = 40.0
MOST_GROWTH_KIB = 64 << 10
COMPRESSED = (
    "JPEG2000.dcm",
    "JPEG-lossy.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
)


def poison(count: int) -> list[bytes]:
    """Files of the classes about pixels, and real codestreams with some bytes changed, that the gate lets in."""
    source = random.Random(2)
    generators = KINDS["DCM-06 image shapes"] + KINDS["DCM-07 codestreams"] + KINDS["DCM-07 fragments"]
    cases = [data for generator in generators for _, _, data in generator(source)]
    drawn = source.sample(cases, min(len(cases), 3 * count)) + [_damaged(source) for _ in range(count)]
    passed = [data for data in drawn if _has_frame(data)]
    return source.sample(passed, min(count, len(passed)))


def _damaged(source: random.Random) -> bytes:
    """A real file whose codestream has a few other bytes, mostly in its headers."""
    data = bytearray(read(source.choice(COMPRESSED)))
    start = data.rindex(b"\xe0\x7f\x10\0") + 28
    for _ in range(source.randint(1, 12)):
        data[min(start + int(source.expovariate(1 / 200)), len(data) - 9)] = source.randrange(256)
    return bytes(data)


def _has_frame(data: bytes) -> bool:
    verdict = judge(data)
    pixels = verdict.pixels if isinstance(verdict, Passed) else None
    return pixels is not None and (not pixels.encapsulated or pixels.fragments is not None)


def draw(files: list[bytes]) -> tuple[int, int]:
    """How many became pictures, and how many did not; each in time, and without our own memory growing."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    drawn = 0
    for data in files:
        started = time.monotonic()
        with suppress(RenderFailed):
            drawn += render_thumbnail(*parts_of(data))[8:12] == b"WEBP"
        assert time.monotonic() - started < LONGEST_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH_KIB
    return drawn, len(files) - drawn


def require_alive() -> None:
    """The sandbox still draws a sound image."""
    assert render_thumbnail(*parts_of(read("CT_small.dcm")))[8:12] == b"WEBP"


def test_poisoned_pixels_stay_in_the_sandbox() -> None:
    drawn, failed = draw(poison(EVERYDAY))

    assert drawn + failed == EVERYDAY
    assert failed > EVERYDAY // 4
    require_alive()


@pytest.mark.full
def test_thousands_of_poisoned_pixels_stay_in_the_sandbox() -> None:
    drawn, failed = draw(poison(ALL))

    assert drawn + failed > 2000
    require_alive()
