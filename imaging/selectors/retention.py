"""Reads about retention, as the pages show them."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from imaging.models import PurgeOrder, PurgeStatus, Study, Tombstone
from imaging.retention_rules import RetentionPolicy, retention_ends_on
from imaging.selectors.names import display_name
from tenants.models import Tenant


@dataclass(frozen=True)
class StudyRetention:
    """How long a study is kept, and what stands in the way of its end."""

    ends_on: date
    held_at: datetime | None
    held_by: str
    hold_reason: str
    status: str  # '' while nothing is ordered
    status_label: str


@dataclass(frozen=True)
class OrderRow:
    """A study whose retention has ended, for the page on which two people decide."""

    study_instance_uid: str
    patient_name: str
    study_date: date | None
    description: str
    instance_count: int
    status: str
    status_label: str
    ended_on: date
    grace_ends_at: datetime
    grace_over: bool
    requested_by: str
    approved_by: str
    may_approve: bool


@dataclass(frozen=True)
class HeldRow:
    """A study under legal hold."""

    study_instance_uid: str
    patient_name: str
    study_date: date | None
    held_at: datetime
    held_by: str
    reason: str


@dataclass(frozen=True)
class TombstoneRow:
    """What is left of a purged study: no name, no UID."""

    purged_at: datetime
    instance_count: int
    rule: str
    fingerprint: str
    completed_at: datetime | None


def get_retention(study: Study, tenant: Tenant) -> StudyRetention:
    """How long the study is kept by the practice's policy of today."""
    policy = RetentionPolicy(tenant.retention_years, tenant.minor_years_after_majority)
    order = PurgeOrder.objects.filter(study=study).first()
    return StudyRetention(
        ends_on=retention_ends_on(
            policy,
            study_date=study.study_date,
            received_on=timezone.localdate(study.last_received_at),
            birth_date=study.patient_birth_date,
        ),
        held_at=study.held_at,
        held_by=study.held_by.name if study.held_by else "",
        hold_reason=study.hold_reason,
        status=order.status if order else "",
        status_label=PurgeStatus(order.status).label if order else "",
    )


def list_orders(viewer_id: int, now: datetime) -> list[OrderRow]:
    """Every study whose retention has ended, oldest end first."""
    orders = PurgeOrder.objects.select_related("study", "requested_by", "approved_by").order_by("retention_ended_on")
    return [_order_row(order, viewer_id, now) for order in orders[:500]]


def list_held() -> list[HeldRow]:
    """Studies under legal hold, newest hold first."""
    held = Study.objects.exclude(held_at=None).select_related("held_by").order_by("-held_at")
    return [
        HeldRow(
            s.study_instance_uid, display_name(s.patient_name), s.study_date, s.held_at, s.held_by.name, s.hold_reason,
        )
        for s in held[:500]
    ]  # fmt: skip


def list_tombstones() -> list[TombstoneRow]:
    """The latest purges."""
    stones = Tombstone.objects.order_by("-purged_at")[:100]
    return [
        TombstoneRow(s.purged_at, s.instance_count, s.rule, bytes(s.study_digest).hex()[:16], s.completed_at)
        for s in stones
    ]


def _order_row(order: PurgeOrder, viewer_id: int, now: datetime) -> OrderRow:
    study = order.study
    return OrderRow(
        study_instance_uid=study.study_instance_uid,
        patient_name=display_name(study.patient_name),
        study_date=study.study_date,
        description=study.study_description,
        instance_count=study.instance_count,
        status=order.status,
        status_label=PurgeStatus(order.status).label,
        ended_on=order.retention_ended_on,
        grace_ends_at=order.grace_ends_at,
        grace_over=order.grace_ends_at <= now,
        requested_by=order.requested_by.name if order.requested_by else "",
        approved_by=order.approved_by.name if order.approved_by else "",
        may_approve=order.status == PurgeStatus.REQUESTED and order.requested_by_id != viewer_id,
    )
