"""Emergency access: both factors and a reason, in the trail first; for an hour; within the person's role."""

import time

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import PLATFORM
from tenants.emergency import LIMIT_SECONDS
from tenants.models import Membership, Role, Tenant, User
from tenants.services import emergency as service
from tenants.services.second_factor import issue_recovery_codes
from tests.cast import PASSWORD, actor, sign_in
from tests.tenants.steps import actions_of, code_of, give_password, trail_of


@pytest.fixture(autouse=True)
def _emergency(settings: object) -> None:
    settings.EMERGENCY = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> object:
    """`clock(seconds)` moves the sessions' clock forward."""
    moved = [0]
    real = time.time
    monkeypatch.setattr("tenants.emergency.time.time", lambda: real() + moved[0])

    def forward(seconds: int) -> None:
        moved[0] += seconds

    return forward


def send(client: Client, user: User, **changes: str):
    """The emergency form as the person would fill it in."""
    given = {"email": user.email, "password": PASSWORD, "code": code_of(user), "reason": "in-treatment", "note": ""}
    return client.post(reverse("emergency"), given | changes)


def opened(client: Client) -> bool:
    """Whether a page of a practice's people answers with anything but the sign-in."""
    return not client.get(reverse("account")).headers.get("Location", "").startswith(reverse("emergency"))


@pytest.fixture
def browser(client: Client, nora: User) -> Client:
    """Nora, who has opened emergency access."""
    assert send(client, give_password(nora)).url == reverse("emergency")
    return client


def test_both_factors_and_a_reason_open_the_search(browser: Client) -> None:
    page = browser.get(reverse("emergency")).content.decode()

    assert "Find a patient" in page
    assert "Northside Dental" in page
    assert browser.get(reverse("worklist", args=["northside"])).status_code == 200


def test_the_reason_is_in_the_trail_of_every_practice_of_the_person(
    client: Client, nora: User, northside: Tenant, southside: Tenant
) -> None:
    Membership.objects.create(user=nora, tenant=southside, role=Role.VIEWER)

    send(client, give_password(nora), reason="transfer")

    for tenant in (northside, southside):
        *_, event = trail_of(tenant.id)
        assert (event.action, event.actor_label, event.details) == (
            "emergency.opened",
            nora.email,
            {"reason": "transfer"},
        )
        assert event.address == "127.0.0.1"


def test_nothing_is_shown_when_the_trail_cannot_be_written(
    client: Client, nora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    give_password(nora)
    monkeypatch.setattr(service, "record_everywhere", fail)

    with pytest.raises(RuntimeError):
        send(client, nora)

    assert not opened(client)


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"reason": "curious"}, {"reason": "other"}])
def test_without_a_reason_nothing_is_even_tried(client: Client, nora: User, northside: Tenant, wrong: dict) -> None:
    answer = send(client, give_password(nora), **wrong)

    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not opened(client)
    assert actions_of(northside.id) == []


def test_another_reason_is_kept_in_a_few_words(client: Client, nora: User, northside: Tenant) -> None:
    send(client, give_password(nora), reason="other", note="Flood in the office")

    assert trail_of(northside.id)[-1].details == {"reason": "other", "note": "Flood in the office"}


@pytest.mark.parametrize("note", ["born 1975", "3/2/75", "DOE^JANE", "jane@doe.example", "x" * 101])
def test_a_note_with_what_identifies_a_patient_is_refused(client: Client, nora: User, note: str) -> None:
    answer = send(client, give_password(nora), reason="other", note=note)

    assert "note" in answer.context["form"].errors
    assert not opened(client)


@pytest.mark.parametrize(
    "wrong", [{"password": "not it"}, {"code": "000000"}, {"code": "x"}, {"email": "no@one.example"}]
)
def test_a_wrong_factor_opens_nothing(client: Client, nora: User, northside: Tenant, wrong: dict) -> None:
    send(client, give_password(nora), **wrong)

    assert not opened(client)
    assert "emergency.opened" not in actions_of(northside.id)


@pytest.mark.parametrize(("wrong", "factor"), [({"password": "not it"}, "password"), ({"code": "000000"}, "totp")])
def test_a_wrong_factor_is_in_the_trail_once(
    client: Client, nora: User, northside: Tenant, wrong: dict, factor: str
) -> None:
    send(client, give_password(nora), **wrong)

    (event,) = trail_of(northside.id)
    assert (event.action, event.details) == ("session.sign-in-failed", {"factor": factor})


