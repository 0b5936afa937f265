"""Who may work in a practice: invitations, roles, removal. Each runs in the tenant's scope."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.actor import Actor
from audit.services import record
from tenants.models import Invitation, Membership, Role, SecretKind, Tenant, User
from tenants.readers import writing_to
from tenants.scoping import tenant_scope
from tenants.secrets import digest_of, drop_secret, find_tenant_of_secret, issue_secret

INVITATION_LASTS = timedelta(days=7)


class AlreadyMember(Exception):
    """The person works here already."""


class LastOwner(Exception):
    """Nobody would own the practice any more."""


class OwnMembership(Exception):
    """Nobody changes or ends their own membership."""


class InvitationInvalid(Exception):
    """The invitation expired, was used or revoked, or is for someone else."""


@dataclass(frozen=True)
class Offer:
    """What an invitation's page shows."""

    tenant_name: str
    email: str
    name: str
    role: str
    has_account: bool


def invite_member(
    actor: Actor, inviter: User, tenant: Tenant, *, email: str, name: str, role: str, now: datetime
) -> Invitation:
    """Invite someone by mail. An earlier open invitation to the same address is replaced.

    Raises
    ------
    AlreadyMember
    """
    email = email.strip().lower()
    if Membership.objects.filter(tenant=tenant, user__email=email).exists():
        raise AlreadyMember
    with tenant_scope(tenant.id):
        for earlier in _list_open().filter(email=email):
            _revoke(actor, earlier, now)
        secret, digest = issue_secret(SecretKind.MEMBER_INVITATION, tenant.id)
        invitation = Invitation.objects.create(
            email=email, name=name, role=role, digest=digest, invited_by=inviter, created_at=now,
            expires_at=now + INVITATION_LASTS,
        )  # fmt: skip
        record(Action.MEMBER_INVITED, actor, subject_id=invitation.id, details={"role": str(role)}, now=now)
        _mail_invitation(invitation, tenant, inviter, secret)
    return invitation


def resend_invitation(actor: Actor, inviter: User, tenant: Tenant, invitation_id: UUID, now: datetime) -> Invitation:
    """A fresh link and another seven days; the link sent before stops working.

    Raises
    ------
    Invitation.DoesNotExist
    """
    with tenant_scope(tenant.id):
        invitation = _list_open().select_for_update(of=("self",)).get(id=invitation_id)
        drop_secret(bytes(invitation.digest))
        secret, invitation.digest = issue_secret(SecretKind.MEMBER_INVITATION, tenant.id)
        invitation.expires_at = now + INVITATION_LASTS
        invitation.save(update_fields=["digest", "expires_at"])
        details = {"role": invitation.role, "resent": True}
        record(Action.MEMBER_INVITED, actor, subject_id=invitation.id, details=details, now=now)
        _mail_invitation(invitation, tenant, inviter, secret)
    return invitation


def revoke_invitation(actor: Actor, tenant: Tenant, invitation_id: UUID, now: datetime) -> None:
    """The link leads nowhere from now on; raises `Invitation.DoesNotExist`."""
    with tenant_scope(tenant.id):
        _revoke(actor, _list_open().select_for_update(of=("self",)).get(id=invitation_id), now)


def find_offer(secret: str, now: datetime) -> Offer | None:
    """What the link offers, or None when it leads nowhere. Looking spends nothing."""
    tenant_id = find_tenant_of_secret(secret, SecretKind.MEMBER_INVITATION)
    if tenant_id is None:
        return None
    with tenant_scope(tenant_id):
        invitation = _list_open().select_related("tenant").filter(digest=digest_of(secret), expires_at__gt=now).first()
    if invitation is None:
        return None
    has_account = User.objects.filter(email=invitation.email).exists()
    role = Role(invitation.role).label
    return Offer(invitation.tenant.name, invitation.email, invitation.name, role, has_account)


def join_as_new(actor: Actor, secret: str, *, name: str, password: str, now: datetime) -> User:
    """Create the invited person's account and membership; raises `InvitationInvalid`."""
    with transaction.atomic(), _scope_of(secret):
        invitation = _take(secret, now)
        if User.objects.filter(email=invitation.email).exists():
            raise InvitationInvalid
        user = User.objects.create_user(invitation.email, name, password)
        _accept(actor, invitation, user, now)
    return user


