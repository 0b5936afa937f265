"""Switching regions: two people order it, a command carries it out, and every practice's trail says so.

Nothing is copied or deleted here. What the region to be left still holds alone stays there, is listed by study for
its practice, and comes back with the reconciliation (`imaging.services.reconcile`).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.actor import SYSTEM, Actor, ActorKind
from audit.models import PLATFORM
from audit.services import record
from imaging import access
from imaging.models import FailoverOrder, RegionState, VaultObject
from imaging.selectors.failover import (
    Conflict,
    MissingStudy,
    OrderRow,
    PracticeCopies,
    find_open_order,
    list_conflicts,
    list_missing,
    list_open_orders,
    list_practices,
)
from imaging.services.active_region import forget, other_region
from tenants.models import Membership, Role, User
from tenants.readers import writing_to
from tenants.scoping import active_tenant_id, tenant_scope
from tenants.selectors import list_tenants

logger = logging.getLogger(__name__)

HOME = 1


class NotVendorAdmin(Exception):
    """Only the vendor's administrators order a failover."""


class NotTheSecondPerson(Exception):
    """Whoever asked for a failover cannot approve it."""


class OrderPending(Exception):
    """Another order is open; it must be withdrawn or carried out first."""


class OrderClosed(Exception):
    """The order was approved, withdrawn, carried out or has lapsed meanwhile."""


class AlreadyServing(Exception):
    """That region serves already."""


class NoApprovedOrder(Exception):
    """Two people have not agreed on switching to that region within the last 24 hours."""


