"""The protection page: who may read it, who may decide, and what is written down about it."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.actions import Action, Outcome
from imaging.access import StudyNotFound
from imaging.models import Brake, Drill
from imaging.services import active_region, protection
from imaging.services.regions import ensure_tenant_keys, get_vault
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.library import events
from tests.imaging.protecting import add_drill, add_study

URL = "/t/northside/protection/"
PDF = b"%PDF-1.7 a report"


@pytest.fixture
def behind(northside: Tenant) -> None:
    """Two studies; of the second, Jane's, one image of three is in one region only."""
    add_study(northside, 2, patient_name="Roe^Richard")
    add_study(northside, 3, mirrored=2, patient_name="Doe^Jane", study_description="Knee left")


@pytest.fixture
def report(northside: Tenant, empty_vaults: None) -> Drill:
    object_id = uuid4()
    ensure_tenant_keys(northside.id)
    get_vault(1).seal(northside.id, object_id, [PDF])
    return add_drill(northside, days_ago=3, report=object_id)


def brake(tenant: Tenant) -> UUID:
    with tenant_scope(tenant.id):
        return Brake.objects.create(tripped_at=timezone.now(), changed=480, usual=12).id


def page_of(client: Client) -> str:
    answer = client.get(URL)
    assert answer.status_code == 200, answer
    return answer.content.decode()


@pytest.mark.parametrize("person", ["alice", "bob", "nora"])
def test_every_member_may_read_it(person: str, behind: None, browser_of, request: pytest.FixtureRequest) -> None:
    page = page_of(browser_of(request.getfixturevalue(person)))

    assert "1 image is on the way to the other region" in page
    assert ("Save" in page) is (person == "alice")


@pytest.mark.parametrize("path", ["", "drills/00000000-0000-4000-8000-000000000000.pdf"])
@pytest.mark.parametrize("person", ["carol", "vera", "eve"])
def test_nobody_else_may(person: str, path: str, northside, browser_of, request: pytest.FixtureRequest) -> None:
    assert browser_of(request.getfixturevalue(person)).get(URL + path).status_code == 404
    assert [event.outcome for event in events(northside, Action.ACCESS_DENIED)] == [Outcome.DENIED]


def test_a_stranger_is_sent_to_sign_in(behind: None) -> None:
    answer = Client().get(URL)
    assert (answer.status_code, answer["Location"][:6]) == (302, "/login")


def test_an_owner_of_another_practice_sees_only_hers(behind: None, carol: User, browser_of) -> None:
    page = browser_of(carol).get("/t/southside/protection/").content.decode()

    assert "There are no images yet" in page
    assert "Doe, Jane" not in page


def test_the_studies_behind_are_named_and_that_is_recorded(behind: None, northside, nora: User, browser_of) -> None:
    page = page_of(browser_of(nora))

    assert "Doe, Jane" in page and "1 of 3" in page and "Roe, Richard" not in page
    (event,) = events(northside, Action.STUDIES_SEARCHED)
    assert event.details == {"fields": ["not-in-both-regions"], "rows": 1}
    assert event.actor_label == nora.email
    assert not re.search("doe|jane", " ".join(re.findall(r"<title>.*?</title>|href=\"[^\"]*\"", page)), re.IGNORECASE)


def test_a_page_without_patients_is_not_recorded(northside: Tenant, nora: User, browser_of) -> None:
    add_study(northside, 2)
    page_of(browser_of(nora))
    assert events(northside, Action.STUDIES_SEARCHED) == []


def test_markup_in_a_name_is_text(northside: Tenant, nora: User, browser_of) -> None:
    add_study(northside, 1, mirrored=0, patient_name="<script>x</script>", study_description="<b>y</b>")
    page = page_of(browser_of(nora))
    assert "<script>x" not in page and "<b>y" not in page


def test_the_owner_chooses_when_an_upload_is_done(northside: Tenant, alice: User, browser_of) -> None:
    answer = browser_of(alice).post(f"{URL}acknowledgement", {"regions": "2"})

    northside.refresh_from_db()
    assert (answer.status_code, answer["Location"], northside.acknowledge_in) == (302, URL, 2)
    (event,) = events(northside, Action.PROTECTION_CHANGED)
    assert event.details == {"acknowledge_in": 2, "before": 1}
    assert event.actor_label == alice.email


@pytest.mark.parametrize("wanted", ["0", "3", "", "both"])
def test_there_is_no_third_choice(wanted: str, northside: Tenant, alice: User, browser_of) -> None:
    browser_of(alice).post(f"{URL}acknowledgement", {"regions": wanted})

    northside.refresh_from_db()
    assert northside.acknowledge_in == 1
    assert events(northside, Action.PROTECTION_CHANGED) == []
    with pytest.raises(ValueError, match="one region or in both"):
        protection.set_acknowledgement(actor(alice), northside.id, 3, timezone.now())


