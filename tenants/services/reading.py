"""How people read: a person's own language and clock, and what a practice uses for everyone else."""

from datetime import datetime

from django.db import transaction

from audit.actions import Action
from audit.actor import Actor
from audit.services import record
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope


def choose_language(user: User, language: str) -> None:
    """Keep the language with the account. A matter of taste: nothing for the trail."""
    choose_reading(user, language=language, time_zone=user.time_zone)


def choose_reading(user: User, *, language: str, time_zone: str) -> None:
    """Keep language and time zone with the account; empty ones follow the browser and the practice."""
    user.language, user.time_zone = language, time_zone
    user.save(update_fields=["language", "time_zone"])


def change_practice(actor: Actor, tenant: Tenant, *, language: str, time_zone: str, now: datetime) -> None:
    """Another clock or another language of mails for the practice. For an owner."""
    with transaction.atomic(), tenant_scope(tenant.id):
        changed = {
            name: value
            for name, value in {"language": language, "time_zone": time_zone}.items()
            if getattr(tenant, name) != value
        }
        if not changed:
            return
        Tenant.objects.filter(id=tenant.id).update(**changed)
        record(Action.PRACTICE_CHANGED, actor, subject_id=tenant.id, details=changed, now=now)


def hide_first_steps(actor: Actor, tenant: Tenant, now: datetime) -> None:
    """Put the list of first steps away, for every owner of the practice."""
    with transaction.atomic(), tenant_scope(tenant.id):
        if Tenant.objects.filter(id=tenant.id, first_steps_hidden_at=None).update(first_steps_hidden_at=now):
            record(Action.PRACTICE_CHANGED, actor, subject_id=tenant.id, details={"first_steps": "hidden"}, now=now)
