"""Frames compressed for clients that ask for it (PS3.5 §8.2). Runs only inside the sandbox."""

import imagecodecs
import numpy as np
from pydicom import Dataset
from pydicom.pixels.encoders import RLELosslessEncoder

from imaging.dicom.presentation import DEFAULT_QUALITY
from imaging.dicom.transfer_syntaxes import (
    EXPLICIT_LITTLE,
    HTJ2K_LOSSLESS,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LS_LOSSLESS,
    RLE,
)


class NoEncoder(ValueError):
    """Pixels of this kind cannot be given in the transfer syntax."""


def encode_frame(data_set: Dataset, pixels: np.ndarray, transfer_syntax_uid: str) -> bytes:
    """A frame of stored values in one of the transfer syntaxes we can write; raises `NoEncoder`."""
    encoder = _ENCODERS.get(transfer_syntax_uid)
    if encoder is None or pixels.dtype.kind not in "iu":
        raise NoEncoder
    return encoder(data_set, np.ascontiguousarray(pixels))


def _explicit_little(_: Dataset, pixels: np.ndarray) -> bytes:
    return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def _rle(data_set: Dataset, pixels: np.ndarray) -> bytes:
    bits = 8 * pixels.dtype.itemsize
    return RLELosslessEncoder.encode(
        _explicit_little(data_set, pixels), rows=pixels.shape[0], columns=pixels.shape[1],
        samples_per_pixel=1 if pixels.ndim == 2 else pixels.shape[2], number_of_frames=1, bits_allocated=bits,
        bits_stored=bits, pixel_representation=int(pixels.dtype.kind == "i"), planar_configuration=0,
        photometric_interpretation="MONOCHROME2" if pixels.ndim == 2 else "RGB",
    )  # fmt: skip


def _jpeg_ls(data_set: Dataset, pixels: np.ndarray) -> bytes:
    return imagecodecs.jpegls_encode(_unsigned(data_set, pixels))


def _jpeg_2000(data_set: Dataset, pixels: np.ndarray) -> bytes:
    return imagecodecs.jpeg2k_encode(
        _at_most_16(pixels), level=0, codecformat="j2k", reversible=True, mct=_is_rgb(data_set, pixels), numthreads=1
    )


def _htj2k(data_set: Dataset, pixels: np.ndarray) -> bytes:
    return imagecodecs.htj2k_encode(_at_most_16(pixels), reversible=True, rgb=_is_rgb(data_set, pixels))


def _jpeg(data_set: Dataset, pixels: np.ndarray) -> bytes:
    if pixels.dtype != np.uint8:
        raise NoEncoder
    if pixels.ndim == 3 and not _is_rgb(data_set, pixels):
        raise NoEncoder
    return imagecodecs.jpeg8_encode(pixels, level=DEFAULT_QUALITY)


def _unsigned(data_set: Dataset, pixels: np.ndarray) -> np.ndarray:
    """JPEG-LS knows no sign: the stored bits, which the receiver extends again (PS3.5 §8.2.3)."""
    stored = int(data_set.get("BitsStored", 8 * pixels.dtype.itemsize))
    unsigned = _at_most_16(pixels).view(f"u{pixels.dtype.itemsize}")
    return unsigned & ((1 << stored) - 1) if pixels.dtype.kind == "i" else unsigned


def _at_most_16(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype.itemsize > 2:
        raise NoEncoder
    return pixels


def _is_rgb(data_set: Dataset, pixels: np.ndarray) -> bool:
    return pixels.ndim == 3 and str(data_set.get("PhotometricInterpretation")) == "RGB"


_ENCODERS = {
    EXPLICIT_LITTLE: _explicit_little,
    RLE: _rle,
    JPEG_LS_LOSSLESS: _jpeg_ls,
    JPEG_2000_LOSSLESS: _jpeg_2000,
    HTJ2K_LOSSLESS: _htj2k,
    JPEG_BASELINE: _jpeg,
}
