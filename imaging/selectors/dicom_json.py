"""Rows of the index as the DICOM JSON objects of QIDO-RS (PS3.18 §10.6.3.3, Annex F)."""

from datetime import date, time

from imaging.models import Instance, Series, Study

Json = dict[str, object]
_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def study_json(study: Study, root: str) -> Json:
    """The study's attributes; `root` is the address of the DICOMweb service."""
    return _sorted(
        _element("00080005", "CS", "ISO_IR 192"),
        _element("00080020", "DA", _da(study.study_date)),
        _element("00080030", "TM", _tm(study.study_time)),
        _element("00080050", "SH", study.accession_number),
        _element("00080056", "CS", "ONLINE"),
        _element("00080061", "CS", *filter(None, study.modalities.split("\\"))),
        _name("00080090", study.referring_physician_name),
        _element("00081030", "LO", study.study_description),
        _element("00081190", "UR", f"{root}/studies/{study.study_instance_uid}"),
        _name("00100010", study.patient_name),
        _element("00100020", "LO", study.patient_id),
        _element("00100030", "DA", _da(study.patient_birth_date)),
        _element("00100040", "CS", study.patient_sex),
        _element("0020000D", "UI", study.study_instance_uid),
        _element("00200010", "SH", study.study_id),
        _element("00201206", "IS", study.series_count),
        _element("00201208", "IS", study.instance_count),
    )


def series_json(study: Study, series: Series, root: str) -> Json:
    """The series' attributes."""
    url = f"{root}/studies/{study.study_instance_uid}/series/{series.series_instance_uid}"
    return _sorted(
        _element("00080005", "CS", "ISO_IR 192"),
        _element("00080056", "CS", "ONLINE"),
        _element("00080060", "CS", series.modality),
        _element("0008103E", "LO", series.series_description),
        _element("00081190", "UR", url),
        _element("00180015", "CS", series.body_part_examined),
        _element("0020000D", "UI", study.study_instance_uid),
        _element("0020000E", "UI", series.series_instance_uid),
        _element("00200011", "IS", series.series_number),
        _element("00200060", "CS", series.laterality),
        _element("00201209", "IS", series.instance_count),
    )


def instance_json(study: Study, instance: Instance, root: str) -> Json:
    """The instance's attributes, those of its pixels included where it has any."""
    series_uid = instance.series.series_instance_uid
    url = f"{root}/studies/{study.study_instance_uid}/series/{series_uid}/instances/{instance.sop_instance_uid}"
    return _sorted(
        _element("00080016", "UI", instance.sop_class_uid),
        _element("00080018", "UI", instance.sop_instance_uid),
        _element("00080056", "CS", "ONLINE"),
        _element("00081190", "UR", url),
        _element("00083002", "UI", instance.transfer_syntax_uid),
        _element("0020000D", "UI", study.study_instance_uid),
        _element("0020000E", "UI", series_uid),
        _element("00200013", "IS", instance.instance_number),
        *(_pixels(instance) if instance.number_of_frames else ()),
    )


def _pixels(instance: Instance) -> tuple[tuple[str, Json], ...]:
    return (
        _element("00280008", "IS", instance.number_of_frames),
        _element("00280010", "US", instance.rows),
        _element("00280011", "US", instance.columns),
        _element("00280100", "US", instance.bits_allocated),
    )


def _element(tag: str, vr: str, *values: str | int | None) -> tuple[str, Json]:
    kept = [value for value in values if value not in ("", None)]
    return tag, {"vr": vr, "Value": kept} if kept else {"vr": vr}


def _name(tag: str, name: str) -> tuple[str, Json]:
    groups = {group: part for group, part in zip(_NAME_GROUPS, name.split("="), strict=False) if part}
    return tag, {"vr": "PN", "Value": [groups]} if groups else {"vr": "PN"}


def _da(day: date | None) -> str:
    return day.strftime("%Y%m%d") if day else ""


def _tm(moment: time | None) -> str:
    return moment.strftime("%H%M%S.%f") if moment else ""


def _sorted(*elements: tuple[str, Json]) -> Json:
    return dict(sorted(elements))
