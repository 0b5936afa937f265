"""Every encoding of the sample files as one study, and what its pixels look like when somebody else decodes them."""

import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import imagecodecs
import numpy as np
import pydicom
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

from imaging.dicom.gate import Refused
from tests.imaging.samples import Sample, judge, list_samples

STUDY = "1.2.826.0.1.3680043.8.498.5150"
GRID = 96  # pixels compared along each side, evenly chosen
# Its codestream holds bytes of a delimiter where its size should be: no decoder reads it.
BROKEN = frozenset({"pydicom/JPEG2000-embedded-sequence-delimiter.dcm"})
_LOSSY = {"JPEG Baseline (Process 1)", "JPEG Extended (Process 2 and 4)"}
_IMAGECODECS = {
    "1.2.840.10008.1.2.4.51": imagecodecs.jpeg8_decode,
    "1.2.840.10008.1.2.4.57": imagecodecs.ljpeg_decode,
    "1.2.840.10008.1.2.4.70": imagecodecs.ljpeg_decode,
    "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_decode,
    "1.2.840.10008.1.2.4.81": imagecodecs.jpegls_decode,
    "1.2.840.10008.1.2.4.90": imagecodecs.jpeg2k_decode,
    "1.2.840.10008.1.2.4.91": imagecodecs.jpeg2k_decode,
}  # fmt: skip  what pydicom has no decoder for here


@dataclass(frozen=True)
class Encoding:
    """How pixels are stored."""

    transfer_syntax: str
    photometric: str
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool

    def __str__(self) -> str:
        bits = f"{self.bits_stored} of {self.bits_allocated} bits"
        return f"{self.transfer_syntax} | {self.photometric} | {bits}{', signed' if self.signed else ''}"


class EncodedSample:
    """A sample with pixels, as one series of the study."""

    def __init__(self, name: str, data: bytes, number: int) -> None:
        self.name = name
        self.number = number
        self._data = data

    @property
    def series_uid(self) -> str:
        return f"{STUDY}.{self.number}"

    @cached_property
    def source(self) -> pydicom.Dataset:
        return pydicom.dcmread(io.BytesIO(self._data))

    @cached_property
    def encoding(self) -> Encoding:
        source = self.source
        return Encoding(
            source.file_meta.TransferSyntaxUID.name.split(",")[0].replace(" Image Compression", ""),
            source.PhotometricInterpretation + (", floating" if "BitsStored" not in source else ""),
            source.get("SamplesPerPixel", 1), source.BitsAllocated,
            source.get("BitsStored", source.BitsAllocated), bool(source.get("PixelRepresentation", 0)),
        )  # fmt: skip

    @property
    def is_lossy(self) -> bool:
        return self.encoding.transfer_syntax in _LOSSY

    def as_series(self) -> bytes:
        """The file with UIDs and a patient of the study's; its pixels are as they were."""
        source = pydicom.dcmread(io.BytesIO(self._data))
        source.StudyInstanceUID, source.SeriesInstanceUID = STUDY, self.series_uid
        source.SOPInstanceUID = source.file_meta.MediaStorageSOPInstanceUID = f"{self.series_uid}.1"
        source.PatientName, source.PatientID, source.PatientBirthDate = "Encodings^All", "ENC-1", "19700101"
        source.SeriesNumber, source.SeriesDescription = self.number, self.name.rsplit("/", 1)[-1][:64]
        source.SpecificCharacterSet = "ISO_IR 192"
        return written(source)

    def expected(self) -> np.ndarray:
        """Eight-bit pixels of the first frame: (rows, columns) in the file's window, or (rows, columns, 3)."""
        pixels = self._first_frame()
        source = self.source
        if source.PhotometricInterpretation == "PALETTE COLOR":
            colours = apply_color_lut(pixels, source)
            return _eight_bits(colours, 16 if int(colours.max()) > 255 else 8)
        if pixels.ndim == 3:
            return _eight_bits(pixels, int(source.BitsStored))
        return self._windowed(pixels)

    def _first_frame(self) -> np.ndarray:
        source = self.source
        decode = _IMAGECODECS.get(source.file_meta.TransferSyntaxUID)
        if decode is None:
            return pixel_array(source, index=0)
        count = int(source.get("NumberOfFrames", 1) or 1)
        frame = next(pydicom.encaps.generate_frames(source.PixelData, number_of_frames=count))
        return self._with_sign(decode(frame))

    def _with_sign(self, pixels: np.ndarray) -> np.ndarray:
        """Codecs know no sign, or another than the data set (PS3.5 §8.2.4)."""
        if not self.encoding.signed:
            return pixels
        spare = 16 - self.encoding.bits_stored
        return (pixels.astype(np.int16) << spare) >> spare

    def _windowed(self, pixels: np.ndarray) -> np.ndarray:
        values = apply_modality_lut(pixels, self._rescaled()).astype(np.float64)
        if "DoseGridScaling" in self.source:
            values = values * float(self.source.DoseGridScaling)
        low, high = self._window(values)
        shown = np.rint(((values - low) / max(high - low, 1e-9)).clip(0, 1) * 255)
        return 255 - shown if self.source.PhotometricInterpretation == "MONOCHROME1" else shown

    def _rescaled(self) -> pydicom.Dataset:
        return _group(self.source, "PixelValueTransformationSequence") or self.source

    def _window(self, values: np.ndarray) -> tuple[float, float]:
        voi = _group(self.source, "FrameVOILUTSequence") or self.source
        center, width = _first(voi.get("WindowCenter")), _first(voi.get("WindowWidth"))
        if center is None or width is None:
            return float(values.min()), float(values.max())
        return center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2


