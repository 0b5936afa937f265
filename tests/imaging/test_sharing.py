"""The sender's side of share links: create, mail, renew the code, revoke."""

import datetime as dt
import uuid

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from imaging.access import StudyNotFound
from imaging.forms.sharing import CodeForm
from imaging.models import ShareLink, Study
from imaging.selectors.shares import list_links, state_of
from imaging.services import guest_links, sharing
from tenants.baas.models import Agreement
from tenants.models import SecretRoute, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, sign_in
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance, take_in
from tests.imaging.sharing import history, redeem, send_link, shown_code, shown_path

UID = f"{ROOT}.1"
FORM = {
    "recipient_name": "Rita Ross", "recipient_email": "rita@ortho.example", "days": "7", "note": "", "send_mail": "on",
}  # fmt: skip


@pytest.fixture
def study(northside: Tenant, bob: User) -> str:
    take_in(actor(bob), northside, {"a.dcm": instance(1)})
    return UID


def share_url(uid: str = UID, slug: str = "northside") -> str:
    return f"/t/{slug}/studies/{uid}/share"


def act_url(link_id: object, act: str) -> str:
    return f"/t/northside/shares/{link_id}/{act}"


def test_link_and_code_are_shown_once_and_work(study: str, northside: Tenant, bob: User) -> None:
    answer = sign_in(bob).post(share_url(), FORM)

    assert answer.status_code == 200
    opened = Client().post(shown_path(answer), {"code": shown_code(answer)})
    assert opened.status_code == 302
    with tenant_scope(northside.id):
        link = ShareLink.objects.get()
    assert history(northside, link.id)[0] == (Action.SHARE_CREATED, bob.email)
    assert (link.expires_at - link.created_at, link.may_download) == (dt.timedelta(days=7), False)


def test_neither_secret_nor_code_is_stored(study: str, northside: Tenant, bob: User) -> None:
    sent = send_link(northside, bob, study)
    secret = sent.path.removeprefix("/s/")

    with tenant_scope(northside.id):
        row = ShareLink.objects.values().get()

    assert len(secret) >= 43
    assert secret.encode() not in bytes(row["digest"])
    assert sent.code not in row["code_hash"]
    assert row["code_hash"].startswith("argon2$argon2id")
    assert bytes(SecretRoute.objects.get().digest) == bytes(row["digest"])


