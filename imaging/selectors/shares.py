"""Reads about share links, as the study page and the link's own pages show them."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from imaging.models import Series, ShareLink, Study


@dataclass(frozen=True)
class LinkRow:
    """A link as its sender sees it. `state` is live, locked, expired or revoked."""

    id: UUID
    recipient_name: str
    recipient_email: str
    may_download: bool
    created_at: datetime
    created_by: str
    expires_at: datetime
    first_redeemed_at: datetime | None
    state: str


def list_links(study: Study, now: datetime) -> list[LinkRow]:
    """The study's links, newest first."""
    links = ShareLink.objects.select_related("created_by").filter(study=study).order_by("-created_at")
    return [_row(link, now) for link in links[:200]]


def _row(link: ShareLink, now: datetime) -> LinkRow:
    return LinkRow(
        id=link.id,
        recipient_name=link.recipient_name,
        recipient_email=link.recipient_email,
        may_download=link.may_download,
        created_at=link.created_at,
        created_by=link.created_by.name,
        expires_at=link.expires_at,
        first_redeemed_at=link.first_redeemed_at,
        state=state_of(link.revoked_at, link.locked_at, link.expires_at, now),
    )


def state_of(revoked_at: datetime | None, locked_at: datetime | None, expires_at: datetime, now: datetime) -> str:
    """live, locked, expired or revoked."""
    if revoked_at:
        return "revoked"
    if expires_at <= now:
        return "expired"
    return "locked" if locked_at else "live"


@dataclass(frozen=True)
class GuestSeries:
    """A series as a guest's page shows it."""

    series_instance_uid: str
    modality: str
    description: str
    instance_count: int
    has_thumbnail: bool


@dataclass(frozen=True)
class GuestStudy:
    """A study as a referring office or its patient sees it."""

    study_instance_uid: str
    patient_name: str
    patient_id: str
    patient_birth_date: date | None
    study_date: date | None
    description: str
    modalities: tuple[str, ...]
    instance_count: int
    size: int  # bytes
    series: tuple[GuestSeries, ...]


def get_guest_study(study: Study) -> GuestStudy:
    """The study and its series, for a page without an account."""
    rows = Series.objects.filter(study=study).order_by("series_number", "series_instance_uid")
    series = tuple(
        GuestSeries(s.series_instance_uid, s.modality, s.series_description, s.instance_count, s.thumbnail is not None)
        for s in rows
    )
    return GuestStudy(
        study_instance_uid=study.study_instance_uid,
        patient_name=study.patient_name.replace("^", " ").strip(),
        patient_id=study.patient_id,
        patient_birth_date=study.patient_birth_date,
        study_date=study.study_date,
        description=study.study_description,
        modalities=tuple(study.modalities.split("\\")) if study.modalities else (),
        instance_count=study.instance_count,
        size=study.size,
        series=series,
    )
