"""Findings, and healing: the only code that replaces a faulty copy of a sealed object.

Dangerous, because it deletes sealed bytes. The principle: a copy is deleted only after it has just been read and is
faulty, and after the other region's copy has just been read from end to end and is good. The good one is only ever
read. If both are faulty nothing is touched: there may be more in them than we can open.
"""

import logging
from datetime import datetime
from uuid import UUID

from audit.actions import Action, Outcome
from audit.actor import SYSTEM
from audit.services import record
from imaging.adapters.keys import KeyDestroyed, KeyUnknown
from imaging.adapters.vault import CopyDiffers, KeyMissing, ObjectExists, ObjectMissing, VaultUnavailable
from imaging.crypto.layout import SealBroken
from imaging.models import Finding, Instance, Series, VaultObject
from imaging.pipeline import Step, enqueue
from imaging.services.active_region import other_region
from imaging.services.brake import Braked, require_not_braked
from imaging.services.copies import Fault, Sealed, alone, find_fault, find_sealed
from imaging.services.regions import get_keyring, get_vault
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
COPY_KINDS = (Finding.Kind.MISSING, Finding.Kind.DAMAGED, Finding.Kind.KEY_MISSING)
_REBUILT_FROM_PACKS = {
    VaultObject.Kind.MANIFEST: {"manifest": None, "manifest_instances": 0},
    VaultObject.Kind.THUMBNAIL: {"thumbnail": None, "thumbnail_instances": 0},
}


class RegionFaulty(Exception):
    """A copy that was good on the way is faulty once it is there: the region is at fault, or its keys, not the copy."""


def report_finding(tenant_id: UUID, object_id: UUID, region: int, fault: Fault, now: datetime) -> bool:
    """Note that the region's copy is faulty, and that nobody may rely on it; False if that is noted already.

    What was purged meanwhile is not a finding.
    """
    with tenant_scope(tenant_id):
        row = VaultObject.objects.select_for_update(of=("self",)).filter(id=object_id)
        row = row.select_related("series__study").first()
        if row is None:
            return False
        VaultObject.objects.filter(id=object_id).update(**{f"in_{region}_at": None})
        _, new = Finding.objects.get_or_create(
            kind=fault.kind, region=region, object_id=object_id, healed_at=None,
            defaults={"found_at": now, "details": {"why": fault.why, "object": row.kind}},
        )  # fmt: skip
        if new:
            _record(Action.COPY_FAULTY, row, now, {"region": region, "kind": fault.kind.value, "why": fault.why})
    if new:
        logger.error("Finding: %s copy of object %s in region %s (%s)", fault.kind, object_id, region, fault.why)
    return new


def heal(tenant_id: UUID, object_id: UUID, region: int, now: datetime) -> bool:
    """Replace the region's copy if it is faulty and the other region's is good; returns whether all is well now.

    A manifest or thumbnail that no region can open is given up, to be made anew from the packs. A pack that no
    region can open stays as it is, with its finding open.

    Raises
    ------
    Braked
        Too much changed at once: nothing is replaced until the owner says so.
    RegionFaulty, VaultUnavailable, KeyDestroyed
    """
    require_not_braked(tenant_id)
    with tenant_scope(tenant_id):
        sealed = find_sealed(object_id)
    if sealed is None:
        _drop_findings(tenant_id, object_id, now)
        return True
    with alone("heal", object_id) as free:
        return free and _heal(sealed, region, now)


def heal_open(tenant_id: UUID, region: int, now: datetime) -> int:
    """Try every open finding of the region; returns how many objects are well now."""
    with tenant_scope(tenant_id):
        found = Finding.objects.filter(region=region, healed_at=None, object_id__isnull=False, kind__in=COPY_KINDS)
        object_ids = sorted(set(found.values_list("object_id", flat=True)))
    healed = 0
    for object_id in object_ids:
        try:
            healed += heal(tenant_id, object_id, region, now)
        except (RegionFaulty, VaultUnavailable, KeyDestroyed, Braked) as error:
            logger.error("Healing in region %s waits: %s", region, type(error).__name__)
            break
    return healed


def _heal(sealed: Sealed, region: int, now: datetime) -> bool:
    source = other_region(region)
    if not _is_still_faulty(sealed, source, region):
        return _settle(sealed, region, now)
    if fault := find_fault(sealed, source):
        return _give_up(sealed, source, fault, now)
    return _replace(sealed, source, region) and _settle(sealed, region, now)


def _is_still_faulty(sealed: Sealed, source: int, region: int) -> bool:
    fault = find_fault(sealed, region)
    if fault and fault.why == "key-unknown":
        # The copy may be good and the region merely lack a version of the practice's key.
        _fetch_keys(sealed.tenant_id, source, region)
        fault = find_fault(sealed, region)
    return fault is not None


