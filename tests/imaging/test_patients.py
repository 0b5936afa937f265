"""The desk's side: inviting a patient to one study, and ending it."""

import datetime as dt
import uuid

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from imaging.access import StudyNotFound
from imaging.models import PatientInvitation, Study
from imaging.selectors.patients import list_invitations
from imaging.services.patients import revoke_invitation
from tenants.baas.models import Agreement
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, sign_in
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance, take_in
from tests.imaging.sharing import history, proof, redeem, send_invitation, shown_code, shown_path

UID, UNBORN = f"{ROOT}.1", f"{ROOT}.2"
FORM = {"email": "pat@home.example", "send_mail": "on"}


@pytest.fixture
def study(northside: Tenant, bob: User) -> str:
    """A study with a birth date; another, `UNBORN`, has none."""
    take_in(actor(bob), northside, {"a.dcm": instance(1), "b.dcm": instance(1, study=2, PatientBirthDate="")})
    return UID


def invite_url(uid: str = UID, slug: str = "northside") -> str:
    return f"/t/{slug}/studies/{uid}/patient"


def test_link_and_code_are_shown_once_and_work(study: str, northside: Tenant, bob: User) -> None:
    answer = sign_in(bob).post(invite_url(), FORM)

    entered = {"code": shown_code(answer), "birth_date": "1970-01-31"}
    assert Client().post(shown_path(answer), entered).status_code == 302
    with tenant_scope(northside.id):
        invitation = PatientInvitation.objects.get()
    assert invitation.expires_at - invitation.created_at == dt.timedelta(days=90)
    assert shown_code(answer) not in invitation.code_hash
    assert history(northside, invitation.id)[0] == (Action.PATIENT_INVITED, bob.email)


def test_the_mail_tells_nobody_that_its_reader_is_a_patient(
    study: str, bob: User, django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = sign_in(bob).post(invite_url(), FORM)

    (sent,) = mail.outbox
    words = (sent.subject + sent.body.replace(shown_path(answer), "")).lower()
    assert sent.to == ["pat@home.example"]
    assert shown_path(answer) in sent.body
    for secret in (shown_code(answer), "doe", "jane", "1970", study, "image", "patient", "record", "study"):
        assert secret not in words


def test_a_study_without_birth_date_asks_the_desk_for_it(study: str, northside: Tenant, bob: User) -> None:
    client = sign_in(bob)

    assert b"birth_date" in client.get(invite_url(UNBORN)).content
    assert b"birth_date" not in client.get(invite_url()).content
    assert b"holds no date of birth" in client.post(invite_url(UNBORN), FORM).content
    with tenant_scope(northside.id):
        assert not PatientInvitation.objects.exists()

    answer = client.post(invite_url(UNBORN), FORM | {"birth_date": "1980-02-03"})

    entered = {"code": shown_code(answer), "birth_date": "1980-02-03"}
    assert Client().post(shown_path(answer), entered).status_code == 302


def test_the_studys_own_birth_date_wins_over_the_desks(study: str, northside: Tenant, bob: User) -> None:
    sent = send_invitation(northside, bob, study, birth_date=dt.date(1999, 9, 9))

    assert Client().post(sent.path, proof(sent, born=dt.date(1999, 9, 9))).status_code == 422
    redeem(sent)


@pytest.mark.parametrize("changes", [{"email": ""}, {"email": "pat"}])
def test_a_form_that_is_wrong_invites_nobody(changes: dict, study: str, northside: Tenant, bob: User) -> None:
    assert b"field--error" in sign_in(bob).post(invite_url(), FORM | changes).content
    with tenant_scope(northside.id):
        assert not PatientInvitation.objects.exists()


def test_without_an_agreement_there_is_a_reason_and_no_form(study: str, northside: Tenant, bob: User) -> None:
    Agreement.objects.all().delete()

    shown, posted = sign_in(bob).get(invite_url()), sign_in(bob).post(invite_url(), FORM)

    for answer, status in ((shown, 200), (posted, 403)):
        assert answer.status_code == status
        assert b"no business associate agreement" in answer.content
        assert b'name="email"' not in answer.content
    assert (Action.GATE_REFUSED, bob.email) in history(northside)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("who", ["nora", "carol", "eve"])
def test_whoever_may_not_invite_finds_nothing(
    method: str, who: str, study: str, northside: Tenant, request: pytest.FixtureRequest
) -> None:
    client = sign_in(request.getfixturevalue(who))

    assert getattr(client, method)(invite_url(), FORM).status_code == 404
    with tenant_scope(northside.id):
        assert not PatientInvitation.objects.exists()


def test_a_stranger_is_sent_to_the_login(study: str) -> None:
    assert Client().get(invite_url())["Location"].startswith("/login/")
    assert Client().post(invite_url(), FORM).status_code == 401


@pytest.mark.parametrize("uid", ["1.2.3", "x", "1.2%00", "1" * 65])
def test_a_study_that_is_not_there_has_no_patient_to_invite(uid: str, study: str, bob: User) -> None:
    assert sign_in(bob).post(invite_url(uid), FORM).status_code == 404


# --- Revoking -------------------------------------------------------------------------------------------------


def revoke_url(invitation_id: object, slug: str = "northside") -> str:
    return f"/t/{slug}/patients/{invitation_id}/revoke"


def test_the_desk_ends_an_invitation(study: str, northside: Tenant, bob: User) -> None:
    sent = send_invitation(northside, bob, study)
    client = redeem(sent)

    answer = sign_in(bob).post(revoke_url(sent.id))

    assert answer["Location"] == f"/t/northside/studies/{UID}/"
    assert client.get(sent.page).status_code == 404
    assert Client().get(sent.path).status_code == 404
    assert history(northside, sent.id)[-1] == (Action.PATIENT_REVOKED, bob.email)


@pytest.mark.parametrize(("who", "slug"), [
    ("nora", "northside"), ("carol", "northside"), ("carol", "southside"), ("eve", "northside"),
])  # fmt: skip
def test_whoever_may_not_invite_cannot_end_an_invitation(
    who: str, slug: str, study: str, northside: Tenant, bob: User, request: pytest.FixtureRequest
) -> None:
    sent = send_invitation(northside, bob, study)

    assert sign_in(request.getfixturevalue(who)).post(revoke_url(sent.id, slug)).status_code == 404
    redeem(sent)


def test_the_service_itself_asks_for_the_role(study: str, northside: Tenant, bob: User, nora: User) -> None:
    sent = send_invitation(northside, bob, study)

    with tenant_scope(northside.id), pytest.raises(StudyNotFound):
        revoke_invitation(actor(nora), sent.id, timezone.now())


def test_an_invitation_is_ended_by_post_alone_and_an_unknown_one_is_not_found(bob: User) -> None:
    assert sign_in(bob).get(revoke_url(uuid.uuid4())).status_code == 405
    assert sign_in(bob).post(revoke_url(uuid.uuid4())).status_code == 404
    assert Client().post(revoke_url(uuid.uuid4())).status_code == 401


def test_invitations_are_listed_with_their_state(study: str, northside: Tenant, bob: User) -> None:
    sent = send_invitation(northside, bob, study)
    with tenant_scope(northside.id):
        (row,) = list_invitations(Study.objects.get(study_instance_uid=UID), timezone.now())
    assert (row.id, row.email, row.created_by, row.state) == (sent.id, "pat@home.example", "Bob", "live")
