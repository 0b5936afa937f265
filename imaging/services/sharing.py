"""Share links: one study, one recipient, a code by another channel.

Opening a link spends nothing, because mail scanners open links, run scripts and even post forms. Only the code
redeems it. What redeeming gives is a session grant; each later request reads the link's row again, so a revoked,
expired or locked link ends with the next request.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.core.mail import send_mail
from django.db import transaction

from audit.actions import Action, Outcome
from audit.actor import Actor
from audit.services import record
from imaging.access import StudyNotFound, require_role, study_to_change
from imaging.models import ShareLink
from tenants.baas.access import require_agreement
from tenants.models import Role, SecretKind
from tenants.scoping import active_tenant_id
from tenants.secrets import digest_of, issue_secret
from tenants.selectors import get_tenant

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
    record(Action.SHARE_CREATED, actor, study_instance_uid=study_instance_uid, subject_id=link.id, details=details, now=now)
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
    transaction.on_commit(lambda: send_mail(f"Images from {practice}", text, None, [link.recipient_email]))


def open_link(actor: Actor, secret: str, now: datetime) -> ShareLink:
    """Someone opened the link: noted, nothing spent.

    Raises
    ------
    LinkNotFound
        Unknown, revoked, expired or locked.
    """
    link = _get_live(secret, now)
    record(Action.SHARE_OPENED, actor, study_instance_uid=link.study.study_instance_uid, subject_id=link.id, now=now)
    return link


def redeem_link(actor: Actor, secret: str, code: str, now: datetime) -> ShareLink:
    """The code matches: whoever has it may see the study until the link ends.

    Wrong tries are counted and commit; the fifth locks the link until the practice unlocks it. The caller
    catches `WrongCode` inside the tenant's scope, so that the count commits.

    Raises
    ------
    LinkNotFound
    WrongCode
    """
    link = _get_live(secret, now, lock=True)
    if not check_password(code.strip().replace(" ", ""), link.code_hash):
        _count_wrong(actor, link, now)
        raise WrongCode(MAX_TRIES - link.failed_tries)
    link.failed_tries = 0
    link.first_redeemed_at = link.first_redeemed_at or now
    link.save(update_fields=["failed_tries", "first_redeemed_at"])
    record(Action.SHARE_REDEEMED, actor, study_instance_uid=link.study.study_instance_uid, subject_id=link.id, now=now)
    return link


def revoke_link(actor: Actor, link_id: UUID, now: datetime) -> ShareLink:
    """End the link; it takes effect on the next request.

    Raises
    ------
    StudyNotFound
    """
    link = _link_to_change(actor, link_id)
    link.revoked_at = link.revoked_at or now
    link.save(update_fields=["revoked_at"])
    record(Action.SHARE_REVOKED, actor, study_instance_uid=link.study.study_instance_uid, subject_id=link.id, now=now)
    return link


def unlock_link(actor: Actor, link_id: UUID, now: datetime) -> tuple[ShareLink, str]:
    """Let a locked link work again, with a fresh code, which is returned once.

    Raises
    ------
    StudyNotFound
    """
    link = _link_to_change(actor, link_id)
    code = new_code()
    link.locked_at, link.failed_tries, link.code_hash = None, 0, make_password(code)
    link.save(update_fields=["locked_at", "failed_tries", "code_hash"])
    record(Action.SHARE_UNLOCKED, actor, study_instance_uid=link.study.study_instance_uid, subject_id=link.id, now=now)
    return link, code


def new_code() -> str:
    """Six random digits, to be told by another channel: with five tries, one guess in 200,000 succeeds."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def _get_live(secret: str, now: datetime, *, lock: bool = False) -> ShareLink:
    links = ShareLink.objects.select_related("study")
    if lock:
        links = links.select_for_update(of=("self",))
    link = links.filter(digest=digest_of(secret), revoked_at=None, locked_at=None, expires_at__gt=now).first()
    if link is None:
        raise LinkNotFound
    return link


def _count_wrong(actor: Actor, link: ShareLink, now: datetime) -> None:
    link.failed_tries += 1
    link.locked_at = now if link.failed_tries >= MAX_TRIES else None
    link.save(update_fields=["failed_tries", "locked_at"])
    uid = link.study.study_instance_uid
    record(Action.SHARE_CODE_WRONG, actor, study_instance_uid=uid, subject_id=link.id, outcome=Outcome.DENIED, now=now)
    if link.locked_at:
        record(Action.SHARE_LOCKED, actor, study_instance_uid=uid, subject_id=link.id, outcome=Outcome.DENIED, now=now)


def _link_to_change(actor: Actor, link_id: UUID) -> ShareLink:
    require_role(actor, Role.OWNER, Role.UPLOADER)
    link = ShareLink.objects.select_related("study").select_for_update(of=("self",)).filter(id=link_id).first()
    if link is None:
        raise StudyNotFound
    return link
