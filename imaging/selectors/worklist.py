"""The worklist: a page of studies that match, within bounds. A page costs the page, not the archive."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import F

from imaging.dicom.search_words import read_words
from imaging.models import Study
from imaging.selectors.bounded import has_more, run_bounded
from imaging.selectors.qido_plan import Bounds
from imaging.selectors.worklist_plan import BOUNDS, SHORT, Anchor, Asked, Plan, Reader, Way
from imaging.selectors.worklist_rows import WorklistRow, list_rows

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
