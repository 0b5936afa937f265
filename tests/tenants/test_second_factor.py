"""The second factor: enrolment, codes, recovery codes."""

from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.models import PLATFORM
from tenants.models import Tenant, User
from tenants.services.second_factor import AlreadyEnrolled, enrol, issue_recovery_codes, new_authenticator_key
from tests.cast import actor
from tests.tenants.steps import (
    actions_of,
    code_for_key,
    code_of,
    give_password,
    send_code,
    send_password,
    trail_of,
)


@pytest.fixture
def halfway(client: Client, alice: User) -> Client:
    """A browser in which Alice has passed the password only."""
    send_password(client, give_password(alice).email)
    return client


@pytest.fixture
def newcomer(client: Client, bob: User) -> Client:
    """A browser in which Bob, who has no authenticator yet, has passed the password."""
    TOTPDevice.objects.all().delete()
    send_password(client, give_password(bob).email)
    return client


def open_again(user: User) -> Client:
    browser = Client()
    send_password(browser, user.email)
    return browser


def test_the_right_code_signs_in(halfway: Client, alice: User, northside: Tenant) -> None:
    before = halfway.session.session_key

    answer = send_code(halfway, code_of(alice))

    assert answer.url == reverse("choose_tenant")
    assert halfway.session.session_key != before
    assert halfway.get(reverse("account")).status_code == 200
    assert actions_of(northside.id) == ["session.signed-in"]


def test_the_code_leads_on_to_the_page_that_was_wanted(client: Client, alice: User) -> None:
    wanted = reverse("people", args=["northside"])
    send_password(client, give_password(alice).email, next=wanted)

    assert send_code(client, code_of(alice)).url == wanted


def test_the_same_code_does_not_work_twice(halfway: Client, alice: User) -> None:
    code = code_of(alice)
    send_code(halfway, code)
    again = open_again(alice)

    answer = send_code(again, code)

    assert answer.status_code == 200
    assert again.get(reverse("account")).url == reverse("second_factor")


def test_a_wrong_code_is_refused_and_recorded(halfway: Client, northside: Tenant) -> None:
    answer = send_code(halfway, "000000")

    assert "wrong or was used" in answer.content.decode()
    (event,) = trail_of(northside.id)
    assert (event.action, event.outcome, event.details) == ("session.sign-in-failed", "denied", {"factor": "totp"})


def test_after_a_wrong_code_even_the_right_one_must_wait(halfway: Client, alice: User) -> None:
    TOTPDevice.objects.filter(user=alice).update(throttling_failure_count=6)
    send_code(halfway, "000000")

    answer = send_code(halfway, code_of(alice))

    assert "Too many wrong codes" in answer.content.decode()
    assert halfway.get(reverse("account")).url == reverse("second_factor")


@pytest.mark.parametrize("code", ["", "12345", "1234567890123456789012345", "<b>123456</b>", "١٢٣٤٥٦"])
def test_what_is_no_code_counts_as_no_attempt(halfway: Client, alice: User, northside: Tenant, code: str) -> None:
    answer = send_code(halfway, code)

    assert answer.status_code == 200
    assert TOTPDevice.objects.get(user=alice).throttling_failure_count == 0
    assert actions_of(northside.id) == []


def test_a_recovery_code_works_once(halfway: Client, alice: User, moment: datetime) -> None:
    code = issue_recovery_codes(actor(alice), alice, moment)[3]

    first = send_code(halfway, code.upper())
    again = open_again(alice)
    second = send_code(again, code)

    assert first.status_code == 302
    assert second.status_code == 200
    assert StaticToken.objects.count() == 9


def test_recovery_codes_are_not_kept_in_the_clear(alice: User, moment: datetime) -> None:
    codes = issue_recovery_codes(actor(alice), alice, moment)

    kept = "".join(StaticToken.objects.values_list("token", flat=True)).lower()
    assert not any(code.replace("-", "") in kept for code in codes)


def test_wrong_recovery_codes_are_throttled(halfway: Client, alice: User, moment: datetime) -> None:
    code = issue_recovery_codes(actor(alice), alice, moment)[0]
    StaticDevice.objects.update(throttling_failure_count=6)
    send_code(halfway, "aaaa-bbbb-cccc")

    assert "Too many wrong codes" in send_code(halfway, code).content.decode()


