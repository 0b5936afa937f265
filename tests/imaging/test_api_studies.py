"""Studies in the API: lists, searches, one study, its history, and asking for its end."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.models import PurgeOrder, Study
from imaging.services import retention
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.api_client import STUDY, UID, problem, program
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance, take_in
from tests.imaging.sharing import history


@pytest.fixture
def studies(northside: Tenant, bob: User) -> None:
    """Five, a day apart, the first the latest; the third is another patient's."""
    files = {
        f"{n}.dcm": instance(
            1, study=n, StudyDate=f"2026010{6 - n}", PatientName="Roe^Ray" if n == 3 else "Doe^Jane", Modality="CT",
            PatientBirthDate="19700131",
        )
        for n in range(1, 6)
    }  # fmt: skip
    take_in(actor(bob), northside, files)


def uids(answer: object) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [int(row["study_instance_uid"].rpartition(".")[2]) for row in answer.json()["results"]]


def test_the_list_is_the_latest_first_in_dicoms_terms(studies: None, northside: Tenant, nora: User) -> None:
    answer = program(nora, "read").get("/studies")

    assert uids(answer) == [1, 2, 3, 4, 5]
    first = answer.json()["results"][0]
    assert (first["patient_name"], first["patient_birth_date"]) == ("Doe^Jane", "1970-01-31")
    assert (first["study_date"], first["modalities_in_study"]) == ("2026-01-05", ["CT"])
    assert first["number_of_study_related_instances"] == 1
    assert first["state"]["received"] == {"state": "done", "detail": "1 image"}
    assert first["retrieve_url"].endswith(f"/t/northside/dicomweb/studies/{UID}")
    assert (Action.STUDIES_SEARCHED, nora.email) in history(northside)


def test_pages_follow_each_other_both_ways_without_gap_or_double(studies: None, nora: User) -> None:
    caller = program(nora)
    first = caller.get("/studies", limit=2)
    second = caller.get("/studies", limit=2, cursor=first.json()["next_cursor"])
    third = caller.get("/studies", limit=2, cursor=second.json()["next_cursor"])
    back = caller.get("/studies", limit=2, cursor=second.json()["previous_cursor"])

    assert [uids(page) for page in (first, second, third, back)] == [[1, 2], [3, 4], [5], [1, 2]]
    assert (first.json()["previous_cursor"], third.json()["next_cursor"]) == (None, None)


def test_the_list_is_narrowed_by_days_and_modality(studies: None, nora: User) -> None:
    caller = program(nora)
    assert uids(caller.get("/studies", study_date_from="2026-01-02", study_date_to="2026-01-04")) == [2, 3, 4]
    assert uids(caller.get("/studies", modality="MR")) == []


def test_a_search_by_name_leaves_the_field_but_not_the_name_in_the_trail(
    studies: None, northside: Tenant, nora: User
) -> None:
    assert uids(program(nora).post("/studies/search", {"words": "roe", "limit": 3})) == [3]

    with tenant_scope(northside.id):
        event = AuditEvent.objects.filter(action=Action.STUDIES_SEARCHED).latest("seq")
    assert event.details == {"fields": ["words"], "rows": 1}


@pytest.mark.parametrize(
    "cursor", ["after-00000000-0000-4000-8000-000000000000", "x", "after-", "before-zz", "1" * 900]
)
def test_a_bad_cursor_is_told(cursor: str, studies: None, nora: User) -> None:
    status, code = problem(program(nora).get("/studies", cursor=cursor))
    assert (status, code in ("invalid_parameters", "cursor_unknown")) == (400, True)


def test_a_study_shows_its_series_and_how_long_it_is_kept(studies: None, northside: Tenant, nora: User) -> None:
    found = program(nora).get(STUDY).json()

    assert [series["series_instance_uid"] for series in found["series"]] == [f"{UID}.1"]
    assert found["series"][0]["retrieve_url"].endswith(f"/studies/{UID}/series/{UID}.1")
    assert found["retention"]["purge_status"] == ""
    assert (Action.STUDY_VIEWED, nora.email) in history(northside)


def test_the_history_is_the_trails_events_about_the_study(studies: None, northside: Tenant, bob: User) -> None:
    caller = program(bob)
    caller.get(STUDY)

    page = caller.get(f"{STUDY}/history", limit=1).json()
    rest = caller.get(f"{STUDY}/history", cursor=page["next_cursor"]).json()

    found = [event["action"] for event in page["results"] + rest["results"]]
    assert found == [Action.AUDIT_VIEWED, Action.STUDY_VIEWED, Action.INSTANCES_RECEIVED]
    assert {event["study_instance_uid"] for event in rest["results"]} == {UID}


# --- DELETE: the first yes to a purge ---------------------------------------------------------------------------


def mark(tenant: Tenant) -> None:
    assert retention.mark_ended_retention(tenant.id, timezone.now() + timedelta(days=11 * 366)) == 5


def test_a_study_whose_retention_runs_is_not_let_go(studies: None, northside: Tenant, bob: User) -> None:
    answer = program(bob).delete(STUDY)

    assert problem(answer) == (409, "retention_not_ended")
    assert "20" in answer.json()["detail"]
    with tenant_scope(northside.id):
        assert not PurgeOrder.objects.exists()


def test_a_held_study_is_not_let_go(studies: None, northside: Tenant, alice: User, bob: User) -> None:
    mark(northside)
    with tenant_scope(northside.id):
        retention.place_hold(actor(alice), UID, "A dispute is open.", timezone.now())

    assert problem(program(bob).delete(STUDY)) == (409, "study_held")


def test_deleting_is_the_first_of_two_yeses(studies: None, northside: Tenant, bob: User) -> None:
    mark(northside)
    caller = program(bob)

    first, again = caller.delete(STUDY), caller.delete(STUDY)

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["status"] == again.json()["status"] == "requested"
    assert "owner other than" in first.json()["reason"]
    with tenant_scope(northside.id):
        assert Study.objects.count() == 5
        assert PurgeOrder.objects.get(study__study_instance_uid=UID).requested_by == bob
        assert AuditEvent.objects.filter(action=Action.PURGE_REQUESTED, actor_label=bob.email).count() == 1
    assert caller.get(STUDY).json()["retention"]["purge_status"] == "requested"


def test_a_viewer_asks_for_no_ones_end(studies: None, northside: Tenant, nora: User) -> None:
    mark(northside)

    assert problem(program(nora).delete(STUDY))[0] in (403, 404)
    with tenant_scope(northside.id):
        assert not PurgeOrder.objects.exclude(requested_at=None).exists()


def test_what_is_purged_is_not_there(studies: None, northside: Tenant, bob: User) -> None:
    with tenant_scope(northside.id):
        Study.objects.filter(study_instance_uid=UID).delete()

    assert problem(program(bob).delete(STUDY)) == problem(program(bob).get(f"/studies/{ROOT}.77")) == (404, "not_found")
