"""The worklist shows the latest studies, finds them without a name in any URL, and costs a page."""

import re
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.actions import Action
from imaging.models import Instance, Series, Study
from imaging.selectors.worklist import Position, WorklistFilter, list_worklist
from tenants.baas.models import Agreement, Status
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.incoming import instance
from tests.imaging.library import events, keep

URL = "/t/northside/"


@pytest.fixture
def archive(northside: Tenant, bob: User) -> None:
    keep(
        northside, bob,
        instance(1, study=1, PatientName="Doe^Jane", PatientID="P-100", StudyDate="20240101", Modality="CT",
                 StudyDescription="Knee left"),
        instance(1, study=2, PatientName="Roe^Richard", PatientID="P-200", StudyDate="20240301", Modality="MR",
                 AccessionNumber="ACC77"),
        instance(1, study=3, PatientName="Poe^Edgar", PatientID="P-300", StudyDate="", Modality="US"),
    )  # fmt: skip


def shown(client: Client, url: str = URL) -> list[str]:
    """Who is on the page, in order."""
    page = client.get(url).content.decode()
    return re.findall(r"(Doe|Roe|Poe), ", page)


def test_the_latest_come_first_and_those_without_a_date_last(archive, nora: User, browser_of) -> None:
    assert shown(browser_of(nora)) == ["Roe", "Doe", "Poe"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"words": "jane"}, ["Doe"]), ({"words": "DOE knee"}, ["Doe"]), ({"words": "doe acc77"}, []),
        ({"words": "p-200"}, ["Roe"]), ({"words": "acc77"}, ["Roe"]), ({"words": "1%0"}, []),
        ({"modality": "CT"}, ["Doe"]), ({"date_from": "2024-01-02"}, ["Roe"]),
        ({"date_to": "2024-01-02"}, ["Doe"]), ({"words": "p-", "modality": "US"}, ["Poe"]),
    ],
)  # fmt: skip
def test_a_search_finds_every_word(asked: dict, expected: list[str], archive, nora, browser_of) -> None:
    client = browser_of(nora)

    answer = client.post(URL, asked)

    assert (answer.status_code, answer["Location"]) == (302, URL)
    assert shown(client) == expected


def test_clearing_shows_all_again(archive, nora: User, browser_of) -> None:
    client = browser_of(nora)
    client.post(URL, {"words": "nobody"})
    assert "Nothing found" in client.get(URL).content.decode()

    client.post(URL, {"clear": "1", "words": "nobody"})

    assert len(shown(client)) == 3


def test_a_search_that_makes_no_sense_is_said_so(archive, nora: User, browser_of) -> None:
    answer = browser_of(nora).post(URL, {"date_from": "yesterday"})
    assert answer.status_code == 200
    assert "Enter a valid date" in answer.content.decode()


def test_a_search_is_recorded_without_its_words(archive, northside: Tenant, nora: User, browser_of) -> None:
    client = browser_of(nora)
    client.post(URL, {"words": "jane", "modality": "CT"})
    client.get(URL)

    (event,) = events(northside, Action.STUDIES_SEARCHED)

    assert event.details == {"fields": ["words", "modality"], "rows": 1}
    assert event.actor_label == nora.email


def test_an_empty_archive_leads_to_the_upload(northside: Tenant, bob: User, nora: User, browser_of) -> None:
    assert "/t/northside/upload" in browser_of(bob).get(URL).content.decode()
    assert "/t/northside/upload" not in browser_of(nora).get(URL).content.decode()


def test_a_shut_gate_is_said_before_anyone_runs_into_it(archive, alice: User, nora: User, browser_of) -> None:
    assert "No image enters or leaves" not in browser_of(alice).get(URL).content.decode()
    Agreement.objects.update(status=Status.TERMINATED)

    owner, viewer = (browser_of(person).get(URL).content.decode() for person in (alice, nora))

    assert "was terminated" in owner and "Open the agreement" in owner
    assert "was terminated" in viewer and "Ask an owner" in viewer


def test_who_may_ask_for_a_purge_finds_the_way(archive, bob: User, nora: User, browser_of) -> None:
    assert "/t/northside/retention/" in browser_of(bob).get(URL).content.decode()
    assert "/t/northside/retention/" not in browser_of(nora).get(URL).content.decode()


