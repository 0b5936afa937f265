"""Reads about regions: which one serves, what each lacks, who ordered a switch, and how old the index is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet

from audit.actions import Action
from audit.actor import ActorKind
from audit.models import AuditEvent
from imaging.models import FailoverOrder, Instance, RegionState, Study, VaultObject
from imaging.selectors.names import display_name
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tenants.selectors import list_tenants

VALID_FOR = timedelta(hours=24)
REGIONS = (1, 2)
LATE_AFTER = timedelta(minutes=15)  # BKP-02
HISTORY = 20
MISSING_LIMIT = 500
CONFLICTS_SHOWN = timedelta(days=90)


@dataclass(frozen=True)
class Serving:
    """The region that is read first and takes new images; `since` is None before the first switch."""

    region: int
    since: datetime | None

    @property
    def other(self) -> int:
        return 3 - self.region


@dataclass(frozen=True)
class Missing:
    """What one region lacks of one practice: counts, and when the oldest of it was received."""

    region: int
    instances: int = 0
    studies: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True)
class PracticeCopies:
    """A practice with what each region lacks of it, and how its last reconciliation went."""

    tenant_id: UUID
    name: str
    slug: str
    missing: tuple[Missing, ...]
    reconciled: "Reconciliation | None" = None

    def missing_in(self, region: int) -> Missing:
        return next(row for row in self.missing if row.region == region)


@dataclass(frozen=True)
class PracticeLag:
    """A practice as the regions page shows it: what the serving region and the other one lack of it."""

    practice: PracticeCopies
    here: Missing
    behind: Missing
    is_late: bool


@dataclass(frozen=True)
class Reconciliation:
    """The last time both regions were brought to the same state, from the trail.

    `conflicts` counts those found in the last 90 days; `objects` are ids of some that are lost or damaged.
    """

    at: datetime
    copied: int
    adopted: int
    conflicts: int
    unreadable: int
    lost: int
    objects: tuple[str, ...]


@dataclass(frozen=True)
class Conflict:
    """Two different files with one SOP Instance UID, taken in on different sides; the index keeps the first."""

    at: datetime
    study_instance_uid: str
    patient_name: str


@dataclass(frozen=True)
class MissingStudy:
    """A study with images that a region lacks; `elsewhere` of them are in the other region."""

    study_instance_uid: str
    patient_name: str
    description: str
    study_date: object
    missing: int
    total: int
    elsewhere: int


@dataclass(frozen=True)
class OrderRow:
    """An order as it stands; `state` is requested, approved, lapsed, withdrawn or carried-out."""

    id: int
    to_region: int
    reason: str
    requested_by: str
    requested_by_id: int
    requested_at: datetime
    approved_by: str
    approved_at: datetime | None
    valid_until: datetime | None
    ended_at: datetime | None
    state: str


def get_serving() -> Serving:
    """Which region serves, asked of the database."""
    state = RegionState.objects.first()
    # The row is there from the first order on, before anything was switched.
    switched = FailoverOrder.objects.filter(carried_out_at__isnull=False).exists()
    return Serving(state.active_region, state.since if switched else None) if state else Serving(1, None)


def count_missing(tenant_id: UUID, region: int) -> Missing:
    """How much of a practice has not been proved to be in the region."""
    with tenant_scope(tenant_id):
        counted = _lacking(region).aggregate(
            instances=Count("id"), studies=Count("series__study", distinct=True), oldest_at=Min("received_at")
        )
    return Missing(region, **counted)


def list_missing(tenant_id: UUID, region: int) -> list[MissingStudy]:
    """The practice's studies that are not wholly in the region, the latest first; names patients: members only."""
    elsewhere = Q(**{f"pack__in_{3 - region}_at__isnull": False})
    with tenant_scope(tenant_id):
        rows = _lacking(region).values("series__study_id")
        counted = rows.annotate(missing=Count("id"), elsewhere=Count("id", filter=elsewhere), at=Max("received_at"))
        latest = {row["series__study_id"]: row for row in counted.order_by("-at")[:MISSING_LIMIT]}
        studies = Study.objects.in_bulk(list(latest))
    return [_missing_study(studies[study_id], row) for study_id, row in latest.items()]


def list_conflicts(tenant_id: UUID, now: datetime) -> list[Conflict]:
    """What reconciling found in the last 90 days, once each; names patients: members only."""
    with tenant_scope(tenant_id):
        refused = AuditEvent.objects.filter(action=Action.INSTANCE_CONFLICT, actor_kind=ActorKind.SYSTEM)
        events = refused.filter(at__gt=now - CONFLICTS_SHOWN).order_by("seq")
        # Every run that meets the same file says so again.
        first = {(event.series_instance_uid, *sorted(event.details.items())): event for event in reversed(events)}
        studies = Study.objects.filter(study_instance_uid__in={event.study_instance_uid for event in first.values()})
        names = dict(studies.values_list("study_instance_uid", "patient_name"))
    return [
        Conflict(event.at, event.study_instance_uid, display_name(names.get(event.study_instance_uid, "")))
        for event in first.values()
    ]


