"""What share links and patients' invitations have in common: a secret in a URL, a code, five tries.

Opening a link spends nothing, because mail scanners open links, run scripts and even post forms. Only the code
redeems it. What that gives is a session grant; each later request reads the link's row again, so a revoked, expired
or locked link ends with the next request.
"""

import logging
import secrets
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.core.mail import send_mail
from django.db import transaction

from audit.actions import Action, Outcome
from audit.actor import Actor, ActorKind, recorded_label
from audit.services import record
from imaging.access import StudyNotFound, require_role
from imaging.models import PatientInvitation, ShareLink
from tenants.baas.access import require_agreement
from tenants.models import Role
from tenants.scoping import active_tenant_id
from tenants.secrets import digest_of

logger = logging.getLogger(__name__)

MAX_TRIES = 5
CODE_DIGITS = 6

GuestLink = ShareLink | PatientInvitation
Link = TypeVar("Link", ShareLink, PatientInvitation)


class LinkNotFound(Exception):
    """No link, or none that works any more. The caller's answer is the same 404 for every cause."""


class WrongCode(Exception):
    """The code does not match; `left` tries remain."""

    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.left = left


def new_code() -> str:
    """Six random digits, to be told by another channel: with five tries, one guess in 200,000 succeeds."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def get_live(model: type[Link], secret: str, now: datetime, *, lock: bool = False) -> Link:
    """The row that the secret leads to, while it works.

    Raises
    ------
    LinkNotFound
        Unknown, revoked, expired or locked.
    NoAgreementInForce
    """
    rows = model.objects.select_related("study")
    if lock:
        rows = rows.select_for_update(of=("self",))
    link = rows.filter(digest=digest_of(secret), revoked_at=None, locked_at=None, expires_at__gt=now).first()
    if link is None:
        raise LinkNotFound
    require_agreement(active_tenant_id())
    return link


def link_to_change(model: type[Link], actor: Actor, link_id: UUID) -> Link:
    """The row, locked, if the actor may revoke or unlock it: an owner or an uploader; raises `StudyNotFound`."""
    require_role(actor, Role.OWNER, Role.UPLOADER)
    link = model.objects.select_related("study").select_for_update(of=("self",)).filter(id=link_id).first()
    if link is None:
        raise StudyNotFound
    return link


def count_wrong(actor: Actor, link: GuestLink, wrong: Action, locked: Action, now: datetime) -> WrongCode:
    """Count a wrong try; the fifth locks the link. Returns what the caller raises."""
    link.failed_tries += 1
    link.locked_at = now if link.failed_tries >= MAX_TRIES else None
    link.save(update_fields=["failed_tries", "locked_at"])
    record_link(wrong, actor, link, now, Outcome.DENIED)
    if link.locked_at:
        record_link(locked, actor, link, now, Outcome.DENIED)
    return WrongCode(MAX_TRIES - link.failed_tries)


def revoke(actor: Actor, link: GuestLink, revoked: Action, now: datetime) -> None:
    """End the link, once."""
    if link.revoked_at is None:
        link.revoked_at = now
        link.save(update_fields=["revoked_at"])
        record_link(revoked, actor, link, now)


def record_link(
    action: Action, actor: Actor, link: GuestLink, now: datetime, outcome: Outcome = Outcome.DONE
) -> None:
    """An event about the link, in its study's history."""
    uid = link.study.study_instance_uid
    record(action, actor, study_instance_uid=uid, subject_id=link.id, outcome=outcome, now=now)


def holder_of(actor: Actor, link: GuestLink) -> Actor:
    """Who is not signed in acts as the link, so that the history tells one recipient from another.

    The label is the recipient's address, but never the patient's, which would be PHI in the trail.
    """
    if actor.kind is not ActorKind.ANONYMOUS:
        return actor
    kind = ActorKind.SHARE if isinstance(link, ShareLink) else ActorKind.PATIENT
    label = link.recipient_email if isinstance(link, ShareLink) else recorded_label(kind)
    return replace(actor, kind=kind, id=str(link.id), label=label)


def mail_on_commit(subject: str, text: str, address: str) -> None:
    """Send a mail once the transaction has committed.

    A mail server that is down must not take away the page on which link and code are shown, once; and no log line
    names the address, which for a patient is PHI.
    """

    def send() -> None:
        try:
            send_mail(subject, text, None, [address])
        except OSError as error:
            logger.warning("A link's mail could not be sent: %s", type(error).__name__)

    transaction.on_commit(send)
