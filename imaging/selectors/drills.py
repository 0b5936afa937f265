"""Reads about restore drills: those done, when the next is due, and the rows that one compares."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet, Sum

from audit.actions import Action
from audit.models import AuditEvent
from imaging.models import Drill, Instance, Study
from tenants.scoping import tenant_scope
from tenants.selectors import get_tenant

_ATTRIBUTES = (
    "sop_class_uid", "transfer_syntax_uid", "instance_number", "crc32", "rows", "columns",
    "number_of_frames", "series__series_instance_uid", "series__modality",
    *(f"series__study__{name}" for name in (
        "patient_id", "issuer_of_patient_id", "patient_name", "patient_birth_date", "patient_sex", "study_date",
        "study_time", "accession_number",
    )),
)  # fmt: skip
_LOCATION = (
    "id", "series__study__study_instance_uid", "sop_instance_uid", "pack_id", "pack_offset", "size", "digest",
    "series__modality",
)  # fmt: skip
_DIGEST = _LOCATION.index("digest")


class IndexRow(NamedTuple):
    """An instance as an index knows it. `attributes` are the UIDs and patient attributes that must come back equal."""

    instance_id: UUID
    study_instance_uid: str
    sop_instance_uid: str
    pack_id: UUID
    pack_offset: int
    size: int  # bytes
    digest: bytes
    modality: str
    attributes: tuple[object, ...]

    @classmethod
    def of(cls, row: tuple) -> "IndexRow":
        """From a row of `index_rows`, whichever database answered."""
        location = list(row[: len(_LOCATION)])
        location[_DIGEST] = bytes(location[_DIGEST])
        return cls(*location, row[len(_LOCATION) :])


@dataclass(frozen=True)
class Holdings:
    """How much a practice keeps."""

    studies: int
    instances: int
    size: int  # bytes


@dataclass(frozen=True)
class NotThere:
    """What a region lacks at this moment: how many instances, and when the oldest of them was acknowledged."""

    instances: int
    oldest_at: datetime | None


def list_drills(tenant_id: UUID, limit: int = 20) -> list[Drill]:
    """The practice's latest drills, newest first, with those still running."""
    with tenant_scope(tenant_id):
        return list(Drill.objects.order_by("-started_at")[:limit])


def find_last_drill(tenant_id: UUID) -> Drill | None:
    """The drill that finished last, passed or not."""
    with tenant_scope(tenant_id):
        return Drill.objects.exclude(finished_at=None).order_by("-started_at").first()


def next_drill_due(tenant_id: UUID) -> datetime:
    """When the next drill is due: `DRILL_DAYS` after the last that passed, or after the practice began."""
    with tenant_scope(tenant_id):
        passed = Drill.objects.filter(passed=True).order_by("-started_at").first()
    since = passed.started_at if passed else get_tenant(tenant_id).created_at
    return since + timedelta(days=settings.DRILL_DAYS)


def find_restore_estimate(tenant_id: UUID) -> int | None:
    """Seconds that restoring the whole practice would have taken at its last drill that passed."""
    with tenant_scope(tenant_id):
        events = AuditEvent.objects.filter(action=Action.DRILL_DONE, details__passed=True)
        event = events.order_by("-seq").first()
    return event.details.get("estimate_seconds") if event else None


def count_holdings() -> Holdings:
    """What the active tenant keeps in all."""
    found = Study.objects.aggregate(studies=Count("id"), instances=Sum("instance_count"), size=Sum("size"))
    return Holdings(found["studies"], found["instances"] or 0, found["size"] or 0)


def list_largest_studies(count: int) -> list[str]:
    """Study Instance UIDs, the largest study first."""
    found = Study.objects.filter(instance_count__gt=0).order_by("-size", "id")
    return list(found.values_list("study_instance_uid", flat=True)[:count])


def list_study_uids() -> list[str]:
    """Study Instance UIDs of all studies with instances, in a stable order."""
    found = Study.objects.filter(instance_count__gt=0).order_by("id")
    return list(found.values_list("study_instance_uid", flat=True))


def find_not_there(region: int) -> NotThere:
    """What the active tenant would lose if only `region` were left now."""
    found = Instance.objects.exclude(_held_by(region)).aggregate(count=Count("id"), oldest=Min("received_at"))
    return NotThere(found["count"], found["oldest"])


def index_rows(study_instance_uids: Iterable[str]) -> QuerySet:
    """Tuples for `IndexRow.of`, in the order in which packs hold them. Its SQL may be put to another database."""
    found = Instance.objects.filter(series__study__study_instance_uid__in=list(study_instance_uids))
    return found.order_by("pack_id", "pack_offset").values_list(*_LOCATION, *_ATTRIBUTES)


def list_rows_held_by(region: int, study_instance_uids: Iterable[str]) -> list[IndexRow]:
    """The active tenant's rows of the studies, as far as `region` holds their bytes."""
    return [IndexRow.of(row) for row in index_rows(study_instance_uids).filter(_held_by(region))]


def list_known_uids(sop_instance_uids: Iterable[str]) -> set[str]:
    """Which of the instances the active tenant has now."""
    found = Instance.objects.filter(sop_instance_uid__in=list(sop_instance_uids))
    return set(found.values_list("sop_instance_uid", flat=True))


def list_known_study_uids(study_instance_uids: Iterable[str]) -> set[str]:
    """Which of the studies the active tenant has now."""
    found = Study.objects.filter(study_instance_uid__in=list(study_instance_uids))
    return set(found.values_list("study_instance_uid", flat=True))


def list_refused_by_nodes(study_instance_uids: Iterable[str]) -> set[str]:
    """SOP Instance UIDs that some Orthanc of the practice does not take; the vault has them all the same."""
    refused = ~Q(store_refusal="") | ~Q(mirror_store_refusal="")
    found = Instance.objects.filter(refused, series__study__study_instance_uid__in=list(study_instance_uids))
    return set(found.values_list("sop_instance_uid", flat=True))


def _held_by(region: int) -> Q:
    """Sealed there first, or copied there and read back since. A repacked instance is still in its older pack."""
    read_back = Q(**{f"pack__in_{region}_at__isnull": False})
    return Q(pack__home_region=region) | read_back | Q(mirrored_at__isnull=False)
