"""Rows as programs page through them: keyset pages of links, uploads and events, and studies by their attributes."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from audit.models import AuditEvent
from audit.selectors import list_events
from imaging.models import Series, ShareLink, Study, Upload, UploadedFile
from imaging.selectors.shares import state_of
from imaging.selectors.states import StudyState

Row = TypeVar("Row", bound=Model)


class CursorUnknown(Exception):
    """The cursor leads nowhere: what it pointed at is gone, or it was never given out."""


@dataclass(frozen=True)
class StudyListed:
    """A study of a list, and how far it has come."""

    study: Study
    state: StudyState


@dataclass(frozen=True)
class LinkListed:
    """A share link and its state: live, locked, expired or revoked."""

    link: ShareLink
    state: str


@dataclass(frozen=True)
class Page:
    """Rows, and the cursors of the pages around them: '' at an end. `partial`: not everything was looked at."""

    rows: tuple
    next: str = ""
    previous: str = ""
    partial: bool = False


def list_links(now: datetime, cursor: UUID | None, limit: int, study: Study | None = None) -> Page:
    """Share links of the active tenant, or of one study, newest first; raises `CursorUnknown`."""
    links = ShareLink.objects.select_related("study", "created_by")
    links = links.filter(study=study) if study else links
    found = _after(links, cursor)[: limit + 1]
    return _page([listed(link, now) for link in found], limit, lambda row: str(row.link.id))


def listed(link: ShareLink, now: datetime) -> LinkListed:
    """The link with its state."""
    return LinkListed(link, state_of(link.revoked_at, link.locked_at, link.expires_at, now))


def list_uploads(user_id: int, now: datetime, cursor: UUID | None, limit: int) -> Page:
    """A member's uploads of the active tenant that have not expired, newest first; raises `CursorUnknown`."""
    uploads = Upload.objects.filter(created_by_id=user_id, expires_at__gte=now)
    return _page(list(_after(uploads, cursor)[: limit + 1]), limit, lambda row: str(row.id))


def list_files(upload: Upload, cursor: int | None, limit: int) -> Page:
    """What became of the upload's files, in its order."""
    files = UploadedFile.objects.filter(upload=upload).order_by("position")
    files = files if cursor is None else files.filter(position__gt=cursor)
    return _page(list(files[: limit + 1]), limit, lambda row: str(row.position))


def list_trail(cursor: int | None, limit: int, **wanted: object) -> Page:
    """The active tenant's events that match (as `audit.selectors.list_events`), newest first."""
    events: QuerySet[AuditEvent] = list_events(**wanted)
    events = events if cursor is None else events.filter(seq__lt=cursor)
    return _page(list(events[: limit + 1]), limit, lambda row: str(row.seq))


def find_studies(ids: list[UUID]) -> dict[UUID, Study]:
    """Studies of the active tenant, by id."""
    return Study.objects.in_bulk(ids)


def is_study(study_id: UUID) -> bool:
    """Whether the active tenant has a study with that id."""
    return Study.objects.filter(id=study_id).exists()


def list_series_of(study: Study) -> list[Series]:
    """The study's series, by number."""
    return list(Series.objects.filter(study=study).order_by("series_number", "series_instance_uid"))


def _after(rows: QuerySet[Row], cursor: UUID | None) -> QuerySet[Row]:
    """Newest first, from right behind the row that the cursor names."""
    ordered = rows.order_by("-created_at", "-id")
    if cursor is None:
        return ordered
    anchor = rows.filter(id=cursor).first()
    if anchor is None:
        raise CursorUnknown
    behind = Q(created_at__lt=anchor.created_at) | Q(created_at=anchor.created_at, id__lt=anchor.id)
    return ordered.filter(behind)


def _page(rows: list, limit: int, cursor_of: object) -> Page:
    shown = tuple(rows[:limit])
    return Page(shown, next=cursor_of(shown[-1]) if len(rows) > limit else "")
