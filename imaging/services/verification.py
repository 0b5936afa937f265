"""Everything of a practice in a region, now: each row's object is read, and each object's row looked for."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from imaging.adapters.vault import VaultUnavailable
from imaging.models import Drill, Finding, Tombstone, UploadSegment, VaultObject
from imaging.services.healing import COPY_KINDS
from imaging.services.regions import get_vault
from imaging.services.scrub import Reading, ScrubReport
from tenants.scoping import tenant_scope

YOUNG = timedelta(days=7)
_TIMED = 7  # version 7 of RFC 9562 begins with its time in milliseconds


@dataclass(frozen=True)
class FaultyCopy:
    """One faulty copy; `study` is SHA-256 of tenant and Study Instance UID, as on a tombstone: no PHI."""

    object_id: UUID
    object_kind: str
    study: str
    kind: str
    why: str
    healed: bool
    stuck: bool  # no region has a good copy


@dataclass(frozen=True)
class Unnamed:
    """A sealed object that no row names; `readable` while its key is there."""

    object_id: UUID
    created_at: datetime | None  # None: its id does not tell
    readable: bool


@dataclass(frozen=True)
class Verification:
    """What was read in one region, and what was wrong."""

    report: ScrubReport
    faulty: tuple[FaultyCopy, ...]
    unnamed: tuple[Unnamed, ...]

    @property
    def is_clean(self) -> bool:
        """Everything was read, and everything was good."""
        return not (self.faulty or self.report.unreadable or self.report.stopped)


def verify_region(
    tenant_id: UUID, region: int, now: datetime, *, heal: bool = True, refill: bool = False
) -> Verification:
    """Read every object that should be in the region, retired ones too; with `heal`, replace what is faulty.

    `refill` is for a region that has really lost its objects, and heals what otherwise looks like a missing mount.
    """
    reading = Reading(tenant_id, region, now, refill=refill)
    reading.read_all(_list_expected(tenant_id, region, now))
    report = reading.conclude(heal=heal)
    faulty = tuple(_describe(tenant_id, region, object_id, report) for object_id in report.faults or {})
    try:
        return Verification(report, faulty, list_unnamed(tenant_id, region, now))
    except VaultUnavailable:
        return Verification(replace(report, stopped=report.stopped or "unavailable"), faulty, ())


def list_unnamed(tenant_id: UUID, region: int, now: datetime) -> tuple[Unnamed, ...]:
    """Objects that neither an image, an upload, a drill nor an unfinished purge names, but not those just begun.

    Never deleted: what lost its row may be all that is left of an image (`rebuild_index`). Raises `VaultUnavailable`.
    """
    vault = get_vault(region)
    # First what lies there, then the rows: what came in between is known.
    unnamed = set(vault.list_objects(tenant_id))
    with tenant_scope(tenant_id):
        for rows in (VaultObject.objects, UploadSegment.objects):
            unnamed.difference_update(rows.values_list("id", flat=True).iterator())
        unnamed.difference_update(Drill.objects.filter(report__isnull=False).values_list("report", flat=True))
        for objects in Tombstone.objects.filter(completed_at=None).values_list("sealed_objects", flat=True):
            unnamed.difference_update(map(UUID, objects))
    found = [(object_id, _created_at(object_id)) for object_id in sorted(unnamed)]
    return tuple(
        Unnamed(object_id, created_at, vault.exists(tenant_id, object_id))
        for object_id, created_at in found
        if created_at is None or created_at < now - YOUNG
    )


def _list_expected(tenant_id: UUID, region: int, now: datetime) -> list[UUID]:
    """What a worker only announced has no bytes yet, and what was retired long ago may be on its way out."""
    removed_before = now - timedelta(hours=settings.RETIRED_HOURS)
    with tenant_scope(tenant_id):
        found = Finding.objects.filter(region=region, healed_at=None, kind__in=COPY_KINDS, object_id__isnull=False)
        # Durable at home before its row went into service, whether or not it was read back yet.
        expected = Q(**{f"in_{region}_at__isnull": False}) | Q(home_region=region, retired_at=None)
        rows = VaultObject.objects.filter(expected | Q(id__in=list(found.values_list("object_id", flat=True))))
        rows = rows.filter(Q(retired_at=None) | Q(retired_at__gt=removed_before))
        return list(rows.order_by("id").values_list("id", flat=True))


def _describe(tenant_id: UUID, region: int, object_id: UUID, report: ScrubReport) -> FaultyCopy:
    fault = (report.faults or {})[object_id]
    with tenant_scope(tenant_id):
        row = VaultObject.objects.select_related("series__study").filter(id=object_id).first()
        left = Finding.objects.filter(object_id=object_id, region=region, healed_at=None)
        stuck = any(finding.details.get("stuck") for finding in left)
        healed = bool(row) and report.stopped != "region-looks-empty" and not left.exists()
    study = hashlib.sha256(tenant_id.bytes + row.series.study.study_instance_uid.encode()).hexdigest() if row else ""
    return FaultyCopy(object_id, row.kind if row else "", study, fault.kind.value, fault.why, healed, stuck)


def _created_at(object_id: UUID) -> datetime | None:
    return datetime.fromtimestamp((object_id.int >> 80) / 1000, UTC) if object_id.version == _TIMED else None
