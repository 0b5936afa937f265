"""Bearer tokens: issued once, kept as a digest, good for one tenant, some scopes and a time."""

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from audit.actions import Action
from audit.actor import Actor, ActorKind
from audit.services import record
from imaging.models import AccessToken
from tenants.models import Membership, SecretKind, User
from tenants.scoping import active_tenant_id, tenant_scope
from tenants.secrets import digest_of, find_tenant_of_secret, issue_secret

LAST_USE_RESOLUTION = timedelta(minutes=1)


class NotAMember(Exception):
    """A token can only act for a member of the tenant."""


def issue_token(actor: Actor, user: User, scopes: list[str], expires_at: datetime, now: datetime) -> str:
    """A fresh token that acts for `user` in the active tenant. It is shown once and stored nowhere.

    Raises
    ------
    NotAMember
    """
    if not Membership.objects.filter(user=user, tenant_id=active_tenant_id()).exists():
        raise NotAMember
    secret, digest = issue_secret(SecretKind.API_TOKEN, active_tenant_id())
    token = AccessToken.objects.create(digest=digest, user=user, scopes=scopes, created_at=now, expires_at=expires_at)
    record(Action.TOKEN_ISSUED, actor, subject_id=token.id, details={"scopes": sorted(scopes)}, now=now)
    return secret


def find_token_actor(secret: str, tenant_id: UUID, scope: str, **origin: str) -> Actor | None:
    """The member a token acts for, if it is live and has the scope; notes its use."""
    if find_tenant_of_secret(secret, SecretKind.API_TOKEN) != tenant_id:
        return None
    now = timezone.now()
    with tenant_scope(tenant_id):
        live = AccessToken.objects.filter(digest=digest_of(secret), revoked_at=None, expires_at__gt=now)
        token = live.filter(scopes__contains=[scope], user__is_active=True).select_related("user").first()
        if token is None:
            return None
        if token.last_used_at is None or now - token.last_used_at > LAST_USE_RESOLUTION:
            AccessToken.objects.filter(id=token.id).update(last_used_at=now)
        return Actor(ActorKind.USER, str(token.user_id), token.user.email, **origin)


def revoke_token(actor: Actor, token_id: UUID, now: datetime) -> None:
    """End a token; its next request is refused.

    Raises
    ------
    AccessToken.DoesNotExist
    """
    token = AccessToken.objects.select_for_update().get(id=token_id)
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        record(Action.TOKEN_REVOKED, actor, subject_id=token.id, now=now)
