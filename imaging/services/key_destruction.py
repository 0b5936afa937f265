"""Crypto-shredding of a practice (NIST SP 800-88 r2): without its keys, every copy of its images is noise.

Dangerous: nobody can undo it. The principle that keeps it safe: two people of the vendor want it, no legal hold stands
and no agreement is in force, and all of that is checked again when it is carried out, from a command line. Then both
keyrings and what stands behind them lose the keys, and only when a trial in both regions has failed to open a sealed
object is it noted as done. A region that is away leaves it unfinished; the same command goes on later.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.actor import SYSTEM, Actor
from audit.services import record
from imaging.adapters.keys import KeyDestroyed, KeyUnknown
from imaging.adapters.vault import KeyMissing, ObjectMissing, Vault, VaultUnavailable
from imaging.crypto.layout import SealBroken
from imaging.models import KeyDestruction
from imaging.selectors.keys import has_held_study, list_open_orders
from imaging.services.key_locks import keys_locked
from imaging.services.regions import get_keyring, get_vault
from imaging.services.rewrapping import RegionAway
from imaging.services.vendor_admins import require_vendor_admin
from tenants.baas.access import find_gate_reason
from tenants.models import Tenant
from tenants.scoping import tenant_scope

_TRIALS = 20


class DestructionRefused(Exception):
    """Something forbids it; the text says what, in words for the vendor's administrator."""


class NotTheSecondPerson(Exception):
    """Whoever asked for a destruction cannot approve it."""


class OrderPending(Exception):
    """There is an order already."""


class OrderClosed(Exception):
    """The order was withdrawn, approved or carried out meanwhile."""


class NotApproved(Exception):
    """There is no order that two people agreed on."""


class StillReadable(Exception):
    """A sealed object opened after its keys were destroyed: nothing is noted as done."""


@dataclass(frozen=True)
class Destroyed:
    """What became unreadable. `verified` names the object tried in each region; empty where there was none."""

    order_id: UUID
    key_ids: list[str]
    object_count: int
    objects_digest: bytes  # SHA-256 over the sorted ids, each a line
    verified: list[str]


def find_refusal(tenant_id: UUID, today: date) -> str:
    """Why the practice's keys must not be destroyed, or the empty string."""
    if not find_gate_reason(tenant_id, today):
        return _("An agreement with the practice is in force. Terminate it first.")
    with tenant_scope(tenant_id):
        held = has_held_study()
    return _("A legal hold keeps at least one of its studies.") if held else ""


def request_destruction(actor: Actor, tenant_id: UUID, reason: str, now: datetime) -> KeyDestruction:
    """The first person's yes; `reason` names no patient.

    Raises
    ------
    NotVendorAdmin, DestructionRefused, OrderPending
    """
    user = require_vendor_admin(actor)
    _require_destroyable(tenant_id, now)
    with tenant_scope(tenant_id):
        Tenant.objects.select_for_update(no_key=True).get(id=tenant_id)
        if list_open_orders().exists():
            raise OrderPending
        order = KeyDestruction.objects.create(reason=reason.strip()[:300], requested_by=user, requested_at=now)
        details = {"step": "requested"}
        record(Action.KEY_DESTRUCTION_REQUESTED, actor, subject_id=order.id, details=details, now=now)
    return order


def approve_destruction(actor: Actor, tenant_id: UUID, order_id: UUID, now: datetime) -> None:
    """The second person's yes. Nothing is destroyed before someone runs the command.

    Raises
    ------
    NotVendorAdmin, DestructionRefused, NotTheSecondPerson, OrderClosed, KeyDestruction.DoesNotExist
    """
    user = require_vendor_admin(actor)
    _require_destroyable(tenant_id, now)
    with tenant_scope(tenant_id):
        order = _lock_open(order_id)
        if order.approved_at:
            raise OrderClosed
        if order.requested_by_id == user.pk:
            raise NotTheSecondPerson
        order.approved_by, order.approved_at = user, now
        order.save(update_fields=["approved_by", "approved_at"])
        details = {"step": "approved"}
        record(Action.KEY_DESTRUCTION_REQUESTED, actor, subject_id=order.id, details=details, now=now)


def withdraw_destruction(actor: Actor, tenant_id: UUID, order_id: UUID, now: datetime) -> None:
    """Any of the vendor's administrators stops an order before it is carried out.

    Raises
    ------
    NotVendorAdmin, OrderClosed, KeyDestruction.DoesNotExist
    """
    require_vendor_admin(actor)
    with tenant_scope(tenant_id):
        order = _lock_open(order_id)
        order.withdrawn_at = now
        order.save(update_fields=["withdrawn_at"])
        record(Action.KEY_DESTRUCTION_WITHDRAWN, actor, subject_id=order.id, now=now)