def test_a_recovery_code_opens_and_works_once(client: Client, nora: User) -> None:
    code = issue_recovery_codes(actor(nora), give_password(nora), timezone.now())[0]

    assert send(client, nora, code=code).url == reverse("emergency")
    assert not opened(again := Client()) and send(again, nora, code=code).status_code == 200


def test_five_wrong_passwords_lock_emergency_access_too(client: Client, nora: User) -> None:
    give_password(nora)
    for _ in range(5):
        send(client, nora, password="wrong")

    answer = send(client, nora)

    assert answer.status_code == 429
    assert "Choose a new password" not in answer.content.decode()
    assert not opened(client)


def test_someone_without_a_second_factor_gets_no_further(client: Client, nora: User) -> None:
    code = code_of(nora)
    nora.totpdevice_set.all().delete()

    assert client.post(
        reverse("emergency"),
        {"email": give_password(nora).email, "password": PASSWORD, "code": code, "reason": "transfer"},
    ).status_code == 200  # fmt: skip
    assert not opened(client)


def test_a_session_of_the_usual_portal_opens_nothing_here(nora: User, northside: Tenant) -> None:
    browser = sign_in(nora)

    answer = browser.get(reverse("worklist", args=["northside"]))

    assert answer.url == f"{reverse('emergency')}?next=/t/northside/"
    assert actions_of(northside.id) == []


def test_the_usual_login_leads_to_the_emergency_sign_in(client: Client, nora: User) -> None:
    answer = client.get(f"{reverse('login')}?next=/t/northside/")

    assert answer.url == f"{reverse('emergency')}?next=/t/northside/"
    page = client.get(answer.url)
    assert send(client, give_password(nora), next=page.context["form"]["next"].value()).url == "/t/northside/"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_another_site_as_next_is_forgotten(client: Client, nora: User, target: str) -> None:
    assert send(client, give_password(nora), next=target).url == reverse("emergency")


def test_access_ends_after_an_hour_even_in_use(browser: Client, clock: object) -> None:
    page = reverse("worklist", args=["northside"])
    clock(LIMIT_SECONDS - 5)
    assert browser.get(page).status_code == 200

    clock(10)

    assert browser.get(page).url.startswith(reverse("emergency"))


def test_an_emergency_session_ends_after_an_hour_in_the_usual_portal_too(
    browser: Client, clock: object, settings: object
) -> None:
    settings.EMERGENCY = False
    assert browser.get(reverse("account")).status_code == 200

    clock(LIMIT_SECONDS + 1)

    assert browser.get(reverse("account")).url.startswith(reverse("login"))


def test_viewing_stays_within_the_role_and_the_practice(browser: Client, southside: Tenant) -> None:
    assert browser.get(reverse("people", args=["northside"])).status_code == 404
    assert browser.get(reverse("worklist", args=["southside"])).status_code == 404
    assert browser.get(reverse("vendor_agreements")).status_code == 404


def test_every_page_says_since_when_and_how_old(browser: Client, northside: Tenant, bob: User) -> None:
    for path in (reverse("emergency"), reverse("worklist", args=["northside"]), "/t/nowhere/"):
        page = browser.get(path).content.decode()
        assert "Read-only emergency mode" in page, path
        assert "minutes left" in page.replace("\xa0", " "), path


def test_strangers_read_the_notice_but_no_time_of_an_image(client: Client, northside: Tenant) -> None:
    page = client.get(reverse("emergency")).content.decode()

    assert "images received lately may be missing" in page
    assert "newest images" not in page


def test_a_search_is_remembered_and_names_nobody_in_the_url(browser: Client) -> None:
    answer = browser.post(reverse("worklist", args=["northside"]), {"words": "doe"})

    assert answer.url == reverse("worklist", args=["northside"])


def test_signing_out_ends_it(browser: Client) -> None:
    browser.post(reverse("logout"))

    assert not opened(browser)


def test_a_vendor_administrators_reason_is_in_the_vendors_trail(client: Client, vera: User) -> None:
    send(client, give_password(vera))

    assert actions_of(PLATFORM)[-1] == "emergency.opened"


def test_a_form_without_the_csrf_token_is_refused(nora: User) -> None:
    assert send(Client(enforce_csrf_checks=True), give_password(nora)).status_code == 403


def test_outside_emergency_mode_the_page_is_not_there(client: Client, nora: User, settings: object) -> None:
    settings.EMERGENCY = False

    assert client.get(reverse("emergency")).status_code == 404
    assert send(client, give_password(nora)).status_code == 404
    assert "emergency mode" not in client.get(reverse("login")).content.decode()


def test_the_health_page_answers_without_anyone(client: Client) -> None:
    assert client.get(reverse("healthz")).status_code == 200
