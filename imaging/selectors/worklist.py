"""The worklist: the latest studies first, a page at a time. A page costs the page, not the archive."""

from dataclasses import dataclass, fields
from datetime import date
from uuid import UUID

from django.db.models import F, Q, QuerySet

from imaging.models import Series, Study
from imaging.selectors.names import display_name
from imaging.selectors.states import StudyState, states_of

PAGE_SIZE = 25
_LATEST = (F("study_date").desc(nulls_last=True), "-id")
_OLDEST = (F("study_date").asc(nulls_first=True), "id")


@dataclass(frozen=True)
class WorklistFilter:
    """What to look for: every word of `words` in names, ids, description or accession number."""

    words: str = ""
    modality: str = ""
    date_from: date | None = None
    date_to: date | None = None

    @property
    def names(self) -> list[str]:
        """Which filters are set."""
        return [field.name for field in fields(self) if getattr(self, field.name)]


@dataclass(frozen=True)
class Position:
    """Right behind a study, or (`backwards`) right before it."""

    study_id: UUID
    backwards: bool = False


@dataclass(frozen=True)
class WorklistRow:
    """One study. `thumbnail` is the UID of a series that has one, or ''."""

    id: UUID
    study_instance_uid: str
    patient_name: str
    patient_id: str
    patient_birth_date: date | None
    patient_sex: str
    study_date: date | None
    description: str
    accession_number: str
    modalities: tuple[str, ...]
    series_count: int
    instance_count: int
    thumbnail: str
    held: bool
    state: StudyState


@dataclass(frozen=True)
class WorklistPage:
    """`previous` and `next` are the ids of the studies to page from, or None."""

    rows: tuple[WorklistRow, ...]
    previous: UUID | None
    next: UUID | None


def list_worklist(wanted: WorklistFilter, position: Position | None = None, size: int = PAGE_SIZE) -> WorklistPage:
    """A page of the active tenant's studies that match; the first, when the position's study is gone."""
    anchor = position and Study.objects.filter(id=position.study_id).first()
    backwards = bool(anchor and position.backwards)
    found = _take(_segments(_matching(wanted), anchor, backwards), size + 1)
    studies, beyond = found[:size], len(found) > size
    if backwards:
        studies.reverse()
    earlier, later = (beyond, True) if backwards else (bool(anchor), beyond)
    return WorklistPage(
        rows=_rows(studies),
        previous=studies[0].id if studies and earlier else None,
        next=studies[-1].id if studies and later else None,
    )


def list_modalities() -> list[str]:
    """The modalities the filter offers: the common ones, so that no page has to read the archive for them."""
    return ["CR", "CT", "DX", "IO", "MG", "MR", "NM", "OT", "PT", "PX", "RF", "SC", "SEG", "US", "XA"]


def _matching(wanted: WorklistFilter) -> QuerySet[Study]:
    studies = Study.objects.all()
    for word in wanted.words.lower().split():
        studies = studies.filter(search_text__contains=word)
    if wanted.modality:
        studies = studies.filter(modalities__regex=rf"(^|\\){wanted.modality}(\\|$)")
    if wanted.date_from:
        studies = studies.filter(study_date__gte=wanted.date_from)
    if wanted.date_to:
        studies = studies.filter(study_date__lte=wanted.date_to)
    return studies


def _segments(studies: QuerySet[Study], anchor: Study | None, backwards: bool) -> list[QuerySet[Study]]:
    """What to read, one after the other. Dated and undated apart, so that each is one range of the index."""
    dated, undated = studies.filter(study_date__isnull=False), studies.filter(study_date__isnull=True)
    if backwards:
        dated, undated = dated.order_by(*_OLDEST), undated.order_by("id")
        if anchor.study_date is None:
            return [undated.filter(id__gt=anchor.id), dated]
        beyond = Q(study_date__gt=anchor.study_date) | Q(id__gt=anchor.id)
        return [dated.filter(beyond, study_date__gte=anchor.study_date)]
    dated, undated = dated.order_by(*_LATEST), undated.order_by("-id")
    if anchor is None:
        return [dated, undated]
    if anchor.study_date is None:
        return [undated.filter(id__lt=anchor.id)]
    beyond = Q(study_date__lt=anchor.study_date) | Q(id__lt=anchor.id)
    return [dated.filter(beyond, study_date__lte=anchor.study_date), undated]


def _take(segments: list[QuerySet[Study]], count: int) -> list[Study]:
    taken: list[Study] = []
    for segment in segments:
        taken.extend(segment[: count - len(taken)])
        if len(taken) == count:
            break
    return taken


def _rows(studies: list[Study]) -> tuple[WorklistRow, ...]:
    states, thumbnails = states_of(studies), _thumbnails_of(studies)
    return tuple(_row(study, states[study.id], thumbnails.get(study.id, "")) for study in studies)


def _thumbnails_of(studies: list[Study]) -> dict[UUID, str]:
    """Per study its first series that has a thumbnail."""
    drawn = Series.objects.filter(study__in=studies, thumbnail__isnull=False)
    first = drawn.order_by("study_id", F("series_number").asc(nulls_last=True)).distinct("study_id")
    return dict(first.values_list("study_id", "series_instance_uid"))


def _row(study: Study, state: StudyState, thumbnail: str) -> WorklistRow:
    return WorklistRow(
        id=study.id,
        study_instance_uid=study.study_instance_uid,
        patient_name=display_name(study.patient_name),
        patient_id=study.patient_id,
        patient_birth_date=study.patient_birth_date,
        patient_sex=study.patient_sex,
        study_date=study.study_date,
        description=study.study_description,
        accession_number=study.accession_number,
        modalities=tuple(filter(None, study.modalities.split("\\"))),
        series_count=study.series_count,
        instance_count=study.instance_count,
        thumbnail=thumbnail,
        held=study.held_at is not None,
        state=state,
    )
