"""What a presentation state must know of the images it is about."""

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from imaging.dicom.marks.model import ImageRef
from imaging.dicom.part10 import parse_header

_GRAYSCALE = ("MONOCHROME1", "MONOCHROME2")
_KEYWORDS = (
    "RescaleIntercept", "RescaleSlope", "RescaleType", "ModalityLUTSequence", "PixelSpacing", "ImagerPixelSpacing",
    "PixelAspectRatio", "SharedFunctionalGroupsSequence",
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """An image: `rows` × `columns` pixels."""

    ref: ImageRef
    rows: int
    columns: int
    photometric_interpretation: str

    @property
    def is_grayscale(self) -> bool:
        return self.photometric_interpretation in _GRAYSCALE

    @property
    def is_inverse(self) -> bool:
        """Whether low values are bright (PS3.3 §C.7.6.3.1.2)."""
        return self.photometric_interpretation == "MONOCHROME1"

    @property
    def alike(self) -> tuple:
        """Equal for images that one presentation state can be about."""
        return self.rows, self.columns, self.photometric_interpretation if self.is_grayscale else ""


@dataclass(frozen=True)
class Geometry:
    """Attributes of one image's header that a state repeats."""

    modality_lut: Dataset
    spacing: tuple[str, str] | None = None
    aspect_ratio: tuple[int, int] = (1, 1)


def read_geometry(header: bytes, transfer_syntax_uid: str) -> Geometry:
    """What the header says of rescaling and of the pixels' size; what it says badly it does not say."""
    source = parse_header(header, transfer_syntax_uid, only=[Tag(keyword) for keyword in _KEYWORDS])
    spacing = _pair(source, "PixelSpacing") or _pair(source, "ImagerPixelSpacing")
    ratio = _pair(source, "PixelAspectRatio")
    aspect = (round(float(ratio[0])), round(float(ratio[1]))) if ratio else (1, 1)
    return Geometry(_modality_lut(source), spacing, aspect if min(aspect) > 0 else (1, 1))


def _pair(source: Dataset, keyword: str) -> tuple[str, str] | None:
    try:
        first, second = source.get(keyword)
        return (str(first), str(second)) if float(first) > 0 and float(second) > 0 else None
    except Exception:  # pydicom raises almost anything on values that break their VR
        return None


def _modality_lut(source: Dataset) -> Dataset:
    """Elements of the Modality LUT module (PS3.3 §C.11.1), none when there is none."""
    found = Dataset()
    try:
        group = source
        if "RescaleSlope" not in source and "SharedFunctionalGroupsSequence" in source:
            shared = source.SharedFunctionalGroupsSequence[0]
            group = shared.PixelValueTransformationSequence[0]
        if "RescaleSlope" in group and "RescaleIntercept" in group:
            found.RescaleIntercept, found.RescaleSlope = group.RescaleIntercept, group.RescaleSlope
            found.RescaleType = str(group.get("RescaleType") or "US")
        elif "ModalityLUTSequence" in source:
            found.ModalityLUTSequence = source.ModalityLUTSequence
    except Exception:  # as above
        return Dataset()
    return found
