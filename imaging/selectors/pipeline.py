"""What still waits for which step."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q, QuerySet

from imaging.models import Instance, Series, Tombstone, VaultObject
from imaging.pipeline import Step

WAITING = {
    Step.VERIFY_SEAL: Q(sealed_at=None),
    Step.STORE: Q(stored_at=None, store_refusal=""),
    Step.MIRROR: Q(mirrored_at=None),
    Step.STORE_MIRROR: Q(mirrored_at__isnull=False, mirror_stored_at=None, mirror_store_refusal=""),
}


@dataclass(frozen=True)
class Stuck:
    """A step of a series (or of a tombstone) that nobody seems to be working on."""

    step: Step
    subject_id: UUID


def list_waiting(step: Step, series_id: UUID) -> list[Instance]:
    """The series' instances that lack the step's state, in the order a reader would page through them."""
    waiting = Instance.objects.filter(WAITING[step], series_id=series_id)
    return list(waiting.defer("fragments").order_by("instance_number", "id"))


def list_stuck(since: datetime, limit: int) -> list[Stuck]:
    """What has waited since before `since` in the active tenant: its message was lost, or its worker died.

    At most `limit` of each step, drawn by lot: what fails every time must not keep the rest from its turn.
    """
    stuck = [Stuck(step, series_id) for step in WAITING for series_id in _list_stuck_series(step, since, limit)]
    undrawn = Series.objects.filter(thumbnail_instances__lt=F("instance_count"), last_received_at__lt=since)
    stuck += [Stuck(Step.DRAW_THUMBNAIL, series_id) for series_id in _draw(undrawn, limit)]
    unmirrored = VaultObject.objects.filter(in_2_at=None, retired_at=None, created_at__lt=since)
    unmirrored = Series.objects.filter(id__in=unmirrored.exclude(kind=VaultObject.Kind.PACK).values("series_id"))
    stuck += [Stuck(Step.MIRROR, series_id) for series_id in _draw(unmirrored, limit)]
    unfinished = Tombstone.objects.filter(completed_at=None, purged_at__lt=since)
    return stuck + [Stuck(Step.FINISH_PURGE, tombstone_id) for tombstone_id in _draw(unfinished, limit)]


def _list_stuck_series(step: Step, since: datetime, limit: int) -> list[UUID]:
    waiting = Instance.objects.filter(WAITING[step], received_at__lt=since)
    return _draw(Series.objects.filter(id__in=waiting.values("series_id")), limit)


def _draw(rows: QuerySet, limit: int) -> list[UUID]:
    return list(rows.order_by("?").values_list("id", flat=True)[:limit])
