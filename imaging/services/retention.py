"""Retention: what keeps a study, what marks it as ended, and who must want it gone.

Dangerous: what follows from here ends in destroyed keys. The principle that keeps it safe: marking removes nothing;
a purge needs the end of retention, two different people and a grace period, and `purge.py` checks all of it again,
with the study locked, in the transaction that takes the rows away. A hold stops every one of these steps.
"""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from audit.actions import Action
from audit.actor import SYSTEM, Actor
from audit.services import record
from imaging.access import StudyNotFound, require_role, study_to_change, study_to_rule
from imaging.models import PurgeOrder, PurgeStatus, Study
from imaging.retention_rules import RetentionPolicy, retention_ends_on
from tenants.models import Role, Tenant
from tenants.scoping import tenant_scope
from tenants.selectors import get_tenant

PAGE = 500


class StudyHeld(Exception):
    """A legal hold stands in the way."""


class NotTheSecondPerson(Exception):
    """Whoever asked for a purge cannot approve it."""


class WrongState(Exception):
    """The order is not in a state for that."""


class ReasonMissing(Exception):
    """A hold needs a reason."""


def policy_of(tenant: Tenant) -> RetentionPolicy:
    """The practice's retention policy."""
    return RetentionPolicy(tenant.retention_years, tenant.minor_years_after_majority)


def change_policy(
    actor: Actor, tenant: Tenant, *, years: int, minor_years: int, grace_days: int, now: datetime
) -> None:
    """Change the practice's years and grace period. Orders already marked are judged by the new policy when purged."""
    require_role(actor, Role.OWNER)
    Tenant.objects.filter(id=tenant.id).update(
        retention_years=years, minor_years_after_majority=minor_years, purge_grace_days=grace_days
    )
    details = {"years": years, "minor_years": minor_years, "grace_days": grace_days}
    record(Action.RETENTION_CHANGED, actor, subject_id=tenant.id, details=details, now=now)


def place_hold(actor: Actor, study_instance_uid: str, reason: str, now: datetime) -> None:
    """Keep the study whatever its age, and withdraw any order to purge it.

    Raises `StudyNotFound`, `ReasonMissing`.
    """
    study = study_to_rule(actor, study_instance_uid)
    if not reason.strip():
        raise ReasonMissing
    study.held_at, study.held_by_id, study.hold_reason = now, int(actor.id), reason.strip()[:500]
    study.save(update_fields=["held_at", "held_by", "hold_reason"])
    PurgeOrder.objects.filter(study=study).delete()
    record(Action.HOLD_PLACED, actor, study_instance_uid=study_instance_uid, now=now)


def lift_hold(actor: Actor, study_instance_uid: str, now: datetime) -> None:
    """Let the study age again; raises `StudyNotFound`."""
    study = study_to_rule(actor, study_instance_uid)
    study.held_at, study.held_by, study.hold_reason = None, None, ""
    study.save(update_fields=["held_at", "held_by", "hold_reason"])
    record(Action.HOLD_LIFTED, actor, study_instance_uid=study_instance_uid, now=now)


def mark_ended_retention(tenant_id: UUID, now: datetime) -> int:
    """Mark the tenant's studies whose retention has ended and that nobody holds; returns how many. Removes nothing."""
    tenant = get_tenant(tenant_id)
    # No study younger than the shortest retention can have ended; the rule then decides one by one.
    horizon = now - timedelta(days=365 * tenant.retention_years)
    with tenant_scope(tenant_id):
        old = Study.objects.filter(received_at__lte=horizon, held_at=None, purge_order=None).order_by("received_at")
        ended = [each.id for each in old.iterator(chunk_size=PAGE) if has_retention_ended(each, tenant, now)]
    # A transaction each: the trail's head is locked from the first event on, and every reader waits for it.
    return sum(_mark(tenant, study_id, now) for study_id in ended)


def has_retention_ended(study: Study, tenant: Tenant, now: datetime) -> bool:
    """Whether the study's retention has ended by the practice's policy of today."""
    return retention_end_of(study, tenant) <= _local_day(now, tenant)


def retention_end_of(study: Study, tenant: Tenant) -> date:
    """The first day on which the study may be purged. Late instances begin the count anew."""
    return retention_ends_on(
        policy_of(tenant),
        study_date=study.study_date,
        received_on=_local_day(study.last_received_at, tenant),
        birth_date=study.patient_birth_date,
    )


def request_purge(actor: Actor, study_instance_uid: str, now: datetime) -> None:
    """The first person's yes to a marked study: an owner's or an uploader's.

    Raises `StudyNotFound`, `StudyHeld`, `WrongState`.
    """
    order = _lock_order(study_to_change(actor, study_instance_uid))
    _require(order, PurgeStatus.MARKED)
    order.status, order.requested_by_id, order.requested_at = PurgeStatus.REQUESTED, int(actor.id), now
    order.save()
    record(Action.PURGE_REQUESTED, actor, study_instance_uid=study_instance_uid, now=now)


def approve_purge(actor: Actor, study_instance_uid: str, now: datetime) -> None:
    """The second person's yes, an owner's. The purge itself waits for the end of the grace period.

    Raises `StudyNotFound`, `StudyHeld`, `WrongState`, `NotTheSecondPerson`.
    """
    order = _lock_order(study_to_rule(actor, study_instance_uid))
    _require(order, PurgeStatus.REQUESTED)
    if order.requested_by_id == int(actor.id):
        raise NotTheSecondPerson
    order.status, order.approved_by_id, order.approved_at = PurgeStatus.APPROVED, int(actor.id), now
    order.save()
    record(Action.PURGE_APPROVED, actor, study_instance_uid=study_instance_uid, now=now)


def reject_purge(actor: Actor, study_instance_uid: str, now: datetime) -> None:
    """Back to marked: either person, or a third, says no before the purge; raises `StudyNotFound`, `WrongState`."""
    order = _lock_order(study_to_change(actor, study_instance_uid))
    if order.status == PurgeStatus.MARKED:
        raise WrongState
    order.status = PurgeStatus.MARKED
    order.requested_by = order.requested_at = order.approved_by = order.approved_at = None
    order.save()
    record(Action.PURGE_REJECTED, actor, study_instance_uid=study_instance_uid, now=now)


def _mark(tenant: Tenant, study_id: UUID, now: datetime) -> bool:
    with tenant_scope(tenant.id):
        # Locked and judged anew: held, marked or added to since it was found.
        study = Study.objects.select_for_update(of=("self",)).filter(id=study_id, held_at=None).first()
        if study is None or not has_retention_ended(study, tenant, now):
            return False
        if PurgeOrder.objects.filter(study=study).exists():
            return False
        PurgeOrder.objects.create(
            study=study,
            retention_ended_on=retention_end_of(study, tenant),
            marked_at=now,
            grace_ends_at=now + timedelta(days=tenant.purge_grace_days),
        )
        record(Action.RETENTION_ENDED, SYSTEM, study_instance_uid=study.study_instance_uid, now=now)
    return True


def _lock_order(study: Study) -> PurgeOrder:
    if study.held_at:
        raise StudyHeld
    order = PurgeOrder.objects.select_for_update().filter(study=study).first()
    if order is None:
        raise StudyNotFound
    return order


def _require(order: PurgeOrder, status: PurgeStatus) -> None:
    if order.status != status:
        raise WrongState


def _local_day(moment: datetime, tenant: Tenant) -> date:
    return moment.astimezone(ZoneInfo(tenant.time_zone)).date()
