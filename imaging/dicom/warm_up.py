"""What decoders load when first used, loaded once before any child is forked. Runs only inside the sandbox."""

import gc
from contextlib import suppress

import numpy as np
from pydicom import Dataset

from imaging.dicom.encode import encode_frame
from imaging.dicom.native import read_frame
from imaging.dicom.presentation import Presentation, Window
from imaging.dicom.render import draw
from imaging.dicom.transfer_syntaxes import (
    EXPLICIT_LITTLE,
    HTJ2K_LOSSLESS,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LOSSLESS,
    JPEG_LS_LOSSLESS,
    RLE,
)

_TARGETS = (EXPLICIT_LITTLE, RLE, JPEG_BASELINE, JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS, HTJ2K_LOSSLESS)
_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_EDGE = 32


def warm_up() -> None:
    """Encode, decode and draw a grey square of our own with each codec."""
    data_set = _square()
    pixels = np.arange(_EDGE * _EDGE, dtype=np.uint32).reshape(_EDGE, _EDGE).astype(np.uint8)
    for target in _TARGETS:
        frame = encode_frame(data_set, pixels, target)
        read_frame(data_set, target, frame)
    with suppress(Exception):  # no encoder writes what this decoder reads
        read_frame(data_set, next(iter(JPEG_LOSSLESS)), b"\xff\xd8")
    for media_type in _TYPES:
        draw(data_set, EXPLICIT_LITTLE, pixels.tobytes(), 1, Presentation(media_type, Window(128, 256), edge=8))
    draw(data_set, EXPLICIT_LITTLE, pixels.tobytes(), 1, Presentation())
    _draw_colours(data_set, np.repeat(pixels, 3).tobytes())
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page of what we share


def _draw_colours(data_set: Dataset, frame: bytes) -> None:
    data_set.SamplesPerPixel, data_set.PlanarConfiguration = 3, 0
    data_set.PhotometricInterpretation = "YBR_FULL"
    draw(data_set, EXPLICIT_LITTLE, frame, 1, Presentation())


def _square() -> Dataset:
    data_set = Dataset()
    data_set.Rows = data_set.Columns = _EDGE
    data_set.SamplesPerPixel, data_set.PhotometricInterpretation = 1, "MONOCHROME2"
    data_set.BitsAllocated = data_set.BitsStored = 8
    data_set.PixelRepresentation = 0
    return data_set
