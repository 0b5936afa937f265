"""Accepting an invitation."""

import datetime as dt
from dataclasses import replace

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from tenants.models import Invitation, Membership, Role, Tenant, User
from tenants.scoping import tenant_scope
from tenants.secrets import digest_of
from tenants.services.people import InvitationInvalid, invite_member, join_as_existing, join_as_new
from tests.cast import PASSWORD, actor, sign_in
from tests.tenants.steps import actions_of, code_for_key, code_of, give_password, send_code, send_password

PASSWORDS = {"name": "Dana Doe", "password": PASSWORD, "repeated": PASSWORD}


@pytest.fixture
def invite(alice: User, northside: Tenant, django_capture_on_commit_callbacks: object, moment: object) -> object:
    """`invite(email)`: Alice's invitation; answers its secret."""

    def send(email: str = "dana@northside.example", age: dt.timedelta = dt.timedelta(0)) -> str:
        fields = {"email": email, "name": "Dana", "role": Role.UPLOADER, "now": moment - age}
        with django_capture_on_commit_callbacks(execute=True):
            invite_member(actor(alice), alice, northside, **fields)
        return mail.outbox[-1].body.split("/join/")[1].split()[0]

    return send


def link(secret: str) -> str:
    return reverse("join", args=[secret])


def test_a_newcomer_joins_enrols_and_works(client: Client, invite: object, northside: Tenant) -> None:
    secret = invite()

    joined = client.post(link(secret), PASSWORDS)
    page = client.get(joined.url)
    client.post(joined.url, {"code": code_for_key(client.session["enrolment_key"])})

    dana = User.objects.get(email="dana@northside.example")
    assert page.context["qr"]
    assert Membership.objects.get(user=dana).role == Role.UPLOADER
    assert client.get(reverse("choose_tenant")).url == reverse("worklist", args=["northside"])
    assert actions_of(northside.id)[:2] == ["member.invited", "member.joined"]


def test_before_enrolment_nothing_of_the_practice_opens(client: Client, invite: object) -> None:
    client.post(link(invite()), PASSWORDS)

    assert client.get(reverse("choose_tenant")).url == reverse("second_factor")


def test_opening_the_link_spends_nothing(client: Client, invite: object) -> None:
    secret = invite()
    for _ in range(3):
        assert client.get(link(secret)).status_code == 200
        assert client.head(link(secret)).status_code == 200

    assert client.post(link(secret), PASSWORDS).status_code == 302


def test_the_link_works_once(client: Client, invite: object) -> None:
    secret = invite()
    client.post(link(secret), PASSWORDS)

    assert Client().get(link(secret)).status_code == 404
    assert Client().post(link(secret), PASSWORDS).status_code == 404
    assert User.objects.filter(email="dana@northside.example").count() == 1


def test_the_link_expires_after_seven_days(client: Client, invite: object) -> None:
    fresh, old = (
        invite(age=dt.timedelta(days=6, hours=23)),
        invite("old@northside.example", dt.timedelta(days=7, seconds=1)),
    )

    assert client.get(link(fresh)).status_code == 200
    assert client.get(link(old)).status_code == 404
    assert client.post(link(old), PASSWORDS).status_code == 404
    assert not User.objects.filter(email="old@northside.example").exists()


def test_the_service_refuses_an_expired_invitation(invite: object, alice: User, moment: dt.datetime) -> None:
    secret = invite(age=dt.timedelta(days=8))

    with pytest.raises(InvitationInvalid):
        join_as_new(actor(alice), secret, name="Dana", password=PASSWORD, now=moment)


@pytest.mark.parametrize("secret", ["x", "A" * 43, "0" * 200])
def test_a_made_up_link_is_gone(client: Client, northside: Tenant, secret: str) -> None:
    assert client.get(link(secret)).status_code == 404
    assert client.post(link(secret), PASSWORDS).status_code == 404


