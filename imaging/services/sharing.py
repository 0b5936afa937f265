"""Share links: one study, one recipient, a code by another channel.

Opening a link spends nothing, because mail scanners open links, run scripts and even post forms. Only the code
redeems it. What redeeming gives is a session grant; each later request reads the link's row again, so a revoked,
expired or locked link ends with the next request.
"""

import logging
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.core.mail import send_mail
from django.db import transaction

from audit.actions import Action, Outcome
from audit.actor import Actor, ActorKind
from audit.services import record
from imaging.access import StudyNotFound, require_role, study_to_change
from imaging.models import ShareLink
from tenants.baas.access import require_agreement
from tenants.models import Role, SecretKind
from tenants.scoping import active_tenant_id
from tenants.secrets import digest_of, issue_secret
from tenants.selectors import get_tenant

logger = logging.getLogger(__name__)

MAX_TRIES = 5
MAX_DAYS = 30
DEFAULT_DAYS = 7
CODE_DIGITS = 6


class LinkNotFound(Exception):
    """No link, or none that works any more. The caller's answer is the same 404 for every cause."""


class WrongCode(Exception):
    """The code does not match; `left` tries remain."""

    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.left = left


@dataclass(frozen=True)
class IssuedLink:
    """What the sender sees once: the secret for the URL and the code to tell by another channel."""

    link_id: UUID
    secret: str
    code: str


def create_link(
    actor: Actor,
    study_instance_uid: str,
    *,
    recipient_name: str,
    recipient_email: str,
    days: int,
    may_download: bool,
    note: str,
    now: datetime,
) -> IssuedLink:
    """A link to one study for one recipient.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    ValueError
        More days than `MAX_DAYS`, or none.
    """
    if not 1 <= days <= MAX_DAYS:
        raise ValueError("days")
    study = study_to_change(actor, study_instance_uid)
    require_agreement(active_tenant_id())
    secret, digest = issue_secret(SecretKind.SHARE_LINK, active_tenant_id())
    code = new_code()
    link = ShareLink.objects.create(
        study=study, digest=digest, code_hash=make_password(code), recipient_name=recipient_name,
        recipient_email=recipient_email, note=note, may_download=may_download, created_by_id=int(actor.id),
        created_at=now, expires_at=now + timedelta(days=days),
    )  # fmt: skip
    details = {"days": days, "may_download": may_download}
    record(
        Action.SHARE_CREATED, actor, study_instance_uid=study_instance_uid, subject_id=link.id, details=details, now=now
    )
    return IssuedLink(link.id, secret, code)


def mail_link(link_id: UUID, url: str) -> None:
    """Send the recipient the link once the transaction has committed. The mail names neither patient nor study.

    The code is not in it: that is told by another channel.
    """
    link = ShareLink.objects.get(id=link_id)
    practice = get_tenant(active_tenant_id()).name
    text = (
        f"Hello {link.recipient_name},\n\n{practice} shares medical images with you:\n\n{url}\n\n"
        f"The link works until {link.expires_at:%d %B %Y}. To open the images you need a code, which {practice} tells "
        f"you by another way, usually by telephone.\n\nIf you did not expect this, please delete it.\n"
    )
    mail_on_commit(f"Images from {practice}", text, link.recipient_email)


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


def open_link(actor: Actor, secret: str, now: datetime) -> ShareLink:
    """Someone opened the link: noted, nothing spent.

    Raises
    ------
    LinkNotFound
        Unknown, revoked, expired or locked.
    NoAgreementInForce
    """
    link = _get_live(secret, now)
    _record(Action.SHARE_OPENED, _holder(actor, link), link, now)
    return link


def redeem_link(actor: Actor, secret: str, code: str, now: datetime) -> ShareLink:
    """The code matches: whoever has it may see the study until the link ends.

    Wrong tries are counted and commit; the fifth locks the link until the practice unlocks it. The caller
    catches `WrongCode` inside the tenant's scope, so that the count commits.

    Raises
    ------
    LinkNotFound
    NoAgreementInForce
    WrongCode
    """
    link = _get_live(secret, now, lock=True)
    actor = _holder(actor, link)
    if not check_password(code, link.code_hash):
        _count_wrong(actor, link, now)
        raise WrongCode(MAX_TRIES - link.failed_tries)
    link.failed_tries = 0
    link.first_redeemed_at = link.first_redeemed_at or now
    link.save(update_fields=["failed_tries", "first_redeemed_at"])
    _record(Action.SHARE_REDEEMED, actor, link, now)
    return link


def revoke_link(actor: Actor, link_id: UUID, now: datetime) -> ShareLink:
    """End the link; it takes effect on the next request.

    Raises
    ------
    StudyNotFound
    """
    link = _link_to_change(actor, link_id)
    if link.revoked_at is None:
        link.revoked_at = now
        link.save(update_fields=["revoked_at"])
        _record(Action.SHARE_REVOKED, actor, link, now)
    return link


def unlock_link(actor: Actor, link_id: UUID, now: datetime) -> tuple[ShareLink, str]:
    """A fresh code, returned once, for a link that is locked or whose code was mislaid.

    Raises
    ------
    StudyNotFound
    LinkNotFound
        Revoked or expired: a new code would open nothing.
    """
    link = _link_to_change(actor, link_id)
    if link.revoked_at or link.expires_at <= now:
        raise LinkNotFound
    code = new_code()
    link.locked_at, link.failed_tries, link.code_hash = None, 0, make_password(code)
    link.save(update_fields=["locked_at", "failed_tries", "code_hash"])
    _record(Action.SHARE_UNLOCKED, actor, link, now)
    return link, code


def new_code() -> str:
    """Six random digits, to be told by another channel: with five tries, one guess in 200,000 succeeds."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def _holder(actor: Actor, link: ShareLink) -> Actor:
    # Who is not signed in acts as the link, so that the history tells one recipient from another.
    if actor.kind is not ActorKind.ANONYMOUS:
        return actor
    return replace(actor, kind=ActorKind.SHARE, id=str(link.id), label=link.recipient_email)


def _record(
    action: Action, actor: Actor, link: ShareLink, now: datetime, outcome: Outcome = Outcome.DONE
) -> None:
    uid = link.study.study_instance_uid
    record(action, actor, study_instance_uid=uid, subject_id=link.id, outcome=outcome, now=now)


def _get_live(secret: str, now: datetime, *, lock: bool = False) -> ShareLink:
    links = ShareLink.objects.select_related("study")
    if lock:
        links = links.select_for_update(of=("self",))
    link = links.filter(digest=digest_of(secret), revoked_at=None, locked_at=None, expires_at__gt=now).first()
    if link is None:
        raise LinkNotFound
    require_agreement(active_tenant_id())
    return link


def _count_wrong(actor: Actor, link: ShareLink, now: datetime) -> None:
    link.failed_tries += 1
    link.locked_at = now if link.failed_tries >= MAX_TRIES else None
    link.save(update_fields=["failed_tries", "locked_at"])
    _record(Action.SHARE_CODE_WRONG, actor, link, now, Outcome.DENIED)
    if link.locked_at:
        _record(Action.SHARE_LOCKED, actor, link, now, Outcome.DENIED)


def _link_to_change(actor: Actor, link_id: UUID) -> ShareLink:
    require_role(actor, Role.OWNER, Role.UPLOADER)
    link = ShareLink.objects.select_related("study").select_for_update(of=("self",)).filter(id=link_id).first()
    if link is None:
        raise StudyNotFound
    return link
