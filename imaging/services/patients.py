"""The patient's way to their own study (45 CFR 164.524): a link, the birth date and a code from the desk.

The rules are those of `guest_links`: opening spends nothing, five wrong tries lock, revoking works on the next request.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.actor import Actor
from audit.services import record
from imaging.access import study_to_change
from imaging.models import PatientInvitation
from imaging.services.guest_links import (
    count_wrong,
    get_live,
    holder_of,
    link_to_change,
    mail_on_commit,
    new_code,
    record_link,
    revoke,
)
from tenants.baas.access import require_agreement
from tenants.models import SecretKind
from tenants.readers import say_day, writing_to
from tenants.scoping import active_tenant_id
from tenants.secrets import issue_secret
from tenants.selectors import get_tenant

DAYS = 90


class BirthDateMissing(Exception):
    """Neither the study nor the desk says when the patient was born: they could not prove who they are."""


@dataclass(frozen=True)
class IssuedInvitation:
    """What the desk sees once: the secret for the URL and the code to hand over."""

    invitation_id: UUID
    secret: str
    code: str


def invite_patient(
    actor: Actor, study_instance_uid: str, *, email: str, birth_date: date | None, now: datetime
) -> IssuedInvitation:
    """Invite the patient of one study. `birth_date` is the desk's, used only when the study holds none.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    BirthDateMissing
    """
    study = study_to_change(actor, study_instance_uid)
    require_agreement(active_tenant_id())
    born = study.patient_birth_date or birth_date
    if born is None:
        raise BirthDateMissing
    secret, digest = issue_secret(SecretKind.PATIENT_INVITATION, active_tenant_id())
    code = new_code()
    invitation = PatientInvitation.objects.create(
        study=study, digest=digest, code_hash=make_password(code), birth_date=born, email=email,
        created_by_id=int(actor.id), created_at=now, expires_at=now + timedelta(days=DAYS),
    )  # fmt: skip
    record(Action.PATIENT_INVITED, actor, study_instance_uid=study_instance_uid, subject_id=invitation.id, now=now)
    return IssuedInvitation(invitation.id, secret, code)


def mail_invitation(invitation_id: UUID, url: str) -> None:
    """Send the patient the link once the transaction has committed.

    The mail says neither that there are images nor that its reader is a patient.
    """
    invitation = PatientInvitation.objects.get(id=invitation_id)
    practice = get_tenant(active_tenant_id())
    with writing_to(None, practice):
        text = _(
            "Hello,\n\n{practice} has something for you that is opened here:\n\n{url}\n\n"
            "The link works until {day}. You need your date of birth and the code that you were given at the desk. "
            "If you have no code, please call {practice}.\n\nIf you did not expect this, please delete it.\n"
        ).format(practice=practice.name, url=url, day=say_day(invitation.expires_at))
        subject = _("A secure message from {practice}").format(practice=practice.name)
    mail_on_commit(subject, text, invitation.email)


def open_invitation(actor: Actor, secret: str, now: datetime) -> PatientInvitation:
    """Someone opened the patient's link: noted, nothing spent.

    Raises
    ------
    LinkNotFound
    NoAgreementInForce
    """
    invitation = get_live(PatientInvitation, secret, now)
    record_link(Action.PATIENT_OPENED, holder_of(actor, invitation), invitation, now)
    return invitation


def verify_patient(actor: Actor, secret: str, *, birth_date: date, code: str, now: datetime) -> PatientInvitation:
    """Birth date and code both match. Which of them was wrong is not told; the caller catches
    `WrongCode` inside the tenant's scope, so that the count commits.

    Raises
    ------
    LinkNotFound
    NoAgreementInForce
    WrongCode
    """
    invitation = get_live(PatientInvitation, secret, now, lock=True)
    actor = holder_of(actor, invitation)
    code_matches = check_password(code, invitation.code_hash)
    born_matches = constant_time_compare(birth_date.isoformat(), invitation.birth_date.isoformat())
    if not (code_matches and born_matches):
        raise count_wrong(actor, invitation, Action.PATIENT_CODE_WRONG, Action.PATIENT_LOCKED, now)
    invitation.failed_tries = 0
    invitation.first_verified_at = invitation.first_verified_at or now
    invitation.save(update_fields=["failed_tries", "first_verified_at"])
    record_link(Action.PATIENT_VERIFIED, actor, invitation, now)
    return invitation


def revoke_invitation(actor: Actor, invitation_id: UUID, now: datetime) -> PatientInvitation:
    """End the patient's link; it takes effect on the next request; raises `StudyNotFound`."""
    invitation = link_to_change(PatientInvitation, actor, invitation_id)
    revoke(actor, invitation, Action.PATIENT_REVOKED, now)
    return invitation
