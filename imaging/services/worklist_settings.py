"""How a member wants their worklist: columns, density, order; and the searches they saved."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from audit.actions import Action
from audit.actor import Actor
from audit.services import record
from imaging import access
from imaging.models import SavedFilter, WorklistSettings
from tenants.models import Role

MOST_FILTERS = 20  # of one member


class TooManyFilters(Exception):
    """The member has as many as there is room for."""


def change_settings(actor: Actor, *, columns: Sequence[str], density: str, order: str) -> None:
    """Keep how the member wants their list; raises `StudyNotFound` for anyone who is no member."""
    access.require_role(actor)
    wanted = {"columns": list(columns), "density": density, "order": order}
    WorklistSettings.objects.update_or_create(user_id=int(actor.id), defaults=wanted)


def save_filter(
    actor: Actor, *, name: str, wanted: dict[str, object], shared: bool, pinned: bool, now: datetime
) -> SavedFilter:
    """Keep a search under a name; one of the member's with that name is replaced. Only an owner's may be `shared`.

    Raises
    ------
    StudyNotFound
        No member, or to be shared by someone who is no owner.
    TooManyFilters
    """
    access.require_role(actor, *([Role.OWNER] if shared else []))
    theirs = SavedFilter.objects.filter(owner_id=int(actor.id))
    if theirs.exclude(name=name).count() >= MOST_FILTERS:
        raise TooManyFilters
    values = {"wanted": wanted, "shared": shared, "pinned": pinned, "created_at": now}
    kept, _ = SavedFilter.objects.update_or_create(owner_id=int(actor.id), name=name, defaults=values)
    details = {"fields": sorted(wanted), "shared": shared}
    record(Action.FILTER_SAVED, actor, subject_id=kept.id, details=details, now=now)
    return kept


def remove_filter(actor: Actor, filter_id: UUID, now: datetime) -> None:
    """Remove one's own filter; an owner also removes what others share. Raises `StudyNotFound`."""
    role = access.require_role(actor)
    found = SavedFilter.objects.select_for_update(of=("self",)).filter(id=filter_id).first()
    if found is None or not (found.owner_id == int(actor.id) or (found.shared and role == Role.OWNER)):
        raise access.StudyNotFound
    record(Action.FILTER_REMOVED, actor, subject_id=found.id, details={"shared": found.shared}, now=now)
    found.delete()
