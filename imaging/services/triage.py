"""What members note about studies: read or not, how urgent, whose. Each note is an event of its study in the trail.

Several studies are noted one by one: what cannot be done for one of them does not keep the others, and is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from audit.actions import Action
from audit.actor import Actor, ActorKind
from audit.services import record
from imaging import access
from imaging.models import Priority, Reading, Study, Triage
from imaging.services import retention
from tenants.models import Role
from tenants.scoping import active_tenant_id
from tenants.selectors import find_member

MOST_STUDIES = 100  # of one action


class NoSuchMember(Exception):
    """Nobody of that id works in the practice."""


@dataclass(frozen=True)
class Noted:
    """UIDs of the studies that were noted, with what undoes it for each, and of those that were not there."""

    before: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def note_read(actor: Actor, study: Study, now: datetime) -> None:
    """A member has opened the study, which is in the trail already. Nothing is noted where nothing may be changed."""
    if actor.kind is ActorKind.USER and not settings.EMERGENCY:
        Reading.objects.update_or_create(study=study, user_id=int(actor.id), defaults={"read_at": now})


def mark_read(actor: Actor, uids: Sequence[str], read: bool, now: datetime) -> Noted:
    """Mark studies as read, or unread, for the actor alone: any member."""
    access.require_role(actor)

    def note(study: Study) -> str:
        at = {"read_at": now if read else None}
        Reading.objects.update_or_create(study=study, user_id=int(actor.id), defaults=at)
        _record(Action.STUDY_MARKED, actor, study, now, read=read)
        return "unread" if read else "read"

    return _each(uids, lambda uid: note(access.study_to_view(actor, uid)))


def prioritise(actor: Actor, uids: Sequence[str], priority: Priority, now: datetime) -> Noted:
    """Say how urgent studies are: an owner or an uploader. Raises `StudyNotFound` for anyone else."""
    access.require_role(actor, Role.OWNER, Role.UPLOADER)

    def note(study: Study) -> str:
        triage = _triage_of(study)
        before, triage.priority = triage.priority, priority
        triage.save(update_fields=["priority"])
        _record(Action.STUDY_PRIORITISED, actor, study, now, **{"from": str(before), "to": str(priority)})
        return str(before)

    return _each(uids, lambda uid: note(access.study_to_change(actor, uid)))


def assign(actor: Actor, uids: Sequence[str], user_id: int | None, now: datetime) -> Noted:
    """Give studies to a member of the practice, or to nobody: an owner or an uploader.

    Raises
    ------
    StudyNotFound
        The actor is neither.
    NoSuchMember
    """
    access.require_role(actor, Role.OWNER, Role.UPLOADER)
    if user_id is not None and find_member(active_tenant_id(), user_id) is None:
        raise NoSuchMember

    def note(study: Study) -> str:
        triage = _triage_of(study)
        before, triage.assigned_to_id = triage.assigned_to_id, user_id
        triage.save(update_fields=["assigned_to"])
        _record(Action.STUDY_ASSIGNED, actor, study, now, **{"from": before, "to": user_id})
        return str(before or "")

    return _each(uids, lambda uid: note(access.study_to_change(actor, uid)))


def hold(actor: Actor, uids: Sequence[str], reason: str, now: datetime) -> Noted:
    """Place studies on legal hold: an owner. Those that are held stay so, with their reason.

    Raises
    ------
    StudyNotFound
        The actor is no owner.
    ReasonMissing
    """
    access.require_role(actor, Role.OWNER)
    if not reason.strip():
        raise retention.ReasonMissing

    def note(uid: str) -> str:
        if access.study_to_rule(actor, uid).held_at:
            return "held"
        retention.place_hold(actor, uid, reason, now)
        return ""

    return _each(uids, note)


def lift(actor: Actor, uids: Sequence[str], now: datetime) -> Noted:
    """Lift the holds of studies: an owner; raises `StudyNotFound` for anyone else."""
    access.require_role(actor, Role.OWNER)

    def note(uid: str) -> str:
        retention.lift_hold(actor, uid, now)
        return "held"

    return _each(uids, note)


def _each(uids: Sequence[str], note: Callable[[str], str]) -> Noted:
    before, missing = {}, []
    # In the order of their UIDs, so that two people's actions never wait for each other.
    for uid in sorted(set(uids))[:MOST_STUDIES]:
        try:
            before[uid] = note(uid)
        except access.StudyNotFound:
            missing.append(uid)
    return Noted(before, tuple(missing))


def _triage_of(study: Study) -> Triage:
    """The study's row; whoever holds the study's lock is alone with it."""
    return Triage.objects.get_or_create(study=study, defaults={"study_date": study.study_date})[0]


def _record(action: Action, actor: Actor, study: Study, now: datetime, **details: object) -> None:
    record(action, actor, study_instance_uid=study.study_instance_uid, details=details, now=now)
