"""Mounts: what lies where, kept for everyone who opens the study. Whoever may change a study may lay its films."""

from dataclasses import dataclass
from datetime import datetime

from audit.actions import Action
from audit.actor import Actor
from audit.services import record, record_viewing
from imaging import access
from imaging.models import Mount
from imaging.selectors.instances import list_sop_instance_uids


class MountChanged(Exception):
    """Someone else has changed the mount since it was read; `current` is what they made of it."""

    def __init__(self, current: "MountState") -> None:
        super().__init__(current.revision)
        self.current = current


class ForeignFilm(ValueError):
    """A film is no image of the study."""


@dataclass(frozen=True)
class MountState:
    """A mount as it is kept; revision 0 is none."""

    template: str = ""
    films: tuple[dict[str, object], ...] = ()
    revision: int = 0


def show_mount(actor: Actor, study_instance_uid: str) -> MountState:
    """The study's mount, for whoever may look at the study; raises as `access.study_to_view`."""
    study = access.study_to_view(actor, study_instance_uid)
    record_viewing(Action.METADATA_VIEWED, actor, study_instance_uid=study_instance_uid)
    return _state(Mount.objects.filter(study=study).first())


def require_keeper(actor: Actor, study_instance_uid: str) -> None:
    """Raise `StudyNotFound` unless the actor may lay the study's films: asked before what they sent is read."""
    access.study_to_change(actor, study_instance_uid)


def keep_mount(
    actor: Actor, study_instance_uid: str, template: str, films: list[dict[str, object]], revision: int, now: datetime
) -> MountState:
    """Keep what lies where, made from the mount of `revision`.

    Raises
    ------
    StudyNotFound
        Also for a member who may only look.
    ForeignFilm
    MountChanged
    """
    study = access.study_to_change(actor, study_instance_uid)  # locked: two savers take turns
    if not {film["instance"] for film in films} <= list_sop_instance_uids(study, [film["instance"] for film in films]):
        raise ForeignFilm
    mount = Mount.objects.filter(study=study).first()
    if _state(mount).revision != revision:
        raise MountChanged(_state(mount))
    mount = mount or Mount(study=study, revision=0)
    mount.template, mount.films = template, films
    mount.revision, mount.changed_by_id, mount.changed_at = revision + 1, int(actor.id), now
    mount.save()
    details = {"template": template, "films": len(films), "revision": mount.revision}
    record(Action.MOUNT_CHANGED, actor, study_instance_uid=study_instance_uid, details=details, now=now)
    return _state(mount)


def _state(mount: Mount | None) -> MountState:
    return MountState(mount.template, tuple(mount.films), mount.revision) if mount else MountState()
