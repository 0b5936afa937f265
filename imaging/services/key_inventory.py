"""The key inventory: what the keyrings of both regions hold for each practice. It opens no key and asks no master."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from imaging.adapters.keys import ACTIVE, DESTROYED
from imaging.crypto.layout import SealBroken
from imaging.selectors.keys import DestructionRow, RotationRow, count_wraps, find_destruction, find_rotation
from imaging.services.key_destruction import find_refusal
from imaging.services.key_rotation import MAX_WRAPS, ROTATE_AFTER
from imaging.services.regions import get_keyring
from tenants.models import Tenant
from tenants.scoping import tenant_scope

SOON = timedelta(days=30)


@dataclass(frozen=True)
class VersionRow:
    """One version of a key. `state` is pre-active, active, retired, compromised or destroyed."""

    key_id: UUID
    state: str
    created_at: datetime


@dataclass(frozen=True)
class RegionKeys:
    """A practice's key in one region. `state` is held, none, destroyed, damaged or away."""

    region: int
    master: str
    state: str
    versions: list[VersionRow]


@dataclass(frozen=True)
class PracticeKeys:
    """A practice's row of the inventory.

    `state` is destroyed, faulty (the regions differ, or one is away), rotating, due, due-soon, none or good.
    """

    id: UUID
    slug: str
    name: str
    state: str
    regions: list[RegionKeys]
    active: VersionRow | None
    due_at: datetime | None
    wraps: int
    rotation: RotationRow | None
    order: DestructionRow | None

    @property
    def is_rotating(self) -> bool:
        """Whether data keys are still wrapped by an older version."""
        return self.rotation is not None and self.rotation.finished_at is None


def get_practice_keys(tenant: Tenant, now: datetime) -> PracticeKeys:
    """What each region holds for the practice, how old it is and what is under way."""
    regions = [_get_region(region, tenant.id) for region in settings.REGIONS]
    active = next((key for each in regions for key in each.versions if key.state == ACTIVE), None)
    with tenant_scope(tenant.id):
        rotation, order = find_rotation(), find_destruction()
        wraps = count_wraps(active.key_id, active.created_at) if active else 0
    due_at = active.created_at + ROTATE_AFTER if active else None
    state = _judge(regions, rotation, due_at, wraps, now)
    return PracticeKeys(tenant.id, tenant.slug, tenant.name, state, regions, active, due_at, wraps, rotation, order)


def find_destruction_refusal(tenant: Tenant, now: datetime) -> str:
    """Why the practice's keys must not be destroyed now, or the empty string."""
    return find_refusal(tenant.id, timezone.localdate(now))


def _get_region(region: int, tenant_id: UUID) -> RegionKeys:
    keyring = get_keyring(region)
    try:
        versions = [VersionRow(key.key_id, key.state, key.created_at) for key in keyring.list_tenant_keys(tenant_id)]
        destroyed = keyring.is_destroyed(tenant_id)
    except OSError:
        return RegionKeys(region, keyring.master_name, "away", [])
    except SealBroken:
        return RegionKeys(region, keyring.master_name, "damaged", [])
    state = "destroyed" if destroyed else "held" if versions else "none"
    return RegionKeys(region, keyring.master_name, state, versions)


def _judge(
    regions: list[RegionKeys], rotation: RotationRow | None, due_at: datetime | None, wraps: int, now: datetime
) -> str:
    states = {each.state for each in regions}
    if len(states) > 1 or states & {"away", "damaged"}:
        return "faulty"
    if states != {"held"}:
        return states.pop()
    if rotation is not None and rotation.finished_at is None:
        return "rotating"
    if _openable(regions[0]) != _openable(regions[-1]) or due_at is None:
        return "faulty"
    if due_at <= now or wraps >= MAX_WRAPS:
        return "due"
    return "due-soon" if due_at - SOON <= now else "good"


def _openable(region: RegionKeys) -> set[UUID]:
    return {key.key_id for key in region.versions if key.state != DESTROYED}
