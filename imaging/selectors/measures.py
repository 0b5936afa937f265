"""What monitoring counts of a practice: numbers only, no name and no UID."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, F, QuerySet

from imaging.models import Finding, Instance, Series, Tombstone, VaultObject
from imaging.pipeline import Step
from imaging.selectors.drills import next_drill_due
from imaging.selectors.pipeline import OBJECTS_WAITING, WAITING
from imaging.selectors.protection_state import find_brake, get_lag
from tenants.scoping import tenant_scope

MOST_COUNTED = 100_000  # of each step: how deep a backlog is beyond that changes nothing


@dataclass(frozen=True)
class Measures:
    """Of one practice: seconds that the second copies are behind, and counts by kind and by step."""

    lag_seconds: int
    braked: bool
    drill_overdue: bool
    findings: Counter[str]
    waiting: Counter[str]


def measure(tenant_id: UUID, now: datetime) -> Measures:
    """The practice's numbers. Costs its backlog, not its archive."""
    with tenant_scope(tenant_id):
        found = Finding.objects.filter(healed_at=None).values_list("kind").annotate(count=Count("id")).order_by()
        return Measures(
            lag_seconds=get_lag(now).seconds,
            braked=find_brake() is not None,
            drill_overdue=next_drill_due(tenant_id) < now,
            findings=Counter(dict(found)),
            waiting=Counter({step.value: rows[:MOST_COUNTED].count() for step, rows in _waiting().items()}),
        )


def _waiting() -> dict[Step, QuerySet]:
    """What waits for each step: images for the PACSs, sealed objects for the vaults, series, purged studies."""
    series = Series.objects.all()
    live = VaultObject.objects.filter(retired_at=None)
    return {
        **{step: Instance.objects.filter(waiting) for step, waiting in WAITING.items()},
        **{step: live.filter(waiting) for step, waiting in OBJECTS_WAITING.items()},
        Step.DRAW_THUMBNAIL: series.filter(thumbnail_instances__lt=F("instance_count")),
        Step.PACK: series.exclude(manifest_instances=F("instance_count")),
        Step.FINISH_PURGE: Tombstone.objects.filter(completed_at=None),
    }
