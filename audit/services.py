"""Appending to the trail, in the same transaction as what it records."""

from datetime import datetime, timedelta

from django.utils import timezone

from audit.actions import Action, Outcome
from audit.actor import Actor
from audit.chain import GENESIS, link
from audit.models import AuditEvent, AuditHead
from audit.scope import active_tenant_id

VIEWING_WINDOW = timedelta(minutes=15)


def record(
    action: Action,
    actor: Actor,
    *,
    study_instance_uid: str = "",
    series_instance_uid: str = "",
    subject_id: object = "",
    outcome: Outcome = Outcome.DONE,
    details: dict[str, object] | None = None,
    now: datetime | None = None,
) -> AuditEvent:
    """Append one event to the active tenant's chain.

    `details` holds counts, codes and ids: no free text, no PHI, no floats. Must run inside the tenant's scope;
    the event commits or rolls back with what it records.

    Raises
    ------
    NoActiveTenant
    """
    head = _lock_head()
    event = AuditEvent(
        tenant_id=head.tenant_id,
        seq=head.seq + 1,
        at=now or timezone.now(),
        action=action.value,
        outcome=outcome.value,
        actor_kind=actor.kind.value,
        actor_id=_clean(actor.id, 40),
        actor_label=_clean(actor.label, 254),
        address=_clean(actor.address, 45),
        user_agent=_clean(actor.user_agent, 200),
        study_instance_uid=study_instance_uid,
        series_instance_uid=series_instance_uid,
        subject_id=str(subject_id),
        details=details or {},
        previous_digest=bytes(head.digest),
    )
    event.digest = link(event.previous_digest, event.content())
    event.save(force_insert=True)
    AuditHead.objects.filter(tenant_id=head.tenant_id).update(seq=event.seq, digest=event.digest)
    return event


def record_viewing(
    action: Action, actor: Actor, *, study_instance_uid: str, series_instance_uid: str = "", now: datetime | None = None
) -> None:
    """Record that an actor looks at a series, once per actor, series and quarter of an hour.

    A viewer asks for hundreds of frames a second; one event covers those of its window (design.md §6).
    """
    now = now or timezone.now()
    already = AuditEvent.objects.filter(
        action=action.value,
        actor_kind=actor.kind.value,
        actor_id=_clean(actor.id, 40),
        address=_clean(actor.address, 45),
        study_instance_uid=study_instance_uid,
        series_instance_uid=series_instance_uid,
        outcome=Outcome.DONE.value,
        at__gt=now - VIEWING_WINDOW,
        at__lte=now,
    )
    if not already.exists():
        record(action, actor, study_instance_uid=study_instance_uid, series_instance_uid=series_instance_uid, now=now)


def _lock_head() -> AuditHead:
    tenant_id = active_tenant_id()
    AuditHead.objects.bulk_create([AuditHead(tenant_id=tenant_id, digest=GENESIS)], ignore_conflicts=True)
    return AuditHead.objects.select_for_update().get(tenant_id=tenant_id)


def _clean(value: object, length: int) -> str:
    # One line per event wherever it is printed: control characters go.
    return "".join(character for character in str(value) if character.isprintable())[:length]
