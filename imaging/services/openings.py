"""Opening a study: the page, its state, its history. Each look is in the trail, once per quarter of an hour."""

from dataclasses import dataclass
from datetime import datetime

from audit.actions import Action
from audit.actor import Actor
from audit.services import record_viewing
from imaging import access
from imaging.models import Study
from imaging.selectors.history import HistoryPage, list_history
from imaging.selectors.patients import InvitationRow, list_invitations
from imaging.selectors.retention import StudyRetention, get_retention
from imaging.selectors.shares import LinkRow, list_links
from imaging.selectors.states import StudyState, get_state
from imaging.selectors.studies import StudyPage, get_study_page
from imaging.services.triage import note_read
from tenants.models import Role, Tenant


@dataclass(frozen=True)
class OpenedStudy:
    """A study with what was made of it: links, invitations (for those who may send them), retention."""

    study: StudyPage
    shares: list[LinkRow]
    patient_invitations: list[InvitationRow]
    retention: StudyRetention


def open_study(actor: Actor, study_instance_uid: str) -> Study:
    """The study, with the actor's look at it recorded.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    """
    study = access.study_to_view(actor, study_instance_uid)
    record_viewing(Action.STUDY_VIEWED, actor, study_instance_uid=study_instance_uid)
    return study


def open_for_reading(actor: Actor, study_instance_uid: str, now: datetime) -> Study:
    """As `open_study`, by somebody who then has read it."""
    study = open_study(actor, study_instance_uid)
    note_read(actor, study, now)
    return study


def open_study_page(actor: Actor, study_instance_uid: str, tenant: Tenant, now: datetime) -> OpenedStudy:
    """What the study page shows; raises as `open_study`."""
    study = open_for_reading(actor, study_instance_uid, now)
    shared = access.require_role(actor) in (Role.OWNER, Role.UPLOADER)
    return OpenedStudy(
        study=get_study_page(study),
        shares=list_links(study, now) if shared else [],
        patient_invitations=list_invitations(study, now) if shared else [],
        retention=get_retention(study, tenant),
    )


def check_state(actor: Actor, study_instance_uid: str) -> StudyState:
    """How far the study has come; counts only, so it is not recorded as a look. Raises as `open_study`."""
    return get_state(access.study_to_view(actor, study_instance_uid))


def open_history(actor: Actor, study_instance_uid: str, number: int) -> tuple[StudyPage, HistoryPage]:
    """The study and a page of its history, for owners and uploaders; raises as `open_study`."""
    access.require_role(actor, Role.OWNER, Role.UPLOADER)
    study = access.study_to_view(actor, study_instance_uid)
    record_viewing(Action.AUDIT_VIEWED, actor, study_instance_uid=study_instance_uid)
    return get_study_page(study), list_history(study_instance_uid, number)
