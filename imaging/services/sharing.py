"""Share links: one study, one recipient, a code by another channel. The rules are those of `guest_links`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.actor import Actor
from audit.services import record
from imaging.access import study_to_change
from imaging.models import ShareLink
from imaging.services import webhook_outbox
from imaging.services.guest_links import (
    LinkNotFound,
    count_wrong,
    get_live,
    holder_of,
    link_to_change,
    mail_on_commit,
    new_code,
    record_link,
    revoke,
)
from tenants.baas.access import require_agreement
from tenants.models import SecretKind
from tenants.readers import say_day, writing_to
from tenants.scoping import active_tenant_id
from tenants.secrets import issue_secret
from tenants.selectors import get_tenant

MAX_DAYS = 30
DEFAULT_DAYS = 7


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
    practice = get_tenant(active_tenant_id())
    with writing_to(None, practice):
        text = _(
            "Hello {recipient},\n\n{practice} shares medical images with you:\n\n{url}\n\n"
            "The link works until {day}. To open the images you need a code, which {practice} tells you by another "
            "way, usually by telephone.\n\nIf you did not expect this, please delete it.\n"
        ).format(recipient=link.recipient_name, practice=practice.name, url=url, day=say_day(link.expires_at))
        subject = _("Images from {practice}").format(practice=practice.name)
    mail_on_commit(subject, text, link.recipient_email)


def open_link(actor: Actor, secret: str, now: datetime) -> ShareLink:
    """Someone opened the link: noted, nothing spent.

    Raises
    ------
    LinkNotFound
        Unknown, revoked, expired or locked.
    NoAgreementInForce
    """
    link = get_live(ShareLink, secret, now)
    record_link(Action.SHARE_OPENED, holder_of(actor, link), link, now)
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
    link = get_live(ShareLink, secret, now, lock=True)
    actor = holder_of(actor, link)
    if not check_password(code, link.code_hash):
        raise count_wrong(actor, link, Action.SHARE_CODE_WRONG, Action.SHARE_LOCKED, now)
    link.failed_tries = 0
    link.first_redeemed_at = link.first_redeemed_at or now
    link.save(update_fields=["failed_tries", "first_redeemed_at"])
    record_link(Action.SHARE_REDEEMED, actor, link, now)
    webhook_outbox.announce_opened(link, now)
    return link


def revoke_link(actor: Actor, link_id: UUID, now: datetime) -> ShareLink:
    """End the link; it takes effect on the next request.

    Raises
    ------
    StudyNotFound
    """
    link = link_to_change(ShareLink, actor, link_id)
    revoke(actor, link, Action.SHARE_REVOKED, now)
    return link


def unlock_link(actor: Actor, link_id: UUID, now: datetime) -> tuple[ShareLink, str]:
    """A fresh code, returned once, for a link that is locked or whose code was mislaid.

    Raises
    ------
    StudyNotFound
    LinkNotFound
        Revoked or expired: a new code would open nothing.
    """
    link = link_to_change(ShareLink, actor, link_id)
    if link.revoked_at or link.expires_at <= now:
        raise LinkNotFound
    code = new_code()
    link.locked_at, link.failed_tries, link.code_hash = None, 0, make_password(code)
    link.save(update_fields=["locked_at", "failed_tries", "code_hash"])
    record_link(Action.SHARE_UNLOCKED, actor, link, now)
    return link, code
