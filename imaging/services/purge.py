"""The purge: the only code that makes images unreadable for good.

Dangerous. The principle: one transaction locks the study, checks everything again (held? still ended? two people?
grace over? no newer images?), writes the tombstone and the event and takes the rows away. From that commit on nobody
can reach the study, and the tombstone names what must still go. Then the keys are destroyed in both regions, first,
so that whatever is left anywhere is noise; then the objects; then both Orthancs. Each is idempotent and noted, and
the sweeper comes back until the tombstone is complete.
"""

import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.utils import timezone

from audit.actions import Action, Outcome
from audit.actor import SYSTEM
from audit.services import record
from imaging.adapters.orthanc import NodeError
from imaging.adapters.vault import VaultUnavailable
from imaging.models import (
    Instance,
    PatientInvitation,
    PurgeOrder,
    PurgeStatus,
    Series,
    ShareLink,
    Study,
    Tombstone,
    VaultObject,
)
from imaging.pipeline import Step, enqueue
from imaging.services.brake import Braked, is_braked, require_usual
from imaging.services.key_locks import KeysBusy, keys_locked
from imaging.services.regions import get_orthanc, get_vault
from imaging.services.retention import has_retention_ended, policy_of
from tenants.models import StorageNode, Tenant
from tenants.scoping import tenant_scope
from tenants.secrets import drop_secret
from tenants.selectors import get_tenant

logger = logging.getLogger(__name__)
MAX_PER_RUN = 200  # compliance.md BKP-08: a runaway purge stops here and is seen
_NOT_IN_NODE = {
    1: {"stored_at": None, "store_refusal": ""},
    2: {"mirror_stored_at": None, "mirror_store_refusal": ""},
}


class PurgeRefused(Exception):
    """Something stands in the way; the text is its name."""


class OrderVoid(PurgeRefused):
    """The study is to be kept after all: the two yeses were given to another state of things."""


def purge_approved(tenant_id: UUID, now: datetime) -> int:
    """Purge the tenant's approved studies whose grace period is over; returns how many."""
    with tenant_scope(tenant_id):
        due = PurgeOrder.objects.filter(status=PurgeStatus.APPROVED, grace_ends_at__lte=now)
        studies = list(due.order_by("grace_ends_at").values_list("study_id", flat=True)[:MAX_PER_RUN])
        count = Instance.objects.filter(series__study__in=studies).count()
    try:
        require_usual(tenant_id, count, now)
    except Braked:
        return 0
    return sum(_try_purge(tenant_id, study_id, now) for study_id in studies)


def purge_study(tenant_id: UUID, study_id: UUID, now: datetime) -> UUID:
    """Take one study away for good; returns its tombstone's id. Its copies follow in `finish_purge`.

    Raises
    ------
    PurgeRefused
        Held, not ended, not approved by two people, or still within its grace period.
    """
    tenant = get_tenant(tenant_id)
    with tenant_scope(tenant_id):
        study = Study.objects.select_for_update(of=("self",)).filter(id=study_id).first()
        order = PurgeOrder.objects.select_for_update().filter(study_id=study_id).first()
        if study is None or order is None:
            raise PurgeRefused("no such order")
        _require_purgeable(study, order, tenant, now)
        tombstone = _write_tombstone(study, order, tenant, now)
        _drop_links(study)
        study.delete()
        details = {"instances": tombstone.instance_count, "rule": tombstone.rule}
        record(
            Action.PURGED, SYSTEM, study_instance_uid=tombstone.study_instance_uid, subject_id=tombstone.id,
            details=details, now=now,
        )  # fmt: skip
        enqueue(Step.FINISH_PURGE, tenant_id, tombstone.id)
    return tombstone.id


def finish_purge(tenant_id: UUID, tombstone_id: UUID) -> bool:
    """Remove what the tombstone names from wherever it still is, keys first; returns whether all of it is gone."""
    if is_braked(tenant_id):
        # The keys survive as long as it is on; the sweeper asks again.
        return False
    with tenant_scope(tenant_id):
        tombstone = Tombstone.objects.filter(id=tombstone_id).first()
    if tombstone is None or tombstone.completed_at:
        return True
    steps = {
        "keys_destroyed_at": _destroy_keys,
        "vault_1_at": lambda stone: _empty_vault(stone, 1),
        "vault_2_at": lambda stone: _empty_vault(stone, 2),
        "node_1_at": lambda stone: _empty_node(stone, 1),
        "node_2_at": lambda stone: _empty_node(stone, 2),
    }
    try:
        # A rotation that wraps keys anew at this moment must not put one back.
        with keys_locked(tenant_id):
            gone = [_try_step(tombstone, state, step) for state, step in steps.items()]
    except KeysBusy:
        return False
    if all(gone):
        _complete(tombstone)
    return all(gone)


