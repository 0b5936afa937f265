"""Which decoder for which transfer syntax (PS3.5 §8.2). Runs only inside the sandbox."""

import imagecodecs
import numpy as np
from pydicom import Dataset
from pydicom.pixels.decoders.rle import _rle_decode_frame

from imaging.dicom.codestreams import names_colour_space, read_size
from imaging.dicom.transfer_syntaxes import HTJ2K, JPEG, JPEG_2000, JPEG_LOSSLESS, JPEG_LS, RLE

_UNDONE_BY_THE_CODEC = ("YBR_RCT", "YBR_ICT")


class NoDecoder(Exception):
    """Nothing here decodes the transfer syntax (video, JPIP, private ones)."""


class WrongCodestream(ValueError):
    """The codestream's dimensions, samples or bits are not the data set's (compliance.md DCM-07)."""


def decode_compressed(data_set: Dataset, transfer_syntax_uid: str, frame: bytes) -> np.ndarray:
    """Stored values of one compressed frame: (rows, columns) or (rows, columns, samples), of the data set's own type.

    What JPEG and JPEG 2000 keep as YCbCr comes back as RGB, and the data set's photometric interpretation is set so.

    Raises
    ------
    NoDecoder
    WrongCodestream
    """
    shape = int(data_set.Rows), int(data_set.Columns)
    if transfer_syntax_uid != RLE and read_size(frame) not in (shape, None):
        raise WrongCodestream("dimensions")
    pixels = _decode(data_set, transfer_syntax_uid, frame)
    samples = int(data_set.get("SamplesPerPixel", 1))
    if pixels.shape != (shape if samples == 1 else (*shape, samples)):
        raise WrongCodestream("dimensions")
    return _as_stored(data_set, pixels)


def stored_type(data_set: Dataset) -> np.dtype:
    """The type of the data set's stored values, little-endian; raises `WrongCodestream` for single bits."""
    bits = int(data_set.BitsAllocated)
    if bits not in (8, 16, 32, 64):
        raise WrongCodestream("bits")
    return np.dtype(f"<{'iu'[not int(data_set.get('PixelRepresentation', 0))]}{bits // 8}")


def _decode(data_set: Dataset, transfer_syntax_uid: str, frame: bytes) -> np.ndarray:
    if transfer_syntax_uid in JPEG:
        return _decode_jpeg(data_set, frame)
    if transfer_syntax_uid in JPEG_LOSSLESS:
        return imagecodecs.ljpeg_decode(frame)
    if transfer_syntax_uid in JPEG_LS:
        return imagecodecs.jpegls_decode(frame)
    if transfer_syntax_uid in JPEG_2000:
        return _as_rgb(data_set, imagecodecs.jpeg2k_decode(frame), _UNDONE_BY_THE_CODEC)
    if transfer_syntax_uid in HTJ2K:
        return _as_rgb(data_set, imagecodecs.htj2k_decode(frame), _UNDONE_BY_THE_CODEC)
    if transfer_syntax_uid == RLE:
        return _decode_rle(data_set, frame)
    raise NoDecoder(transfer_syntax_uid)


def _decode_jpeg(data_set: Dataset, frame: bytes) -> np.ndarray:
    photometric = str(data_set.get("PhotometricInterpretation"))
    if photometric == "RGB" and not names_colour_space(frame):
        # Without a word from the codestream the codec would guess YCbCr.
        return imagecodecs.jpeg8_decode(frame, colorspace="RGB", outcolorspace="RGB")
    return _as_rgb(data_set, imagecodecs.jpeg8_decode(frame), (photometric,))


def _as_rgb(data_set: Dataset, pixels: np.ndarray, undone: tuple[str, ...]) -> np.ndarray:
    if pixels.ndim == 3 and str(data_set.get("PhotometricInterpretation")) in undone:
        data_set.PhotometricInterpretation = "RGB"
    return pixels


def _decode_rle(data_set: Dataset, frame: bytes) -> np.ndarray:
    rows, columns = int(data_set.Rows), int(data_set.Columns)
    samples = int(data_set.get("SamplesPerPixel", 1))
    raw = _rle_decode_frame(frame, rows, columns, samples, int(data_set.BitsAllocated))
    values = np.frombuffer(raw, stored_type(data_set))
    return values.reshape(rows, columns) if samples == 1 else values.reshape(samples, rows, columns).transpose(1, 2, 0)


def _as_stored(data_set: Dataset, pixels: np.ndarray) -> np.ndarray:
    """In the type the data set names: codecs know no sign, or another than the data set (PS3.5 §8.2.4)."""
    wanted = stored_type(data_set)
    if pixels.dtype == wanted:
        return pixels
    if pixels.dtype.kind not in "iu" or pixels.dtype.itemsize > wanted.itemsize:
        raise WrongCodestream("bits")
    spare = 8 * wanted.itemsize - int(data_set.get("BitsStored", 8 * wanted.itemsize))
    if not 0 <= spare < 8 * wanted.itemsize:
        raise WrongCodestream("bits")
    # Up to the sign and down again: extended where the data set is signed, filled with zeros where it is not.
    return (pixels.astype(wanted) << spare) >> spare