@pytest.mark.parametrize("path", ["acknowledgement", "resume"])
@pytest.mark.parametrize("person", ["bob", "nora", "carol", "vera"])
def test_only_the_owner_decides(path: str, person: str, northside, browser_of, request: pytest.FixtureRequest) -> None:
    brake_id = brake(northside)

    answer = browser_of(request.getfixturevalue(person)).post(URL + path, {"regions": "2"})

    northside.refresh_from_db()
    with tenant_scope(northside.id):
        assert Brake.objects.get(id=brake_id).released_at is None
    assert (answer.status_code, northside.acknowledge_in) == (404, 1)
    assert len(events(northside, Action.ACCESS_DENIED)) == 1


def test_the_services_ask_who_it_is_by_themselves(report: Drill, northside: Tenant, bob: User, carol: User) -> None:
    now = timezone.now()
    with pytest.raises(StudyNotFound):
        protection.set_acknowledgement(actor(bob), northside.id, 2, now)
    with pytest.raises(StudyNotFound):
        protection.show_protection(actor(carol), northside, 1, now)
    with pytest.raises(StudyNotFound):
        protection.read_drill_report(actor(carol), northside.id, report.id, now)


@pytest.mark.parametrize("path", ["acknowledgement", "resume"])
def test_a_decision_is_never_a_get(path: str, northside: Tenant, alice: User, browser_of) -> None:
    assert browser_of(alice).get(URL + path).status_code == 405
    assert Client().post(URL + path).status_code == 401


def test_a_brake_is_red_and_the_owner_lets_it_go(northside: Tenant, alice: User, nora: User, browser_of) -> None:
    add_study(northside, 1)
    brake(northside)
    assert "We did this: go on" not in page_of(browser_of(nora))
    client = browser_of(alice)
    before = page_of(client)

    client.post(f"{URL}resume")

    after = page_of(client)
    assert "alert--bad" in before and "480 images or copies were removed" in before and "We did this: go on" in before
    assert "alert--bad" not in after and "Copying and removing go on." in after
    assert [event.actor_label for event in events(northside, Action.BRAKE_RELEASED)] == [alice.email]
    assert "going on already" in client.post(f"{URL}resume", follow=True).content.decode()


def test_a_report_opens_for_a_member_and_is_recorded(report: Drill, northside, nora: User, browser_of) -> None:
    answer = browser_of(nora).get(f"{URL}drills/{report.id}.pdf")

    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, PDF, "application/pdf")
    assert answer["Content-Disposition"] == f'attachment; filename="restore-drill-{report.started_at:%Y-%m-%d}.pdf"'
    assert answer["Cache-Control"] == "no-store"
    (event,) = events(northside, Action.DRILL_REPORT_VIEWED)
    assert (event.subject_id, event.actor_label) == (str(report.id), nora.email)


def test_a_drill_without_a_report_has_none(northside: Tenant, alice: User, browser_of) -> None:
    drill = add_drill(northside, days_ago=1)

    for drill_id in (drill.id, uuid4()):
        assert browser_of(alice).get(f"{URL}drills/{drill_id}.pdf").status_code == 404
    assert events(northside, Action.DRILL_REPORT_VIEWED) == []
    assert len(events(northside, Action.ACCESS_DENIED)) == 2


def test_a_report_of_another_practice_is_not_there(report: Drill, southside, carol: User, browser_of) -> None:
    assert browser_of(carol).get(f"/t/southside/protection/drills/{report.id}.pdf").status_code == 404
    assert browser_of(carol).get(f"{URL}drills/{report.id}.pdf").status_code == 404


def test_a_report_that_no_region_can_give_is_said_to_be_away(northside, alice: User, empty_vaults, browser_of) -> None:
    drill = add_drill(northside, days_ago=1, report=uuid4())
    assert browser_of(alice).get(f"{URL}drills/{drill.id}.pdf").status_code == 503


def test_the_page_costs_the_same_queries_however_much_is_behind(northside: Tenant, nora: User, browser_of) -> None:
    client = browser_of(nora)
    add_study(northside, 1, mirrored=0)
    client.get(URL)
    few = count_queries(client)
    for _ in range(30):
        add_study(northside, 2, mirrored=1, received=timezone.now() - timedelta(days=1))

    assert count_queries(client) == few


def count_queries(client: Client) -> int:
    active_region.forget()  # kept for a second, which would make the count depend on the clock
    with CaptureQueriesContext(connection) as captured:
        assert client.get(URL).status_code == 200
    return len(captured)
