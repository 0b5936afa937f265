"""Bearer tokens: issued once, kept as a digest, good for one tenant, some scopes and a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from audit.actions import Action
from audit.actor import Actor, ActorKind
from audit.services import record
from imaging.access import require_role
from imaging.models import AccessToken
from imaging.selectors.tokens import scopes_of
from imaging.services.bearer import LAST_USE_RESOLUTION
from tenants.models import Membership, Role, SecretKind, Tenant, User
from tenants.scoping import active_tenant_id, tenant_scope
from tenants.secrets import digest_of, drop_secret, find_tenant_of_secret, issue_secret

MAX_DAYS = 365


class NotAMember(Exception):
    """A token can only act for a member of the tenant."""


class ScopeBeyondRole(Exception):
    """A token may never do what its member may not."""


class LastsTooLong(Exception):
    """A token lives for a day at least and `MAX_DAYS` at most."""


@dataclass(frozen=True)
class LiveToken:
    """A token that works now: for whom, in which practice, and for what."""

    id: UUID
    name: str
    tenant: Tenant
    actor: Actor
    role: Role
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime

    def may(self, scope: str) -> bool:
        """Whether the token has the scope, and its member still the role for it."""
        return scope in self.scopes and scope in scopes_of(self.role)


def issue_token(
    actor: Actor, user: User, scopes: list[str], expires_at: datetime, now: datetime, name: str = ""
) -> str:
    """A fresh token that acts for `user` in the active tenant. It is shown once and stored nowhere.

    Raises
    ------
    NotAMember
    """
    if not Membership.objects.filter(user=user, tenant_id=active_tenant_id()).exists():
        raise NotAMember
    secret, digest = issue_secret(SecretKind.API_TOKEN, active_tenant_id())
    token = AccessToken.objects.create(
        name=name, digest=digest, user=user, scopes=scopes, created_at=now, expires_at=expires_at
    )
    record(Action.TOKEN_ISSUED, actor, subject_id=token.id, details={"scopes": sorted(scopes)}, now=now)
    return secret


def create_own_token(actor: Actor, user: User, *, name: str, scopes: list[str], days: int, now: datetime) -> str:
    """A token that a member makes for themselves, within what their role may.

    Raises
    ------
    StudyNotFound
        Not a member.
    ScopeBeyondRole, LastsTooLong
    """
    role = require_role(actor)
    if not scopes or not set(scopes) <= set(scopes_of(role)):
        raise ScopeBeyondRole
    if not 1 <= days <= MAX_DAYS:
        raise LastsTooLong
    return issue_token(actor, user, sorted(set(scopes)), now + timedelta(days=days), now, name)


def find_token(secret: str, **origin: str) -> LiveToken | None:
    """The token behind a secret, if it is live; notes its use. `origin` is the actor's address and user agent.

    It ends with its member's account and membership: who is removed and invited again starts without tokens.
    """
    tenant_id = find_tenant_of_secret(secret, SecretKind.API_TOKEN)
    if tenant_id is None:
        return None
    now = timezone.now()
    with tenant_scope(tenant_id):
        row = _live(now).filter(digest=digest_of(secret)).first()
        if row is None:
            return None
        _note_use(row, now)
    return _token(row, origin)


def revoke_token(actor: Actor, token_id: UUID, now: datetime) -> None:
    """End a token; its next request is refused. A member ends their own, an owner anyone's.

    Raises
    ------
    AccessToken.DoesNotExist
    StudyNotFound
        Not a member.
    """
    role = require_role(actor)
    token = AccessToken.objects.select_for_update(of=("self",)).get(id=token_id)
    if role is not Role.OWNER and str(token.user_id) != actor.id:
        raise AccessToken.DoesNotExist
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        drop_secret(bytes(token.digest))
        record(Action.TOKEN_REVOKED, actor, subject_id=token.id, now=now)


def _live(now: datetime) -> QuerySet[AccessToken]:
    """Tokens that work, each with the role of its member: one who was a member already when it was issued."""
    # One filter, so that all three conditions are about the same membership.
    live = AccessToken.objects.select_related("user", "tenant").filter(
        revoked_at=None, expires_at__gt=now, user__is_active=True,
        user__memberships__tenant_id=F("tenant_id"), user__memberships__created_at__lte=F("created_at"),
    )  # fmt: skip
    return live.annotate(role=F("user__memberships__role"))


def _note_use(row: AccessToken, now: datetime) -> None:
    if row.last_used_at is None or now - row.last_used_at > LAST_USE_RESOLUTION:
        AccessToken.objects.filter(id=row.id).update(last_used_at=now)


def _token(row: AccessToken, origin: dict[str, str]) -> LiveToken:
    return LiveToken(
        id=row.id,
        name=row.name,
        tenant=row.tenant,
        actor=Actor(ActorKind.USER, str(row.user_id), row.user.email, **origin),
        role=Role(row.role),
        scopes=frozenset(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
