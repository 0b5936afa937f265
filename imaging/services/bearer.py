"""Whom a bearer token acts for: asked on every request of a DICOMweb client."""

from datetime import datetime, timedelta

from audit.actor import Actor, ActorKind
from audit.statement import Statement
from imaging.models import AccessToken
from tenants.scoping import active_tenant_id
from tenants.secrets import digest_of

LAST_USE_RESOLUTION = timedelta(minutes=1)
_HOLDER = Statement(
    "SELECT k.id, k.last_used_at, u.id, u.email FROM imaging_accesstoken k JOIN tenants_user u ON u.id = k.user_id"
    " JOIN tenants_membership m ON (m.user_id, m.tenant_id) = (k.user_id, k.tenant_id) AND m.created_at <= k.created_at"
    " WHERE k.tenant_id = %s AND k.digest = %s AND k.revoked_at IS NULL AND k.expires_at > %s"
    " AND %s = ANY(k.scopes) AND u.is_active"
)


def find_bearer_actor(secret: str, scope: AccessToken.Scope, now: datetime, **origin: str) -> Actor | None:
    """The member a token acts for in the active tenant, if it is live and has the scope; notes its use.

    One made before its member left and came back stays dead. A token of another tenant stands behind that tenant's
    wall, and is not found.
    """
    rows = _HOLDER.rows(active_tenant_id(), digest_of(secret), now, scope.value)
    if not rows:
        return None
    token_id, last_used_at, user_id, email = rows[0]
    if last_used_at is None or now - last_used_at > LAST_USE_RESOLUTION:
        AccessToken.objects.filter(id=token_id).update(last_used_at=now)
    return Actor(ActorKind.USER, str(user_id), email, **origin)
