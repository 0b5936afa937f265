"""Notes about studies: read, priority, whose, held; each by who may, each in the trail, none at another's cost."""

from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from imaging.access import StudyNotFound
from imaging.models import Priority, Reading, Study, Triage
from imaging.selectors.worklist import WorklistFilter
from imaging.services import triage as triage_service
from imaging.services.searches import follow_worklist, list_chosen, list_patient_studies
from imaging.services.strips import list_positions
from imaging.services.worklist_settings import change_settings, remove_filter, save_filter
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance
from tests.imaging.library import events, keep

URL = "/t/northside/worklist/marks"
ONE, TWO, GONE = f"{ROOT}.1", f"{ROOT}.2", f"{ROOT}.404"


@pytest.fixture
def archive(northside: Tenant, bob: User, nora: User) -> Tenant:
    """Two studies that came when everybody worked here already: what was there before is no news."""
    keep(northside, bob, instance(1, study=1), instance(1, study=2))
    return northside


def mark(client: Client, action: str, *uids: str, **values: object):
    return client.post(URL, {"action": action, "studies": list(uids or (ONE, TWO)), **values})


def triage(tenant: Tenant) -> dict[str, tuple]:
    with tenant_scope(tenant.id):
        rows = Triage.objects.select_related("study", "assigned_to")
        return {row.study.study_instance_uid: (row.priority, row.assigned_to and row.assigned_to.name) for row in rows}


def test_read_and_unread_are_each_persons_own(archive: Tenant, nora: User, bob: User, browser_of) -> None:
    client = browser_of(nora)
    page = "/t/northside/"
    assert client.get(page).content.decode().count(" data-unread") == 2

    assert mark(client, "read", ONE).json() == {"undo": {ONE: "unread"}, "missing": []}

    assert client.get(page).content.decode().count(" data-unread") == 1
    assert browser_of(bob).get(page).content.decode().count(" data-unread") == 2
    assert mark(client, "unread").json()["undo"] == {ONE: "read", TWO: "read"}
    assert client.get(page).content.decode().count(" data-unread") == 2
    assert [event.details for event in events(archive, Action.STUDY_MARKED)] == [
        {"read": True}, {"read": False}, {"read": False},
    ]  # fmt: skip


def test_opening_a_study_is_reading_it(archive: Tenant, nora: User, bob: User, browser_of) -> None:
    client = browser_of(nora)
    client.get(f"/t/northside/studies/{ONE}/")
    assert client.get("/t/northside/").content.decode().count(" data-unread") == 1
    client.get(f"/t/northside/studies/{TWO}/viewer")
    assert client.get("/t/northside/").content.decode().count(" data-unread") == 0
    keep(archive, bob, instance(2, study=1))
    assert client.get("/t/northside/").content.decode().count(" data-unread") == 1, "more of it came"


def test_priority_and_person_are_kept_and_can_be_taken_back(archive: Tenant, bob: User, nora: User, browser_of) -> None:
    client = browser_of(bob)
    assert mark(client, "priority", ONE, priority="stat").json() == {"undo": {ONE: "routine"}, "missing": []}
    assert mark(client, "assign", ONE, user=nora.pk).json() == {"undo": {ONE: ""}, "missing": []}
    assert triage(archive) == {ONE: ("stat", "Nora")}
    assert mark(client, "assign", ONE, user="").json()["undo"] == {ONE: str(nora.pk)}
    assert mark(client, "priority", ONE, priority="routine").json()["undo"] == {ONE: "stat"}
    assert triage(archive) == {ONE: ("routine", None)}
    assert events(archive, Action.STUDY_PRIORITISED)[0].details == {"from": "routine", "to": "stat"}
    assert events(archive, Action.STUDY_ASSIGNED)[0].details == {"from": None, "to": nora.pk}
    assert {event.study_instance_uid for event in events(archive, Action.STUDY_ASSIGNED)} == {ONE}


def test_what_is_gone_does_not_keep_the_others(archive: Tenant, bob: User, browser_of) -> None:
    answer = mark(browser_of(bob), "priority", ONE, GONE, TWO, priority="urgent").json()
    assert answer == {"undo": {ONE: "routine", TWO: "routine"}, "missing": [GONE]}
    assert len(triage(archive)) == 2


