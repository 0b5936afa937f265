"""Appending to the trail, in the same transaction as what it records."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from audit.actions import Action, Outcome
from audit.actor import Actor
from audit.chain import GENESIS, link
from audit.models import AuditEvent
from audit.scope import active_tenant_id
from audit.statement import Statement

VIEWING_WINDOW = timedelta(minutes=15)
_MOST_REMEMBERED = 10_000

_FIELDS = [field.attname for field in AuditEvent._meta.concrete_fields if not field.primary_key]
_LOCK = Statement("SELECT seq, digest FROM audit_audithead WHERE tenant_id = %s FOR UPDATE")
_BEGIN = Statement("INSERT INTO audit_audithead (tenant_id, seq, digest) VALUES (%s, 0, %s) ON CONFLICT DO NOTHING")
_APPEND = Statement(
    f"WITH event AS (INSERT INTO audit_auditevent ({', '.join(_FIELDS)}) VALUES ({', '.join(['%s'] * len(_FIELDS))}))"
    " UPDATE audit_audithead SET seq = %s, digest = %s WHERE tenant_id = %s"
)
_ALREADY = Statement(
    "SELECT at FROM audit_auditevent WHERE tenant_id = %s AND actor_id = %s AND series_instance_uid = %s"
    " AND at > %s AND at <= %s AND action = %s AND actor_kind = %s AND address = %s AND study_instance_uid = %s"
    " AND outcome = 'done' LIMIT 1"
)
_viewed: dict[tuple, datetime] = {}  # what this process recorded and committed, and when


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
) -> None:
    """Append one event to the active tenant's chain.

    `details` holds counts, codes and ids: no free text, no PHI, no floats. Must run inside the tenant's scope;
    the event commits or rolls back with what it records.

    Raises
    ------
    NoActiveTenant
    """
    seq, digest = _lock_head()
    event = AuditEvent(
        tenant_id=active_tenant_id(),
        seq=seq + 1,
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
        previous_digest=digest,
    )
    event.digest = link(event.previous_digest, event.content())
    values = {name: getattr(event, name) for name in _FIELDS} | {"details": Jsonb(event.details)}
    _APPEND.rows(*values.values(), event.seq, event.digest, event.tenant_id)


def record_viewing(
    action: Action, actor: Actor, *, study_instance_uid: str, series_instance_uid: str = "", now: datetime | None = None
) -> None:
    """Record that an actor looks at a series, once per actor, series and quarter of an hour.

    A viewer asks for hundreds of frames a second; one event covers those of its window (design.md §6).
    """
    now = now or timezone.now()
    viewing = (
        active_tenant_id(), _clean(actor.id, 40), series_instance_uid, now - VIEWING_WINDOW, now, action.value,
        actor.kind.value, _clean(actor.address, 45), study_instance_uid,
    )  # fmt: skip
    key = (*viewing[:3], *viewing[5:])
    if now - VIEWING_WINDOW < _viewed.get(key, now - VIEWING_WINDOW) <= now:
        return
    found = _ALREADY.rows(*viewing)
    if not found:
        record(action, actor, study_instance_uid=study_instance_uid, series_instance_uid=series_instance_uid, now=now)
    # Only what is committed covers what follows.
    transaction.on_commit(lambda: _remember(key, found[0][0] if found else now))


def _remember(key: tuple, at: datetime) -> None:
    if len(_viewed) >= _MOST_REMEMBERED:
        _viewed.clear()
    _viewed[key] = at


def _lock_head() -> tuple[int, bytes]:
    tenant_id = active_tenant_id()
    if not (head := _LOCK.rows(tenant_id)):
        _BEGIN.rows(tenant_id, GENESIS)
        head = _LOCK.rows(tenant_id)
    return head[0][0], bytes(head[0][1])


def _clean(value: object, length: int) -> str:
    # One line per event wherever it is printed: control characters go.
    return "".join(character for character in str(value) if character.isprintable())[:length]
