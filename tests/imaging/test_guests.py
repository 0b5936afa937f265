"""The receiver's side: opening spends nothing, the code redeems, and a redeemed browser sees its study and no other."""


import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from tenants.baas.models import Agreement
from tenants.models import Role, Tenant, User
from tests.cast import actor, add_person, add_tenant, sign_in
from tests.imaging.guests import (  # noqa: F401 - fixtures
    BOTS,
    KINDS,
    PHI,
    UID,
    actions,
    change,
    cheap_codes,
    get,
    image_urls,
    link,
    row,
    sent,
    study,
)
from tests.imaging.incoming import instance, take_in
from tests.imaging.sharing import BORN, Sent, history, proof, redeem, send_invitation

# --- Before the code ------------------------------------------------------------------------------------------


def test_the_right_code_moves_the_browser_to_a_page_without_a_secret(sent: Sent, northside: Tenant) -> None:
    client = redeem(sent)

    page = client.get(sent.page)

    assert page.status_code == 200
    assert b"DOE, JANE" in page.content or b"Doe, Jane" in page.content
    assert sent.path.rpartition("/")[2] not in page.content.decode()
    assert client.get(sent.page).status_code == 200
    assert row(sent, northside).failed_tries == 0


def test_whoever_only_opens_the_link_learns_nothing_of_the_patient(sent: Sent) -> None:
    for agent in BOTS:
        answer = Client(headers={"User-Agent": agent}).get(sent.path)

        assert answer.status_code == 200
        assert not [word for word in (*PHI, UID) if word in answer.content.decode()]
        assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("no-store", "noindex, nofollow")


def test_the_secret_is_in_no_referrer(sent: Sent) -> None:
    for answer in (Client().get(sent.path), Client().post(sent.path), Client().post(sent.path, proof(sent))):
        assert answer["Referrer-Policy"] == "strict-origin"


def test_opening_a_hundred_times_in_every_way_spends_nothing(sent: Sent, northside: Tenant) -> None:
    scanner = Client()
    for number in range(25):
        scanner.get(sent.path, headers={"Sec-Purpose": "prefetch"} if number % 2 else {})
        scanner.head(sent.path)
        scanner.post(sent.path)
        scanner.post(sent.path, proof(sent, "test"))

    assert row(sent, northside).failed_tries == 0
    assert set(actions(northside, sent)) <= {"created", "invited", "opened"}
    redeem(sent)


def test_a_form_without_the_sites_own_token_is_refused_and_spends_nothing(sent: Sent, northside: Tenant) -> None:
    scanner = Client(enforce_csrf_checks=True)

    assert scanner.post(sent.path, proof(sent, sent.wrong_code)).status_code == 403
    assert row(sent, northside).failed_tries == 0


def test_nothing_can_be_reached_before_the_code(sent: Sent) -> None:
    client = Client()
    client.get(sent.path)

    assert [get(client, url) for url in image_urls(sent)] == [404, 404, 401, 401, 404]