def test_the_last_recovery_codes_are_counted_aloud(halfway: Client, alice: User, moment: datetime) -> None:
    code = issue_recovery_codes(actor(alice), alice, moment)[0]
    StaticToken.objects.exclude(pk__in=StaticToken.objects.order_by("pk").values("pk")[:3]).delete()

    send_code(halfway, code)

    assert "You have 2 recovery codes left" in halfway.get(reverse("account")).content.decode()


def test_a_person_without_an_authenticator_is_led_to_enrolment(newcomer: Client) -> None:
    assert newcomer.get(reverse("login_code")).url == reverse("second_factor")
    page = newcomer.get(reverse("second_factor"))

    assert page.context["qr"].startswith("data:image/svg+xml;base64,")
    assert page.context["key"].replace(" ", "").isalnum()


def test_enrolment_signs_in_and_shows_ten_recovery_codes_once(newcomer: Client, bob: User, northside: Tenant) -> None:
    newcomer.get(reverse("second_factor"))
    key = newcomer.session["enrolment_key"]

    page = newcomer.post(reverse("second_factor"), {"code": code_for_key(key)})

    assert len(set(page.context["codes"])) == 10
    assert newcomer.get(reverse("account")).status_code == 200
    assert "enrolment_key" not in newcomer.session
    assert newcomer.get(reverse("second_factor")).status_code == 302
    assert actions_of(northside.id) == [
        "session.second-factor-enrolled",
        "session.recovery-codes-issued",
        "session.signed-in",
    ]


def test_a_wrong_code_enrols_nothing(newcomer: Client, northside: Tenant) -> None:
    newcomer.get(reverse("second_factor"))

    newcomer.post(reverse("second_factor"), {"code": "000000"})

    assert not TOTPDevice.objects.exists()
    assert actions_of(northside.id) == []


def test_the_password_alone_cannot_replace_an_authenticator(halfway: Client, alice: User) -> None:
    session = halfway.session
    session["enrolment_key"] = key = new_authenticator_key()
    session.save()

    answers = [
        halfway.post(reverse("second_factor"), {"code": code_for_key(key)}),
        halfway.post(reverse("replace_second_factor"), {"code": code_for_key(key)}),
    ]

    assert answers[0].url == reverse("login_code")
    assert answers[1].url == reverse("second_factor")
    assert TOTPDevice.objects.get(user=alice).key != key


def test_whoever_is_enrolled_is_shown_no_key_after_the_password(halfway: Client) -> None:
    assert halfway.get(reverse("second_factor")).url == reverse("login_code")


def test_a_new_authenticator_ends_the_session_that_a_recovery_code_opened(
    halfway: Client, alice: User, moment: datetime
) -> None:
    send_code(halfway, issue_recovery_codes(actor(alice), alice, moment)[0])
    assert halfway.get(reverse("account")).status_code == 200
    key = new_authenticator_key()

    enrol(actor(alice), alice, key, code_for_key(key), moment, replace=True)

    assert halfway.get(reverse("account")).url == reverse("second_factor")


def test_the_service_refuses_a_second_first_enrolment(alice: User, moment: datetime) -> None:
    key = new_authenticator_key()

    with pytest.raises(AlreadyEnrolled):
        enrol(actor(alice), alice, key, code_for_key(key), moment)


def test_two_people_who_enrol_get_different_keys(newcomer: Client, nora: User) -> None:
    TOTPDevice.objects.all().delete()
    newcomer.get(reverse("second_factor"))
    other = Client()
    send_password(other, give_password(nora).email)
    other.get(reverse("second_factor"))

    assert newcomer.session["enrolment_key"] != other.session["enrolment_key"]


@pytest.mark.parametrize("name", ["second_factor", "login_code"])
def test_a_stranger_is_sent_to_the_login(client: Client, db: None, name: str) -> None:
    assert client.get(reverse(name)).url == reverse("login")
    assert client.post(reverse(name), {"code": "123456"}).url == reverse("login")


def test_a_vendor_admins_sign_in_is_in_the_vendors_trail(client: Client, vera: User) -> None:
    send_password(client, give_password(vera).email)
    send_code(client, code_of(vera))

    assert actions_of(PLATFORM) == ["session.signed-in"]


def test_someone_with_two_practices_is_in_both_trails(
    client: Client, alice: User, northside: Tenant, southside: Tenant
) -> None:
    from tenants.models import Membership, Role

    Membership.objects.create(user=alice, tenant=southside, role=Role.VIEWER)
    send_password(client, give_password(alice).email)
    send_code(client, code_of(alice))

    assert actions_of(northside.id) == actions_of(southside.id) == ["session.signed-in"]
