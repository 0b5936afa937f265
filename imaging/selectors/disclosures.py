"""Who has looked at a patient's images, in the patient's own words (45 CFR 164.528)."""

from dataclasses import dataclass
from datetime import date

from audit.actions import Action, Outcome
from audit.actor import ActorKind
from audit.models import AuditEvent
from audit.selectors import list_events
from imaging.models import ShareLink

_LOOKED = frozenset({Action.STUDY_VIEWED, Action.FRAMES_VIEWED, Action.METADATA_VIEWED})
_TOOK = frozenset({Action.STUDY_DOWNLOADED, Action.INSTANCES_RETRIEVED})
MAX_EVENTS = 2000
MAX_ROWS = 100


@dataclass(frozen=True)
class Disclosure:
    """Someone, on one day (UTC), looked at the images or downloaded the files. Staff are not named."""

    on: date
    who: str
    what: str


def list_disclosures(study_instance_uid: str) -> list[Disclosure]:
    """Who saw or took the study of the active tenant, newest first, one row for each day, party and kind."""
    events = list_events(study_instance_uid=study_instance_uid, outcome=Outcome.DONE)
    events = list(events.filter(action__in=[*_LOOKED, *_TOOK])[:MAX_EVENTS])
    names = _recipients({event.actor_id for event in events if event.actor_kind == ActorKind.SHARE})
    # A dict keeps the first of equals, in order.
    return list(dict.fromkeys(_disclosure(event, names) for event in events))[:MAX_ROWS]


def _recipients(link_ids: set[str]) -> dict[str, str]:
    links = ShareLink.objects.filter(id__in=link_ids).values_list("id", "recipient_name")
    return {str(link_id): name for link_id, name in links}


def _disclosure(event: AuditEvent, names: dict[str, str]) -> Disclosure:
    what = "Downloaded the files" if event.action in _TOOK else "Looked at the images"
    return Disclosure(event.at.date(), _who(event, names), what)


def _who(event: AuditEvent, names: dict[str, str]) -> str:
    if event.actor_kind == ActorKind.PATIENT:
        return "You"
    if event.actor_kind == ActorKind.SHARE:
        name = names.get(event.actor_id, "")
        return f"Referring office ({name})" if name else "Referring office"
    return "Practice staff"
