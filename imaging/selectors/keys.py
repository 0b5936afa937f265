"""Reads about rotations and destructions of keys, as the vendor's page shows them. Inside the tenant's scope."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet, Sum

from audit.actions import Action
from audit.models import AuditEvent
from imaging.models import KeyDestruction, KeyRotation, Study, VaultObject


@dataclass(frozen=True)
class RotationRow:
    """A rotation; `finished_at` is None while data keys are still wrapped by an older version."""

    reason: str
    key_id: UUID
    started_at: datetime
    rewrapped: int
    finished_at: datetime | None


@dataclass(frozen=True)
class DestructionRow:
    """An order to destroy a practice's keys. `state` is requested, approved, withdrawn or carried-out."""

    id: UUID
    state: str
    reason: str
    requested_by: str
    requested_by_id: int
    requested_at: datetime
    approved_by: str
    approved_at: datetime | None
    carried_out_at: datetime | None


@dataclass(frozen=True)
class Certificate:
    """The record of a sanitisation (NIST SP 800-88 r2). `verified` lists (region, object id or empty)."""

    order: DestructionRow
    key_ids: list[str]
    object_count: int
    objects_digest: str
    masters: list[str]
    verified: list[tuple[int, str]]


def find_rotation() -> RotationRow | None:
    """The rotation under way, if there is one, else the last."""
    row = KeyRotation.objects.order_by("finished_at").filter(finished_at=None).first()
    row = row or KeyRotation.objects.order_by("-finished_at").first()
    if row is None:
        return None
    return RotationRow(row.get_reason_display(), row.key_id, row.started_at, row.rewrapped, row.finished_at)


def count_wraps(key_id: UUID, since: datetime) -> int:
    """Roughly how many data keys the version has wrapped: sealed since it was made, and wrapped anew by it.

    Objects removed since are not counted; the limit of 2^30 leaves two bits for them (compliance.md CRY-03).
    """
    rewrapped = KeyRotation.objects.filter(key_id=key_id).aggregate(total=Sum("rewrapped"))["total"] or 0
    return VaultObject.objects.filter(created_at__gte=since).count() + rewrapped


def list_open_orders() -> QuerySet[KeyDestruction]:
    """Orders that are neither withdrawn nor carried out."""
    return KeyDestruction.objects.filter(withdrawn_at=None, carried_out_at=None)


def find_destruction() -> DestructionRow | None:
    """The order that counts: the open one, else the one carried out."""
    rows = KeyDestruction.objects.filter(withdrawn_at=None).select_related("requested_by", "approved_by")
    row = rows.order_by("-requested_at").first()
    return None if row is None else _row(row)


def get_certificate(order_id: UUID) -> Certificate:
    """What an order destroyed; raises `KeyDestruction.DoesNotExist` unless it was carried out."""
    rows = KeyDestruction.objects.select_related("requested_by", "approved_by")
    row = rows.get(id=order_id, carried_out_at__isnull=False)
    event = AuditEvent.objects.filter(action=Action.KEYS_DESTROYED.value, subject_id=str(order_id)).last()
    details = event.details if event else {}
    return Certificate(
        order=_row(row),
        key_ids=list(row.key_ids),
        object_count=row.object_count,
        objects_digest=bytes(row.objects_digest).hex(),
        masters=list(details.get("masters", [])),
        verified=[(region, object_id) for region, object_id in enumerate(details.get("verified", []), 1)],
    )


def has_held_study() -> bool:
    """Whether a legal hold keeps any of the practice's studies."""
    return Study.objects.filter(held_at__isnull=False).exists()


def _row(order: KeyDestruction) -> DestructionRow:
    return DestructionRow(
        id=order.id,
        state=_state(order),
        reason=order.reason,
        requested_by=order.requested_by.name,
        requested_by_id=order.requested_by_id,
        requested_at=order.requested_at,
        approved_by=order.approved_by.name if order.approved_by else "",
        approved_at=order.approved_at,
        carried_out_at=order.carried_out_at,
    )


def _state(order: KeyDestruction) -> str:
    if order.withdrawn_at:
        return "withdrawn"
    if order.carried_out_at:
        return "carried-out"
    return "approved" if order.approved_at else "requested"
