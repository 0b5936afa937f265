"""The rows alone, for a page that types or watches: as the page shows them, and in the trail before they leave."""

import re
from functools import partial

import pytest
from django.test import Client

from audit.actions import Action, Outcome
from imaging.selectors.qido_plan import Bounds
from imaging.selectors.worklist import list_worklist
from imaging.services import searches
from tenants.models import Tenant, User
from tests.imaging.incoming import instance
from tests.imaging.library import events, keep

URL, PAGE = "/t/northside/worklist/rows", "/t/northside/"


@pytest.fixture
def archive(northside: Tenant, bob: User) -> None:
    keep(
        northside, bob,
        instance(1, study=1, PatientName="Doe^Jane", PatientID="P-100", StudyDate="20240101", Modality="CT"),
        instance(1, study=2, PatientName="Roe^Richard", PatientID="P-200", StudyDate="20240301", Modality="MR"),
    )  # fmt: skip


def shown(answer) -> list[str]:
    return re.findall(r"(Doe|Roe), ", answer.content.decode())


def test_rows_are_those_that_match(archive, nora: User, browser_of) -> None:
    client = browser_of(nora)
    assert shown(client.post(URL, {"words": "ja"})) == ["Doe"]
    assert shown(client.post(URL, {"words": ""})) == ["Roe", "Doe"]
    assert shown(client.post(URL, {"modality": "MR"})) == ["Roe"]
    assert "Nothing found" in client.post(URL, {"words": "nobody"}).content.decode()


def test_an_unchanged_list_is_not_sent_again(archive, northside: Tenant, bob: User, nora: User, browser_of) -> None:
    client = browser_of(nora)
    version = re.search(r'data-version="(\w+)"', client.post(URL, {}).content.decode())[1]
    assert client.post(URL, {"version": version}).status_code == 204
    assert client.post(URL, {"version": version, "words": "doe"}).status_code == 200
    keep(northside, bob, instance(1, study=3))
    assert client.post(URL, {"version": version}).status_code == 200


def test_typing_is_one_event_and_a_settled_search_another(archive, northside, nora: User, browser_of) -> None:
    client = browser_of(nora)
    for words in ("j", "ja", "jan", "jane"):
        client.post(URL, {"words": words})
    client.post(URL, {"words": "jane", "settled": "1"})

    (followed,) = events(northside, Action.WORKLIST_FOLLOWED)
    (searched,) = events(northside, Action.STUDIES_SEARCHED)

    assert followed.actor_label == searched.actor_label == nora.email
    assert searched.details == {"fields": ["words"], "rows": 1}
    assert "jane" not in repr([vars(event) for event in events(northside)]).lower().replace("jane@", "")


def test_a_settled_search_is_there_when_the_page_comes_again(archive, nora: User, browser_of) -> None:
    client = browser_of(nora)
    client.post(URL, {"words": "ro"})
    assert shown(client.get(PAGE)) == ["Roe", "Doe"]
    client.post(URL, {"words": "jane", "settled": "1"})
    assert shown(client.get(PAGE)) == ["Doe"]


def test_a_search_that_stopped_early_says_so(archive, nora: User, browser_of, monkeypatch) -> None:
    small = Bounds(rows=1, ordered=0, milliseconds=1000)
    monkeypatch.setattr(searches, "list_worklist", partial(list_worklist, bounds=small))
    page = browser_of(nora).post(URL, {"words": "jane"}).content.decode()
    assert "some that match may be missing" in page
    monkeypatch.undo()
    assert "some that match" not in browser_of(nora).post(URL, {"words": "jane"}).content.decode()


def test_what_makes_no_sense_is_refused(archive, nora: User, browser_of) -> None:
    assert browser_of(nora).post(URL, {"date_from": "yesterday"}).status_code == 400
    assert browser_of(nora).get(URL).status_code == 405


def test_another_practice_and_strangers_get_nothing(archive, northside, carol: User, browser_of) -> None:
    assert browser_of(carol).post(URL, {}).status_code == 404
    assert Client().post(URL, {}).status_code == 401
    assert [event.outcome for event in events(northside, Action.ACCESS_DENIED)] == [Outcome.DENIED]


def test_a_row_costs_no_query_of_its_own(
    northside: Tenant, bob: User, nora: User, browser_of, django_assert_max_num_queries
) -> None:
    client = browser_of(nora)
    keep(northside, bob, *(instance(1, study=study) for study in range(1, 12)))
    client.post(URL, {})
    with django_assert_max_num_queries(34):
        client.post(URL, {"words": "doe"})
