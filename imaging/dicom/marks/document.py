"""What every object made here begins and ends with: patient, study, series, equipment, and the file around it."""

import io
from dataclasses import dataclass
from datetime import timedelta, timezone

from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from imaging.dicom.marks.identity import Identity
from imaging.dicom.marks.model import Author, ImageRef, Moment
from imaging.dicom.transcode import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION

MANUFACTURER, MODEL = "Collimate", "Collimate viewer"
_PERSON_NAME_LETTERS = str.maketrans({letter: " " for letter in "\\^=\r\n\t\f\x1b"})


def new_uid() -> str:
    """A UID derived from a UUID (PS3.5 §B.2)."""
    return str(generate_uid(prefix=None))


@dataclass(frozen=True)
class Saving:
    """What all objects of one save have in common."""

    identity: Identity
    study_instance_uid: str
    author: Author
    moment: Moment

    def begin(self, sop_class_uid: str, modality: str, description: str, number: int, texts: list[str]) -> Dataset:
        """A data set with its patient, study, series, equipment and SOP common modules."""
        name = person_name(self.author.name)
        data_set = self.identity.data_set([*texts, name, self.author.organization, description])
        moment = in_zone(self.moment, str(data_set.get("TimezoneOffsetFromUTC") or ""))
        data_set.SOPClassUID, data_set.SOPInstanceUID = sop_class_uid, new_uid()
        data_set.StudyInstanceUID, data_set.SeriesInstanceUID = self.study_instance_uid, new_uid()
        data_set.Modality, data_set.SeriesDescription, data_set.SeriesNumber = modality, description, number
        data_set.SeriesDate, data_set.SeriesTime = moment.date, moment.time
        data_set.InstanceNumber = 1
        data_set.InstanceCreationDate, data_set.InstanceCreationTime = moment.date, moment.time
        data_set.Manufacturer, data_set.ManufacturerModelName = MANUFACTURER, MODEL
        data_set.SoftwareVersions, data_set.DeviceSerialNumber = IMPLEMENTATION_VERSION, IMPLEMENTATION_VERSION
        return data_set

    def write_content_date(self, data_set: Dataset) -> None:
        """Content Date and Content Time: those of the instance."""
        data_set.ContentDate, data_set.ContentTime = data_set.InstanceCreationDate, data_set.InstanceCreationTime


def person_name(name: str) -> str:
    """A name as PN in one component, since we know no parts of it; the caret says that this is meant."""
    return " ".join(name.translate(_PERSON_NAME_LETTERS).split())[:63] + "^"


def in_zone(moment: Moment, offset: str) -> Moment:
    """The moment in the zone of `TimezoneOffsetFromUTC` (&ZZXX), which then holds for the new object too."""
    sign, digits = offset[:1], offset[1:5]
    if sign not in ("+", "-") or len(digits) != 4 or not digits.isdigit() or int(digits[:2]) > 14:
        return moment
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return Moment(moment.at.astimezone(timezone(-shift if sign == "-" else shift)))


def reference(image: ImageRef, *, with_frame: bool = True) -> Dataset:
    """An item of a sequence of referenced SOP instances (PS3.3 §10.3)."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.sop_class_uid, image.sop_instance_uid
    if with_frame and image.frame is not None:
        item.ReferencedFrameNumber = image.frame
    return item


def by_series(images: list[ImageRef]) -> dict[str, dict[str, ImageRef]]:
    """Each image once, by series and instance."""
    found: dict[str, dict[str, ImageRef]] = {}
    for image in images:
        found.setdefault(image.series_instance_uid, {}).setdefault(image.sop_instance_uid, image)
    return found


def evidence(study_instance_uid: str, images: list[ImageRef]) -> list[Dataset]:
    """The hierarchical references to all that a document speaks of (PS3.3 §C.17.2.1, Table C.17-3)."""
    study = Dataset()
    study.StudyInstanceUID, study.ReferencedSeriesSequence = study_instance_uid, []
    for series_instance_uid, instances in by_series(images).items():
        series = Dataset()
        series.SeriesInstanceUID = series_instance_uid
        series.ReferencedSOPSequence = [reference(each, with_frame=False) for each in instances.values()]
        study.ReferencedSeriesSequence.append(series)
    return [study]


def to_file(data_set: Dataset) -> bytes:
    """The Part 10 file, in Explicit VR Little Endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data_set.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID, meta.ImplementationVersionName = IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION
    file = FileDataset(None, data_set, file_meta=meta)
    # Raw elements are in the encoding that they are written in: pydicom would decode them, and encode them anew.
    file.set_original_encoding(False, True, convert_encodings(data_set.get("SpecificCharacterSet")))
    buffer = io.BytesIO()
    dcmwrite(buffer, file, enforce_file_format=True)
    return buffer.getvalue()
