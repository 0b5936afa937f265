"""How well a practice's copies are kept: lag, copies per region, findings and brake."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Min, Q, Sum

from imaging.models import Brake, Finding, Instance, VaultObject
from tenants.scoping import tenant_scope

HEALED_SHOWN_FOR = timedelta(days=30)
MOST_SHOWN = 50


@dataclass(frozen=True)
class Lag:
    """What is acknowledged and not yet in the other region; `since` is when the oldest of it came, None if nothing."""

    since: datetime | None
    seconds: int
    count: int  # instances
    size: int  # bytes of their Part 10 files


@dataclass(frozen=True)
class RegionCopies:
    """The practice's live sealed objects in one region; sizes are plaintext bytes."""

    region: int
    objects: int  # known to be good here
    size: int
    absent: int  # not known to be good here: on their way, or found faulty
    never_read: int  # of those here, how many were not yet read again since they came
    read_again_since: datetime | None  # every other one was read again, and was good, at this time or later


@dataclass(frozen=True)
class FindingRow:
    """One finding. `stuck`: no region has a good copy, so a person must act."""

    kind: str  # Finding.Kind
    kind_label: str
    region: int
    object_id: UUID | None  # None for a lag and for a whole region
    whole_region: bool  # so much is missing at once that the region looks empty: its disk may not be mounted
    found_at: datetime
    healed_at: datetime | None
    stuck: bool


@dataclass(frozen=True)
class BrakeState:
    """Replication and purges stand still: `changed` objects within the hour, where `usual` were usual."""

    tripped_at: datetime
    changed: int
    usual: int


@dataclass(frozen=True)
class ProtectionState:
    """Everything about the practice's copies that its protection page shows."""

    lag: Lag
    behind: bool  # the lag is past the alarm
    regions: tuple[RegionCopies, RegionCopies]
    open_findings: tuple[FindingRow, ...]  # newest first, at most 50
    open_count: int
    healed_count: int  # within 30 days
    healed: tuple[FindingRow, ...]  # the same, newest first, at most 50
    brake: BrakeState | None


def get_protection_state(tenant_id: UUID, now: datetime) -> ProtectionState:
    """How the practice's copies are at `now`."""
    with tenant_scope(tenant_id):
        unhealed = Finding.objects.filter(healed_at=None)
        healed = Finding.objects.filter(healed_at__gt=now - HEALED_SHOWN_FOR)
        lag = get_lag(now)
        return ProtectionState(
            lag=lag,
            behind=lag.seconds > settings.LAG_ALARM_SECONDS,
            regions=(get_copies(1), get_copies(2)),
            open_findings=tuple(map(_finding_row, unhealed.order_by("-found_at")[:MOST_SHOWN])),
            open_count=unhealed.count(),
            healed_count=healed.count(),
            healed=tuple(map(_finding_row, healed.order_by("-healed_at")[:MOST_SHOWN])),
            brake=find_brake(),
        )


def get_lag(now: datetime) -> Lag:
    """How far the active tenant's second copies are behind."""
    waiting = Instance.objects.filter(mirrored_at=None)
    found = waiting.aggregate(since=Min("received_at"), count=Count("id"), size=Sum("size"))
    since = found["since"]
    # A clock that jumped back must not make a lag negative.
    seconds = max(0, int((now - since).total_seconds())) if since else 0
    return Lag(since, seconds, found["count"], found["size"] or 0)


def get_copies(region: int) -> RegionCopies:
    """The active tenant's live objects in the region."""
    here = Q(**{f"in_{region}_at__isnull": False})
    read_again = f"scrubbed_{region}_at"
    found = VaultObject.objects.filter(retired_at=None).aggregate(
        objects=Count("id", filter=here),
        size=Sum("size", filter=here),
        absent=Count("id", filter=~here),
        never_read=Count("id", filter=here & Q(**{read_again: None})),
        since=Min(read_again, filter=here),
    )
    return RegionCopies(
        region, found["objects"], found["size"] or 0, found["absent"], found["never_read"], found["since"]
    )


def find_brake() -> BrakeState | None:
    """The active tenant's brake, if it is on."""
    brake = Brake.objects.filter(released_at=None).first()
    return brake and BrakeState(brake.tripped_at, brake.changed, brake.usual)


def _finding_row(finding: Finding) -> FindingRow:
    return FindingRow(
        kind=finding.kind,
        kind_label=finding.get_kind_display(),
        region=finding.region,
        object_id=finding.object_id,
        whole_region=finding.kind == Finding.Kind.MISSING and finding.object_id is None,
        found_at=finding.found_at,
        healed_at=finding.healed_at,
        stuck=finding.healed_at is None and bool(finding.details.get("stuck")),
    )
