"""Rotation: a new version of a practice's key, and every data key wrapped by it; no pixel byte is read.

Dangerous: a mistake here makes images unreadable. The principle that keeps it safe: a version wraps nothing before
both regions hold it, and an old version goes on opening until someone destroys it on purpose, after a pass over both
regions has found nothing that still needs it. Killed anywhere, every object opens in both regions, with the old wrap
or the new; the unfinished row makes the next run go on.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.actions import Action
from audit.actor import SYSTEM, Actor
from audit.services import record
from imaging.adapters.keys import ACTIVE, COMPROMISED, RETIRED, TenantKey
from imaging.models import KeyRotation
from imaging.selectors.keys import count_wraps
from imaging.services.key_locks import keys_locked
from imaging.services.packing import reseal_tenant
from imaging.services.regions import get_keyring
from imaging.services.rewrapping import BATCH, RegionAway, rewrap_region
from imaging.services.vendor_admins import require_vendor_admin
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

# Objects of a process whose clock runs ahead are older than they say: better sealed once more than once too few.
CLOCKS_DIFFER = timedelta(minutes=10)

# SP 800-57 part 1 §5.3.6: cryptoperiods; compliance.md CRY-03: half a bit below the limit of random nonces.
ROTATE_AFTER = timedelta(days=365)
MAX_WRAPS = 1 << 30
# What began to seal under an old version may end this much later: the same time after which we call it abandoned.
SETTLED_AFTER = timedelta(hours=24)
TASK = "imaging.rotate_keys"
Reason = KeyRotation.Reason
_SEVERITY = (Reason.SCHEDULED, Reason.COMPROMISED)


class NoKeyYet(Exception):
    """No region holds a key of the practice: it has taken nothing in."""


class OldVersionsNeeded(Exception):
    """Something may still need an old version of the key; the text says what."""


@dataclass(frozen=True)
class RotationReport:
    """What a rotation did. `unreadable` data keys could not be wrapped anew, and it stays unfinished."""

    key_id: UUID
    rewrapped: int  # data keys of this run, both regions together
    unreadable: int
    resealed: int
    finished: bool


def rotate(tenant_id: UUID, reason: str, now: datetime, batch: int = BATCH) -> RotationReport:
    """Give the practice a new version of its key, or go on with a rotation that was broken off.

    Parameters
    ----------
    reason
        `scheduled`, or `compromised`: then every older version only opens from now on, is marked so, and every object
        is sealed anew, because its data key may be known.
    batch
        Data keys between two notes of how far it is.

    Raises
    ------
    RegionAway
        Both regions are needed. What was done stays; run it again later.
    NoKeyYet, KeysBusy, KeyUnknown, KeyDestroyed
    """
    with keys_locked(tenant_id):
        _restore_lost_keyring(tenant_id)
        rotation = _begin(tenant_id, Reason(reason), now)
        _activate(rotation)
        done, unreadable = _rewrap_all(rotation, batch)
        resealed = 0
        if not unreadable:
            if rotation.reason == Reason.COMPROMISED:
                resealed = reseal_tenant(tenant_id, rotation.started_at + CLOCKS_DIFFER)
            _finish(rotation, resealed)
    return RotationReport(rotation.key_id, done, unreadable, resealed, finished=not unreadable)


def is_due(tenant_id: UUID, now: datetime) -> bool:
    """Whether the active version is older than 12 months or wrapped 2^30 times, or a rotation was broken off."""
    if _find_unfinished(tenant_id) is not None:
        return True
    active = _find_active(tenant_id)
    return active is not None and _is_spent(tenant_id, active, now)


def rotate_if_due(tenant_id: UUID, now: datetime) -> RotationReport | None:
    """The daily task's call for one practice; raises as `rotate`."""
    return rotate(tenant_id, Reason.SCHEDULED, now) if is_due(tenant_id, now) else None


def request_rotation(actor: Actor, tenant_id: UUID, now: datetime) -> None:
    """Have a worker rotate the practice's key; raises `NotVendorAdmin`."""
    require_vendor_admin(actor)
    with tenant_scope(tenant_id):
        record(Action.KEY_ROTATED, actor, details={"step": "requested"}, now=now)
        transaction.on_commit(partial(current_app.send_task, TASK, [str(tenant_id)], retry=False), robust=True)


def destroy_old_versions(tenant_id: UUID, now: datetime) -> list[UUID]:
    """Destroy the versions that wrap nothing any more, in both regions; returns their ids.

    Office copies, backups of a vault and database backups sealed under them open no more after this.

    Raises
    ------
    OldVersionsNeeded
        A rotation is unfinished or too young, or a `.key` file of either region still names an old version.
    RegionAway, KeysBusy, KeyUnknown, KeyDestroyed
    """
    with keys_locked(tenant_id):
        _require_settled(tenant_id, now)
        for region in settings.REGIONS:
            done, unreadable = rewrap_region(tenant_id, region)
            if done or unreadable:
                raise OldVersionsNeeded(
                    f"{done + unreadable} data keys in region {region} were not under the new version"
                )
        key_ids = sorted({key.key_id for region in settings.REGIONS for key in _list_old(tenant_id, region)})
        if key_ids:
            with tenant_scope(tenant_id):
                details = {"step": "old-versions", "key_ids": [str(key_id) for key_id in key_ids]}
                record(Action.KEYS_DESTROYED, SYSTEM, details=details, now=now)
        for region in settings.REGIONS:
            with _region(region):
                for key in _list_old(tenant_id, region):
                    get_keyring(region).destroy_version(tenant_id, key.key_id)
    return key_ids


