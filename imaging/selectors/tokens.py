"""Reads about bearer tokens, as their page shows them, and what a role lets a token do."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, FilteredRelation, Q
from django.utils.translation import gettext as _

from imaging.models import AccessToken
from tenants.models import Role

_SHOWN = 200
Scope = AccessToken.Scope
_SCOPES = {
    Role.OWNER: (Scope.READ, Scope.STORE, Scope.SHARE, Scope.DELETE, Scope.AUDIT, Scope.AGREEMENTS),
    Role.UPLOADER: (Scope.READ, Scope.STORE, Scope.SHARE, Scope.DELETE, Scope.AUDIT),
    Role.VIEWER: (Scope.READ,),
}


@dataclass(frozen=True)
class TokenRow:
    """A token as its page shows it. `state` is live, expired, revoked or ended (its member left)."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    user_id: int
    user_name: str
    user_email: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    state: str


def scopes_of(role: Role) -> tuple[AccessToken.Scope, ...]:
    """What a token of a member in that role may be good for."""
    return _SCOPES[role]


def list_tokens(now: datetime, user_id: int | None = None) -> list[TokenRow]:
    """The active tenant's latest tokens, or one member's, newest first."""
    of_member = FilteredRelation("user__memberships", condition=Q(user__memberships__tenant_id=F("tenant_id")))
    tokens = AccessToken.objects.select_related("user").annotate(membership=of_member)
    tokens = tokens.annotate(joined_at=F("membership__created_at")).order_by("-created_at", "-id")
    if user_id is not None:
        tokens = tokens.filter(user_id=user_id)
    return [_row(token, now) for token in tokens[:_SHOWN]]


def _row(token: AccessToken, now: datetime) -> TokenRow:
    return TokenRow(
        id=token.id,
        name=token.name or _("Unnamed"),
        scopes=tuple(Scope(scope).label for scope in token.scopes),
        user_id=token.user_id,
        user_name=token.user.name,
        user_email=token.user.email,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        state=_state(token, now),
    )


def _state(token: AccessToken, now: datetime) -> str:
    if token.revoked_at:
        return "revoked"
    if token.expires_at <= now:
        return "expired"
    member = token.user.is_active and token.joined_at and token.joined_at <= token.created_at
    return "live" if member else "ended"
