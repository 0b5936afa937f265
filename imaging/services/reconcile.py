"""Bringing both regions to the same state, after one of them was away or lost.

Nothing is deleted and nothing overwritten. What is copied was read from end to end before and is read again where it
arrived; a copy that cannot be read becomes a finding, for `manage.py verify_vault` to heal. An instance with the UID
of another but other bytes is a conflict: the one that the index knows stays, the other stays in its vault.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from audit.actions import Action, Outcome
from audit.actor import SYSTEM
from audit.services import record
from imaging.adapters.keys import KeyDestroyed, KeyUnknown
from imaging.adapters.vault import CopyDiffers, KeyMissing, ObjectExists, ObjectMissing, VaultUnavailable
from imaging.models import Finding, Instance, VaultObject
from imaging.selectors.failover import REGIONS
from imaging.services.active_region import other_region
from imaging.services.copies import Fault, Sealed, find_fault, find_sealed
from imaging.services.healing import report_finding
from imaging.services.rebuild import RebuildReport, adopt_unknown
from imaging.services.regions import get_keyring, get_vault
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tenants.selectors import list_tenants

PAGE = 1000
NAMED = 20  # objects that an event names; the rest are counted


@dataclass(frozen=True)
class Settled:
    """What became of one object; `damaged`: a copy of it cannot be read."""

    copied: bool = False
    damaged: bool = False
    lost: bool = False


@dataclass
class Reconciled:
    """What was done for one practice: objects copied, instances adopted; what is left: conflicts, damage and loss.

    `unreadable` names the objects of which some copy cannot be read, `lost` those of which no region has a good copy;
    `lost_instances` and `lost_studies` count what was in them. The practice's own page lists the studies.
    """

    slug: str
    copied: int = 0
    adopted: int = 0
    conflicts: int = 0
    unreadable: list[UUID] = field(default_factory=list)
    lost: list[UUID] = field(default_factory=list)
    lost_instances: int = 0
    lost_studies: int = 0
    destroyed: bool = False

    @property
    def is_clean(self) -> bool:
        """Both regions hold the same, and all of it can be read."""
        return not (self.conflicts or self.unreadable or self.lost)


def reconcile_all(now: datetime) -> list[Reconciled]:
    """Reconcile every practice; raises `VaultUnavailable` when a region is away. May be run again at will."""
    return [reconcile(tenant, now) for tenant in list_tenants()]


def reconcile(tenant: Tenant, now: datetime) -> Reconciled:
    """Bring what both regions hold of a practice to the same state, and record it.

    Raises
    ------
    VaultUnavailable
    """
    report = Reconciled(tenant.slug)
    try:
        _share_keys(tenant.id)
    except KeyDestroyed:
        # Shredded on purpose: there is nothing to bring back, and no copy may be made of it.
        report.destroyed = True
        return report
    for region in REGIONS:
        _add_adopted(report, adopt_unknown(tenant.id, region, now))
    _settle_all(report, tenant.id, _list_objects(tenant.id, Q()), now)
    _count_lost(report, tenant.id)
    _record(report, tenant.id, now)
    return report


def catch_up(now: datetime) -> int:
    """Copy what came in while the rest was being reconciled; returns how many objects. Raises `VaultUnavailable`."""
    copied = 0
    for tenant in list_tenants():
        report = Reconciled(tenant.slug)
        _settle_all(report, tenant.id, _list_objects(tenant.id, Q(in_1_at=None) | Q(in_2_at=None)), now)
        copied += report.copied
    return copied


def _share_keys(tenant_id: UUID) -> None:
    """Each region can open what the other one sealed; raises `KeyDestroyed`, `VaultUnavailable`."""
    for region in REGIONS:
        try:
            get_keyring(region).adopt_tenant_key(tenant_id, get_keyring(other_region(region)))
        except KeyUnknown:
            continue  # nothing was ever sealed over there
        except OSError as error:
            raise VaultUnavailable(f"the keys of region {region} are out of reach") from error


def _add_adopted(report: Reconciled, adopted: RebuildReport) -> None:
    report.adopted += adopted.instances
    report.conflicts += adopted.conflicts
    report.unreadable += adopted.unreadable  # named by no row: no finding can be made of them


def _list_objects(tenant_id: UUID, wanted: Q) -> Iterator[VaultObject]:
    """The practice's objects in service, a page at a time: no transaction stays open while bytes are copied."""
    last = UUID(int=0)
    while True:
        with tenant_scope(tenant_id):
            rows = VaultObject.objects.filter(wanted, id__gt=last, retired_at=None)
            page = list(rows.order_by("id")[:PAGE])
        if not page:
            return
        yield from page
        last = page[-1].id