def _restore_lost_keyring(tenant_id: UUID) -> None:
    """New versions begin in the first region: one that has lost its keyring gets what another holds."""
    first, *others = settings.REGIONS
    holding = [region for region in (first, *others) if _list_keys(tenant_id, region)]
    if not holding:
        raise NoKeyYet
    if first not in holding:
        with _region(first):
            get_keyring(first).adopt_tenant_key(tenant_id, get_keyring(holding[0]))


def _begin(tenant_id: UUID, reason: KeyRotation.Reason, now: datetime) -> KeyRotation:
    rotation = _find_unfinished(tenant_id)
    if rotation is not None and not _needs_another_key(rotation, reason, now):
        return rotation
    key_id = _stage(tenant_id, anew=reason is Reason.COMPROMISED)
    with tenant_scope(tenant_id):
        if rotation is None:
            rotation = KeyRotation(started_at=now)
        rotation.key_id, rotation.reason = key_id, max(reason, Reason(rotation.reason or reason), key=_SEVERITY.index)
        rotation.save()
        details = {"step": "begun", "reason": str(rotation.reason), "key_id": str(key_id)}
        record(Action.KEY_ROTATED, SYSTEM, subject_id=rotation.id, details=details, now=now)
    return rotation


def _needs_another_key(rotation: KeyRotation, reason: KeyRotation.Reason, now: datetime) -> bool:
    """The one it began with may be known, or has itself grown old while a region was away."""
    if reason is Reason.COMPROMISED and rotation.reason != Reason.COMPROMISED:
        return True
    keys = _list_keys(rotation.tenant_id, settings.REGIONS[0])
    own = next((key for key in keys if key.key_id == rotation.key_id), None)
    return own is not None and own.created_at + ROTATE_AFTER <= now


def _stage(tenant_id: UUID, anew: bool) -> UUID:
    first = settings.REGIONS[0]
    with _region(first):
        return get_keyring(first).stage_tenant_key(tenant_id, anew)


def _activate(rotation: KeyRotation) -> None:
    compromised = rotation.reason == Reason.COMPROMISED
    first, *others = settings.REGIONS
    # The others first: a version wraps nowhere before every region has it, a keyring that was restored included.
    for region in (*others, first):
        with _region(region):
            if region != first:
                get_keyring(region).adopt_tenant_key(rotation.tenant_id, get_keyring(first))
            get_keyring(region).activate_tenant_key(rotation.tenant_id, rotation.key_id, compromised)


def _rewrap_all(rotation: KeyRotation, batch: int) -> tuple[int, int]:
    """Both regions, until a pass finds nothing to do: what was being sealed meanwhile had the old version in hand."""
    total = 0
    while True:
        done = unreadable = 0
        for region in settings.REGIONS:
            rewrapped, failed = rewrap_region(rotation.tenant_id, region, batch, note=partial(_note_progress, rotation))
            done, unreadable = done + rewrapped, unreadable + failed
        total += done
        if not done or unreadable:
            return total, unreadable


def _note_progress(rotation: KeyRotation, count: int) -> None:
    with tenant_scope(rotation.tenant_id):
        fresh = KeyRotation.objects.select_for_update().get(id=rotation.id)
        fresh.rewrapped += count
        fresh.save(update_fields=["rewrapped"])


def _finish(rotation: KeyRotation, resealed: int) -> None:
    now = timezone.now()  # hours may have passed
    with tenant_scope(rotation.tenant_id):
        KeyRotation.objects.filter(id=rotation.id).update(finished_at=now)
        rotation.refresh_from_db()
        details = {
            "step": "finished", "reason": rotation.reason, "key_id": str(rotation.key_id),
            "rewrapped": rotation.rewrapped, "resealed": resealed,
        }  # fmt: skip
        record(Action.KEY_ROTATED, SYSTEM, subject_id=rotation.id, details=details, now=now)


def _require_settled(tenant_id: UUID, now: datetime) -> None:
    if _find_unfinished(tenant_id) is not None:
        raise OldVersionsNeeded("a rotation is unfinished")
    active = _find_active(tenant_id)
    if active is None or active.created_at + SETTLED_AFTER > now:
        raise OldVersionsNeeded("the last rotation is less than 24 hours ago: uploads begun before may still end")


def _find_unfinished(tenant_id: UUID) -> KeyRotation | None:
    with tenant_scope(tenant_id):
        return KeyRotation.objects.filter(finished_at=None).first()


def _find_active(tenant_id: UUID) -> TenantKey | None:
    return next((key for key in _list_keys(tenant_id, settings.REGIONS[0]) if key.state == ACTIVE), None)


def _is_spent(tenant_id: UUID, active: TenantKey, now: datetime) -> bool:
    with tenant_scope(tenant_id):
        wraps = count_wraps(active.key_id, active.created_at)
    return active.created_at + ROTATE_AFTER <= now or wraps >= MAX_WRAPS


def _list_old(tenant_id: UUID, region: int) -> list[TenantKey]:
    return [key for key in _list_keys(tenant_id, region) if key.state in (RETIRED, COMPROMISED)]


def _list_keys(tenant_id: UUID, region: int) -> tuple[TenantKey, ...]:
    with _region(region):
        return get_keyring(region).list_tenant_keys(tenant_id)


@contextmanager
def _region(region: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RegionAway(region, error) from error
