"""The life of a sealed object that a worker makes: announced, put in service, retired, removed.

The row comes before the bytes, so that a purge names whatever a worker is still making, and a killed worker leaves
nothing that no row names.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import F

from audit.actions import Action
from audit.models import AuditEvent
from imaging.adapters.vault import VaultUnavailable
from imaging.models import Series, VaultObject
from imaging.services.brake import is_braked
from imaging.services.regions import get_vault
from tenants.scoping import tenant_scope

MOST_REMOVED = 5000


class SeriesGone(Exception):
    """The series was purged: nothing is to be made for it any more."""


def announce(tenant_id: UUID, series_id: UUID, kind: VaultObject.Kind, region: int, now: datetime) -> UUID:
    """The id under which an object of the series will be sealed in `region`.

    It counts as retired until it is put in service.

    Raises
    ------
    SeriesGone
    """
    with tenant_scope(tenant_id):
        if not Series.objects.select_for_update(of=("self",)).filter(id=series_id).exists():
            raise SeriesGone
        row = VaultObject(
            id=uuid4(), series_id=series_id, kind=kind, size=0, home_region=region, created_at=now,
            retired_at=now,
        )  # fmt: skip
        row.save(force_insert=True)
    return row.id


def put_in_service(object_id: UUID, size: int, *, replaces: UUID | None, now: datetime, member_count: int = 0) -> bool:
    """Let the sealed object take another's place; False if a purge took its row away. Runs in the tenant's scope."""
    # As it was announced: what is being removed (`_claim`) does not come back.
    known = VaultObject.objects.filter(id=object_id, retired_at=F("created_at"))
    if not known.update(size=size, member_count=member_count, retired_at=None):
        return False
    retire([replaces] if replaces else [], now)
    return True


def retire(object_ids: list[UUID], now: datetime) -> None:
    """Take objects out of service. Their bytes stay a while, for streams and restored databases that name them."""
    VaultObject.objects.filter(id__in=object_ids, retired_at=None).update(retired_at=now)


def remove_retired(tenant_id: UUID, now: datetime) -> int:
    """Remove from both vaults what was retired long enough ago; returns how many objects are gone."""
    if is_braked(tenant_id) or _is_older_than_vaults(tenant_id):
        return 0
    before = now - timedelta(hours=settings.RETIRED_HOURS)
    with tenant_scope(tenant_id):
        retired = VaultObject.objects.filter(retired_at__lt=before, members=None).order_by("retired_at")
        object_ids = list(retired.values_list("id", flat=True)[:MOST_REMOVED])
    removed = 0
    for object_id in object_ids:
        try:
            removed += _remove(tenant_id, object_id, before)
        except VaultUnavailable:
            break  # one timeout is enough to learn that a region is away
    return removed


def _is_older_than_vaults(tenant_id: UUID) -> bool:
    """Whether the database was restored and `rebuild_index` has not looked since into what the vaults hold."""
    try:
        restored_at = datetime.fromtimestamp(settings.RESTORED_FILE.stat().st_mtime, UTC)
    except FileNotFoundError:
        return False
    with tenant_scope(tenant_id):
        return not AuditEvent.objects.filter(action=Action.INDEX_REBUILT.value, at__gt=restored_at).exists()


def _claim(tenant_id: UUID, object_id: UUID, before: datetime) -> bool:
    """Whether it may go; from then on nobody puts it in service. Clocks differ, and a merge may take long."""
    with tenant_scope(tenant_id):
        found = VaultObject.objects.filter(id=object_id, retired_at__lt=before, members=None)
        return bool(found.update(retired_at=F("created_at") - timedelta(seconds=1)))


def _remove(tenant_id: UUID, object_id: UUID, before: datetime) -> bool:
    if not _claim(tenant_id, object_id, before):
        return False
    for region in settings.REGIONS:
        get_vault(region).delete(tenant_id, object_id)
    with tenant_scope(tenant_id):
        VaultObject.objects.filter(id=object_id, retired_at__lt=before, members=None).delete()
    return True
