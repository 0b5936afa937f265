"""The attributes of an instance that the index keeps."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, time

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.tag import Tag

from imaging.dicom.gate import Passed
from imaging.dicom.part10 import parse_header
from imaging.dicom.text import clean, parse_date, parse_integer, parse_time

_NAME_PARTS = 5


@dataclass(frozen=True)
class Attributes:
    """Decoded by the file's character set and cleaned; '' or None where the file says nothing sensible.

    What was written for a date or time stands in the `…_raw` field, also when it is none. `patient_name` is
    as written, with `^` and `=`; `patient_name_parts` is its first (alphabetic) group as
    (family, given, middle, prefix, suffix), PS3.5 §6.2.1.
    """

    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    patient_name_parts: tuple[str, ...]
    patient_birth_date: date | None
    patient_birth_date_raw: str
    patient_sex: str
    study_date: date | None
    study_date_raw: str
    study_time: time | None
    study_time_raw: str
    study_description: str
    accession_number: str
    study_id: str
    referring_physician_name: str
    institution_name: str
    modality: str
    series_number: int | None
    series_description: str
    series_date: date | None
    series_date_raw: str
    body_part_examined: str
    laterality: str
    instance_number: int | None
    number_of_frames: int
    timezone_offset: str = ""  # as &ZZXX
    performed_date: date | None = None  # PerformedProcedureStepStartDate
    performed_time: time | None = None
    request_attributes: tuple[dict[str, str], ...] = ()  # per item its ids by tag, those that say something


_TEXTS = {
    "patient_id": "PatientID",
    "issuer_of_patient_id": "IssuerOfPatientID",
    "patient_name": "PatientName",
    "patient_sex": "PatientSex",
    "study_description": "StudyDescription",
    "accession_number": "AccessionNumber",
    "study_id": "StudyID",
    "referring_physician_name": "ReferringPhysicianName",
    "institution_name": "InstitutionName",
    "modality": "Modality",
    "series_description": "SeriesDescription",
    "body_part_examined": "BodyPartExamined",
    "timezone_offset": "TimezoneOffsetFromUTC",
}
_DATES = {"patient_birth_date": "PatientBirthDate", "study_date": "StudyDate", "series_date": "SeriesDate"}
_INTEGERS = {"series_number": "SeriesNumber", "instance_number": "InstanceNumber"}
_OTHERS = (
    "SpecificCharacterSet", "StudyTime", "Laterality", "ImageLaterality", "NumberOfFrames",
    "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime",
)  # fmt: skip
_REQUESTS = "RequestAttributesSequence"
_REQUEST_IDS = {"00400009": "ScheduledProcedureStepID", "00401001": "RequestedProcedureID"}
_MAX_REQUESTS, _MAX_REQUEST_ID = 16, 64
_INSTANCE_NUMBER = 0x00200013
_PLAIN_INTEGER = re.compile(rb"[0-9]{1,9} ?")
_MOST_REMEMBERED = 64
_KEYWORDS = (*_TEXTS.values(), *_DATES.values(), *_INTEGERS.values(), *_OTHERS)
_TAGS = [Tag(tag_for_keyword(keyword)) for keyword in (*_KEYWORDS, _REQUESTS)]


class AttributeReader:
    """Reads the attributes of files that come one after the other: those of a series say much the same.

    It remembers a few of them, so keep it no longer than the files.
    """

    def __init__(self) -> None:
        self._known: dict[object, Attributes] = {}

    def read(self, passed: Passed) -> Attributes:
        """The same as `read_attributes`."""
        number = _plain_integer(passed.indexed.get(_INSTANCE_NUMBER))
        if number is None or None in passed.indexed.values():
            return read_attributes(passed)
        others = ((tag, value) for tag, value in passed.indexed.items() if tag != _INSTANCE_NUMBER)
        key = (passed.transfer_syntax_uid, frozenset(others))
        if (known := self._known.get(key)) is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            known = self._known[key] = read_attributes(passed)
        return replace(known, instance_number=number)


def _plain_integer(element: tuple[bytes, bytes] | None) -> int | None:
    """The value of an IS that is written as everybody writes it."""
    vr, value = element or (b"", b"")
    return int(value) if vr in (b"IS", b"") and _PLAIN_INTEGER.fullmatch(value) else None


def read_attributes(passed: Passed) -> Attributes:
    """The index attributes of a file that passed the gate; odd values never raise."""
    data_set = parse_header(passed.header, passed.transfer_syntax_uid, only=_TAGS)
    raw = {keyword: _text(data_set, keyword) for keyword in _KEYWORDS}
    texts = {name: raw[keyword] for name, keyword in _TEXTS.items()}
    dates = {name: parse_date(raw[keyword]) for name, keyword in _DATES.items()}
    raw_dates = {f"{name}_raw": raw[keyword] for name, keyword in _DATES.items()}
    integers = {name: parse_integer(raw[keyword]) for name, keyword in _INTEGERS.items()}
    return Attributes(
        **texts,
        **dates,
        **raw_dates,
        **integers,
        patient_name_parts=_name_parts(raw["PatientName"]),
        study_time=parse_time(raw["StudyTime"]),
        study_time_raw=raw["StudyTime"],
        laterality=raw["Laterality"] or raw["ImageLaterality"],
        number_of_frames=max(1, parse_integer(raw["NumberOfFrames"]) or 1),
        performed_date=parse_date(raw["PerformedProcedureStepStartDate"]),
        performed_time=parse_time(raw["PerformedProcedureStepStartTime"]),
        request_attributes=_requests(data_set),
    )


def _requests(data_set: pydicom.Dataset) -> tuple[dict[str, str], ...]:
    """Broad on purpose, as in `_text`."""
    try:
        items = list(data_set.get(_REQUESTS) or ())[:_MAX_REQUESTS]
    except Exception:
        return ()
    found = ({tag: _text(item, keyword)[:_MAX_REQUEST_ID] for tag, keyword in _REQUEST_IDS.items()} for item in items)
    return tuple(ids for item in found if (ids := {tag: text for tag, text in item.items() if text}))


def _text(data_set: pydicom.Dataset, keyword: str) -> str:
    """The value as cleaned text.

    Broad on purpose: pydicom raises almost anything on values that break their VR, and one odd attribute must
    not keep an examination out of the archive.
    """
    try:
        value = data_set.get(keyword)
        return "" if value is None else clean(_joined(value))
    except Exception:
        return ""


def _joined(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("ascii", "replace")
    if isinstance(value, Iterable) and not isinstance(value, str | pydicom.valuerep.PersonName):
        return "\\".join(str(part) for part in value)
    return str(value)


def _name_parts(name: str) -> tuple[str, ...]:
    parts = name.split("=")[0].split("^")[:_NAME_PARTS]
    return tuple(part.strip() for part in parts) + ("",) * (_NAME_PARTS - len(parts))
