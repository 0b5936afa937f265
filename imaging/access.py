"""Access is a fetch: each function returns the row the actor may have, or raises. There is no other way to a row.

Not yours and not there are the same `StudyNotFound`. Everything is read anew on every request, so a removed member,
a revoked link and an expired invitation lose access with the next one. Runs inside the tenant's scope.
"""

from datetime import datetime

from django.utils import timezone

from audit.actor import Actor, ActorKind
from audit.statement import Statement
from imaging.models import ApplicationEntity, Instance, PatientInvitation, Series, ShareLink, Study
from imaging.selectors.rows import find_instance, find_series
from tenants.baas.access import require_agreement
from tenants.models import Role
from tenants.scoping import active_tenant_id

_ROLE = Statement(
    "SELECT m.role FROM tenants_membership m JOIN tenants_user u ON u.id = m.user_id AND u.is_active"
    " WHERE m.user_id = %s AND m.tenant_id = %s"
)


class StudyNotFound(Exception):
    """There is no such study, series or instance for this actor."""


def study_to_view(actor: Actor, study_instance_uid: str, now: datetime | None = None) -> Study:
    """The study, if the actor may look at it: any member, its live share link, its verified patient.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
        The actor is outside the practice, and no agreement lets images leave it.
    """
    return _require_view(actor, Study.objects.filter(study_instance_uid=study_instance_uid).first(), now)


def study_to_download(actor: Actor, study_instance_uid: str, now: datetime | None = None) -> Study:
    """The study, if the actor may take its original files away. A view-only share link may not.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    """
    study = study_to_view(actor, study_instance_uid, now)
    if actor.kind is ActorKind.SHARE:
        # Read a second time: it may have been revoked since.
        link = find_live_link(actor, now or timezone.now())
        if link is None or not link.may_download:
            raise StudyNotFound
    require_agreement(active_tenant_id())
    return study


def study_to_change(actor: Actor, study_instance_uid: str) -> Study:
    """The study, locked, if the actor may share it or invite its patient: an owner or an uploader.

    Raises
    ------
    StudyNotFound
    """
    require_role(actor, Role.OWNER, Role.UPLOADER)
    return _lock_study(study_instance_uid)


def study_to_rule(actor: Actor, study_instance_uid: str) -> Study:
    """The study, locked, if the actor may hold it or order its purge: an owner.

    Raises
    ------
    StudyNotFound
    """
    require_role(actor, Role.OWNER)
    return _lock_study(study_instance_uid)


def series_to_view(actor: Actor, study_instance_uid: str, series_instance_uid: str) -> Series:
    """A series of a study that the actor may look at; raises as `study_to_view`."""
    series = find_series(study_instance_uid, series_instance_uid)
    _require_view(actor, series and series.study)
    return series


def instance_to_view(
    actor: Actor, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
) -> Instance:
    """An instance of a series that the actor may look at; raises as `study_to_view`."""
    instance = find_instance(study_instance_uid, series_instance_uid, sop_instance_uid)
    _require_view(actor, instance and instance.series.study)
    return instance


def require_role(actor: Actor, *roles: Role) -> Role:
    """The member's role in the active tenant, if it is one of `roles` (any, when none is named).

    Raises
    ------
    StudyNotFound
    """
    role = _find_role(actor)
    if role is None or (roles and role not in roles):
        raise StudyNotFound
    return role


def require_sender(actor: Actor) -> None:
    """Let owners and uploaders bring images in, and devices of the practice whose certificate is still trusted.

    Raises
    ------
    StudyNotFound
    """
    if actor.kind is not ActorKind.DEVICE:
        require_role(actor, Role.OWNER, Role.UPLOADER)
    elif not ApplicationEntity.objects.filter(id=actor.id, revoked_at=None, expires_at__gt=timezone.now()).exists():
        raise StudyNotFound


def find_live_link(actor: Actor, now: datetime) -> ShareLink | None:
    """The share link behind the actor, unless it is revoked, expired or locked."""
    live = ShareLink.objects.filter(id=actor.id, revoked_at=None, locked_at=None, expires_at__gt=now)
    return live.first() if actor.kind is ActorKind.SHARE else None


def find_live_invitation(actor: Actor, now: datetime) -> PatientInvitation | None:
    """The patient's invitation behind the actor, unless it is revoked, expired or locked."""
    live = PatientInvitation.objects.filter(id=actor.id, revoked_at=None, locked_at=None, expires_at__gt=now)
    return live.first() if actor.kind is ActorKind.PATIENT else None


def _require_view(actor: Actor, study: Study | None, now: datetime | None = None) -> Study:
    if study is None or not _may_view(actor, study, now or timezone.now()):
        raise StudyNotFound
    if actor.kind is not ActorKind.USER:
        require_agreement(active_tenant_id())
    return study


def _may_view(actor: Actor, study: Study, now: datetime) -> bool:
    if actor.kind is ActorKind.USER:
        return _find_role(actor) is not None
    opened = find_live_link(actor, now) or find_live_invitation(actor, now)
    return opened is not None and opened.study_id == study.id


def _find_role(actor: Actor) -> Role | None:
    if actor.kind is not ActorKind.USER:
        return None
    rows = _ROLE.rows(int(actor.id), active_tenant_id())
    return Role(rows[0][0]) if rows else None


def _lock_study(study_instance_uid: str) -> Study:
    study = Study.objects.select_for_update(of=("self",)).filter(study_instance_uid=study_instance_uid).first()
    if study is None:
        raise StudyNotFound
    return study
