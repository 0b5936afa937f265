"""Writes about agreements: the row and its audit event side by side."""

from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from audit.actions import Action
from audit.actor import SYSTEM, Actor
from audit.services import record
from tenants.baas.models import Agreement, Status
from tenants.models import Membership, Role, Tenant, User
from tenants.scoping import tenant_scope

REMIND_DAYS = (60, 30, 14, 7, 1)


class IllegalTransition(Exception):
    """The agreement cannot go from its state to that one."""


def draft_agreement(actor: Actor, tenant: Tenant, effective_on: date, expires_on: date, now: datetime) -> Agreement:
    """A new draft. It opens nothing until it is executed."""
    with tenant_scope(tenant.id):
        agreement = Agreement.objects.create(tenant=tenant, effective_on=effective_on, expires_on=expires_on)
        _record(actor, agreement, now)
    return agreement


def send_agreement(actor: Actor, agreement_id: UUID, now: datetime) -> Agreement:
    """Note that a draft has gone out for signature; raises `IllegalTransition`."""
    return _move(actor, agreement_id, {Status.DRAFTED}, now, status=Status.SENT)


def execute_agreement(
    actor: Actor, agreement_id: UUID, practice_signer: str, vendor_signer: str, now: datetime
) -> Agreement:
    """Note both signatures; from the effective day on the practice can work; raises `IllegalTransition`."""
    return _move(
        actor, agreement_id, {Status.DRAFTED, Status.SENT}, now, status=Status.EXECUTED, executed_at=now,
        practice_signer=practice_signer, vendor_signer=vendor_signer,
    )  # fmt: skip


def terminate_agreement(actor: Actor, agreement_id: UUID, now: datetime) -> Agreement:
    """End an agreement: from the next request on nothing enters or leaves the practice; raises `IllegalTransition`."""
    legal = {Status.DRAFTED, Status.SENT, Status.EXECUTED}
    return _move(actor, agreement_id, legal, now, status=Status.TERMINATED, terminated_at=now)


def remind_of_agreements(today: date, now: datetime) -> int:
    """Mail the practice's owners and the vendor about executed agreements that end soon, once per threshold.

    Returns how many agreements were reminded of. The mail holds no PHI.
    """
    last_day = today + timedelta(days=max(REMIND_DAYS))
    executed = Agreement.objects.filter(status=Status.EXECUTED).select_related("tenant")
    soon = executed.filter(expires_on__range=(today, last_day))
    return sum(_remind(agreement, today, now) for agreement in soon if not _is_renewed(agreement))


def _remind(agreement: Agreement, today: date, now: datetime) -> bool:
    left = (agreement.expires_on - today).days
    threshold = min(days for days in REMIND_DAYS if left <= days)
    with tenant_scope(agreement.tenant_id):
        # One statement decides: two workers at once send one reminder.
        due = Agreement.objects.filter(Q(reminded_for=None) | Q(reminded_for__gt=threshold), id=agreement.id)
        if not due.update(reminded_for=threshold):
            return False
        record(Action.AGREEMENT_REMINDED, SYSTEM, subject_id=agreement.id, details={"days_left": left}, now=now)
        transaction.on_commit(partial(_mail_reminder, agreement, left), robust=True)
    return True


def _is_renewed(agreement: Agreement) -> bool:
    # A signed successor that begins by the day after: nothing will stop, so nobody is alarmed.
    successors = Agreement.objects.filter(tenant=agreement.tenant, status=Status.EXECUTED)
    next_day = agreement.expires_on + timedelta(days=1)
    return successors.filter(effective_on__lte=next_day, expires_on__gt=agreement.expires_on).exists()


def _mail_reminder(agreement: Agreement, left: int) -> None:
    when = {0: "today", 1: "tomorrow"}.get(left, f"in {left} days")
    send_mail(
        f"Agreement with {agreement.tenant.name} ends {when}",
        f"The business associate agreement between {agreement.tenant.name} and Collimate ends on "
        f"{agreement.expires_on.isoformat()}.\n\nAfter that day no images can be taken in or shared until a new "
        f"agreement is signed by both sides.\n\n"
        f"{settings.ORIGIN}{reverse('tenant_agreement', args=[agreement.tenant.slug])}\n",
        None,
        _list_recipients(agreement.tenant),
    )


def _list_recipients(tenant: Tenant) -> list[str]:
    owners = Membership.objects.filter(tenant=tenant, role=Role.OWNER, user__is_active=True)
    vendors = User.objects.filter(is_vendor_admin=True, is_active=True)
    return [*owners.values_list("user__email", flat=True), *vendors.values_list("email", flat=True)]


def _move(actor: Actor, agreement_id: UUID, legal: set[Status], now: datetime, **changes: object) -> Agreement:
    with transaction.atomic():
        agreement = Agreement.objects.select_for_update(of=("self",)).select_related("tenant").get(id=agreement_id)
        if agreement.status not in legal:
            raise IllegalTransition(f"{agreement.status} → {changes['status']}")
        for name, value in changes.items():
            setattr(agreement, name, value)
        agreement.save()
        with tenant_scope(agreement.tenant_id):
            _record(actor, agreement, now)
    return agreement


def _record(actor: Actor, agreement: Agreement, now: datetime) -> None:
    details = {
        "status": str(agreement.status),
        "effective_on": agreement.effective_on.isoformat(),
        "expires_on": agreement.expires_on.isoformat(),
    }
    record(Action.AGREEMENT_CHANGED, actor, subject_id=agreement.id, details=details, now=now)
