"""The worklist: a page of studies that match, within bounds. A page costs the page, not the archive."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from functools import cached_property
from uuid import UUID
from zlib import crc32

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import F

from imaging.dicom.search_words import read_words
from imaging.models import Priority, Reading, Series, Study, Triage
from imaging.selectors.bounded import has_more, run_bounded
from imaging.selectors.names import display_name, initials
from imaging.selectors.qido_plan import Bounds
from imaging.selectors.states import StudyState, states_of
from imaging.selectors.worklist_plan import BOUNDS, SHORT, Anchor, Asked, Plan, Reader, Way

__all__ = [
    "Position", "Reader", "WorklistFilter", "WorklistPage", "WorklistRow", "find_ids", "list_modalities", "list_rows",
    "list_worklist",
]  # fmt: skip
PAGE_SIZE = 25


@dataclass(frozen=True)
class WorklistFilter:
    """What to look for: each of `words` begins a word of a name, id, description, date, or other text of the study.

    `today` stands for the day on which it is asked; `unread`, `mine` and it need to know who reads.
    """

    words: str = ""
    modality: str = ""
    date_from: date | None = None
    date_to: date | None = None
    today: bool = False
    unread: bool = False
    mine: bool = False
    urgent: bool = False

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
    """One study. `thumbnail` is the UID of a series that has one, or ''; `assigned_to` a name, or ''."""

    id: UUID
    study_instance_uid: str
    patient_name: str
    patient_initials: str
    patient_id: str
    patient_birth_date: date | None
    patient_sex: str
    study_date: date | None
    description: str
    accession_number: str
    referring_physician: str
    received_at: datetime
    modalities: tuple[str, ...]
    series_count: int
    instance_count: int
    thumbnail: str
    held: bool
    state: StudyState
    unread: bool = False
    priority: str = Priority.ROUTINE
    assigned_to: str = ""

    @cached_property
    def version(self) -> int:
        """Changes with anything of the row."""
        return crc32(repr(self).encode())


@dataclass(frozen=True)
class WorklistPage:
    """`previous` and `next` are the ids of the studies to page from, or None.

    `partial` says that not everything was looked at: the latest are shown, and there may be more.
    """

    rows: tuple[WorklistRow, ...]
    previous: UUID | None
    next: UUID | None
    partial: bool = False


def list_worklist(
    wanted: WorklistFilter, position: Position | None = None, size: int = PAGE_SIZE, *, reader: Reader | None = None,
    oldest_first: bool = False, bounds: Bounds = BOUNDS,
) -> WorklistPage:  # fmt: skip
    """A page of the active tenant's studies that match; the first, when the position's study is gone."""
    anchor = _find_anchor(position)
    asked = _understood(wanted, reader, oldest_first)
    found, partial = _find(Plan(asked, anchor), size + 1, bounds)
    beyond, found = len(found) > size, found[:size]
    backwards = bool(anchor and anchor.backwards)
    if backwards:
        found.reverse()
    earlier, later = (beyond, True) if backwards else (bool(anchor), beyond)
    return WorklistPage(
        rows=list_rows(found, reader),
        previous=found[0] if found and earlier else None,
        next=found[-1] if found and later else None,
        partial=partial,
    )


def list_modalities() -> list[str]:
    """The modalities the filter offers: the common ones, so that no page has to read the archive for them."""
    return ["CR", "CT", "DX", "IO", "MG", "MR", "NM", "OT", "PT", "PX", "RF", "SC", "SEG", "US", "XA"]


def find_ids(uids: Sequence[str]) -> list[UUID]:
    """The ids of studies of the active tenant, latest first."""
    found = Study.objects.filter(study_instance_uid__in=uids).order_by(F("study_date").desc(nulls_last=True), "-id")
    return list(found.values_list("id", flat=True))


def list_rows(ids: list[UUID], reader: Reader | None = None) -> tuple[WorklistRow, ...]:
    """The rows of studies of the active tenant, in the order of their ids; none of one that is gone."""
    known = Study.objects.defer("search_text").in_bulk(ids)
    studies = [known[each] for each in ids if each in known]
    states, thumbnails = states_of(studies), _thumbnails_of(studies)
    triages = {each.study_id: each for each in Triage.objects.select_related("assigned_to").filter(study__in=studies)}
    unread = _find_unread(studies, reader) if reader else set()
    rows = (_row(study, states[study.id], thumbnails.get(study.id, "")) for study in studies)
    return tuple(_noted(row, triages.get(row.id), row.id in unread) for row in rows)


def _find_anchor(position: Position | None) -> Anchor | None:
    dates = position and Study.objects.filter(id=position.study_id).values_list("study_date", flat=True)
    return Anchor(position.study_id, dates[0], position.backwards) if dates else None


def _understood(wanted: WorklistFilter, reader: Reader | None, oldest_first: bool) -> Asked:
    first, last = wanted.date_from, wanted.date_to
    if wanted.today and reader:
        first, last = max(filter(None, (first, reader.today))), min(filter(None, (last, reader.today)))
    return Asked(
        words=read_words(wanted.words), modality=wanted.modality, first=first, last=last, unread=wanted.unread,
        mine=wanted.mine, urgent=wanted.urgent, reader=reader, oldest_first=oldest_first,
    )  # fmt: skip


def _find(plan: Plan, count: int, bounds: Bounds) -> tuple[list[UUID], bool]:
    """The ids of the first so many studies, and whether not everything was looked at."""
    with connection.cursor() as cursor:
        return run_bounded(cursor, bounds, lambda allowed: _find_bounded(cursor, plan, count, allowed))


def _find_bounded(cursor: CursorWrapper, plan: Plan, count: int, bounds: Bounds) -> tuple[list[UUID], bool]:
    narrow = plan.list_narrow()
    short = replace(bounds, rows=min(SHORT, bounds.rows), ordered=min(SHORT, bounds.ordered))
    if few := [each for each in narrow if not has_more(cursor, each, short.ordered)]:
        return _follow(cursor, plan, plan.in_all(few, bounds), count)
    if narrow:
        # What is frequent fills a page soon.
        found, partial = _follow(cursor, plan, plan.in_order(short), count)
        if not partial:
            return found, False
    if some := [each for each in narrow if not has_more(cursor, each, bounds.ordered)]:
        return _follow(cursor, plan, plan.in_all(some, bounds), count)
    found, partial = _follow(cursor, plan, plan.in_order(bounds), count)
    if partial and (together := plan.together(bounds)):
        # All words are frequent, and what was passed by date held too few that match.
        named, _ = _follow(cursor, plan, together, count)
        return (named if len(named) > len(found) else found), True
    return found, partial


def _follow(cursor: CursorWrapper, plan: Plan, way: Way, count: int) -> tuple[list[UUID], bool]:
    found: list[UUID] = []
    for studies in way.ranges:
        cursor.execute(*plan.statement(studies.first(way.rows), count - len(found)))
        found += [row[0] for row in cursor.fetchall()]
        if len(found) == count:
            return found, False
        if has_more(cursor, studies, way.rows):
            return found, True
    return found, False


def _thumbnails_of(studies: list[Study]) -> dict[UUID, str]:
    """Per study its first series that has a thumbnail."""
    drawn = Series.objects.filter(study__in=studies, thumbnail__isnull=False)
    first = drawn.order_by("study_id", F("series_number").asc(nulls_last=True)).distinct("study_id")
    return dict(first.values_list("study_id", "series_instance_uid"))


def _find_unread(studies: list[Study], reader: Reader) -> set[UUID]:
    rows = Reading.objects.filter(study__in=studies, user_id=reader.user_id)
    readings = dict(rows.values_list("study_id", "read_at"))
    since = {study.id: readings.get(study.id, reader.joined_at) for study in studies}
    return {study.id for study in studies if since[study.id] is None or since[study.id] < study.last_received_at}


def _noted(row: WorklistRow, triage: Triage | None, unread: bool) -> WorklistRow:
    if triage is None:
        return replace(row, unread=unread) if unread else row
    name = triage.assigned_to.name if triage.assigned_to else ""
    return replace(row, unread=unread, priority=triage.priority, assigned_to=name)


def _row(study: Study, state: StudyState, thumbnail: str) -> WorklistRow:
    name = display_name(study.patient_name)
    return WorklistRow(
        id=study.id,
        study_instance_uid=study.study_instance_uid,
        patient_name=name,
        patient_initials=initials(name),
        patient_id=study.patient_id,
        patient_birth_date=study.patient_birth_date,
        patient_sex=study.patient_sex,
        study_date=study.study_date,
        description=study.study_description,
        accession_number=study.accession_number,
        referring_physician=display_name(study.referring_physician_name) if study.referring_physician_name else "",
        received_at=study.received_at,
        modalities=tuple(filter(None, study.modalities.split("\\"))),
        series_count=study.series_count,
        instance_count=study.instance_count,
        thumbnail=thumbnail,
        held=study.held_at is not None,
        state=state,
    )
