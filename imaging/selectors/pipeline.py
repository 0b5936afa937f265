"""What still waits for which step."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q, QuerySet

from imaging.models import Finding, Instance, Series, Tombstone, VaultObject
from imaging.pipeline import Step

_IN_REGION_1 = Q(pack__home_region=1) | Q(pack__in_1_at__isnull=False)
_IN_REGION_2 = Q(pack__home_region=2) | Q(pack__in_2_at__isnull=False)
WAITING = {
    Step.STORE: Q(stored_at=None, store_refusal="") & _IN_REGION_1,
    Step.STORE_MIRROR: Q(mirror_stored_at=None, mirror_store_refusal="") & _IN_REGION_2,
}
OBJECTS_WAITING = {
    Step.VERIFY_SEAL: Q(home_region=1, in_1_at=None) | Q(home_region=2, in_2_at=None),
    Step.MIRROR: Q(home_region=1, in_2_at=None) | Q(home_region=2, in_1_at=None),
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


def list_waiting_objects(step: Step, series_id: UUID) -> list[VaultObject]:
    """The series' sealed objects in service that lack the step's state, in the order they came."""
    return list(_in_service(step).filter(series_id=series_id).order_by("created_at", "id"))


def _in_service(step: Step) -> QuerySet[VaultObject]:
    # What the checks found faulty is theirs to heal: it would be read in vain again and again.
    faulty = Finding.objects.filter(healed_at=None, object_id__isnull=False).values("object_id")
    return VaultObject.objects.filter(OBJECTS_WAITING[step], retired_at=None).exclude(id__in=faulty)


def list_stuck(since: datetime, limit: int) -> list[Stuck]:
    """What has waited since before `since` in the active tenant: its message was lost, or its worker died.

    At most `limit` of each step, drawn by lot: what fails every time must not keep the rest from its turn.
    """
    stuck = [Stuck(step, series_id) for step in WAITING for series_id in _list_stuck_series(step, since, limit)]
    for step in OBJECTS_WAITING:
        objects = _in_service(step).filter(created_at__lt=since)
        stuck += _stuck(step, Series.objects.filter(id__in=objects.values("series_id")), limit)
    settled = Series.objects.filter(last_received_at__lt=since)
    stuck += _stuck(Step.DRAW_THUMBNAIL, settled.filter(thumbnail_instances__lt=F("instance_count")), limit)
    stuck += _stuck(Step.PACK, settled.exclude(manifest_instances=F("instance_count")), limit)
    unfinished = Tombstone.objects.filter(completed_at=None, purged_at__lt=since)
    return stuck + [Stuck(Step.FINISH_PURGE, tombstone_id) for tombstone_id in _draw(unfinished, limit)]


def _list_stuck_series(step: Step, since: datetime, limit: int) -> list[UUID]:
    waiting = Instance.objects.filter(WAITING[step], received_at__lt=since)
    return _draw(Series.objects.filter(id__in=waiting.values("series_id")), limit)


def _stuck(step: Step, series: QuerySet[Series], limit: int) -> list[Stuck]:
    return [Stuck(step, series_id) for series_id in _draw(series, limit)]


def _draw(rows: QuerySet, limit: int) -> list[UUID]:
    return list(rows.order_by("?").values_list("id", flat=True)[:limit])