def carry_out(tenant_id: UUID, now: datetime) -> Destroyed:
    """Destroy the practice's keys in both regions, for ever, as two people ordered.

    Raises
    ------
    NotApproved, DestructionRefused, StillReadable, KeysBusy
    RegionAway
        The other region's keys are destroyed all the same; run it again.
    """
    with keys_locked(tenant_id):
        order = _get_approved(tenant_id)
        _require_destroyable(tenant_id, now)
        _destroy_everywhere(tenant_id)
        destroyed = _describe(order.id, tenant_id)
        _close(tenant_id, destroyed)
    return destroyed


def _require_destroyable(tenant_id: UUID, now: datetime) -> None:
    if refusal := find_refusal(tenant_id, timezone.localdate(now)):
        raise DestructionRefused(refusal)


def _lock_open(order_id: UUID) -> KeyDestruction:
    order = KeyDestruction.objects.select_for_update().get(id=order_id)
    if order.withdrawn_at or order.carried_out_at:
        raise OrderClosed
    return order


def _get_approved(tenant_id: UUID) -> KeyDestruction:
    with tenant_scope(tenant_id):
        order = list_open_orders().filter(approved_at__isnull=False).first()
    if order is None or order.approved_by_id in (None, order.requested_by_id):
        raise NotApproved
    return order


def _destroy_everywhere(tenant_id: UUID) -> None:
    """Every region that answers, then complain of the first that did not."""
    away: list[RegionAway] = []
    for region in settings.REGIONS:
        try:
            _destroy_in(region, tenant_id)
        except OSError as error:
            away.append(RegionAway(region, error))
        except RegionAway as error:
            away.append(error)
    if away:
        raise away[0]


def _destroy_in(region: int, tenant_id: UUID) -> None:
    try:
        get_keyring(region).destroy_tenant_key(tenant_id)
    except KeyUnknown as error:
        # Sealed objects without any record of their keys: the keyring's volume is not there, the keys may well be.
        if _list_held(region, tenant_id):
            raise RegionAway(region, error) from error


def _describe(order_id: UUID, tenant_id: UUID) -> Destroyed:
    key_ids = {
        str(key.key_id) for region in settings.REGIONS for key in get_keyring(region).list_tenant_keys(tenant_id)
    }
    held = {region: _list_held(region, tenant_id) for region in settings.REGIONS}
    digest, objects = hashlib.sha256(), sorted(set().union(*held.values()))
    for object_id in objects:
        digest.update(f"{object_id}\n".encode())
    verified = [_require_unreadable(region, tenant_id, ids) for region, ids in held.items()]
    return Destroyed(order_id, sorted(key_ids), len(objects), digest.digest(), verified)


def _list_held(region: int, tenant_id: UUID) -> list[str]:
    try:
        return [str(object_id) for object_id in get_vault(region).list_objects(tenant_id)]
    except VaultUnavailable as error:
        raise RegionAway(region, error) from error


def _require_unreadable(region: int, tenant_id: UUID, ids: list[str]) -> str:
    """The id of a random object whose data key is there and does not open; the keyring itself must refuse as well.

    Raises `StillReadable`, `RegionAway`.
    """
    try:
        get_keyring(region).new_data_key(tenant_id, UUID(int=0))
    except (KeyDestroyed, KeyUnknown):
        tried = (secrets.choice(ids) for _ in range(_TRIALS if ids else 0))
        return next((each for each in tried if _is_refused(get_vault(region), tenant_id, UUID(each))), "")
    raise StillReadable(f"region {region} still has an active key")


def _is_refused(vault: Vault, tenant_id: UUID, object_id: UUID) -> bool:
    """Whether the object would open but for the destroyed key; purged and damaged ones prove nothing."""
    try:
        vault.open(tenant_id, object_id).close()
    except (KeyDestroyed, KeyUnknown):
        return True
    except (ObjectMissing, KeyMissing, SealBroken):
        return False
    except VaultUnavailable as error:
        raise RegionAway(vault.region, error) from error
    raise StillReadable(f"an object of region {vault.region} still opens")


def _close(tenant_id: UUID, destroyed: Destroyed) -> None:
    now = timezone.now()
    details: dict[str, object] = {
        "key_ids": destroyed.key_ids,
        "objects": destroyed.object_count,
        "objects_digest": destroyed.objects_digest.hex(),
        "masters": [get_keyring(region).master_name for region in settings.REGIONS],
        "verified": destroyed.verified,
    }
    with tenant_scope(tenant_id):
        KeyDestruction.objects.filter(id=destroyed.order_id).update(
            carried_out_at=now,
            key_ids=destroyed.key_ids,
            object_count=destroyed.object_count,
            objects_digest=destroyed.objects_digest,
        )
        record(Action.KEYS_DESTROYED, SYSTEM, subject_id=destroyed.order_id, details=details, now=now)
