"""One frame as a small grey or colour picture. Runs only inside the sandbox (`imaging.dicom.render_child`)."""

import io

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut

from imaging.dicom.decoders import decode_compressed
from imaging.dicom.part10 import parse_header, split_part10

_UNCOMPRESSED = {
    "1.2.840.10008.1.2": "<",
    "1.2.840.10008.1.2.1": "<",
    "1.2.840.10008.1.2.1.99": "<",
    "1.2.840.10008.1.2.2": ">",
}


def draw(header: bytes, transfer_syntax_uid: str, frame: bytes, edge: int) -> bytes:
    """The frame as WebP, at most `edge` pixels wide and high.

    Parameters
    ----------
    header
        The Part 10 file up to its Pixel Data; with an empty `transfer_syntax_uid` a whole deflated file.
    frame
        The frame as stored.
    """
    if not transfer_syntax_uid:
        data_set, transfer_syntax_uid, frame = _open_deflated(header)
    else:
        _, body, _ = split_part10(header)
        data_set = parse_header(body, transfer_syntax_uid)
    pixels = _decode(data_set, transfer_syntax_uid, frame)
    return _to_webp(_to_eight_bits(data_set, pixels), edge)


def _open_deflated(file: bytes) -> tuple[Dataset, str, bytes]:
    from pydicom import dcmread

    data_set = dcmread(io.BytesIO(file))
    rows, columns = int(data_set.Rows), int(data_set.Columns)
    length = rows * columns * int(data_set.SamplesPerPixel) * int(data_set.BitsAllocated) // 8
    return data_set, "1.2.840.10008.1.2.1.99", data_set.PixelData[:length]


def _decode(data_set: Dataset, transfer_syntax_uid: str, frame: bytes) -> np.ndarray:
    """Stored values: (rows, columns) or (rows, columns, samples)."""
    if transfer_syntax_uid not in _UNCOMPRESSED:
        return decode_compressed(data_set, transfer_syntax_uid, frame)
    return _read_native(data_set, _UNCOMPRESSED[transfer_syntax_uid], frame)


def _read_native(data_set: Dataset, order: str, frame: bytes) -> np.ndarray:
    rows, columns, samples = (
        int(data_set.Rows),
        int(data_set.Columns),
        int(data_set.get("SamplesPerPixel", 1)),
    )
    bits = int(data_set.BitsAllocated)
    if bits == 1:
        return np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little")[: rows * columns].reshape(
            rows, columns
        )
    if data_set.get("PhotometricInterpretation") == "YBR_FULL_422":
        return _upsample_422(np.frombuffer(frame, np.uint8), rows, columns)
    kind = "f" if "FloatPixelData" in data_set else "iu"[not int(data_set.get("PixelRepresentation", 0))]
    values = np.frombuffer(frame, np.dtype(f"{order}{kind}{bits // 8}"), count=rows * columns * samples)
    if samples == 1:
        return values.reshape(rows, columns)
    if int(data_set.get("PlanarConfiguration", 0)):
        return values.reshape(samples, rows, columns).transpose(1, 2, 0)
    return values.reshape(rows, columns, samples)


def _upsample_422(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    # PS3.3 §C.7.6.3.1.2: Y0 Y1 Cb Cr for each pair of pixels.
    pairs = values[: rows * columns * 2].reshape(rows, columns // 2, 4)
    chroma = np.repeat(pairs[..., 2:], 2, axis=1)
    return np.concatenate([pairs[..., :2].reshape(rows, columns, 1), chroma], axis=2)


def _to_eight_bits(data_set: Dataset, pixels: np.ndarray) -> np.ndarray:
    photometric = str(data_set.get("PhotometricInterpretation", "MONOCHROME2"))
    if photometric == "PALETTE COLOR":
        return _stretch(apply_color_lut(pixels, data_set))
    if pixels.ndim == 3:
        return _to_rgb(photometric, pixels)
    grey = _window(data_set, pixels)
    return 255 - grey if photometric == "MONOCHROME1" else grey


def _to_rgb(photometric: str, pixels: np.ndarray) -> np.ndarray:
    colour = _stretch(pixels)
    if photometric.startswith("YBR_FULL"):
        return np.asarray(Image.fromarray(colour, "YCbCr").convert("RGB"))
    return colour


def _window(data_set: Dataset, pixels: np.ndarray) -> np.ndarray:
    values = apply_modality_lut(pixels, data_set)
    if "WindowCenter" in data_set or "VOILUTSequence" in data_set:
        return _stretch(apply_voi_lut(values, data_set, index=0))
    low, high = np.percentile(values, (1, 99))
    return _stretch(np.clip(values, low, high))


def _stretch(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8 and values.ndim == 3:
        return values
    values = values.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    return ((values - low) * (255.0 / ((high - low) or 1.0))).astype(np.uint8)


def _to_webp(pixels: np.ndarray, edge: int) -> bytes:
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=80, method=4)
    return out.getvalue()
