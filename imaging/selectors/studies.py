"""What the study page shows, without a query left to make."""

from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import F
from django.utils.translation import gettext as _

from imaging.models import Series, Study
from imaging.selectors.kinds import Kind, kind_of
from imaging.selectors.names import display_name
from imaging.selectors.states import StudyState, get_state

# As static/src/viewer/series_titles.js has them (PS3.3 §C.7.3.1.1.1).
WITHOUT_IMAGES = frozenset({"SR", "DOC", "PR", "KO", "RTSTRUCT", "RTPLAN", "RTRECORD", "REG", "ECG", "HD", "AU", "M3D"})


@dataclass(frozen=True)
class SeriesTile:
    """One series of the gallery."""

    series_instance_uid: str
    number: int | None
    modality: str
    title: str
    body_part: str
    instance_count: int
    has_thumbnail: bool
    kind: Kind


@dataclass(frozen=True)
class StudyPage:
    """A study with its series and how far it has come; `size` in bytes."""

    study_instance_uid: str
    patient_name: str
    patient_id: str
    patient_birth_date: date | None
    patient_sex: str
    study_date: date | None
    study_time: time | None
    description: str
    accession_number: str
    referring_physician: str
    institution: str
    modalities: tuple[str, ...]
    series_count: int
    instance_count: int
    size: int
    received_at: datetime
    held: bool
    hold_reason: str
    series: tuple[SeriesTile, ...]
    state: StudyState


def get_study_page(study: Study) -> StudyPage:
    """Everything the page shows of a study that the caller may look at."""
    return StudyPage(
        study_instance_uid=study.study_instance_uid,
        patient_name=display_name(study.patient_name),
        patient_id=study.patient_id,
        patient_birth_date=study.patient_birth_date,
        patient_sex=study.patient_sex,
        study_date=study.study_date,
        study_time=study.study_time,
        description=study.study_description,
        accession_number=study.accession_number,
        referring_physician=display_name(study.referring_physician_name) if study.referring_physician_name else "",
        institution=study.institution_name,
        modalities=tuple(filter(None, study.modalities.split("\\"))),
        series_count=study.series_count,
        instance_count=study.instance_count,
        size=study.size,
        received_at=study.received_at,
        held=study.held_at is not None,
        hold_reason=study.hold_reason,
        series=tuple(_tile(series) for series in list_series(study)),
        state=get_state(study),
    )


def list_series(study: Study) -> list[Series]:
    """The study's series, by number."""
    return list(
        Series.objects.filter(study=study).order_by(F("series_number").asc(nulls_last=True), "series_instance_uid")
    )


def find_first_images(study: Study) -> str:
    """UID of the series that a viewer opens first: the first by number of a kind that holds images, or ''."""
    pictured = (each for each in list_series(study) if each.modality not in WITHOUT_IMAGES)
    return next((each.series_instance_uid for each in pictured), "")


def _tile(series: Series) -> SeriesTile:
    return SeriesTile(
        series_instance_uid=series.series_instance_uid,
        number=series.series_number,
        modality=series.modality,
        title=series.series_description or _numbered(series),
        body_part=series.body_part_examined,
        instance_count=series.instance_count,
        has_thumbnail=series.thumbnail is not None,
        kind=kind_of(series.modality),
    )


def _numbered(series: Series) -> str:
    return (
        _("Series")
        if series.series_number is None
        else _("Series {number}").format(number=series.series_number)
    )
