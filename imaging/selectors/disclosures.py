"""Who has looked at a patient's images, in the patient's own words (45 CFR 164.528)."""

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from audit.actions import Action, Outcome
from audit.actor import ActorKind
from audit.models import AuditEvent
from audit.selectors import list_events
from imaging.models import ShareLink

_LOOKED = frozenset({Action.STUDY_VIEWED, Action.FRAMES_VIEWED, Action.METADATA_VIEWED})
_TOOK = frozenset({Action.STUDY_DOWNLOADED, Action.INSTANCES_RETRIEVED})
_EXPORTED = frozenset({Action.IMAGES_EXPORTED})
MAX_EVENTS = 2000
MAX_ROWS = 100


@dataclass(frozen=True)
class Disclosure:
    """Someone, on one day (UTC), looked at the images, downloaded the files, or printed some. Staff are not named."""

    on: date
    who: str
    what: str


def list_disclosures(study_instance_uid: str) -> list[Disclosure]:
    """Who saw or took the study of the active tenant, newest first, one row for each day, party and kind."""
    events = list_events(study_instance_uid=study_instance_uid, outcome=Outcome.DONE)
    events = list(events.filter(action__in=[*_LOOKED, *_TOOK, *_EXPORTED])[:MAX_EVENTS])
    names = _recipients({event.actor_id for event in events if event.actor_kind == ActorKind.SHARE})
    # A dict keeps the first of equals, in order.
    return list(dict.fromkeys(_disclosure(event, names) for event in events))[:MAX_ROWS]


def _recipients(link_ids: set[str]) -> dict[str, str]:
    links = ShareLink.objects.filter(id__in=link_ids).values_list("id", "recipient_name")
    return {str(link_id): name for link_id, name in links}


def _disclosure(event: AuditEvent, names: dict[str, str]) -> Disclosure:
    return Disclosure(event.at.date(), _who(event, names), _what(event))


def _what(event: AuditEvent) -> str:
    if event.action in _TOOK:
        return _("Downloaded the files")
    return _("Printed or exported images") if event.action in _EXPORTED else _("Looked at the images")


def _who(event: AuditEvent, names: dict[str, str]) -> str:
    if event.actor_kind == ActorKind.PATIENT:
        return _("You")
    if event.actor_kind == ActorKind.SHARE:
        name = names.get(event.actor_id, "")
        return _("Referring office ({name})").format(name=name) if name else _("Referring office")
    return _("Practice staff")
