"""A study's history in plain words, from the audit trail."""

from dataclasses import dataclass
from datetime import datetime

from audit.actions import Action, Outcome
from audit.actor import ActorKind
from audit.models import AuditEvent
from audit.selectors import list_events
from imaging.selectors.protection_words import say_count

PAGE_SIZE = 50
_BAD = frozenset(
    {
        Action.ACCESS_DENIED, Action.GATE_REFUSED, Action.SHARE_CODE_WRONG, Action.SHARE_LOCKED,
        Action.PATIENT_CODE_WRONG, Action.PATIENT_LOCKED, Action.INSTANCE_CONFLICT, Action.PURGE_REFUSED,
    }
)  # fmt: skip
_GOOD = frozenset({Action.INSTANCES_RECEIVED, Action.SHARE_REDEEMED, Action.PATIENT_VERIFIED})
_COUNTED = {"instances": "image", "files": "file", "images": "image"}


@dataclass(frozen=True)
class HistoryEntry:
    """One event: when, what, who, from where. `tone` is ok, bad or info."""

    at: datetime
    what: str
    who: str
    address: str
    detail: str
    tone: str


@dataclass(frozen=True)
class HistoryPage:
    """A page of entries, newest first; fits partials/pagination.html."""

    number: int
    entries: tuple[HistoryEntry, ...]
    has_previous: bool
    has_next: bool

    @property
    def previous_page_number(self) -> int:
        return self.number - 1

    @property
    def next_page_number(self) -> int:
        return self.number + 1


def list_history(study_instance_uid: str, number: int = 1) -> HistoryPage:
    """Page `number`, from 1, of what happened to and around a study of the active tenant."""
    start = (number - 1) * PAGE_SIZE
    events = list(list_events(study_instance_uid=study_instance_uid)[start : start + PAGE_SIZE + 1])
    entries = tuple(_entry(event) for event in events[:PAGE_SIZE])
    return HistoryPage(number, entries, has_previous=number > 1, has_next=len(events) > PAGE_SIZE)


def _entry(event: AuditEvent) -> HistoryEntry:
    return HistoryEntry(
        at=event.at,
        what=_what(event),
        who=event.actor_label or ActorKind(event.actor_kind).label,
        address=event.address,
        detail=_detail(event.details),
        tone=_tone(event),
    )


def _what(event: AuditEvent) -> str:
    words = dict(Action.choices).get(event.action, event.action)
    return words if event.outcome == Outcome.DONE else f"{words} ({Outcome(event.outcome).label.lower()})"


def _detail(details: dict[str, object]) -> str:
    for name, noun in _COUNTED.items():
        if isinstance(found := details.get(name), int):
            return say_count(found, noun)
    return ""


def _tone(event: AuditEvent) -> str:
    if event.outcome != Outcome.DONE or event.action in _BAD:
        return "bad"
    return "ok" if event.action in _GOOD else "info"
