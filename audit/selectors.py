"""Reading the trail and checking that nobody altered it."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from audit.chain import GENESIS, link
from audit.models import AuditEvent, AuditHead
from audit.scope import active_tenant_id


@dataclass(frozen=True)
class Alteration:
    """The first place where the chain breaks: the event's sequence number and what is wrong there."""

    seq: int
    problem: str


def list_events(
    *,
    action: str = "",
    actor: str = "",
    study_instance_uid: str = "",
    outcome: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEvent]:
    """The active tenant's events that match, newest first."""
    events = AuditEvent.objects.order_by("-seq")
    exact = {"action": action, "study_instance_uid": study_instance_uid, "outcome": outcome}
    events = events.filter(**{name: value for name, value in exact.items() if value})
    if actor:
        events = events.filter(actor_label__icontains=actor)
    if since:
        events = events.filter(at__gte=since)
    if until:
        events = events.filter(at__lt=until)
    return events


def find_alteration() -> Alteration | None:
    """The first altered, missing, reordered or cut-off event of the active tenant's chain, or None."""
    previous, seq = GENESIS, 0
    for event in AuditEvent.objects.order_by("seq").iterator(chunk_size=2000):
        if event.seq != seq + 1:
            return Alteration(seq + 1, "missing")
        if bytes(event.previous_digest) != previous or link(previous, event.content()) != bytes(event.digest):
            return Alteration(event.seq, "altered")
        previous, seq = bytes(event.digest), event.seq
    return _find_cut(previous, seq)


def _find_cut(digest: bytes, seq: int) -> Alteration | None:
    head = AuditHead.objects.filter(tenant_id=active_tenant_id()).first()
    if head is None:
        return Alteration(1, "head missing") if seq else None
    if head.seq > seq:
        return Alteration(seq + 1, "missing")
    if head.seq < seq or bytes(head.digest) != digest:
        return Alteration(seq, "head altered")
    return None
