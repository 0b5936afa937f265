"""The steps after intake: each works through what of a series lacks its state, and may be run again at will.

Vault steps work on sealed objects, node steps on instances. A step holds an advisory lock per series, so that two
workers never do the same work at once; it notes one object's or instance's state at a time in a short transaction, so
that a killed worker loses nothing but the one it was at.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from blake3 import blake3
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from imaging.adapters.orthanc import NodeRefused, NodeUnavailable, OrthancNode
from imaging.adapters.vault import CopyDiffers, KeyMissing, ObjectMissing, Vault
from imaging.crypto.layout import SealBroken
from imaging.crypto.stream import SealedReader
from imaging.models import Instance, VaultObject
from imaging.pipeline import Step, enqueue
from imaging.selectors.pipeline import list_waiting, list_waiting_objects
from imaging.services import webhook_outbox
from imaging.services.active_region import other_region
from imaging.services.brake import is_braked
from imaging.services.copies import find_fault, find_sealed
from imaging.services.healing import report_finding
from imaging.services.locks import try_lock
from imaging.services.regions import get_keyring, get_orthanc, get_vault
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
    """Read each new sealed object back from where it was sealed; returns how many proved equal."""
    return _for_each_object(Step.VERIFY_SEAL, tenant_id, series_id, _verify_at_home)


def mirror(tenant_id: UUID, series_id: UUID) -> int:
    """Copy each object's ciphertext to the other region, open it there with that region's key and compare.

    What arrived is then stored in that region's Orthanc by a step of its own. Nothing is copied while the practice's
    brake is on: what overwrites or empties one region must not reach the other.
    """
    if is_braked(tenant_id):
        return 0
    done = _for_each_object(Step.MIRROR, tenant_id, series_id, _copy_to_other)
    with tenant_scope(tenant_id):
        for step in (Step.STORE, Step.STORE_MIRROR):
            enqueue(step, tenant_id, series_id)
    webhook_outbox.hasten_mirrored(tenant_id, series_id, timezone.now())
    return done


def store(tenant_id: UUID, series_id: UUID) -> int:
    """Store each new instance in the tenant's Orthanc of region 1 and read its digest back.

    Raises `NodeUnavailable` when the node is away; the sweeper asks again.
    """
    work = _store_with(1, get_orthanc(tenant_id, 1), "stored_at", "store_refusal")
    return _work_through(Step.STORE, tenant_id, series_id, work)


def store_mirror(tenant_id: UUID, series_id: UUID) -> int:
    """Store each instance that region 2 holds in the tenant's Orthanc there; raises as `store`."""
    work = _store_with(2, get_orthanc(tenant_id, 2), "mirror_stored_at", "mirror_store_refusal")
    return _work_through(Step.STORE_MIRROR, tenant_id, series_id, work)


def verify_object(vault: Vault, sealed_object: VaultObject, members: list[Instance]) -> list[Instance]:
    """Open all of an object in one region and compare the digest of each instance in it; returns those that are equal.

    Raises
    ------
    ObjectMissing, KeyMissing, KeyUnknown, KeyDestroyed, SealBroken, VaultUnavailable
    """
    with vault.open(sealed_object.tenant_id, sealed_object.id) as reader:
        if not members:
            for _ in reader.iter_all():
                pass
        return [each for each in members if _digest(_iter_member(reader, each)) == bytes(each.digest)]


def _verify_at_home(sealed_object: VaultObject) -> tuple[int, str]:
    return sealed_object.home_region, "sealed_at"


def _copy_to_other(sealed_object: VaultObject) -> tuple[int, str]:
    home, other = sealed_object.home_region, other_region(sealed_object.home_region)
    # The other region may have been away when the practice's key was made or rotated.
    get_keyring(other).adopt_tenant_key(sealed_object.tenant_id, get_keyring(home))
    get_vault(home).copy_to(get_vault(other), sealed_object.tenant_id, sealed_object.id)
    return other, "mirrored_at"


def _for_each_object(
    step: Step, tenant_id: UUID, series_id: UUID, prepare: Callable[[VaultObject], tuple[int, str]]
) -> int:
    """Prepare each object that waits for the step, read it back in the region named, and note what proved equal."""
    done = 0
    with alone(step, series_id) as free:
        if not free:
            return 0
        with tenant_scope(tenant_id):
            waiting = list_waiting_objects(step, series_id)
        for sealed_object in waiting:
            done += _try_object(step, sealed_object, prepare)
    return done