@dataclass(frozen=True)
class Shown:
    """What became of a sample in the viewer: the largest difference of an eight-bit pixel, and what is allowed."""

    sample: EncodedSample
    difference: float
    allowed: float
    way: str

    @property
    def is_wrong(self) -> bool:
        """Whether the pixels are not those of the file."""
        return self.difference > self.allowed

    def __str__(self) -> str:
        return f"{self.sample.name} ({self.sample.encoding}): {self.difference:.1f} off, {self.way}"

    def row(self) -> str:
        """Its line of the table."""
        return f"| {self.sample.encoding} | {self.way} | {self.sample.name} |"


def list_encoded(*, every: bool) -> list[EncodedSample]:
    """Samples with pixels that the archive takes: one of each encoding, the smallest, or every one."""
    found: dict[Encoding, list[EncodedSample]] = defaultdict(list)
    for number, sample in enumerate(list_samples(), start=1):
        if (each := _encoded(sample, number)) is not None:
            found[each.encoding].append(each)
    groups = sorted(found.values(), key=lambda group: str(group[0].encoding))
    if every:
        return [each for group in groups for each in group]
    return [min(group, key=_cost) for group in groups]


def _cost(each: EncodedSample) -> tuple[bool, int]:
    return each.name in BROKEN, each.source.Rows * each.source.Columns


def written(source: pydicom.Dataset) -> bytes:
    """A Part 10 file."""
    written = io.BytesIO()
    source.save_as(written)
    return written.getvalue()


def sampled(pixels: np.ndarray) -> np.ndarray:
    """The pixels that are compared."""
    rows, columns = (_places(size) for size in pixels.shape[:2])
    return pixels[np.ix_(rows, columns)].astype(np.float64)


def _places(size: int) -> np.ndarray:
    step = -(-size // GRID)
    return np.arange(0, size, step)


def _encoded(sample: Sample, number: int) -> EncodedSample | None:
    data = sample.read()
    try:
        passed = judge(data)
    except Refused:
        return None
    return EncodedSample(sample.name, data, number) if passed.pixels else None


def _eight_bits(values: np.ndarray, bits: int) -> np.ndarray:
    return values if bits == 8 else values.astype(np.float64) * (255 / (2**bits - 1))


def _group(source: pydicom.Dataset, keyword: str) -> pydicom.Dataset | None:
    groups: Iterable[pydicom.Dataset] = (
        *(source.get("PerFrameFunctionalGroupsSequence") or [])[:1],
        *(source.get("SharedFunctionalGroupsSequence") or [])[:1],
    )
    return next((group[keyword].value[0] for group in groups if group.get(keyword)), None)


def _first(value: object) -> float | None:
    if value is None or value == "":
        return None
    return float(value[0]) if hasattr(value, "append") else float(value)