def join_as_existing(actor: Actor, user: User, secret: str, now: datetime) -> Membership:
    """Give the signed-in person the membership they were invited to; raises `InvitationInvalid`, `AlreadyMember`."""
    with transaction.atomic(), _scope_of(secret):
        invitation = _take(secret, now)
        if invitation.email != user.email:
            raise InvitationInvalid
        if Membership.objects.filter(user=user, tenant=invitation.tenant).exists():
            raise AlreadyMember
        return _accept(actor, invitation, user, now)


def change_role(actor: Actor, tenant: Tenant, membership_id: int, role: str, now: datetime) -> Membership:
    """Give a member another role, from their next request on.

    Raises
    ------
    Membership.DoesNotExist, OwnMembership, LastOwner
    """
    with tenant_scope(tenant.id):
        membership = _lock_other_member(actor, tenant, membership_id)
        before, membership.role = membership.role, role
        _require_an_owner(tenant, membership, leaves_owner=role == Role.OWNER)
        membership.save(update_fields=["role"])
        details = {"from": before, "to": str(role)}
        record(Action.MEMBER_CHANGED, actor, subject_id=membership.user_id, details=details, now=now)
    return membership


def remove_member(actor: Actor, tenant: Tenant, membership_id: int, now: datetime) -> None:
    """End a membership; access is gone at the person's next request, because every request reads it anew.

    Raises
    ------
    Membership.DoesNotExist, OwnMembership, LastOwner
    """
    with tenant_scope(tenant.id):
        membership = _lock_other_member(actor, tenant, membership_id)
        _require_an_owner(tenant, membership, leaves_owner=False)
        record(Action.MEMBER_REMOVED, actor, subject_id=membership.user_id, details={"role": membership.role}, now=now)
        membership.delete()


def _lock_other_member(actor: Actor, tenant: Tenant, membership_id: int) -> Membership:
    # All of the practice's rows: two owners who demote each other at once must take turns.
    members = {row.pk: row for row in Membership.objects.select_for_update().filter(tenant=tenant).order_by("pk")}
    if membership_id not in members:
        raise Membership.DoesNotExist
    if str(members[membership_id].user_id) == actor.id:
        raise OwnMembership
    return members[membership_id]


def _require_an_owner(tenant: Tenant, changed: Membership, *, leaves_owner: bool) -> None:
    others = Membership.objects.filter(tenant=tenant, role=Role.OWNER, user__is_active=True).exclude(pk=changed.pk)
    if not leaves_owner and not others.exists():
        raise LastOwner


def _list_open() -> QuerySet[Invitation]:
    return Invitation.objects.filter(accepted_at=None, revoked_at=None)


def _scope_of(secret: str) -> AbstractContextManager[None]:
    tenant_id = find_tenant_of_secret(secret, SecretKind.MEMBER_INVITATION)
    if tenant_id is None:
        raise InvitationInvalid
    return tenant_scope(tenant_id)


def _take(secret: str, now: datetime) -> Invitation:
    # The row lock makes the second of two uses at once wait, and find it accepted.
    locked = _list_open().select_for_update(of=("self",)).select_related("tenant")
    invitation = locked.filter(digest=digest_of(secret), expires_at__gt=now).first()
    if invitation is None:
        raise InvitationInvalid
    return invitation


def _accept(actor: Actor, invitation: Invitation, user: User, now: datetime) -> Membership:
    membership = Membership.objects.create(user=user, tenant=invitation.tenant, role=invitation.role)
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at"])
    drop_secret(bytes(invitation.digest))
    record(Action.MEMBER_JOINED, actor, subject_id=user.pk, details={"role": invitation.role}, now=now)
    return membership


def _revoke(actor: Actor, invitation: Invitation, now: datetime) -> None:
    invitation.revoked_at = now
    invitation.save(update_fields=["revoked_at"])
    drop_secret(bytes(invitation.digest))
    record(Action.INVITATION_REVOKED, actor, subject_id=invitation.id, now=now)


def _mail_invitation(invitation: Invitation, tenant: Tenant, inviter: User, secret: str) -> None:
    link = settings.ORIGIN + reverse("join", args=[secret])
    context = {"invitation": invitation, "tenant": tenant, "inviter": inviter, "link": link}
    with writing_to(User.objects.filter(email=invitation.email).first(), tenant):
        text = render_to_string("mail/tenants/invitation.txt", context)
        subject = _("{tenant} invites you to Collimate").format(tenant=tenant.name)

    # A function of its own: what Django logs of a robust hook is its name, which a `partial` has not.
    def send() -> None:
        send_mail(subject, text, None, [invitation.email])

    # Robust: the invitation stands when the mail server is away, and can be sent again from the page.
    transaction.on_commit(send, robust=True)
