"""The steps after intake: each works through a series' instances that lack its state, and may be run again at will.

A step holds an advisory lock per series, so that two workers never do the same work at once; it writes one row's
state at a time in a short transaction, so that a killed worker loses nothing but the instance it was at.
"""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from blake3 import blake3
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from django.utils import timezone

from imaging.adapters.orthanc import NodeRefused, NodeUnavailable, OrthancNode
from imaging.adapters.vault import KeyMissing, ObjectMissing, Vault
from imaging.models import Instance, VaultObject
from imaging.pipeline import Step, enqueue
from imaging.selectors.pipeline import list_waiting
from imaging.services.regions import get_orthanc, get_vault
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)


class DigestMismatch(Exception):
    """What was read back is not what was received. `where` names the copy."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


@dataclass(frozen=True)
class Work:
    """What a step does for one instance: `do` returns the columns to set, `undo` takes back what it left behind.

    `undo` is for the instance whose study was purged while the step was at it: its copy must not outlive it.
    """

    do: Callable[[Instance], dict[str, object]]
    undo: Callable[[Instance], object]


def verify_seal(tenant_id: UUID, series_id: UUID) -> int:
    """Read each new instance back from the vault of region 1; returns how many proved equal."""
    vault = get_vault(1)

    def verify(instance: Instance) -> dict[str, object]:
        _require_digest(instance, _read_sealed(vault, instance), "vault of region 1")
        return {"sealed_at": timezone.now()}

    return _work_through(Step.VERIFY_SEAL, tenant_id, series_id, Work(verify, lambda instance: None))


def store(tenant_id: UUID, series_id: UUID) -> int:
    """Store each new instance in the tenant's Orthanc of region 1 and read its digest back.

    Raises `NodeUnavailable` when the node is away; the sweeper asks again.
    """
    work = _store_with(get_vault(1), get_orthanc(tenant_id, 1), "stored_at", "store_refusal")
    return _work_through(Step.STORE, tenant_id, series_id, work)


def mirror(tenant_id: UUID, series_id: UUID) -> int:
    """Copy each instance's ciphertext to the vault of region 2, open it there with region 2's key and compare.

    What arrived is then stored in region 2's Orthanc by a step of its own.
    """
    source, target = get_vault(1), get_vault(2)

    def copy(instance: Instance) -> dict[str, object]:
        source.copy_to(target, instance.tenant_id, instance.id)
        _require_digest(instance, _read_sealed(target, instance), "vault of region 2")
        return {"mirrored_at": timezone.now()}

    work = Work(copy, lambda instance: target.delete(instance.tenant_id, instance.id))
    done = _work_through(Step.MIRROR, tenant_id, series_id, work)
    _mirror_thumbnail(tenant_id, series_id, source, target)
    with tenant_scope(tenant_id):
        enqueue(Step.STORE_MIRROR, tenant_id, series_id)
    return done


def store_mirror(tenant_id: UUID, series_id: UUID) -> int:
    """Store each mirrored instance in the tenant's Orthanc of region 2, from region 2's vault."""
    work = _store_with(get_vault(2), get_orthanc(tenant_id, 2), "mirror_stored_at", "mirror_store_refusal")
    return _work_through(Step.STORE_MIRROR, tenant_id, series_id, work)


def _store_with(vault: Vault, node: OrthancNode, state: str, refusal: str) -> Work:
    def keep(instance: Instance) -> dict[str, object]:
        try:
            node.store_instance(_read_sealed(vault, instance), instance.size)
            _require_digest(instance, node.read_instance(instance.sop_instance_uid), f"node of region {vault.region}")
        except NodeRefused as refused:
            # Orthanc takes less than the standard allows (orthanc.md §2); the vault has it all the same.
            return {refusal: str(refused)[:200] or "refused"}
        return {state: timezone.now()}

    return Work(keep, lambda instance: node.delete_instance(instance.sop_instance_uid))


def _work_through(step: Step, tenant_id: UUID, series_id: UUID, work: Work) -> int:
    done = 0
    with _alone(step, series_id) as free:
        if not free:
            return 0
        with tenant_scope(tenant_id):
            waiting = list_waiting(step, series_id)
        for instance in waiting:
            done += _try_one(step, instance, work)
    return done


def _try_one(step: Step, instance: Instance, work: Work) -> int:
    try:
        state = work.do(instance)
    except (NodeUnavailable, SoftTimeLimitExceeded):
        raise
    except Exception as error:
        # One instance that cannot be read must not hold up its neighbours; it stays waiting and is seen as stuck.
        logger.error("Step %s failed for instance %s: %s", step.value, instance.id, type(error).__name__)
        state = {}
    with tenant_scope(instance.tenant_id):
        # The lock makes a purge wait until we have written, or us until it has taken the row away.
        still_there = Instance.objects.select_for_update().filter(id=instance.id).exists()
        if still_there and state:
            Instance.objects.filter(id=instance.id).update(**state)
    if not still_there:
        work.undo(instance)
    return int(still_there and bool(state))


def _mirror_thumbnail(tenant_id: UUID, series_id: UUID, source: Vault, target: Vault) -> None:
    with tenant_scope(tenant_id):
        thumbnail = VaultObject.objects.filter(
            series_id=series_id, kind=VaultObject.Kind.THUMBNAIL, retired_at=None, in_2_at=None
        ).first()
    if thumbnail is None:
        return
    with contextlib.suppress(ObjectMissing, KeyMissing):  # purged, or drawn anew, meanwhile
        source.copy_to(target, tenant_id, thumbnail.id)
    with tenant_scope(tenant_id):
        kept = VaultObject.objects.filter(id=thumbnail.id).update(in_2_at=timezone.now())
    if not kept:
        target.delete(tenant_id, thumbnail.id)


def _read_sealed(vault: Vault, instance: Instance) -> Iterator[bytes]:
    with vault.open(instance.tenant_id, instance.id) as reader:
        yield from reader.iter_all()


def _require_digest(instance: Instance, chunks: Iterable[bytes], where: str) -> None:
    digest = blake3()
    for chunk in chunks:
        digest.update(chunk)
    if digest.digest() != bytes(instance.digest):
        raise DigestMismatch(where)


@contextmanager
def _alone(step: Step, series_id: UUID) -> Iterator[bool]:
    """Whether this worker may work on the step of this series; the lock goes with the connection if we are killed."""
    key = lock_key(step, series_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        free = cursor.fetchone()[0]
    try:
        yield free
    finally:
        if free:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def lock_key(step: Step, series_id: UUID) -> int:
    """The advisory lock's 64-bit key of a step of a series."""
    return int.from_bytes(blake3(step.value.encode() + series_id.bytes).digest()[:8], "big", signed=True)