def _fetch_keys(tenant_id: UUID, source: int, region: int) -> None:
    try:
        get_keyring(region).adopt_tenant_key(tenant_id, get_keyring(source))
    except OSError as error:
        raise VaultUnavailable("the keys are out of reach") from error
    except (KeyUnknown, SealBroken) as error:
        raise RegionFaulty("no region has the practice's keys") from error


def _replace(sealed: Sealed, source: int, region: int) -> bool:
    """Only after `find_fault` has read both: faulty in `region`, good in `source`."""
    good, faulty = get_vault(source), get_vault(region)
    faulty.delete(sealed.tenant_id, sealed.id)
    try:
        good.copy_to(faulty, sealed.tenant_id, sealed.id)
        # A rotation may have passed here already: what was copied is perhaps wrapped by a retired key.
        faulty.rewrap(sealed.tenant_id, sealed.id)
    except (ObjectMissing, KeyMissing, ObjectExists, CopyDiffers) as error:
        # Purged, or copied by another worker, meanwhile: the next run looks again.
        logger.warning("Healing of object %s in region %s: %s", sealed.id, region, type(error).__name__)
        return False
    if fault := find_fault(sealed, region):
        raise RegionFaulty(fault.why)
    return True


def _settle(sealed: Sealed, region: int, now: datetime) -> bool:
    """The copy was read and is good."""
    with tenant_scope(sealed.tenant_id):
        row = _lock(sealed.id)
        if row:
            good = {f"in_{region}_at": now, f"scrubbed_{region}_at": now}
            VaultObject.objects.filter(id=sealed.id).update(**good)
            if VaultObject.objects.filter(id=sealed.id, in_1_at__isnull=False, in_2_at__isnull=False).exists():
                Instance.objects.filter(pack=row, mirrored_at=None).update(mirrored_at=now)
                Instance.objects.filter(pack=row, sealed_at=None).update(sealed_at=now)
            if _close_findings(sealed.id, now, region=region):
                _record(Action.COPY_HEALED, row, now, {"region": region})
    if row is None:
        # Purged meanwhile: what we have just copied must not outlive it.
        get_vault(region).delete(sealed.tenant_id, sealed.id)
    return True


def _give_up(sealed: Sealed, source: int, fault: Fault, now: datetime) -> bool:
    """Neither region has a good copy."""
    with tenant_scope(sealed.tenant_id):
        was_there = VaultObject.objects.filter(id=sealed.id, **{f"in_{source}_at__isnull": False}).exists()
    if was_there:
        report_finding(sealed.tenant_id, sealed.id, source, fault, now)
    if sealed.kind in _REBUILT_FROM_PACKS:
        _remake(sealed, now)
        return True
    with tenant_scope(sealed.tenant_id):
        for finding in Finding.objects.filter(object_id=sealed.id, healed_at=None):
            Finding.objects.filter(id=finding.id).update(details=finding.details | {"stuck": True})
    logger.error("No region has a good copy of object %s: see `manage.py verify_vault`.", sealed.id)
    return False


def _remake(sealed: Sealed, now: datetime) -> None:
    with tenant_scope(sealed.tenant_id):
        row = _lock(sealed.id)
        if row is None:
            return
        empty = _REBUILT_FROM_PACKS[sealed.kind]
        if Series.objects.filter(id=row.series_id, **{sealed.kind: sealed.id}).update(**empty):
            _ask_for_another(row)
        VaultObject.objects.filter(id=sealed.id).update(retired_at=now)
        _close_findings(sealed.id, now, made_anew=True)
        _record(Action.COPY_HEALED, row, now, {"made_anew": sealed.kind})


def _ask_for_another(row: VaultObject) -> None:
    step = Step.DRAW_THUMBNAIL if row.kind == VaultObject.Kind.THUMBNAIL else Step.PACK
    enqueue(step, row.tenant_id, row.series_id)


def _lock(object_id: UUID) -> VaultObject | None:
    rows = VaultObject.objects.select_for_update(of=("self",)).select_related("series__study")
    return rows.filter(id=object_id).first()


def _drop_findings(tenant_id: UUID, object_id: UUID, now: datetime) -> None:
    with tenant_scope(tenant_id):
        _close_findings(object_id, now, purged=True)


def _close_findings(object_id: UUID, now: datetime, region: int | None = None, **details: bool) -> int:
    found = Finding.objects.filter(object_id=object_id, healed_at=None)
    findings = list(found.filter(region=region) if region else found)
    for finding in findings:
        kept = {key: value for key, value in finding.details.items() if key != "stuck"}
        Finding.objects.filter(id=finding.id).update(healed_at=now, details=kept | details)
    return len(findings)


def _record(action: Action, row: VaultObject, now: datetime, details: dict[str, object]) -> None:
    outcome = Outcome.FAILED if action is Action.COPY_FAULTY else Outcome.DONE
    record(
        action, SYSTEM, study_instance_uid=row.series.study.study_instance_uid, subject_id=row.id, outcome=outcome,
        details=details | {"object": row.kind}, now=now,
    )  # fmt: skip
