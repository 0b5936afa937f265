"""Encodings that no sample file has, made of one that has others."""

import imagecodecs
import numpy as np
import pydicom
from pydicom.data import get_testdata_file

from tests.e2e.encodings import EncodedSample, written


class MadeSample(EncodedSample):
    """Pixels that none of the sample files has, made of one that has others; what they are is known."""

    def __init__(self, name: str, number: int, made: pydicom.Dataset, pixels: np.ndarray) -> None:
        super().__init__(f"made/{name}", written(made), number)
        self._pixels = pixels

    def _first_frame(self) -> np.ndarray:
        return self._pixels


def list_made() -> list[EncodedSample]:
    """Floating and wide numbers, high-throughput JPEG 2000, and colour in codecs that the sample files have grey in."""
    grey = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False)).pixel_array
    colour = np.stack([grey >> 4, grey >> 5, 255 - (grey >> 4)], axis=-1).clip(0, 255).astype(np.uint8)
    deep = (colour.astype(np.uint16) * 257)[:64, :64]
    real = (grey * 0.37 - 100).astype(np.float32)
    wide = grey.astype(np.int32) * 5000 - 1_000_000
    kinds = [
        ("float", "1.2.840.10008.1.2.1", real, real.tobytes(), "FloatPixelData"),
        ("double", "1.2.840.10008.1.2.1", real.astype(np.float64), real.astype(np.float64).tobytes(),
         "DoubleFloatPixelData"),
        ("wide", "1.2.840.10008.1.2.1", wide, wide.tobytes(), "PixelData"),
        ("htj2k", "1.2.840.10008.1.2.4.201", grey, imagecodecs.htj2k_encode(grey, reversible=True), "PixelData"),
        ("jpeg-ls-colour", "1.2.840.10008.1.2.4.80", colour, imagecodecs.jpegls_encode(colour), "PixelData"),
        ("jpeg-2000-deep", "1.2.840.10008.1.2.4.90", deep,
         imagecodecs.jpeg2k_encode(deep, level=0, codecformat="J2K"), "PixelData"),
    ]  # fmt: skip
    fractions = _made("1.2.840.10008.1.2.1", grey, grey.tobytes(), "PixelData")
    fractions.RescaleSlope, fractions.RescaleIntercept = "0.0125", "-0.5"
    return [
        *(
            MadeSample(name, 900 + at, _made(transfer_syntax, pixels, value, keyword), pixels)
            for at, (name, transfer_syntax, pixels, value, keyword) in enumerate(kinds)
        ),
        MadeSample("fractions", 950, fractions, grey),
    ]


def _made(transfer_syntax: str, pixels: np.ndarray, value: bytes, keyword: str) -> pydicom.Dataset:
    made = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
    for name in ("PixelData", "RescaleIntercept", "RescaleSlope", "DataSetTrailingPadding", "PixelPaddingValue"):
        made.pop(name, None)
    made.file_meta.TransferSyntaxUID, made.Modality = transfer_syntax, "OT"
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    made.Rows, made.Columns = pixels.shape[:2]
    made.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    made.PhotometricInterpretation, made.PlanarConfiguration = ("RGB", 0) if pixels.ndim == 3 else ("MONOCHROME2", None)
    made.BitsAllocated = made.BitsStored = 8 * pixels.dtype.itemsize
    made.HighBit, made.PixelRepresentation = made.BitsStored - 1, int(pixels.dtype.kind == "i")
    if made.PlanarConfiguration is None:
        del made.PlanarConfiguration
    if keyword != "PixelData":
        for name in ("BitsStored", "HighBit", "PixelRepresentation"):
            delattr(made, name)
    encapsulated = transfer_syntax.startswith("1.2.840.10008.1.2.4")
    setattr(made, keyword, pydicom.encaps.encapsulate([value]) if encapsulated else value)
    native = {"FloatPixelData": "OF", "DoubleFloatPixelData": "OD"}.get(keyword, "OW")
    made[keyword].VR = "OB" if encapsulated else native
    made[keyword].is_undefined_length = encapsulated
    return made
