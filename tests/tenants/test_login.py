"""The first factor."""

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import PLATFORM
from tenants.models import Tenant, User
from tests.cast import PASSWORD
from tests.tenants.steps import actions_of, give_password, send_password, trail_of


def test_the_right_password_leads_to_the_second_factor_and_opens_nothing_yet(client: Client, alice: User) -> None:
    give_password(alice)

    answer = send_password(client, "Alice@Northside.example")

    assert answer.url == reverse("second_factor")
    assert client.get(reverse("people", args=["northside"])).url == reverse("second_factor")


def test_the_session_key_changes_at_sign_in(client: Client, alice: User) -> None:
    give_password(alice)
    session = client.session
    session["planted"] = True
    session.save()
    before = client.session.session_key

    send_password(client, alice.email)

    assert client.session.session_key != before


def test_wrong_password_and_unknown_address_get_the_same_answer(client: Client, alice: User) -> None:
    give_password(alice)

    wrong = send_password(client, alice.email, "not it at all")
    unknown = send_password(client, "nobody@northside.example", "not it at all")

    assert wrong.status_code == unknown.status_code == 200
    assert wrong.context["form"].errors == unknown.context["form"].errors
    assert "_auth_user_id" not in client.session


def test_an_unknown_address_costs_as_many_password_digests_as_a_known_one(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.auth.hashers import MD5PasswordHasher

    give_password(alice)
    digests = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda self, *args: digests.append(1) or encode(self, *args))

    send_password(client, alice.email, "not it at all")
    for_known = len(digests)
    send_password(client, "nobody@northside.example", "not it at all")

    assert for_known == len(digests) - for_known == 1


def test_a_wrong_password_is_in_the_trail_of_the_persons_practice(
    client: Client, alice: User, northside: Tenant
) -> None:
    give_password(alice)

    send_password(client, alice.email, "not it at all")

    (event,) = trail_of(northside.id)
    assert (event.action, event.outcome, event.actor_label) == ("session.sign-in-failed", "denied", alice.email)
    assert event.details == {"factor": "password"}
    assert actions_of(PLATFORM) == []


def test_an_unknown_address_is_in_the_vendors_trail_without_what_was_typed(client: Client, northside: Tenant) -> None:
    send_password(client, "my-secret-password@oops.example", "x")

    (event,) = trail_of(PLATFORM)
    assert (event.action, event.actor_label, event.subject_id) == ("session.sign-in-failed", "", "")


def test_five_wrong_passwords_lock_the_account_even_for_the_right_one(client: Client, alice: User) -> None:
    give_password(alice)
    for _ in range(4):
        assert send_password(client, alice.email, "wrong").status_code == 200

    fifth = send_password(client, alice.email, "wrong")
    right = send_password(client, alice.email)

    assert fifth.status_code == right.status_code == 429
    assert b"Locked for now" in right.content
    assert "_auth_user_id" not in client.session


def test_upper_case_does_not_give_another_five_tries(client: Client, alice: User) -> None:
    give_password(alice)
    for email in [alice.email, alice.email.upper(), alice.email.title()] * 2:
        answer = send_password(client, email, "wrong")

    assert answer.status_code == 429


def test_a_lock_ends_after_the_cool_off(client: Client, alice: User) -> None:
    import datetime as dt

    from axes.models import AccessAttempt

    give_password(alice)
    for _ in range(5):
        send_password(client, alice.email, "wrong")
    AccessAttempt.objects.update(attempt_time=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=16))

    assert send_password(client, alice.email).status_code == 302


def test_someone_whose_account_was_closed_is_refused_like_a_stranger(client: Client, alice: User) -> None:
    give_password(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)

    answer = send_password(client, alice.email)

    assert "do not go together" in answer.content.decode()


@pytest.mark.parametrize("email", ["", "no-address", "a@b@c.example", "x" * 300 + "@a.example"])
def test_a_malformed_address_is_no_attempt(client: Client, northside: Tenant, email: str) -> None:
    answer = send_password(client, email)

    assert answer.status_code == 200
    assert actions_of(PLATFORM) == []


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_another_site_as_next_is_forgotten(client: Client, alice: User, target: str) -> None:
    give_password(alice)

    send_password(client, alice.email, next=target)

    assert "next" not in client.session


def test_the_wanted_page_survives_the_sign_in(client: Client, alice: User) -> None:
    give_password(alice)
    wanted = reverse("people", args=["northside"])
    login_page = client.get(client.get(wanted).url)

    send_password(client, alice.email, next=login_page.context["form"]["next"].value())

    assert client.session["next"] == wanted


def test_signing_out_ends_the_session_on_the_server(browser_of: object, alice: User, northside: Tenant) -> None:
    browser = browser_of(alice)
    stolen = Client()
    stolen.cookies = browser.cookies.copy()

    browser.post(reverse("logout"))

    assert stolen.get(reverse("account")).url.startswith(reverse("login"))
    assert actions_of(northside.id) == ["session.signed-out"]


def test_signing_out_takes_a_post(browser_of: object, alice: User) -> None:
    browser = browser_of(alice)

    assert browser.get(reverse("logout")).status_code == 405
    assert browser.get(reverse("account")).status_code == 200


def test_the_password_is_on_no_page(client: Client, alice: User) -> None:
    give_password(alice)

    assert PASSWORD not in send_password(client, alice.email, PASSWORD + "!").content.decode()
