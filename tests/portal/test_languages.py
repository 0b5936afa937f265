"""Which language and which clock a page is in: the person's, else the browser's choice, else what the browser asks."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from audit.models import AuditEvent
from audit.scope import tenant_scope
from tenants.models import Invitation, Membership, Tenant, User
from tenants.readers import language_of, say_day, writing_to
from tests.cast import PASSWORD, sign_in
from tests.tenants.steps import give_password

SPANISH = {"HTTP_ACCEPT_LANGUAGE": "es-MX,es;q=0.9,en;q=0.5"}
pytestmark = pytest.mark.django_db


def lang_of(answer: object) -> str:
    return re.search(r'<html lang="([a-z-]+)"', answer.content.decode())[1]


def test_a_stranger_reads_what_the_browser_asks_for(client: Client) -> None:
    answer = client.get(reverse("login"), **SPANISH)

    assert lang_of(answer) == answer["Content-Language"] == "es"
    assert "Iniciar sesión" in answer.content.decode()
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in answer["Vary"].split(",")}


def test_english_is_what_nobody_has_to_ask_for(client: Client) -> None:
    answer = client.get(reverse("login"), HTTP_ACCEPT_LANGUAGE="fi")

    assert lang_of(answer) == "en"
    assert "Sign in" in answer.content.decode()


def test_a_stranger_chooses_without_an_account_and_stays_on_the_page(client: Client) -> None:
    answer = client.get("/login/?next=/account/&page_language=es")

    assert answer.url == "/login/?next=%2Faccount%2F"
    assert lang_of(client.get(reverse("login"))) == "es"
    assert answer.cookies["language"]["httponly"]


def test_the_chooser_s_link_holds_no_address(client: Client) -> None:
    page = client.get("/login/?next=/account/").content.decode()

    assert 'href="?next=%2Faccount%2F&amp;page_language=es"' in page


def test_what_is_shown_once_has_no_link_that_would_lose_it(alice: User) -> None:
    page = sign_in(give_password(alice)).post(reverse("new_recovery_codes"), {"codes-current_password": PASSWORD})

    assert page.context["codes"]
    assert "page_language=es" not in page.content.decode()


def test_a_language_that_is_not_spoken_is_not_remembered(client: Client) -> None:
    answer = client.get("/login/?page_language=tlh")

    assert (answer.status_code, lang_of(answer)) == (200, "en")
    assert "language" not in answer.cookies


def test_the_choice_goes_with_the_account(alice: User) -> None:
    sign_in(alice).get("/account/?page_language=es")

    assert lang_of(sign_in(alice).get(reverse("account"))) == "es"


def test_the_emergency_portal_writes_nothing_to_the_account(alice: User, settings: object) -> None:
    settings.EMERGENCY = True

    answer = sign_in(alice).get("/emergency/?page_language=es")

    alice.refresh_from_db()
    assert (alice.language, answer.cookies["language"].value) == ("", "es")


def test_the_account_is_stronger_than_the_browser(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="en")

    assert lang_of(sign_in(alice).get(reverse("account"), **SPANISH)) == "en"


def test_an_error_page_is_in_the_reader_s_language_too(client: Client) -> None:
    answer = client.get("/nowhere/", **SPANISH)

    assert answer.status_code == 404
    assert lang_of(answer) == "es"
    assert "Aquí no hay nada" in answer.content.decode()


def test_programs_are_answered_in_english(client: Client, northside: Tenant) -> None:
    answer = client.get("/api/v1/studies", **SPANISH)

    assert "Content-Language" not in answer
    assert not re.search("[áéíóúñ]", answer.content.decode())


def test_one_reader_s_language_does_not_stay_for_the_next(client: Client) -> None:
    client.get(reverse("login"), **SPANISH)

    assert translation.get_language() == "en"
    assert timezone.get_current_timezone_name() == "UTC"


# --- Clocks -----------------------------------------------------------------------------------------------------


def change_reading(browser: Client, language: str = "", time_zone: str = "") -> object:
    return browser.post(reverse("change_reading"), {"language": language, "time_zone": time_zone})


def since(browser: Client, tenant: Tenant) -> str:
    page = browser.get(reverse("people", args=[tenant.slug])).content.decode()
    return re.search(r'data-label="Last sign-in"><time [^>]*>([^<]+)<', page)[1]


@pytest.mark.parametrize(
    ("own", "shown"),
    [("", "3 Jul 2026 20:30"), ("Asia/Tokyo", "4 Jul 2026 09:30"), ("UTC", "4 Jul 2026 00:30")],
    ids=["practice", "person", "utc"],
)
def test_times_are_on_the_practice_s_clock_or_the_person_s_own(
    alice: User, northside: Tenant, own: str, shown: str
) -> None:
    browser = sign_in(alice)
    User.objects.filter(pk=alice.pk).update(last_login=datetime(2026, 7, 4, 0, 30, tzinfo=UTC), time_zone=own)

    assert since(browser, northside) == shown


def test_the_account_page_keeps_language_and_clock(alice: User) -> None:
    browser = sign_in(alice)

    answer = change_reading(browser, "es", "Europe/Madrid")

    alice.refresh_from_db()
    assert (answer.url, alice.language, alice.time_zone) == (reverse("account"), "es", "Europe/Madrid")


@pytest.mark.parametrize("wrong", [{"language": "tlh"}, {"time_zone": "Moon/Crater"}])
def test_a_choice_that_is_none_says_so_and_changes_nothing(alice: User, wrong: dict[str, str]) -> None:
    answer = change_reading(sign_in(alice), **wrong)

    assert "field--error" in answer.content.decode()
    alice.refresh_from_db()
    assert (alice.language, alice.time_zone) == ("", "")


def test_an_owner_sets_the_practice_s_clock_and_language(alice: User, northside: Tenant) -> None:
    wanted = {"language": "es", "time_zone": "America/Chicago"}

    sign_in(alice).post(reverse("practice_settings", args=["northside"]), wanted)

    northside.refresh_from_db()
    assert (northside.language, northside.time_zone) == ("es", "America/Chicago")
    with tenant_scope(northside.id):
        event = AuditEvent.objects.get(action="tenant.changed")
    assert event.details == wanted


def test_saving_what_is_set_leaves_no_trace(alice: User, northside: Tenant) -> None:
    same = {"language": northside.language, "time_zone": northside.time_zone}

    sign_in(alice).post(reverse("practice_settings", args=["northside"]), same)

    with tenant_scope(northside.id):
        assert not AuditEvent.objects.filter(action="tenant.changed").exists()


@pytest.mark.parametrize("who", ["bob", "nora", "carol"])
@pytest.mark.parametrize("name", ["practice_settings", "hide_first_steps"])
def test_only_an_owner_of_the_practice_sets_it(
    request: pytest.FixtureRequest, northside: Tenant, who: str, name: str
) -> None:
    browser = sign_in(request.getfixturevalue(who))

    answer = browser.post(reverse(name, args=["northside"]), {"language": "es", "time_zone": "UTC"})

    assert answer.status_code == 404
    northside.refresh_from_db()
    assert (northside.language, northside.first_steps_hidden_at) == ("en", None)


def test_a_stranger_sets_nothing(client: Client, northside: Tenant) -> None:
    answer = client.post(reverse("practice_settings", args=["northside"]), {"language": "es", "time_zone": "UTC"})

    assert answer.status_code == 401


# --- Mails ------------------------------------------------------------------------------------------------------


def test_a_mail_is_in_its_reader_s_language_not_its_sender_s(
    alice: User, northside: Tenant, django_capture_on_commit_callbacks: Callable
) -> None:
    User.objects.filter(pk=alice.pk).update(language="en")
    Tenant.objects.filter(pk=northside.pk).update(language="es")

    with django_capture_on_commit_callbacks(execute=True):
        sign_in(alice).post(
            reverse("people", args=["northside"]), {"name": "Nora", "email": "nora@x.example", "role": "viewer"}
        )

    assert mail.outbox[0].subject == "Northside Dental le invita a Collimate"
    assert "como lector" in mail.outbox[0].body
    with tenant_scope(northside.id):
        ends = Invitation.objects.get().expires_at
    with writing_to(None, northside):
        assert timezone.localtime(ends).strftime("%H:%M") in mail.outbox[0].body


def test_someone_with_an_account_is_written_to_in_their_own_language(alice: User, northside: Tenant) -> None:
    Tenant.objects.filter(pk=northside.pk).update(language="es")
    membership = Membership.objects.select_related("tenant", "user").get(user=alice)

    assert language_of(membership.user, membership.tenant) == "es"
    membership.user.language = "en"
    assert language_of(membership.user, membership.tenant) == "en"


def test_days_are_written_as_the_reader_writes_them() -> None:
    day = datetime(2026, 3, 5, 12, tzinfo=UTC)

    assert say_day(day) == "5 March 2026"
    with translation.override("es"):
        assert say_day(day.date()) == "5 de marzo de 2026"
    assert say_day(day + timedelta(days=1)) == "6 March 2026"
