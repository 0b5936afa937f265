"""The brake: replication and purges of a practice stand still when too much changes at once (45 CFR 164.312(c)(1)).

Counted within an hour are the instances purged and the copies found missing, damaged or without their key: what a
mistake, a thief or a failing disk does to an archive. What a compaction or a rotation retires is not counted: they
seal a new object, prove it, and only then retire the old one, so no image depends on what they leave behind; were one
to destroy what it should keep, the checks find it and that counts.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncHour

from audit.actions import Action, Outcome
from audit.actor import SYSTEM, Actor
from audit.services import record
from imaging.access import require_role
from imaging.models import Brake, Finding, Tombstone
from tenants.models import Role
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
HOUR = timedelta(hours=1)
LOOKED_BACK = timedelta(days=30)
# Long enough for the next hourly purge, and for another if that one fails.
RELEASED_FOR = timedelta(hours=24)
TIMES_USUAL = 3


class Braked(Exception):
    """Replication and purges of the practice stand still until its owner releases the brake."""


def is_braked(tenant_id: UUID) -> bool:
    """Whether the practice's brake is on."""
    with tenant_scope(tenant_id):
        return Brake.objects.filter(released_at=None).exists()


def require_not_braked(tenant_id: UUID) -> None:
    """Raise `Braked` while the brake is on."""
    if is_braked(tenant_id):
        raise Braked


def watch_changes(tenant_id: UUID, now: datetime) -> bool:
    """Put the brake on if more changed within the last hour than ever usual; returns whether it is on."""
    if would_trip(tenant_id, 0, now):
        _trip(tenant_id, 0, now)
    return is_braked(tenant_id)


def would_trip(tenant_id: UUID, count: int, now: datetime) -> bool:
    """Whether `count` more instances purged now would be more than the practice's usual."""
    with tenant_scope(tenant_id):
        return _count_changed(now) + count > _most_allowed(now)


def require_usual(tenant_id: UUID, count: int, now: datetime) -> None:
    """Before `count` instances are purged: put the brake on if that is unusual, and raise `Braked` while it is on.

    An owner who then releases it allows as many for a day.
    """
    if would_trip(tenant_id, count, now):
        _trip(tenant_id, count, now)
    require_not_braked(tenant_id)


def release(actor: Actor, tenant_id: UUID, now: datetime) -> bool:
    """Let replication and purges go on; False if the brake was not on.

    Raises
    ------
    StudyNotFound
        Not an owner of the practice.
    """
    with tenant_scope(tenant_id):
        require_role(actor, Role.OWNER)
        brake = Brake.objects.select_for_update().filter(released_at=None).first()
        if brake:
            Brake.objects.filter(id=brake.id).update(released_at=now, released_by_id=int(actor.id))
            record(Action.BRAKE_RELEASED, actor, subject_id=brake.id, details={"changed": brake.changed}, now=now)
    return brake is not None


def _trip(tenant_id: UUID, count: int, now: datetime) -> None:
    with tenant_scope(tenant_id):
        changed, usual = _count_changed(now) + count, _largest_usual_hour(now)
        brake, new = Brake.objects.get_or_create(
            released_at=None, defaults={"tripped_at": now, "changed": changed, "usual": usual}
        )
        if new:
            details = {"changed": changed, "usual": usual}
            record(Action.BRAKE_TRIPPED, SYSTEM, subject_id=brake.id, outcome=Outcome.FAILED, details=details, now=now)
    if new:
        logger.error("Brake on for tenant %s: %s changes within the hour, %s usual", tenant_id, changed, usual)


def _count_changed(now: datetime) -> int:
    """Within the last hour, but not what the owner saw before releasing the last brake."""
    since = now - HOUR
    released = Brake.objects.filter(released_at__gt=since).order_by("-released_at").first()
    return _count_between(max(since, released.released_at) if released else since, now)


def _most_allowed(now: datetime) -> int:
    usual = max(settings.BRAKE_FLOOR, TIMES_USUAL * _largest_usual_hour(now))
    released = Brake.objects.filter(released_at__gt=now - RELEASED_FOR, released_at__lte=now)
    return max([usual, *released.values_list("changed", flat=True)])


def _largest_usual_hour(now: datetime) -> int:
    """The most changes in any hour of the last 30 days, this hour and those that put the brake on left out."""
    purged = Tombstone.objects.filter(purged_at__gt=now - LOOKED_BACK, purged_at__lte=now - HOUR)
    found = _copy_findings().filter(found_at__gt=now - LOOKED_BACK, found_at__lte=now - HOUR)
    for tripped_at in Brake.objects.filter(tripped_at__gt=now - LOOKED_BACK).values_list("tripped_at", flat=True):
        purged = purged.exclude(purged_at__gt=tripped_at - HOUR, purged_at__lte=tripped_at)
        found = found.exclude(found_at__gt=tripped_at - HOUR, found_at__lte=tripped_at)
    hours = dict(purged.values_list(TruncHour("purged_at")).annotate(count=Sum("instance_count")).order_by())
    for hour, count in found.values_list(TruncHour("found_at")).annotate(count=Count("id")).order_by():
        hours[hour] = hours.get(hour, 0) + count
    return max(hours.values(), default=0)


def _count_between(start: datetime, end: datetime) -> int:
    purged = Tombstone.objects.filter(purged_at__gt=start, purged_at__lte=end).aggregate(count=Sum("instance_count"))
    return (purged["count"] or 0) + _copy_findings().filter(found_at__gt=start, found_at__lte=end).count()


def _copy_findings() -> QuerySet[Finding]:
    return Finding.objects.filter(~Q(kind=Finding.Kind.LAG), object_id__isnull=False)
