"""What every made object has: a patient, a study, a series of its own, and a Part 10 file around it."""

import io

import pydicom
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

STUDY = "1.2.826.0.1.3680043.8.498.5151"
STORAGE = "1.2.840.10008.5.1.4.1.1."
NUMBERS = {
    name: at
    for at, name in enumerate(
        ["ct", "pdf", "hostile pdf", "report", "basic report", "keys", "mesh", "ecg", "structures", "plan",
         "presentation", "slide", "video"], start=1,
    )
}  # fmt: skip


def series_uid(name: str) -> str:
    """The series of an object."""
    return f"{STUDY}.{NUMBERS[name]}"


def described(name: str, sop_class: str, modality: str, instance: int = 1) -> FileDataset:
    """A data set with a patient, a study and a series, and nothing else."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = sop_class, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = f"{series_uid(name)}.{instance}"
    made = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID, made.Modality = sop_class, meta.MediaStorageSOPInstanceUID, modality
    made.InstanceNumber, made.ContentDate, made.ContentTime = instance, "20260115", "101500"
    return placed(made, name)


def placed(made: Dataset, name: str) -> Dataset:
    """The data set, in the study and in the series of that name."""
    made.StudyInstanceUID, made.SeriesInstanceUID = STUDY, series_uid(name)
    made.PatientName, made.PatientID, made.PatientBirthDate, made.PatientSex = "Kinds^All", "K-1", "19700101", "O"
    made.StudyDate, made.StudyTime, made.StudyDescription = "20260115", "100000", "Objects of every kind"
    made.SeriesNumber, made.SeriesDescription = NUMBERS[name], name.capitalize()
    return made


def real(file_name: str) -> Dataset:
    """One of pydicom's own files."""
    return pydicom.dcmread(get_testdata_file(file_name, download=False))


def of_study(name: str, file_name: str) -> bytes:
    """One of pydicom's own files, in the study."""
    made = placed(real(file_name), name)
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = f"{series_uid(name)}.1"
    return written(made)


def written(made: Dataset) -> bytes:
    """A Part 10 file."""
    packed = io.BytesIO()
    made.save_as(packed)
    return packed.getvalue()


def code(meaning: str, value: str = "1", scheme: str = "99TEST") -> Dataset:
    """A coded entry."""
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, scheme, meaning
    return made
