"""Which decoder for which transfer syntax (PS3.5 §8.2). Runs only inside the sandbox."""

import imagecodecs
import numpy as np
from pydicom import Dataset
from pydicom.pixels.decoders.rle import _rle_decode_frame

_UID = "1.2.840.10008.1.2."
JPEG = {f"{_UID}4.50", f"{_UID}4.51", f"{_UID}4.53", f"{_UID}4.55"}
JPEG_LOSSLESS = {f"{_UID}4.57", f"{_UID}4.70"}
JPEG_LS = {f"{_UID}4.80", f"{_UID}4.81"}
JPEG_2000 = {f"{_UID}4.90", f"{_UID}4.91", f"{_UID}4.92", f"{_UID}4.93"}
HTJ2K = {f"{_UID}4.201", f"{_UID}4.202", f"{_UID}4.203"}
RLE = f"{_UID}5"


class NoDecoder(Exception):
    """Nothing here decodes the transfer syntax (video, JPIP, private ones)."""


def decode_compressed(data_set: Dataset, transfer_syntax_uid: str, frame: bytes) -> np.ndarray:
    """Stored values of one compressed frame: (rows, columns) or (rows, columns, samples).

    What JPEG and JPEG 2000 keep as YCbCr comes back as RGB, and the data set's photometric interpretation is set so.

    Raises
    ------
    NoDecoder
    ValueError
        The codestream's dimensions are not the data set's (compliance.md DCM-07).
    """
    pixels = _decode(data_set, transfer_syntax_uid, frame)
    if pixels.shape[:2] != (int(data_set.Rows), int(data_set.Columns)):
        raise ValueError("dimensions")
    return pixels


def _decode(data_set: Dataset, transfer_syntax_uid: str, frame: bytes) -> np.ndarray:
    if transfer_syntax_uid in JPEG:
        return _decode_jpeg(data_set, frame)
    if transfer_syntax_uid in JPEG_LOSSLESS:
        return imagecodecs.ljpeg_decode(frame)
    if transfer_syntax_uid in JPEG_LS:
        return imagecodecs.jpegls_decode(frame)
    if transfer_syntax_uid in JPEG_2000:
        return _as_rgb(data_set, imagecodecs.jpeg2k_decode(frame))
    if transfer_syntax_uid in HTJ2K:
        return _as_rgb(data_set, imagecodecs.htj2k_decode(frame))
    if transfer_syntax_uid == RLE:
        return _decode_rle(data_set, frame)
    raise NoDecoder(transfer_syntax_uid)


def _decode_jpeg(data_set: Dataset, frame: bytes) -> np.ndarray:
    pixels = imagecodecs.jpeg8_decode(frame)
    return _as_rgb(data_set, pixels) if pixels.ndim == 3 else pixels


def _as_rgb(data_set: Dataset, pixels: np.ndarray) -> np.ndarray:
    if pixels.ndim == 3:
        data_set.PhotometricInterpretation = "RGB"
    return pixels


def _decode_rle(data_set: Dataset, frame: bytes) -> np.ndarray:
    rows, columns, samples = (
        int(data_set.Rows),
        int(data_set.Columns),
        int(data_set.get("SamplesPerPixel", 1)),
    )
    raw = _rle_decode_frame(frame, rows, columns, samples, int(data_set.BitsAllocated))
    kind = "iu"[not int(data_set.get("PixelRepresentation", 0))]
    values = np.frombuffer(raw, np.dtype(f"<{kind}{int(data_set.BitsAllocated) // 8}"))
    return (
        values.reshape(rows, columns)
        if samples == 1
        else values.reshape(samples, rows, columns).transpose(1, 2, 0)
    )
