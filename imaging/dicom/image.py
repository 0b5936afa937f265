"""What the header says about the image (PS3.3 §C.7.6.3), and whether it can be true."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from imaging.dicom.elements import name_tag
from imaging.dicom.limits import Limits
from imaging.dicom.reasons import PIXEL_DIMENSIONS, Refused

SAMPLES, PHOTOMETRIC, FRAMES = 0x00280002, 0x00280004, 0x00280008
ROWS, COLUMNS, BITS_ALLOCATED = 0x00280010, 0x00280011, 0x00280100
TAGS = frozenset({SAMPLES, PHOTOMETRIC, FRAMES, ROWS, COLUMNS, BITS_ALLOCATED})
_SAMPLES = frozenset({1, 3, 4})
_BITS = frozenset({1, 8, 16, 32, 64})
_SUBSAMPLED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})
_COUNT = re.compile(rb" *\+?[0-9]{1,7} *", re.ASCII)
_CODE = re.compile(rb"[A-Z0-9_ ]{0,16}")

Values = Mapping[int, tuple[bytes, bytes]]  # tag → (VR, value)


@dataclass(frozen=True)
class Image:
    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    number_of_frames: int
    photometric_interpretation: str

    @property
    def frame_bits(self) -> int:
        return self.rows * self.columns * self.samples_per_pixel * self.bits_allocated

    @property
    def subsampled_frame_bits(self) -> int | None:
        """Bits of a frame whose chrominance is halved (PS3.3 §C.7.6.3.1.2), None if this image has none."""
        halved = self.photometric_interpretation in _SUBSAMPLED and self.samples_per_pixel == 3
        return self.frame_bits * 2 // 3 if halved else None


def read_image(values: Values, limits: Limits, *, little: bool) -> Image:
    """Read the image's shape; raises Refused(PIXEL_DIMENSIONS) for what is absent or absurd.

    UN is accepted for the right VR: a node that did not know an element may have written
    it so (PS3.5 §6.2.2).
    """
    image = Image(
        rows=_short(values, ROWS, little),
        columns=_short(values, COLUMNS, little),
        samples_per_pixel=_short(values, SAMPLES, little),
        bits_allocated=_short(values, BITS_ALLOCATED, little),
        number_of_frames=_number_of_frames(values),
        photometric_interpretation=_photometric(values),
    )
    _require_possible(image, limits)
    return image


def _short(values: Values, tag: int, little: bool) -> int:
    vr, value = values.get(tag, (b"", b""))
    if vr not in (b"US", b"UN", b"") or len(value) != 2:
        raise Refused(PIXEL_DIMENSIONS, f"{name_tag(tag)} is not one 16-bit number")
    return int.from_bytes(value, "little" if little else "big")


def _number_of_frames(values: Values) -> int:
    vr, value = values.get(FRAMES, (b"", b""))
    value = value.strip(b" \0")
    if not value:
        return 1
    if vr not in (b"IS", b"UN", b"") or not _COUNT.fullmatch(value):
        raise Refused(PIXEL_DIMENSIONS, f"{name_tag(FRAMES)} is no count")
    return int(value)


def _photometric(values: Values) -> str:
    value = values.get(PHOTOMETRIC, (b"", b""))[1].strip(b" \0")
    if not _CODE.fullmatch(value):
        raise Refused(PIXEL_DIMENSIONS, f"{name_tag(PHOTOMETRIC)} is no code")
    return value.decode("ascii")


def _require_possible(image: Image, limits: Limits) -> None:
    decoded = image.frame_bits * image.number_of_frames // 8
    for tag, fits in (
        (ROWS, image.rows),
        (COLUMNS, image.columns),
        (SAMPLES, image.samples_per_pixel in _SAMPLES),
        (BITS_ALLOCATED, image.bits_allocated in _BITS),
        (FRAMES, 1 <= image.number_of_frames <= limits.frames),
        (ROWS, image.rows * image.columns <= limits.frame_pixels),
        (FRAMES, decoded <= limits.decoded_bytes),
    ):
        if not fits:
            raise Refused(
                PIXEL_DIMENSIONS, f"{name_tag(tag)}: {image.rows}×{image.columns}×{image.number_of_frames}"
            )