def repeat_deletions(tenant_id: UUID, now: datetime) -> int:
    """Once more for what was purged lately: a worker killed at the wrong moment may have copied an object meanwhile."""
    lately = now - timedelta(hours=2 * settings.RETIRED_HOURS)
    with tenant_scope(tenant_id):
        tombstones = list(Tombstone.objects.filter(completed_at__gt=lately))
    for tombstone in tombstones:
        for region in settings.REGIONS:
            with suppress(VaultUnavailable):
                _empty_vault(tombstone, region)
    return len(tombstones)


def _require_purgeable(study: Study, order: PurgeOrder, tenant: Tenant, now: datetime) -> None:
    if study.held_at:
        raise OrderVoid("held")
    if order.status != PurgeStatus.APPROVED or order.approved_by_id in (None, order.requested_by_id):
        raise PurgeRefused("not approved by two people")
    if order.grace_ends_at > now:
        raise PurgeRefused("within its grace period")
    if not has_retention_ended(study, tenant, now):
        raise OrderVoid("retention has not ended")


def _write_tombstone(study: Study, order: PurgeOrder, tenant: Tenant, now: datetime) -> Tombstone:
    instance_count = Instance.objects.filter(series__study=study).count()
    # Locked: a worker that makes one meanwhile must find its series gone, and take away again what it made.
    list(Series.objects.select_for_update(of=("self",)).filter(study=study).order_by("id").values_list("id"))
    objects = VaultObject.objects.filter(series__study=study).values_list("id", flat=True)
    return Tombstone.objects.create(
        study_digest=hashlib.sha256(tenant.id.bytes + study.study_instance_uid.encode()).digest(),
        study_instance_uid=study.study_instance_uid,
        sealed_objects=[str(object_id) for object_id in objects],
        instance_count=instance_count,
        rule=policy_of(tenant).rule,
        requested_by_id=order.requested_by_id,
        approved_by_id=order.approved_by_id,
        purged_at=now,
    )


def _drop_links(study: Study) -> None:
    for model in (ShareLink, PatientInvitation):
        for digest in model.objects.filter(study=study).values_list("digest", flat=True):
            drop_secret(bytes(digest))


def _destroy_keys(tombstone: Tombstone) -> None:
    for region in (1, 2):
        for object_id in tombstone.sealed_objects:
            get_vault(region).destroy_key(tombstone.tenant_id, UUID(object_id))


def _empty_vault(tombstone: Tombstone, region: int) -> None:
    for object_id in tombstone.sealed_objects:
        get_vault(region).delete(tombstone.tenant_id, UUID(object_id))


def _empty_node(tombstone: Tombstone, region: int) -> None:
    try:
        get_orthanc(tombstone.tenant_id, region).delete_study(tombstone.study_instance_uid)
    except StorageNode.DoesNotExist:
        return
    with tenant_scope(tombstone.tenant_id):
        # The same study may have been taken in again since: it is a new one, and the sweeper restores its copy.
        # After the deletion, which took along what a worker stored until then, or made its read-back fail.
        came_back = Instance.objects.filter(series__study__study_instance_uid=tombstone.study_instance_uid)
        came_back.update(**_NOT_IN_NODE[region])


def _try_step(tombstone: Tombstone, state: str, step: Callable[[Tombstone], None]) -> bool:
    if getattr(tombstone, state):
        return True
    try:
        step(tombstone)
    except (NodeError, VaultUnavailable) as error:
        # Whatever one place answers, the others are emptied all the same.
        logger.warning("Purge %s waits: %s failed (%s)", tombstone.id, state, type(error).__name__)
        return False
    with tenant_scope(tombstone.tenant_id):
        Tombstone.objects.filter(id=tombstone.id).update(**{state: timezone.now()})
    return True


def _complete(tombstone: Tombstone) -> None:
    with tenant_scope(tombstone.tenant_id):
        # The UID was needed to find the study in the nodes; the digest is what may stay.
        Tombstone.objects.filter(id=tombstone.id).update(completed_at=timezone.now(), study_instance_uid="")


def _try_purge(tenant_id: UUID, study_id: UUID, now: datetime) -> bool:
    try:
        purge_study(tenant_id, study_id, now)
    except PurgeRefused as refusal:
        _refuse(tenant_id, study_id, refusal, now)
        return False
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        # One that fails every time must not keep the others, which come after it, for ever.
        logger.error("Purge of study %s failed: %s", study_id, type(error).__name__)
        return False
    return True


def _refuse(tenant_id: UUID, study_id: UUID, refusal: PurgeRefused, now: datetime) -> None:
    with tenant_scope(tenant_id):
        if isinstance(refusal, OrderVoid):
            # Marked anew when it ends, and asked of two people again.
            PurgeOrder.objects.filter(study_id=study_id).delete()
        details = {"why": str(refusal)}
        record(Action.PURGE_REFUSED, SYSTEM, subject_id=study_id, outcome=Outcome.DENIED, details=details, now=now)