def test_the_fifth_wrong_code_locks_and_the_right_one_is_then_wrong_too(sent: Sent, northside: Tenant) -> None:
    answers = [Client().post(sent.path, proof(sent, sent.wrong_code)) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [422] * 4 + [404]
    assert [f"{4 - place} tr" in answer.content.decode() for place, answer in enumerate(answers[:4])] == [True] * 4
    assert Client().post(sent.path, proof(sent)).status_code == 404
    assert row(sent, northside).locked_at
    assert actions(northside, sent)[1:] == ["code-wrong"] * 5 + ["locked"]


def test_four_wrong_codes_and_the_right_one_open_it(sent: Sent, northside: Tenant) -> None:
    for _ in range(4):
        Client().post(sent.path, proof(sent, sent.wrong_code))
    redeem(sent)
    assert row(sent, northside).failed_tries == 0


@pytest.mark.parametrize("end", ["unknown", "revoked", "expired", "locked"])
def test_every_link_that_does_not_work_has_one_answer(end: str, sent: Sent, northside: Tenant) -> None:
    now = timezone.now()
    ends = {
        "revoked": {"revoked_at": now}, "locked": {"locked_at": now},
        "expired": {"created_at": now - dt.timedelta(days=2), "expires_at": now},
    }  # fmt: skip
    path = sent.path if end in ends else sent.path[:-4] + "AAAA"
    if end in ends:
        change(sent, northside, **ends[end])

    answers = [Client().get(path), Client().post(path, proof(sent)), Client().get(f"/s/{'x' * 43}")]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({answer.content for answer in answers}) == 1
    assert b"Northside" not in answers[0].content
    assert Client().head(path).status_code == 404


@pytest.mark.parametrize("end", ["revoked_at", "locked_at"])
def test_who_tries_a_link_that_ended_is_in_the_trail(end: str, sent: Sent, northside: Tenant) -> None:
    change(sent, northside, **{end: timezone.now()})

    Client().get(sent.path)

    assert history(northside)[-1] == (Action.ACCESS_DENIED, "")


def test_one_kind_of_secret_does_not_open_the_other(sent: Sent) -> None:
    swapped = sent.path.replace("/s/", "/records/") if "/s/" in sent.path else sent.path.replace("/records/", "/s/")
    assert Client().get(swapped).status_code == 404


@pytest.mark.parametrize("token", ["x", "open", "%00", "%F0%28", "é", "x" * 3000])
def test_a_malformed_secret_is_one_that_is_not_there(token: str, db: None) -> None:
    assert Client().get(f"/s/{token}").status_code == 404
    assert Client().get(f"/records/{token}").status_code == 404


def test_only_reading_and_posting_is_allowed(sent: Sent) -> None:
    assert Client().put(sent.path).status_code == 405
    assert redeem(sent).post(sent.page).status_code == 405


def test_a_practice_without_agreement_gives_nothing_out(sent: Sent, northside: Tenant) -> None:
    client = redeem(sent)
    Agreement.objects.all().delete()

    assert Client().get(sent.path).status_code == 404
    assert Client().post(sent.path, proof(sent)).status_code == 404
    assert [get(client, url) for url in image_urls(sent)] == [404, 404, 403, 403, 404]
    assert [action for action, _ in history(northside)].count(Action.GATE_REFUSED) == 7


# --- Five tries, whatever the clock -----------------------------------------------------------------------------


@pytest.mark.usefixtures("live_db")
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_wrong_codes_at_once_count_as_five(kind: str, settings: object) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]  # a wide window for a race
    northside = add_tenant("northside", "Northside Dental")
    bob = add_person("Bob", northside, Role.UPLOADER)
    take_in(actor(bob), northside, {"a.dcm": instance(1)})
    sent = KINDS[kind][0](northside, bob, UID)

    def attempt(_: int) -> int:
        try:
            return Client().post(sent.path, proof(sent, sent.wrong_code)).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        answers = sorted(pool.map(attempt, range(20)))

    assert answers == [404] * 16 + [422] * 4
    assert row(sent, northside).failed_tries == 5
    assert actions(northside, sent)[1:] == ["code-wrong"] * 5 + ["locked"]


# --- Patients -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code_right", "born"), [(True, BORN + dt.timedelta(days=1)), (False, BORN)])
def test_a_patient_needs_both_and_is_not_told_which_was_wrong(
    code_right: bool, born: dt.date, study: str, northside: Tenant, bob: User
) -> None:
    sent = send_invitation(northside, bob, study)

    answer = Client().post(sent.path, proof(sent, sent.code if code_right else sent.wrong_code, born))

    assert answer.status_code == 422
    assert b"Birth date and code do not match. 4 tries left." in answer.content


def test_the_birth_date_may_come_as_month_day_and_year(study: str, northside: Tenant, bob: User) -> None:
    sent = send_invitation(northside, bob, study)
    parts = {"birth_date_month": "1", "birth_date_day": "31", "birth_date_year": "1970", "code": sent.code}

    assert Client().post(sent.path, parts).status_code == 302


@pytest.mark.parametrize("born", ["", "31.1.1970", "2999-01-01", "1800-01-01", "1970-02-30"])
def test_what_cannot_be_a_birth_date_is_no_try(born: str, study: str, northside: Tenant, bob: User) -> None:
    sent = send_invitation(northside, bob, study)

    assert Client().post(sent.path, {"code": sent.code, "birth_date": born}).status_code == 422
    assert row(sent, northside).failed_tries == 0


def test_a_patient_sees_who_looked_and_no_names_of_staff(
    study: str, northside: Tenant, bob: User, link: Sent
) -> None:
    sign_in(bob).get(f"/t/northside/studies/{UID}/")
    redeem(link).get(link.page)
    sent = send_invitation(northside, bob, study)
    client = redeem(sent)
    client.get(f"{sent.page}download")

    page = client.get(sent.page).content.decode()

    rows = re.findall(r"<strong>(.*?)</strong><span class=\"sub\">(.*?)</span>", page)
    assert set(rows) == {
        ("You", "Looked at the images"), ("You", "Downloaded the files"),
        ("Referring office (Rita Ross)", "Looked at the images"), ("Practice staff", "Looked at the images"),
    }  # fmt: skip
    assert "bob" not in page.lower()


def test_a_referring_office_does_not_see_who_else_looked(link: Sent) -> None:
    assert b"Who has looked" not in redeem(link).get(link.page).content
