"""Who may order what concerns a practice's keys: people of the vendor."""

from audit.actor import Actor, ActorKind
from tenants.models import User


class NotVendorAdmin(Exception):
    """The actor is no administrator of the vendor, or no longer one."""


def require_vendor_admin(actor: Actor) -> User:
    """The person behind the actor, read anew; raises `NotVendorAdmin`."""
    admins = User.objects.filter(is_vendor_admin=True, is_active=True)
    user = admins.filter(pk=actor.id).first() if actor.kind is ActorKind.USER else None
    if user is None:
        raise NotVendorAdmin
    return user
