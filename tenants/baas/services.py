"""Writes about agreements: the row and its audit event side by side."""

from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.actor import SYSTEM, Actor
from audit.services import record
from tenants.baas.models import Agreement, Status
from tenants.models import Membership, Role, Tenant, User
from tenants.readers import language_of, say_day
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
    url = settings.ORIGIN + reverse("tenant_agreement", args=[agreement.tenant.slug])
    people = _list_recipients(agreement.tenant)
    for language in sorted({language_of(person, agreement.tenant) for person in people}):
        recipients = [person.email for person in people if language_of(person, agreement.tenant) == language]
        with translation.override(language):
            send_mail(_reminder_subject(agreement.tenant.name, left), _reminder_text(agreement, url), None, recipients)


def _reminder_subject(tenant: str, left: int) -> str:
    if left == 0:
        return _("Agreement with {tenant} ends today").format(tenant=tenant)
    if left == 1:
        return _("Agreement with {tenant} ends tomorrow").format(tenant=tenant)
    return _("Agreement with {tenant} ends in {days} days").format(tenant=tenant, days=left)


def _reminder_text(agreement: Agreement, url: str) -> str:
    return _(
        "The business associate agreement between {tenant} and Collimate ends on {day}.\n\nAfter that day no images "
        "can be taken in or shared until a new agreement is signed by both sides.\n\n{url}\n"
    ).format(tenant=agreement.tenant.name, day=say_day(agreement.expires_on), url=url)


def _list_recipients(tenant: Tenant) -> list[User]:
    members = Membership.objects.filter(tenant=tenant, role=Role.OWNER, user__is_active=True).select_related("user")
    return [*(member.user for member in members), *User.objects.filter(is_vendor_admin=True, is_active=True)]


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