def _settle_all(report: Reconciled, tenant_id: UUID, rows: Iterable[VaultObject], now: datetime) -> None:
    for row in rows:
        settled = _settle(tenant_id, row, now)
        report.copied += settled.copied
        if settled.damaged:
            report.unreadable.append(row.id)
        if settled.lost:
            report.lost.append(row.id)


def _settle(tenant_id: UUID, row: VaultObject, now: datetime) -> Settled:
    # Asked of the vaults, not of the index: a region that was lost has less than the index remembers.
    held = [region for region in REGIONS if get_vault(region).exists(tenant_id, row.id)]
    if len(held) == len(REGIONS) and row.in_1_at and row.in_2_at:
        return Settled()
    absent = [region for region in REGIONS if region not in held]
    sealed = _take_back(tenant_id, row.id, absent)
    if sealed is None:
        return Settled()  # purged meanwhile
    good = [region for region in held if _is_good(sealed, region, now)]
    if not good:
        _report_lost(sealed, absent, now)
        return Settled(damaged=bool(held), lost=True)
    _mark(sealed, good, now)
    copied = [_copy(sealed, good[0], region, now) for region in absent]
    return Settled(copied=any(copied), damaged=good != held or False in copied)


def _take_back(tenant_id: UUID, object_id: UUID, absent: list[int]) -> Sealed | None:
    """The object, after the index has been told where it is not."""
    with tenant_scope(tenant_id):
        nowhere = {f"in_{region}_at": None for region in absent}
        if nowhere:
            VaultObject.objects.filter(id=object_id).update(**nowhere)
        return find_sealed(object_id)


def _is_good(sealed: Sealed, region: int, now: datetime) -> bool:
    fault = find_fault(sealed, region)
    if fault:
        report_finding(sealed.tenant_id, sealed.id, region, fault, now)
    return fault is None


def _copy(sealed: Sealed, source: int, target: int, now: datetime) -> bool:
    """Copy to `target`, which lacks it, and read it there; False if the copy is not good."""
    try:
        get_vault(source).copy_to(get_vault(target), sealed.tenant_id, sealed.id)
    except (ObjectMissing, KeyMissing):
        return True  # purged meanwhile: there is nothing to copy any more
    except (CopyDiffers, ObjectExists):
        # Without its key, yet with other bytes: never overwritten.
        fault = Fault(Finding.Kind.DAMAGED, "copy-differs")
        report_finding(sealed.tenant_id, sealed.id, target, fault, now)
        return False
    good = _is_good(sealed, target, now)
    if good and not _mark(sealed, [target], now):
        get_vault(target).delete(sealed.tenant_id, sealed.id)  # what was purged must not come back
    return good


def _mark(sealed: Sealed, regions: list[int], now: datetime) -> bool:
    """Note where it was read and is good; False if it was purged meanwhile."""
    with tenant_scope(sealed.tenant_id):
        good = {f"in_{region}_at": now for region in regions}
        there = VaultObject.objects.filter(id=sealed.id)
        found = bool(there.update(**good))
        if there.filter(in_1_at__isnull=False, in_2_at__isnull=False).exists():
            Instance.objects.filter(pack_id=sealed.id, mirrored_at=None).update(mirrored_at=now)
            Instance.objects.filter(pack_id=sealed.id, sealed_at=None).update(sealed_at=now)
        return found


def _report_lost(sealed: Sealed, absent: list[int], now: datetime) -> None:
    for region in absent:
        report_finding(sealed.tenant_id, sealed.id, region, Fault(Finding.Kind.MISSING, "missing"), now)


def _count_lost(report: Reconciled, tenant_id: UUID) -> None:
    with tenant_scope(tenant_id):
        lost = Instance.objects.filter(pack_id__in=report.lost)
        report.lost_instances = lost.count()
        report.lost_studies = lost.values("series__study").distinct().count()


def _record(report: Reconciled, tenant_id: UUID, now: datetime) -> None:
    details = {
        "copied": report.copied,
        "adopted": report.adopted,
        "conflicts": report.conflicts,
        "unreadable": len(report.unreadable),
        "lost": len(report.lost),
        "objects": [str(object_id) for object_id in (report.lost + report.unreadable)[:NAMED]],
    }
    outcome = Outcome.DONE if report.is_clean else Outcome.FAILED
    with tenant_scope(tenant_id):
        record(Action.RECONCILED, SYSTEM, outcome=outcome, details=details, now=now)
