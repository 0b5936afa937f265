"""Signing in and out, and the passwords behind it."""

import dataclasses
from datetime import datetime

from axes.utils import reset as forget_failures
from celery import current_app
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from kombu.exceptions import OperationalError

from audit.actions import Action, Outcome
from audit.actor import Actor
from audit.models import PLATFORM
from audit.services import record
from tenants.models import Membership, User
from tenants.scoping import tenant_scope


class ResetLinkInvalid(Exception):
    """The link was used, is too old, or was never ours."""


class BrokerAway(Exception):
    """No mail can be asked for now."""


def record_everywhere(
    action: Action,
    actor: Actor,
    user: User | None,
    *,
    now: datetime,
    outcome: Outcome = Outcome.DONE,
    details: dict[str, object] | None = None,
) -> None:
    """One event in the trail of each practice the person works for; without any, in the vendor's own."""
    subject_id = user.pk if user else ""
    with transaction.atomic():
        for tenant_id in _chains_of(user):
            with tenant_scope(tenant_id):
                record(action, actor, subject_id=subject_id, outcome=outcome, details=details, now=now)


def record_sign_in_failed(actor: Actor, email: str, now: datetime) -> None:
    """A wrong password. An unknown address is not written down: it may be a password in the wrong field."""
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is not None:
        actor = dataclasses.replace(actor, label=user.email)
    details = {"factor": "password"}
    record_everywhere(Action.SIGN_IN_FAILED, actor, user, outcome=Outcome.DENIED, details=details, now=now)


def record_signed_out(actor: Actor, user: User, now: datetime) -> None:
    """The person ended the session."""
    record_everywhere(Action.SIGNED_OUT, actor, user, now=now)


def change_password(actor: Actor, user: User, password: str, now: datetime) -> None:
    """A new password; every session of the person ends, because a session carries a digest of the old one."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        record_everywhere(Action.PASSWORD_CHANGED, actor, user, now=now)


def request_password_reset(email: str) -> None:
    """Ask a worker to mail a link, if there is such a person.

    The message goes out for unknown addresses too, naming no one: the answer takes the same time.

    Raises
    ------
    BrokerAway
    """
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    try:
        current_app.send_task(
            "tenants.mail_password_reset", [user.pk if user else 0], queue="housekeeping", retry=False
        )
    except OperationalError as error:
        raise BrokerAway from error


def find_user_of_reset_link(user_id: int, token: str) -> User | None:
    """The person whom the link lets choose a new password, or None. Looking spends nothing."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return user if user and default_token_generator.check_token(user, token) else None


def reset_password(actor: Actor, user_id: int, token: str, password: str, now: datetime) -> None:
    """Spend the link on a new password. The second factor is still asked for at the next sign-in.

    Raises
    ------
    ResetLinkInvalid
    """
    with transaction.atomic():
        # The lock makes two uses at once take turns; the second finds the token void.
        User.objects.select_for_update().filter(pk=user_id).first()
        user = find_user_of_reset_link(user_id, token)
        if user is None:
            raise ResetLinkInvalid
        change_password(actor, user, password, now)
        forget_failures(username=user.email)


def _chains_of(user: User | None) -> list:
    # Sorted: two sign-ins that lock several chains take them in the same order.
    tenants = Membership.objects.filter(user=user).order_by("tenant_id") if user else Membership.objects.none()
    return list(tenants.values_list("tenant_id", flat=True)) or [PLATFORM]
