"""Opening a practice: the tenant and the invitation of its first owner, together or not at all."""

from datetime import datetime

from django.db import transaction

from audit.actor import Actor
from tenants.models import Role, Tenant, User
from tenants.services.people import invite_member
from tenants.services.tenants import create_tenant


def open_practice(
    actor: Actor, opener: User, *, slug: str, name: str, kind: str, language: str, time_zone: str, owner_name: str,
    owner_email: str, now: datetime,
) -> Tenant:  # fmt: skip
    """A new practice whose first owner gets a link by mail; raises `NoFreePort`."""
    with transaction.atomic():
        tenant = create_tenant(actor, slug=slug, name=name, kind=kind, time_zone=time_zone, language=language, now=now)
        invite_member(actor, opener, tenant, email=owner_email, name=owner_name, role=Role.OWNER, now=now)
    return tenant