def test_a_hold_is_an_owners_and_keeps_an_earlier_one(archive: Tenant, alice: User, bob: User, browser_of) -> None:
    client = browser_of(alice)
    assert mark(client, "hold", ONE, reason="A dispute").json()["undo"] == {ONE: ""}
    assert mark(client, "hold", reason="Another").json()["undo"] == {ONE: "held", TWO: ""}
    with tenant_scope(archive.id):
        assert Study.objects.get(study_instance_uid=ONE).hold_reason == "A dispute"
    assert mark(client, "hold", reason=" ").status_code == 400
    assert mark(client, "lift").status_code == 200
    assert mark(browser_of(bob), "hold", reason="Mine").status_code == 404
    with tenant_scope(archive.id):
        assert not Study.objects.exclude(held_at=None).exists()


def test_a_viewer_notes_only_what_they_have_read(archive: Tenant, nora: User, browser_of) -> None:
    client = browser_of(nora)
    assert mark(client, "priority", priority="stat").status_code == 404
    assert mark(client, "assign", user=nora.pk).status_code == 404
    assert mark(client, "lift").status_code == 404
    assert triage(archive) == {}


def test_nobody_from_elsewhere_is_assigned(archive: Tenant, bob: User, carol: User, browser_of) -> None:
    answer = mark(browser_of(bob), "assign", user=carol.pk)
    assert answer.status_code == 400
    assert "does not work here" in answer.json()["reason"]
    assert triage(archive) == {}


@pytest.mark.parametrize(
    "sent",
    [
        {}, {"action": "read"}, {"action": "read", "studies": ["x"]}, {"action": "burn", "studies": [ONE]},
        {"action": "priority", "studies": [ONE], "priority": "soon"}, {"action": "priority", "studies": [ONE]},
        {"action": "read", "studies": [f"1.2.{n}" for n in range(101)]},
        {"action": "assign", "studies": [ONE], "user": "x"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(sent: dict, archive: Tenant, bob: User, browser_of) -> None:
    answer = browser_of(bob).post(URL, sent)
    assert answer.status_code == 400
    assert answer.json()["reason"]


def test_another_practice_and_strangers_change_nothing(archive: Tenant, southside, carol: User, browser_of) -> None:
    assert mark(browser_of(carol), "read").status_code == 404
    assert mark(Client(), "read").status_code == 401
    abroad = browser_of(carol).post("/t/southside/worklist/marks", {"action": "read", "studies": [ONE]})
    assert abroad.json() == {"undo": {}, "missing": [ONE]}
    with tenant_scope(archive.id):
        assert not Reading.objects.exists()


@pytest.mark.parametrize(
    "note",
    [
        lambda who, now: triage_service.mark_read(who, [ONE], True, now),
        lambda who, now: triage_service.prioritise(who, [ONE], Priority.STAT, now),
        lambda who, now: triage_service.assign(who, [ONE], None, now),
        lambda who, now: triage_service.hold(who, [ONE], "A dispute", now),
        lambda who, now: triage_service.lift(who, [ONE], now),
        lambda who, now: change_settings(who, columns=[], density="normal", order="latest"),
        lambda who, now: save_filter(who, name="Mine", wanted={"words": "x"}, shared=False, pinned=True, now=now),
        lambda who, now: remove_filter(who, uuid4(), now),
        lambda who, now: follow_worklist(who, WorklistFilter(), None, now),
        lambda who, now: list_chosen(who, [ONE], now),
        lambda who, now: list_patient_studies(who, ONE, now),
        lambda who, now: list_positions(who, ONE, f"{ONE}.1"),
    ],
)
def test_the_services_themselves_refuse_who_is_no_member(note, archive: Tenant, carol: User) -> None:
    with tenant_scope(archive.id), pytest.raises(StudyNotFound):
        note(actor(carol), timezone.now())


def test_notes_go_with_the_study(archive: Tenant, bob: User, browser_of) -> None:
    mark(browser_of(bob), "priority", ONE, priority="stat")
    mark(browser_of(bob), "read", ONE)
    with tenant_scope(archive.id):
        Study.objects.get(study_instance_uid=ONE).delete()
        assert not Triage.objects.exists()
        assert not Reading.objects.exists()