def list_practices() -> list[PracticeCopies]:
    """Every practice with what each region lacks; no patient is named."""
    return [_practice(tenant) for tenant in list_tenants()]


def list_lags(serving: Serving, now: datetime) -> list[PracticeLag]:
    """Every practice, with whether the region that does not serve is too far behind."""
    return [_lag(practice, serving, now) for practice in list_practices()]


def find_open_order(now: datetime) -> OrderRow | None:
    """The order that waits for approval or for being carried out."""
    open_order = list_open_orders(now).select_related("requested_by", "approved_by").first()
    return _order(open_order, now) if open_order else None


def list_open_orders(now: datetime) -> QuerySet[FailoverOrder]:
    """Orders neither withdrawn nor carried out nor lapsed; at most one."""
    valid = Q(approved_at=None) | Q(approved_at__gt=now - VALID_FOR)
    return FailoverOrder.objects.filter(valid, withdrawn_at=None, carried_out_at=None).order_by("id")


def list_past_orders(now: datetime) -> list[OrderRow]:
    """The latest orders that are not open any more, the newest first."""
    past = FailoverOrder.objects.exclude(id__in=list_open_orders(now).values("id"))
    return [_order(row, now) for row in past.select_related("requested_by", "approved_by").order_by("-id")[:HISTORY]]


def find_newest_image_at(tenant_ids: list[UUID]) -> datetime | None:
    """When the index last learnt of an image of any of the practices."""
    return max(filter(None, map(_newest_image_at, tenant_ids)), default=None)


def _newest_image_at(tenant_id: UUID) -> datetime | None:
    with tenant_scope(tenant_id):
        return Study.objects.aggregate(newest=Max("last_received_at"))["newest"]


def _lacking(region: int) -> QuerySet[Instance]:
    return Instance.objects.filter(
        **{f"pack__in_{region}_at": None}, pack__kind=VaultObject.Kind.PACK, pack__retired_at=None
    )


def _missing_study(study: Study, row: dict[str, int]) -> MissingStudy:
    return MissingStudy(
        study_instance_uid=study.study_instance_uid,
        patient_name=display_name(study.patient_name),
        description=study.study_description,
        study_date=study.study_date,
        missing=row["missing"],
        total=study.instance_count,
        elsewhere=row["elsewhere"],
    )


def _practice(tenant: Tenant) -> PracticeCopies:
    missing = tuple(count_missing(tenant.id, region) for region in REGIONS)
    return PracticeCopies(tenant.id, tenant.name, tenant.slug, missing, _find_reconciliation(tenant.id))


def _lag(practice: PracticeCopies, serving: Serving, now: datetime) -> PracticeLag:
    behind = practice.missing_in(serving.other)
    is_late = behind.oldest_at is not None and now - behind.oldest_at > LATE_AFTER
    return PracticeLag(practice, practice.missing_in(serving.region), behind, is_late)


def _find_reconciliation(tenant_id: UUID) -> Reconciliation | None:
    with tenant_scope(tenant_id):
        event = AuditEvent.objects.filter(action=Action.RECONCILED).order_by("-seq").first()
    if event is None:
        return None
    counts = {name: event.details.get(name, 0) for name in ("copied", "adopted", "unreadable", "lost")}
    objects = tuple(event.details.get("objects", []))
    return Reconciliation(event.at, **counts, conflicts=len(list_conflicts(tenant_id, event.at)), objects=objects)


def _order(row: FailoverOrder, now: datetime) -> OrderRow:
    return OrderRow(
        id=row.pk,
        to_region=row.to_region,
        reason=row.reason,
        requested_by=row.requested_by.email,
        requested_by_id=row.requested_by_id,
        requested_at=row.requested_at,
        approved_by=row.approved_by.email if row.approved_by else "",
        approved_at=row.approved_at,
        valid_until=row.approved_at and row.approved_at + VALID_FOR,
        ended_at=row.withdrawn_at or row.carried_out_at,
        state=_order_state(row, now),
    )


def _order_state(row: FailoverOrder, now: datetime) -> str:
    if row.carried_out_at:
        return "carried-out"
    if row.withdrawn_at:
        return "withdrawn"
    if row.approved_at is None:
        return "requested"
    return "approved" if row.approved_at > now - VALID_FOR else "lapsed"