class RegionLacksObjects(Exception):
    """The region to be returned to still lacks objects that the other one has. `count` says how many."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} objects are missing")
        self.count = count


@dataclass(frozen=True)
class Switch:
    """A failover that was carried out, and what the new region lacks of each practice at that moment."""

    order: OrderRow
    from_region: int
    to_region: int
    at: datetime
    practices: list[PracticeCopies]


@dataclass(frozen=True)
class RegionGaps:
    """What a practice should know of a region: studies that it lacks, and files that stand against each other."""

    missing: list[MissingStudy]
    conflicts: list[Conflict]


def request_failover(actor: Actor, to_region: int, reason: str, now: datetime) -> FailoverOrder:
    """Ask for a switch; `reason` names no patient.

    Raises
    ------
    NotVendorAdmin, AlreadyServing, OrderPending
    """
    user = _require_vendor_admin(actor)
    with _state_locked(now) as state:
        if state.active_region == to_region:
            raise AlreadyServing
        if list_open_orders(now).exists():
            raise OrderPending
        order = FailoverOrder.objects.create(to_region=to_region, reason=reason, requested_by=user, requested_at=now)
        _record(Action.FAILOVER_REQUESTED, actor, order, now)
    return order


def approve_failover(actor: Actor, order_id: int, now: datetime) -> FailoverOrder:
    """The second person agrees; the order can be carried out within `VALID_FOR`.

    Raises
    ------
    NotVendorAdmin, NotTheSecondPerson, OrderClosed, FailoverOrder.DoesNotExist
    """
    user = _require_vendor_admin(actor)
    with transaction.atomic():
        order = _lock_open(order_id, now)
        if order.approved_at:
            raise OrderClosed
        if order.requested_by_id == user.pk:
            raise NotTheSecondPerson
        order.approved_by, order.approved_at = user, now
        order.save(update_fields=["approved_by", "approved_at"])
        _record(Action.FAILOVER_APPROVED, actor, order, now)
    return order


def withdraw_failover(actor: Actor, order_id: int, now: datetime) -> FailoverOrder:
    """Any of the vendor's administrators stops an order that was not carried out.

    Raises
    ------
    NotVendorAdmin, OrderClosed, FailoverOrder.DoesNotExist
    """
    _require_vendor_admin(actor)
    with transaction.atomic():
        order = _lock_open(order_id, now)
        order.withdrawn_at = now
        order.save(update_fields=["withdrawn_at"])
        _record(Action.FAILOVER_WITHDRAWN, actor, order, now)
    return order


def get_approved_order(to_region: int, now: datetime) -> OrderRow:
    """The order that two people agreed on; raises `NoApprovedOrder`."""
    order = find_open_order(now)
    if order is None or order.state != "approved" or order.to_region != to_region:
        raise NoApprovedOrder
    return order


def carry_out(to_region: int, now: datetime, *, incomplete: bool = False) -> Switch:
    """Serve from the region; other processes follow within two seconds.

    All at once: the state, the order and an event in every practice's trail. Going home is refused while region 1
    lacks what region 2 has, unless `incomplete`; leaving home is for when there is no time to ask.

    Raises
    ------
    NoApprovedOrder, AlreadyServing, RegionLacksObjects
    """
    with _state_locked(now) as state:
        order = get_approved_order(to_region, now)
        if state.active_region == to_region:
            raise AlreadyServing
        if to_region == HOME and not incomplete and (count := count_only_elsewhere(to_region)):
            raise RegionLacksObjects(count)
        switch = Switch(order, state.active_region, to_region, now, list_practices())
        state.active_region, state.since = to_region, now
        state.save()
        FailoverOrder.objects.filter(pk=order.id).update(carried_out_at=now)
        _record_switch(switch)
    forget()
    return switch


def count_only_elsewhere(region: int) -> int:
    """How many objects, of all practices, the region lacks and the other one is known to have."""
    lacking = {f"in_{region}_at": None, f"in_{other_region(region)}_at__isnull": False, "retired_at": None}
    count = 0
    for tenant in list_tenants():
        with tenant_scope(tenant.id):
            count += VaultObject.objects.filter(**lacking).count()
    return count


def notify_owners(switch: Switch) -> tuple[int, int]:
    """Mail every practice's owners that the contingency plan is in force; returns (mailed, failed) practices.

    NPRM 45 CFR 164.308(b): within 24 hours. The mail holds no PHI.
    """
    mailed = [_mail_practice(switch, practice) for practice in switch.practices]
    return sum(mailed), len(mailed) - sum(mailed)


def look_into_region(actor: Actor, region: int, now: datetime) -> RegionGaps:
    """Which studies are not wholly in a region, and which are in conflict, for any member; raises `StudyNotFound`.

    Runs in the tenant's scope.
    """
    access.require_role(actor)
    gaps = RegionGaps(list_missing(active_tenant_id(), region), list_conflicts(active_tenant_id(), now))
    details = {"fields": [f"missing-in-region-{region}"], "rows": len(gaps.missing) + len(gaps.conflicts)}
    record(Action.STUDIES_SEARCHED, actor, details=details, now=now)
    return gaps


@contextmanager
def _state_locked(now: datetime) -> Iterator[RegionState]:
    """The one row, locked: requests and switches take turns."""
    with transaction.atomic():
        first = RegionState(id=1, active_region=HOME, since=now)
        RegionState.objects.bulk_create([first], ignore_conflicts=True)
        yield RegionState.objects.select_for_update().get(id=1)


def _lock_open(order_id: int, now: datetime) -> FailoverOrder:
    order = FailoverOrder.objects.select_for_update().get(pk=order_id)
    if not list_open_orders(now).filter(pk=order_id).exists():
        raise OrderClosed
    return order


def _require_vendor_admin(actor: Actor) -> User:
    admins = User.objects.filter(is_vendor_admin=True, is_active=True)
    user = admins.filter(pk=actor.id).first() if actor.kind is ActorKind.USER else None
    if user is None:
        raise NotVendorAdmin
    return user


def _record(action: Action, actor: Actor, order: FailoverOrder, now: datetime) -> None:
    with tenant_scope(PLATFORM):
        record(action, actor, subject_id=order.pk, details={"to_region": order.to_region}, now=now)


def _record_switch(switch: Switch) -> None:
    common = {"from_region": switch.from_region, "to_region": switch.to_region}
    people = {"requested_by": switch.order.requested_by, "approved_by": switch.order.approved_by}
    with tenant_scope(PLATFORM):
        record(Action.FAILED_OVER, SYSTEM, subject_id=switch.order.id, details=common | people, now=switch.at)
    # Sorted: whoever locks several chains takes them in the same order.
    for practice in sorted(switch.practices, key=lambda row: row.tenant_id):
        missing = practice.missing_in(switch.to_region)
        details = common | people | {"instances": missing.instances, "studies": missing.studies}
        with tenant_scope(practice.tenant_id):
            record(Action.FAILED_OVER, SYSTEM, subject_id=switch.order.id, details=details, now=switch.at)


def _mail_practice(switch: Switch, practice: PracticeCopies) -> bool:
    owners = Membership.objects.filter(tenant_id=practice.tenant_id, role=Role.OWNER, user__is_active=True)
    path = reverse("region_missing", args=[practice.slug, switch.to_region])
    words = {"practice": practice, "switch": switch, "missing": practice.missing_in(switch.to_region)}
    words["url"] = f"{settings.ORIGIN}{path}"
    try:
        return bool([_mail_owner(row, words) for row in owners.select_related("user", "tenant")])
    except (OSError, SMTPException) as error:
        logger.warning("A notice of the failover was not mailed: %s", type(error).__name__)
        return False


def _mail_owner(owner: Membership, words: dict[str, object]) -> None:
    with writing_to(owner.user, owner.tenant):
        subject = _("Collimate serves {practice} from region {region}")
        subject = subject.format(practice=words["practice"].name, region=words["switch"].to_region)
        send_mail(subject, render_to_string("imaging/failover/notice.txt", words), None, [owner.user.email])
