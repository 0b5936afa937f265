"""The attributes that the index keeps: how each is asked for, matched and returned (PS3.18 §10.6.1, §10.6.3.3)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from pydicom.datadict import tag_for_keyword


class Level(IntEnum):
    """What a search returns. What belongs to a level above can be matched and returned, too."""

    STUDY = 1
    SERIES = 2
    INSTANCE = 3


class Kind(StrEnum):
    """How the values of an attribute are matched (PS3.4 §C.2.2.2)."""

    TEXT = "text"  # single value, or wildcards
    CODE = "code"  # as TEXT, or any of several
    CODES = "codes"  # any of several codes; the column holds several too, joined by a backslash
    NAME = "name"
    DATE = "date"
    TIME = "time"
    UID = "uid"
    INTEGER = "integer"
    ITEM = "item"  # a text in an item of a sequence
    NONE = "none"  # returned only


@dataclass(frozen=True)
class Attribute:
    """An attribute in the column of its level's table.

    `tag` is 8 hexadecimal digits, or two of them with a dot for an attribute in the items of a sequence. `usual`
    attributes are returned without being asked for; all but a few of `when_known` are returned empty when unknown.
    """

    keyword: str
    tag: str
    vr: str
    level: Level
    column: str
    kind: Kind
    usual: bool = True
    when_known: bool = False

    @property
    def place(self) -> str:
        """Its column in the SQL of a search (`imaging.selectors.qido_plan`)."""
        return f"{LETTERS[self.level]}.{self.column}"


LETTERS = {Level.STUDY: "s", Level.SERIES: "e", Level.INSTANCE: "i"}


def _rare(*columns: object, when_known: bool = False) -> Attribute:
    return Attribute(*columns, usual=False, when_known=when_known)


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute("StudyDate", "00080020", "DA", Level.STUDY, "study_date", Kind.DATE),
    Attribute("StudyTime", "00080030", "TM", Level.STUDY, "study_time", Kind.TIME),
    Attribute("AccessionNumber", "00080050", "SH", Level.STUDY, "accession_number", Kind.TEXT),
    Attribute("ModalitiesInStudy", "00080061", "CS", Level.STUDY, "modalities", Kind.CODES),
    _rare("InstitutionName", "00080080", "LO", Level.STUDY, "institution_name", Kind.TEXT),
    Attribute("ReferringPhysicianName", "00080090", "PN", Level.STUDY, "referring_physician_name", Kind.NAME),
    Attribute("TimezoneOffsetFromUTC", "00080201", "SH", Level.STUDY, "timezone_offset", Kind.TEXT, when_known=True),
    Attribute("StudyDescription", "00081030", "LO", Level.STUDY, "study_description", Kind.TEXT),
    Attribute("PatientName", "00100010", "PN", Level.STUDY, "patient_name", Kind.NAME),
    Attribute("PatientID", "00100020", "LO", Level.STUDY, "patient_id", Kind.TEXT),
    _rare("IssuerOfPatientID", "00100021", "LO", Level.STUDY, "issuer_of_patient_id", Kind.TEXT),
    Attribute("PatientBirthDate", "00100030", "DA", Level.STUDY, "patient_birth_date", Kind.DATE),
    Attribute("PatientSex", "00100040", "CS", Level.STUDY, "patient_sex", Kind.CODE),
    Attribute("StudyInstanceUID", "0020000D", "UI", Level.STUDY, "study_instance_uid", Kind.UID),
    Attribute("StudyID", "00200010", "SH", Level.STUDY, "study_id", Kind.TEXT),
    Attribute("NumberOfStudyRelatedSeries", "00201206", "IS", Level.STUDY, "series_count", Kind.NONE),
    Attribute("NumberOfStudyRelatedInstances", "00201208", "IS", Level.STUDY, "instance_count", Kind.NONE),
    _rare("SeriesDate", "00080021", "DA", Level.SERIES, "series_date", Kind.DATE),
    Attribute("Modality", "00080060", "CS", Level.SERIES, "modality", Kind.CODE),
    Attribute("SeriesDescription", "0008103E", "LO", Level.SERIES, "series_description", Kind.TEXT),
    Attribute("BodyPartExamined", "00180015", "CS", Level.SERIES, "body_part_examined", Kind.CODE),
    Attribute("SeriesInstanceUID", "0020000E", "UI", Level.SERIES, "series_instance_uid", Kind.UID),
    Attribute("SeriesNumber", "00200011", "IS", Level.SERIES, "series_number", Kind.INTEGER),
    Attribute("Laterality", "00200060", "CS", Level.SERIES, "laterality", Kind.CODE),
    Attribute("NumberOfSeriesRelatedInstances", "00201209", "IS", Level.SERIES, "instance_count", Kind.NONE),
    Attribute(
        "PerformedProcedureStepStartDate", "00400244", "DA", Level.SERIES, "performed_date", Kind.DATE, when_known=True
    ),
    Attribute(
        "PerformedProcedureStepStartTime", "00400245", "TM", Level.SERIES, "performed_time", Kind.TIME, when_known=True
    ),
    Attribute(
        "RequestAttributesSequence", "00400275", "SQ", Level.SERIES, "request_attributes", Kind.NONE, when_known=True
    ),
    _rare(
        "RequestAttributesSequence.ScheduledProcedureStepID", "00400275.00400009", "SH", Level.SERIES,
        "request_attributes", Kind.ITEM,
    ),
    _rare(
        "RequestAttributesSequence.RequestedProcedureID", "00400275.00401001", "SH", Level.SERIES,
        "request_attributes", Kind.ITEM,
    ),
    Attribute("SOPClassUID", "00080016", "UI", Level.INSTANCE, "sop_class_uid", Kind.UID),
    Attribute("SOPInstanceUID", "00080018", "UI", Level.INSTANCE, "sop_instance_uid", Kind.UID),
    Attribute("AvailableTransferSyntaxUID", "00083002", "UI", Level.INSTANCE, "transfer_syntax_uid", Kind.UID),
    Attribute("InstanceNumber", "00200013", "IS", Level.INSTANCE, "instance_number", Kind.INTEGER),
    _rare("SamplesPerPixel", "00280002", "US", Level.INSTANCE, "samples_per_pixel", Kind.INTEGER),
    _rare("PhotometricInterpretation", "00280004", "CS", Level.INSTANCE, "photometric_interpretation", Kind.CODE),
    Attribute("NumberOfFrames", "00280008", "IS", Level.INSTANCE, "number_of_frames", Kind.INTEGER),
    Attribute("Rows", "00280010", "US", Level.INSTANCE, "rows", Kind.INTEGER),
    Attribute("Columns", "00280011", "US", Level.INSTANCE, "columns", Kind.INTEGER),
    Attribute("BitsAllocated", "00280100", "US", Level.INSTANCE, "bits_allocated", Kind.INTEGER),
)  # fmt: skip
_BY_TAG = {attribute.tag: attribute for attribute in ATTRIBUTES}
_TAG = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)


def find_attribute(tag: str) -> Attribute | None:
    """The attribute of a tag, or path of tags, that the index keeps."""
    return _BY_TAG.get(tag)


def find_tag(name: str) -> str | None:
    """The tag, or path of tags, that a parameter names by keywords or tags; None when it names nothing."""
    tags = [_find_tag(part) for part in name.split(".")]
    return None if None in tags else ".".join(tags)


def list_returned(level: Level, usual: Sequence[Level], included: frozenset[str], everything: bool) -> list[Attribute]:
    """What a search at a level returns, by tag: the `usual` of some levels, and what it was asked for."""
    chosen = [
        each
        for each in ATTRIBUTES
        if each.level <= level and each.kind is not Kind.ITEM
        if everything or (each.usual and each.level in usual) or each.tag in included or each.tag in _ALWAYS
    ]
    return sorted(chosen, key=lambda each: each.tag)


_ALWAYS = frozenset({"0020000D", "0020000E"})  # what a client must name to get at the rest


def _find_tag(name: str) -> str | None:
    if _TAG.fullmatch(name):
        return name.upper()
    tag = tag_for_keyword(name)
    return None if tag is None else f"{tag:08X}"
