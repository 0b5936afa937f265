"""Reads about share links, as the study page and the link's own pages show them."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from imaging.models import Series, ShareLink, Study
from imaging.selectors.names import display_name

_XRAY = _("X-ray")
_PLAIN = {
    "CT": _("CT scan"), "MR": _("MRI scan"), "US": _("Ultrasound"), "CR": _XRAY, "DX": _XRAY, "RG": _XRAY, "RF": _XRAY,
    "XA": _("Angiogram"), "MG": _("Mammogram"), "NM": _("Nuclear scan"), "PT": _("PET scan"),
    "PX": _("Panoramic X-ray"), "IO": _("Dental X-ray"), "XC": _("Photographs"), "ES": _("Endoscopy"),
    "BMD": _("Bone density scan"),
}  # fmt: skip


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
    title: str
    instance_count: int
    has_thumbnail: bool


@dataclass(frozen=True)
class GuestStudy:
    """A study as a referring office or its patient sees it. `kind` says in plain words what was done."""

    study_instance_uid: str
    patient_name: str
    patient_id: str
    patient_birth_date: date | None
    study_date: date | None
    description: str
    modalities: tuple[str, ...]
    kind: str
    instance_count: int
    size: int  # bytes
    series: tuple[GuestSeries, ...]


def get_guest_study(study: Study) -> GuestStudy:
    """The study and its series, for a page without an account."""
    modalities = tuple(filter(None, study.modalities.split("\\")))
    rows = Series.objects.filter(study=study).order_by("series_number", "series_instance_uid")
    return GuestStudy(
        study_instance_uid=study.study_instance_uid,
        patient_name=display_name(study.patient_name),
        patient_id=study.patient_id,
        patient_birth_date=study.patient_birth_date,
        study_date=study.study_date,
        description=study.study_description,
        modalities=modalities,
        kind=_kind(modalities),
        instance_count=study.instance_count,
        size=study.size,
        series=tuple(_guest_series(series) for series in rows),
    )


def _guest_series(series: Series) -> GuestSeries:
    return GuestSeries(
        series_instance_uid=series.series_instance_uid,
        modality=series.modality,
        title=series.series_description or _PLAIN.get(series.modality, _("Series")),
        instance_count=series.instance_count,
        has_thumbnail=series.thumbnail is not None,
    )


def _kind(modalities: tuple[str, ...]) -> str:
    known = list(dict.fromkeys(_PLAIN[modality] for modality in modalities if modality in _PLAIN))
    return ", ".join(map(str, known)) or _("Images")