def test_another_practice_sees_nothing(archive, carol: User, browser_of) -> None:
    client = browser_of(carol)
    assert client.get(URL).status_code == 404
    assert shown(client, "/t/southside/") == []
    assert "No studies yet" in client.get("/t/southside/").content.decode()


def test_a_stranger_is_sent_to_sign_in(archive) -> None:
    answer = Client().get(URL)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login")


def test_markup_in_a_name_is_text(northside: Tenant, bob: User, nora: User, browser_of) -> None:
    keep(northside, bob, instance(1, PatientName="<script>alert(1)</script>^X"))
    page = browser_of(nora).get(URL).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_page_names_no_patient_in_title_or_address(archive, nora: User, browser_of) -> None:
    page = browser_of(nora).get(URL).content.decode()
    spoken = re.findall(r"<title>.*?</title>|(?:href|src|action)=\"[^\"]*\"", page)
    assert not [each for each in spoken if re.search("doe|roe|poe|P-[123]00", each, re.IGNORECASE)]


def add_studies(tenant: Tenant, dates: list) -> None:
    now = timezone.now()
    with tenant_scope(tenant.id):
        Study.objects.bulk_create(
            Study(study_instance_uid=f"1.2.{place}", study_date=day, received_at=now, last_received_at=now)
            for place, day in enumerate(dates)
        )


def test_paging_forth_and_back_shows_every_study_once(northside: Tenant) -> None:
    add_studies(northside, [None] * 5 + ["2024-01-01"] * 7 + ["2023-05-05", "2022-02-02", "2021-01-01"])
    with tenant_scope(northside.id):
        pages, position = [], None
        while True:
            page = list_worklist(WorklistFilter(), position, size=4)
            pages.append([row.id for row in page.rows])
            if page.next is None:
                break
            position = Position(page.next)
        back = [pages[-1]]
        while page.previous:
            page = list_worklist(WorklistFilter(), Position(page.previous, backwards=True), size=4)
            back.append([row.id for row in page.rows])

        everything = [row.id for row in list_worklist(WorklistFilter(), size=100).rows]

    assert [each for page in pages for each in page] == everything
    assert len(everything) == 15
    assert back[::-1] == pages


@pytest.mark.parametrize("query", [f"after={uuid.UUID(int=4)}", "after=x", "before=1", f"before={uuid.UUID(int=4)}"])
def test_a_position_that_is_gone_shows_the_first_page(query: str, archive, nora: User, browser_of) -> None:
    assert shown(browser_of(nora), f"{URL}?{query}") == ["Roe", "Doe", "Poe"]


def test_a_row_shows_a_thumbnail_and_how_far_the_study_has_come(archive, northside, nora, browser_of) -> None:
    with tenant_scope(northside.id):
        Series.objects.filter(study__patient_name="Doe^Jane").update(thumbnail=uuid.uuid4())
        Instance.objects.update(sealed_at=timezone.now())
        rows = {row.patient_name: row for row in list_worklist(WorklistFilter()).rows}

    assert rows["Doe, Jane"].thumbnail
    assert not rows["Roe, Richard"].thumbnail
    state = rows["Doe, Jane"].state
    assert [step.state for step in (state.received, state.in_pacs, state.sealed, state.mirrored)] == [
        "done", "waiting", "done", "waiting",
    ]  # fmt: skip
    assert f"/series/{rows['Doe, Jane'].thumbnail}/thumbnail" in browser_of(nora).get(URL).content.decode()


def test_a_page_costs_the_same_queries_however_many_studies(
    northside: Tenant, bob: User, nora: User, browser_of, django_assert_num_queries,
) -> None:  # fmt: skip
    client = browser_of(nora)
    keep(northside, bob, instance(1, study=1))
    client.get(URL)
    with CaptureQueriesContext(connection) as few:
        client.get(URL)
    keep(northside, bob, *(instance(1, study=study) for study in range(2, 20)))
    add_studies(northside, ["2020-01-01"] * 30)
    with CaptureQueriesContext(connection) as many:
        client.get(URL)
    assert len(many) <= len(few)
