"""One's own account, and the choice of practice."""

import pytest
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from tenants.models import Membership, Role, Tenant, User
from tests.cast import PASSWORD, sign_in
from tests.tenants.steps import actions_of, code_for_key, give_password, send_password

NEW = "a fresh and long enough password"


@pytest.fixture
def browser(alice: User) -> Client:
    return sign_in(give_password(alice))


def change(browser: Client, current: str = PASSWORD, password: str = NEW, repeated: str = NEW) -> object:
    data = {"current_password": current, "password": password, "repeated": repeated}
    return browser.post(reverse("change_password"), data)


def test_changing_the_password_ends_every_other_session(browser: Client, alice: User) -> None:
    other = sign_in(alice)

    change(browser)

    assert other.get(reverse("account")).url.startswith(reverse("login"))
    assert browser.get(reverse("account")).status_code == 200
    assert send_password(Client(), alice.email, NEW).url == reverse("second_factor")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"current": "not it"}, "not your password"),
        ({"password": "short", "repeated": "short"}, "too short"),
        ({"password": "password1234", "repeated": "password1234"}, "too common"),
        ({"repeated": "something else entirely"}, "not the same"),
    ],
)
def test_a_bad_change_of_password_says_why_and_changes_nothing(
    browser: Client, alice: User, wrong: dict[str, str], said: str
) -> None:
    answer = change(browser, **wrong)

    assert said in answer.content.decode()
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_guessing_the_password_in_a_borrowed_session_locks_it(browser: Client) -> None:
    answers = [change(browser, current="wrong").status_code for _ in range(6)]

    assert answers == [200, 200, 200, 200, 429, 429]


def test_new_recovery_codes_replace_the_old_ones(browser: Client, northside: Tenant) -> None:
    browser.post(reverse("new_recovery_codes"), {"codes-current_password": PASSWORD})
    old = set(StaticToken.objects.values_list("token", flat=True))

    page = browser.post(reverse("new_recovery_codes"), {"codes-current_password": PASSWORD})

    assert len(page.context["codes"]) == 10
    assert not old & set(StaticToken.objects.values_list("token", flat=True))
    assert actions_of(northside.id) == ["session.recovery-codes-issued"] * 2


def test_recovery_codes_take_the_password(browser: Client) -> None:
    browser.post(reverse("new_recovery_codes"), {"codes-current_password": "wrong"})

    assert not StaticToken.objects.exists()


def test_another_authenticator_replaces_the_old_and_ends_the_sessions_it_opened(browser: Client, alice: User) -> None:
    other = sign_in(alice)
    old = TOTPDevice.objects.get(user=alice).key

    begun = browser.post(reverse("begin_replacement"), {"device-current_password": PASSWORD})
    page = browser.post(begun.url, {"code": code_for_key(browser.session["enrolment_key"])})

    assert len(page.context["codes"]) == 10
    assert TOTPDevice.objects.get(user=alice).key != old
    assert browser.get(reverse("account")).status_code == 200
    assert other.get(reverse("account")).url == reverse("second_factor")


def test_another_authenticator_takes_the_password_first(browser: Client) -> None:
    browser.post(reverse("begin_replacement"), {"device-current_password": "wrong"})

    assert browser.get(reverse("replace_second_factor")).url == reverse("account")


def test_a_wrong_code_keeps_the_old_authenticator(browser: Client, alice: User) -> None:
    old = TOTPDevice.objects.get(user=alice).key
    begun = browser.post(reverse("begin_replacement"), {"device-current_password": PASSWORD})

    browser.post(begun.url, {"code": "000000"})

    assert TOTPDevice.objects.get(user=alice).key == old


def test_the_only_practice_opens_at_once(browser: Client) -> None:
    assert browser.get(reverse("choose_tenant")).url == reverse("worklist", args=["northside"])


def test_several_practices_are_listed(browser: Client, alice: User, southside: Tenant) -> None:
    Membership.objects.create(user=alice, tenant=southside, role=Role.VIEWER)

    page = browser.get(reverse("choose_tenant")).content.decode()

    assert "Northside Dental" in page
    assert "Southside Imaging" in page


def test_the_vendors_admin_goes_to_the_agreements(browser_of: object, vera: User) -> None:
    assert browser_of(vera).get(reverse("choose_tenant")).url == reverse("vendor_agreements")


def test_someone_with_nothing_is_told_what_to_do(browser_of: object, eve: User, northside: Tenant) -> None:
    page = browser_of(eve).get(reverse("choose_tenant")).content.decode()

    assert "do not work for a practice yet" in page
    assert "Northside" not in page


@pytest.mark.parametrize("name", ["account", "choose_tenant", "replace_second_factor"])
def test_a_stranger_goes_to_the_login_and_comes_back(client: Client, db: None, name: str) -> None:
    assert client.get(reverse(name)).url == f"{reverse('login')}?next={reverse(name)}"


@pytest.mark.parametrize("name", ["change_password", "new_recovery_codes", "begin_replacement"])
def test_a_stranger_changes_nothing(client: Client, db: None, name: str) -> None:
    assert client.post(reverse(name)).status_code == 401


def test_the_front_door_leads_strangers_to_the_login(client: Client, db: None) -> None:
    assert client.get(reverse("home")).url == reverse("login")
