"""Reading a practice's audit trail. Reading it is itself an event (45 CFR 164.312(b))."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from audit.actions import Action
from audit.actor import Actor
from audit.models import AuditEvent
from audit.selectors import Alteration, find_alteration, list_events
from audit.services import record
from tenants.scoping import tenant_scope

PAGE_SIZE = 50
EXPORT_CHUNK = 1000


@dataclass(frozen=True)
class TrailFilter:
    """Which events are asked for; empty means any."""

    action: str = ""
    actor: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    study_instance_uid: str = ""

    def names(self) -> list[str]:
        """The filters in use, by name: what the trail keeps of them."""
        return sorted(name for name, value in vars(self).items() if value)


@dataclass(frozen=True)
class TrailRow:
    """An event as the page shows it."""

    seq: int
    at: datetime
    action: str
    outcome: str
    outcome_label: str
    actor_kind: str
    actor_label: str
    address: str
    study_instance_uid: str
    series_instance_uid: str
    details: str


@dataclass(frozen=True)
class TrailPage:
    """One page, newest first. `newer` and `older` are the sequence numbers to page from, or None at an end."""

    rows: list[TrailRow]
    newer: int | None
    older: int | None


@dataclass(frozen=True)
class TrailCheck:
    """What a walk over the whole chain found."""

    events: int
    alteration: Alteration | None


def read_trail(
    actor: Actor, wanted: TrailFilter, now: datetime, *, before: int | None = None, after: int | None = None
) -> TrailPage:
    """A page of the active tenant's events below `before` or above `after`, recorded as viewed."""
    events = list_events(**vars(wanted))
    if after is not None:
        rows = list(events.filter(seq__gt=after).order_by("seq")[: PAGE_SIZE + 1])
        more_newer, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE][::-1]
        page = _page(rows, more_newer=more_newer, more_older=True)
    else:
        rows = list((events.filter(seq__lt=before) if before else events)[: PAGE_SIZE + 1])
        page = _page(rows[:PAGE_SIZE], more_newer=before is not None, more_older=len(rows) > PAGE_SIZE)
    record(Action.AUDIT_VIEWED, actor, details={"events": len(page.rows), "filters": wanted.names()}, now=now)
    return page


def check_trail(actor: Actor, now: datetime) -> TrailCheck:
    """Walk the active tenant's whole chain."""
    check = TrailCheck(AuditEvent.objects.count(), find_alteration())
    details = {"events": check.events, "checked": True, "unbroken": check.alteration is None}
    record(Action.AUDIT_VIEWED, actor, details=details, now=now)
    return check


def export_trail(actor: Actor, tenant_id: UUID, wanted: TrailFilter, now: datetime) -> Iterator[AuditEvent]:
    """Every matching event so far, newest first, in chunks: memory does not grow with the trail.

    The export is recorded before the first row leaves. Call it outside any scope: each chunk opens its own.
    """
    with tenant_scope(tenant_id):
        record(Action.AUDIT_VIEWED, actor, details={"exported": True, "filters": wanted.names()}, now=now)
        newest = AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first()
    return _walk(tenant_id, wanted, newest)


def _walk(tenant_id: UUID, wanted: TrailFilter, below: int) -> Iterator[AuditEvent]:
    while True:
        with tenant_scope(tenant_id):
            chunk = list(list_events(**vars(wanted)).filter(seq__lt=below)[:EXPORT_CHUNK])
        yield from chunk
        if len(chunk) < EXPORT_CHUNK:
            return
        below = chunk[-1].seq


def _page(events: list[AuditEvent], *, more_newer: bool, more_older: bool) -> TrailPage:
    return TrailPage(
        rows=[_row(event) for event in events],
        newer=events[0].seq if events and more_newer else None,
        older=events[-1].seq if events and more_older else None,
    )


def _row(event: AuditEvent) -> TrailRow:
    return TrailRow(
        seq=event.seq,
        at=event.at,
        action=event.get_action_display(),
        outcome=event.outcome,
        outcome_label=event.get_outcome_display(),
        actor_kind=event.get_actor_kind_display(),
        actor_label=event.actor_label,
        address=event.address,
        study_instance_uid=event.study_instance_uid,
        series_instance_uid=event.series_instance_uid,
        details=_words(event.details),
    )


def _words(details: dict[str, object]) -> str:
    return " · ".join(
        f"{name.replace('_', ' ')}: {_word(value)}" for name, value in details.items() if value not in ("", [])
    )


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return json.dumps(value) if isinstance(value, dict) else str(value)
