"""Frames of native Pixel Data as arrays (PS3.5 §8.1.1). Runs only inside the sandbox."""

import numpy as np
from pydicom import Dataset

from imaging.dicom.decoders import decode_compressed
from imaging.dicom.transfer_syntaxes import EXPLICIT_BIG, NATIVE


class ShortFrame(ValueError):
    """The frame has fewer bytes than its rows and columns need."""


def read_frame(data_set: Dataset, transfer_syntax_uid: str, frame: bytes) -> np.ndarray:
    """Stored values: (rows, columns) or (rows, columns, samples).

    Raises
    ------
    NoDecoder
    WrongCodestream
    ShortFrame
    """
    if transfer_syntax_uid in NATIVE:
        return _read_native(data_set, "<>"[transfer_syntax_uid == EXPLICIT_BIG], frame)
    return decode_compressed(data_set, transfer_syntax_uid, frame)


def _read_native(data_set: Dataset, order: str, frame: bytes) -> np.ndarray:
    rows, columns = int(data_set.Rows), int(data_set.Columns)
    samples, bits = int(data_set.get("SamplesPerPixel", 1)), int(data_set.BitsAllocated)
    if bits == 1:
        return _unpack_bits(frame, rows, columns)
    if str(data_set.get("PhotometricInterpretation")) == "YBR_FULL_422":
        return _upsample_422(_values(frame, np.dtype(np.uint8), rows * columns * 2), rows, columns)
    values = _values(frame, np.dtype(f"{order}{_kind(data_set, bits)}{bits // 8}"), rows * columns * samples)
    if samples == 1:
        return values.reshape(rows, columns)
    if int(data_set.get("PlanarConfiguration", 0)):
        return values.reshape(samples, rows, columns).transpose(1, 2, 0)
    return values.reshape(rows, columns, samples)


def _kind(data_set: Dataset, bits: int) -> str:
    # The modules of float pixels have no Bits Stored (PS3.3 §C.7.6.24), and the header ends before the element's tag.
    if bits >= 32 and "BitsStored" not in data_set:
        return "f"
    return "iu"[not int(data_set.get("PixelRepresentation", 0))]


def _values(frame: bytes, kind: np.dtype, count: int) -> np.ndarray:
    if len(frame) < count * kind.itemsize:
        raise ShortFrame
    return np.frombuffer(frame, kind, count=count)


def _unpack_bits(frame: bytes, rows: int, columns: int) -> np.ndarray:
    packed = _values(frame, np.dtype(np.uint8), -(-rows * columns // 8))
    return np.unpackbits(packed, bitorder="little")[: rows * columns].reshape(rows, columns)


def _upsample_422(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    # PS3.3 §C.7.6.3.1.2: Y0 Y1 Cb Cr for each pair of pixels.
    pairs = values.reshape(rows, columns // 2, 4)
    chroma = np.repeat(pairs[..., 2:], 2, axis=1)
    return np.concatenate([pairs[..., :2].reshape(rows, columns, 1), chroma], axis=2)