def _try_object(step: Step, sealed_object: VaultObject, prepare: Callable[[VaultObject], tuple[int, str]]) -> int:
    with tenant_scope(sealed_object.tenant_id):
        members = list(Instance.objects.filter(pack=sealed_object).defer("fragments").order_by("pack_offset"))
    try:
        region, state = prepare(sealed_object)
        equal = verify_object(get_vault(region), sealed_object, members)
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        # One object that cannot be read must not hold up its neighbours; it stays waiting and is seen as stuck.
        logger.error("Step %s failed for object %s: %s", step.value, sealed_object.id, type(error).__name__)
        _report_faults(sealed_object, error)
        return 0
    if len(equal) < len(members):
        logger.error("Step %s: object %s holds other bytes than were taken in.", step.value, sealed_object.id)
    return _note(sealed_object, region, state, equal, whole=len(equal) == len(members))


def _report_faults(sealed_object: VaultObject, error: Exception) -> None:
    """What proves damaged before it was ever known to be good is a finding too; the scrub looks for no other."""
    if not isinstance(error, (SealBroken, CopyDiffers, ObjectMissing, KeyMissing)):
        return
    with tenant_scope(sealed_object.tenant_id):
        sealed = find_sealed(sealed_object.id)
    for region in (1, 2):
        # What never arrived over there is still to be copied.
        expected = region == sealed_object.home_region or get_vault(region).exists(
            sealed_object.tenant_id, sealed_object.id
        )
        if sealed and expected and (fault := find_fault(sealed, region)):
            report_finding(sealed.tenant_id, sealed.id, region, fault, timezone.now())


def _note(sealed_object: VaultObject, region: int, state: str, equal: list[Instance], whole: bool) -> int:
    now = timezone.now()
    with tenant_scope(sealed_object.tenant_id):
        # The lock makes a purge wait until we have written, or us until it has taken the row away.
        row = VaultObject.objects.select_for_update().filter(id=sealed_object.id).first()
        if row is not None:
            if whole:
                VaultObject.objects.filter(id=row.id).update(**{f"in_{region}_at": now})
            Instance.objects.filter(id__in=[each.id for each in equal], pack=row).update(**{state: now})
    if row is None:
        get_vault(region).delete(sealed_object.tenant_id, sealed_object.id)
    return max(len(equal), int(whole)) if row is not None else 0


def _store_with(region: int, node: OrthancNode, state: str, refusal: str) -> Work:
    vault = get_vault(region)

    def keep(instance: Instance) -> dict[str, object]:
        try:
            node.store_instance(_read_instance(vault, instance), instance.size)
            _require_digest(instance, node.read_instance(instance.sop_instance_uid), f"node of region {region}")
        except NodeRefused as refused:
            # Orthanc takes less than the standard allows (orthanc.md §2); the vault has it all the same.
            return {refusal: str(refused)[:200] or "refused"}
        return {state: timezone.now()}

    return Work(keep, lambda instance: node.delete_instance(instance.sop_instance_uid))


def _work_through(step: Step, tenant_id: UUID, series_id: UUID, work: Work) -> int:
    done = 0
    with alone(step, series_id) as free:
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


def _read_instance(vault: Vault, instance: Instance) -> Iterator[bytes]:
    with vault.open(instance.tenant_id, instance.pack_id) as reader:
        yield from _iter_member(reader, instance)


def _iter_member(reader: SealedReader, instance: Instance) -> Iterator[bytes]:
    return reader.iter_range(instance.pack_offset, instance.size)


def _digest(chunks: Iterable[bytes]) -> bytes:
    digest = blake3()
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


def _require_digest(instance: Instance, chunks: Iterable[bytes], where: str) -> None:
    if _digest(chunks) != bytes(instance.digest):
        raise DigestMismatch(where)


def alone(step: Step, series_id: UUID) -> AbstractContextManager[bool]:
    """Whether this worker may work on the step of this series; the lock goes with the connection if we are killed."""
    return try_lock(lock_key(step, series_id))


def lock_key(step: Step, series_id: UUID) -> int:
    """The advisory lock's 64-bit key of a step of a series."""
    return int.from_bytes(blake3(step.value.encode() + series_id.bytes).digest()[:8], "big", signed=True)