def test_the_secret_of_another_kind_does_not_join(client: Client, northside: Tenant) -> None:
    from tenants.models import SecretKind
    from tenants.secrets import issue_secret

    secret, _ = issue_secret(SecretKind.SHARE_LINK, northside.id)

    assert client.get(link(secret)).status_code == 404


@pytest.mark.parametrize("wrong", [{"password": "short", "repeated": "short"}, {"repeated": "x"}, {"name": ""}])
def test_a_bad_password_creates_no_account_and_keeps_the_link(
    client: Client, invite: object, wrong: dict[str, str]
) -> None:
    secret = invite()

    assert client.post(link(secret), PASSWORDS | wrong).status_code == 200
    assert not User.objects.filter(email="dana@northside.example").exists()
    assert client.post(link(secret), PASSWORDS).status_code == 302


def test_the_page_names_the_practice_but_no_secret(client: Client, invite: object) -> None:
    secret = invite()

    page = client.get(link(secret)).content.decode()

    assert "Northside Dental" in page
    assert secret not in page


def test_someone_with_an_account_signs_in_and_comes_back(client: Client, invite: object, carol: User) -> None:
    secret = invite(give_password(carol).email)

    sent = client.post(link(secret))
    send_password(client, carol.email)
    back = send_code(client, code_of(carol))
    client.post(back.url)

    assert sent.url == reverse("second_factor")
    assert back.url == link(secret)
    assert Membership.objects.filter(user=carol, tenant__slug="northside", role=Role.UPLOADER).exists()


def test_the_password_of_an_existing_account_cannot_be_set_by_an_invitation(
    client: Client, invite: object, carol: User
) -> None:
    secret = invite(give_password(carol).email)

    client.post(link(secret), PASSWORDS | {"password": "taken over now!", "repeated": "taken over now!"})

    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)
    assert not Membership.objects.filter(user=carol, tenant__slug="northside").exists()


def test_an_existing_account_joins_only_with_both_factors(client: Client, invite: object, carol: User) -> None:
    secret = invite(carol.email)
    client.force_login(carol, backend="django.contrib.auth.backends.ModelBackend")

    assert client.post(link(secret)).url == reverse("second_factor")
    assert not Membership.objects.filter(user=carol, tenant__slug="northside").exists()


def test_someone_else_who_is_signed_in_cannot_take_the_invitation(invite: object, eve: User, carol: User) -> None:
    for email in ("dana@northside.example", carol.email):
        secret = invite(email)

        assert sign_in(eve).post(link(secret), PASSWORDS).status_code == 403

    assert not Membership.objects.filter(user=eve).exists()


def test_the_service_refuses_someone_elses_invitation(invite: object, eve: User, moment: object) -> None:
    with pytest.raises(InvitationInvalid):
        join_as_existing(actor(eve), eve, invite(), moment)


def test_a_member_who_was_invited_before_is_told_so(invite: object, eve: User, northside: Tenant) -> None:
    secret = invite(eve.email)
    Membership.objects.create(user=eve, tenant=northside, role=Role.VIEWER)

    sign_in(eve).post(link(secret))

    assert Membership.objects.get(user=eve).role == Role.VIEWER


def test_an_account_made_meanwhile_is_not_taken_over(invite: object, alice: User, moment: object) -> None:
    secret = invite()
    User.objects.create_user("dana@northside.example", "Dana")

    with pytest.raises(InvitationInvalid):
        join_as_new(replace(actor(alice), label=""), secret, name="Dana", password=PASSWORD, now=moment)


def test_the_mail_holds_no_more_than_it_must(invite: object, northside: Tenant) -> None:
    secret = invite()

    (letter,) = mail.outbox
    with tenant_scope(northside.id):
        assert bytes(Invitation.objects.get().digest) == digest_of(secret)
    assert letter.subject == "Northside Dental invites you to Collimate"
    assert letter.body.count("http://") == 1
    assert not TOTPDevice.objects.filter(user__email="dana@northside.example").exists()