def test_the_mail_holds_the_link_and_neither_code_nor_patient(
    study: str, northside: Tenant, bob: User, django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = sign_in(bob).post(share_url(), FORM)

    (sent,) = mail.outbox
    assert sent.to == ["rita@ortho.example"]
    assert shown_path(answer) in sent.body
    for secret in (shown_code(answer), "Doe", "Jane", study, "CT"):
        assert secret not in sent.subject + sent.body


def test_a_dead_mail_server_does_not_hide_link_and_code(
    study: str,
    bob: User,
    settings: object,
    caplog: object,
    django_capture_on_commit_callbacks: object,
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    with django_capture_on_commit_callbacks(execute=True):
        answer = sign_in(bob).post(share_url(), FORM)

    assert shown_code(answer)
    assert "could not be sent" in caplog.text
    assert "rita@" not in caplog.text


def test_no_mail_is_sent_unless_asked_for(
    study: str, bob: User, django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        sign_in(bob).post(share_url(), {name: value for name, value in FORM.items() if name != "send_mail"})
    assert not mail.outbox


@pytest.mark.parametrize(("field", "value"), [
    ("days", "0"), ("days", "31"), ("days", "x"), ("recipient_email", "rita"), ("recipient_name", ""),
])  # fmt: skip
def test_a_form_that_is_wrong_creates_nothing(field: str, value: str, study: str, northside: Tenant, bob: User) -> None:
    answer = sign_in(bob).post(share_url(), FORM | {field: value})

    assert b"field--error" in answer.content
    with tenant_scope(northside.id):
        assert not ShareLink.objects.exists()


@pytest.mark.parametrize("days", [0, 31, -1])
def test_the_service_itself_limits_the_days(days: int, study: str, northside: Tenant, bob: User) -> None:
    with pytest.raises(ValueError, match="days"):
        send_link(northside, bob, study, days=days)


def test_without_an_agreement_there_is_a_reason_and_no_form(study: str, northside: Tenant, bob: User) -> None:
    Agreement.objects.all().delete()

    shown, posted = sign_in(bob).get(share_url()), sign_in(bob).post(share_url(), FORM)

    for answer, status in ((shown, 200), (posted, 403)):
        assert answer.status_code == status
        assert b"no business associate agreement" in answer.content
        assert b"recipient_email" not in answer.content
    assert (Action.GATE_REFUSED, bob.email) in history(northside)
    with tenant_scope(northside.id):
        assert not ShareLink.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("who", ["nora", "carol", "eve"])
def test_whoever_may_not_share_finds_nothing(
    method: str, who: str, study: str, northside: Tenant, request: pytest.FixtureRequest
) -> None:
    client = sign_in(request.getfixturevalue(who))

    assert getattr(client, method)(share_url(), FORM).status_code == 404
    assert Action.ACCESS_DENIED in {action for action, _ in history(northside)}
    with tenant_scope(northside.id):
        assert not ShareLink.objects.exists()


def test_a_stranger_is_sent_to_the_login(study: str) -> None:
    assert Client().get(share_url())["Location"].startswith("/login/")
    assert Client().post(share_url(), FORM).status_code == 401


@pytest.mark.parametrize("uid", ["1.2.3", "x", "1.2%00", "1" * 65, "../1"])
def test_a_study_that_is_not_there_cannot_be_shared(uid: str, study: str, bob: User) -> None:
    assert sign_in(bob).post(share_url(uid), FORM).status_code == 404


def test_the_same_study_elsewhere_is_shared_by_its_own_practice_only(
    study: str, northside: Tenant, southside: Tenant, carol: User
) -> None:
    assert sign_in(carol).post(share_url(slug="southside"), FORM).status_code == 404

    take_in(actor(carol), southside, {"a.dcm": instance(1)})

    assert sign_in(carol).post(share_url(slug="southside"), FORM).status_code == 200
    with tenant_scope(northside.id):
        assert not ShareLink.objects.exists()


# --- Revoking and new codes -----------------------------------------------------------------------------------


def test_revoking_twice_is_recorded_once(study: str, northside: Tenant, bob: User) -> None:
    sent = send_link(northside, bob, study)

    for _ in range(2):
        assert sign_in(bob).post(act_url(sent.id, "revoke")).status_code == 302

    assert [action for action, _ in history(northside, sent.id)] == [Action.SHARE_CREATED, Action.SHARE_REVOKED]


@pytest.mark.parametrize("act", ["revoke", "unlock"])
@pytest.mark.parametrize("who", ["nora", "carol", "eve"])
def test_whoever_may_not_share_cannot_touch_a_link(
    act: str, who: str, study: str, northside: Tenant, bob: User, request: pytest.FixtureRequest
) -> None:
    sent = send_link(northside, bob, study)

    assert sign_in(request.getfixturevalue(who)).post(act_url(sent.id, act)).status_code == 404
    redeem(sent)


@pytest.mark.parametrize("change", [sharing.revoke_link, sharing.unlock_link])
def test_the_service_itself_asks_for_the_role(
    change: object, study: str, northside: Tenant, bob: User, nora: User
) -> None:
    sent = send_link(northside, bob, study)

    with tenant_scope(northside.id), pytest.raises(StudyNotFound):
        change(actor(nora), sent.id, timezone.now())


@pytest.mark.parametrize("act", ["revoke", "unlock"])
def test_another_practice_cannot_reach_a_link_through_its_own_pages(
    act: str, study: str, northside: Tenant, bob: User, carol: User
) -> None:
    sent = send_link(northside, bob, study)

    answer = sign_in(carol).post(act_url(sent.id, act).replace("northside", "southside"))

    assert answer.status_code == 404
    redeem(sent)


@pytest.mark.parametrize("act", ["revoke", "unlock"])
def test_links_are_changed_by_post_alone_and_unknown_ones_are_not_found(act: str, bob: User) -> None:
    client = sign_in(bob)
    assert client.get(act_url(uuid.uuid4(), act)).status_code == 405
    assert client.post(act_url(uuid.uuid4(), act)).status_code == 404
    assert Client().post(act_url(uuid.uuid4(), act)).status_code == 401


def test_a_locked_link_works_again_with_a_new_code_alone(study: str, northside: Tenant, bob: User) -> None:
    sent = send_link(northside, bob, study)
    for _ in range(5):
        Client().post(sent.path, {"code": sent.wrong_code})
    assert Client().get(sent.path).status_code == 404

    code = shown_code(sign_in(bob).post(act_url(sent.id, "unlock")))

    assert code == sent.code or Client().post(sent.path, {"code": sent.code}).status_code == 422
    assert Client().post(sent.path, {"code": code}).status_code == 302
    assert (Action.SHARE_UNLOCKED, bob.email) in history(northside, sent.id)


def test_a_revoked_or_ended_link_gets_no_new_code(study: str, northside: Tenant, bob: User) -> None:
    revoked, ended = send_link(northside, bob, study), send_link(northside, bob, study)
    now = timezone.now()
    with tenant_scope(northside.id):
        ShareLink.objects.filter(id=revoked.id).update(revoked_at=now)
        ShareLink.objects.filter(id=ended.id).update(created_at=now - dt.timedelta(2), expires_at=now)

    for sent in (revoked, ended):
        assert sign_in(bob).post(act_url(sent.id, "unlock")).status_code == 404


def test_links_are_listed_newest_first_with_their_state(study: str, northside: Tenant, bob: User) -> None:
    first, second = send_link(northside, bob, study), send_link(northside, bob, study)
    now = timezone.now()
    with tenant_scope(northside.id):
        ShareLink.objects.filter(id=first.id).update(locked_at=now)
        rows = list_links(Study.objects.get(), now)

    assert [(row.id, row.state) for row in rows] == [(second.id, "live"), (first.id, "locked")]


@pytest.mark.parametrize(("revoked", "locked", "left", "state"), [
    (False, False, 1, "live"), (False, True, 1, "locked"), (False, True, 0, "expired"), (True, True, 0, "revoked"),
])  # fmt: skip
def test_the_state_of_a_link(revoked: bool, locked: bool, left: int, state: str) -> None:
    now = timezone.now()
    assert state_of(now if revoked else None, now if locked else None, now + dt.timedelta(left), now) == state


def test_codes_are_six_digits_and_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = {guest_links.new_code() for _ in range(200)}
    assert len(codes) > 190
    assert all(CodeForm({"code": code}).is_valid() for code in codes)

    monkeypatch.setattr(guest_links.secrets, "randbelow", lambda below: 7 if below == 10**6 else -1)
    assert guest_links.new_code() == "000007"


@pytest.mark.parametrize("code", ["123 456", "123-456", " 123456 "])
def test_a_code_may_be_typed_as_it_is_spoken(code: str) -> None:
    form = CodeForm({"code": code})
    assert form.is_valid()
    assert form.cleaned_data["code"] == "123456"


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "123456\0"])
def test_what_cannot_be_a_code_is_an_error_of_the_form(code: str) -> None:
    assert not CodeForm({"code": code}).is_valid()
