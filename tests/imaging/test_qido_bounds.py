"""A search ends wherever it may lead, says what it did not look at, and costs the same statements in any archive."""

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from psycopg.errors import QueryCanceled

from imaging.selectors import qido
from imaging.selectors.qido import Bounds, Found, Level, read_query, search
from imaging.services import searches
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance
from tests.imaging.library import keep

STUDIES = "/t/northside/dicomweb/studies"
SMALL = Bounds(rows=3, keys=4, ordered=3)


@pytest.fixture
def archive(northside: Tenant, bob: User) -> Tenant:
    """Eight studies, the later ones first: Smith 8, Smith 7 … of 2024."""
    keep(
        northside, bob,
        *(instance(1, study=n, PatientName=f"Smith{n}^Jo", PatientID=f"P{n % 2}", StudyDate=f"2024010{n}",
                   Modality="CT" if n % 2 else "MR", StudyDescription=f"D{n}", AccessionNumber=f"A{n}")
          for n in range(1, 9)),
    )  # fmt: skip
    return northside


def found(tenant: Tenant, bounds: Bounds = SMALL, level: Level = Level.STUDY, **parameters: str) -> Found:
    with tenant_scope(tenant.id):
        return search(read_query(level, {name: [value] for name, value in parameters.items()}), "", bounds=bounds)


def days(answer: Found) -> str:
    return "".join(each["00080020"]["Value"][0][-1] for each in answer.objects)


CASES = [
    ({}, "87654321", False),  # a page of all
    ({"limit": "2"}, "87", False),
    ({"StudyDate": "20240102-20240105"}, "5432", False),
    ({"StudyDescription": "D*"}, "876", True),  # rows read one by one
    ({"StudyDescription": "D1"}, "", True),
    ({"StudyDescription": "D?", "StudyDate": "-20240103"}, "321", False),
    ({"PatientName": "*th*"}, "876", True),  # names passed in the index, then rows
    ({"PatientName": "*th6*"}, "6", True),
    ({"PatientName": "*th6*", "limit": "1"}, "6", True),
    ({"PatientName": "*th6*", "StudyDate": "20240105-"}, "6", False),
    ({"PatientName": "smith1*"}, "1", False),  # a range
    ({"PatientName": "smith1^jo"}, "1", False),
    ({"PatientName": "smith*"}, "876", True),  # a range too long: passed by date
    ({"PatientName": "jo", "fuzzymatching": "true", "StudyDate": "-20240103"}, "321", False),
    ({"PatientID": "P1"}, "753", True),  # one key, latest first
    ({"PatientID": "P1", "limit": "2"}, "75", False),
    ({"PatientID": "P1", "StudyDescription": "D1"}, "", True),
    ({"PatientID": "P1", "StudyDate": "-20240104"}, "31", False),
    ({"AccessionNumber": "A2"}, "2", False),
    ({"AccessionNumber": "A*"}, "876", True),
    ({"ModalitiesInStudy": "MR"}, "864", True),
    ({"ModalitiesInStudy": "MR", "limit": "2", "offset": "1"}, "64", True),
    ({"ModalitiesInStudy": "MR,CT"}, "876", True),
    ({"StudyInstanceUID": f"{ROOT}.1,{ROOT}.2,{ROOT}.3,{ROOT}.4"}, "4321", False),
    ({"offset": "6"}, "21", False),
]  # fmt: skip


def test_a_search_stops_at_its_bounds_and_says_so(archive: Tenant) -> None:
    for parameters, expected, partial in CASES:
        answer = found(archive, **parameters)
        assert (days(answer), answer.partial) == (expected, partial), parameters
        assert not partial or not found(archive, Bounds(), **parameters).partial, parameters


@pytest.mark.parametrize("level", [Level.SERIES, Level.INSTANCE])
def test_searches_below_the_study_are_bounded_too(level: Level, archive: Tenant) -> None:
    assert days(found(archive, level=level, limit="2")) == "87"
    assert days(found(archive, level=level)) == "876"
    assert found(archive, level=level).partial
    assert found(archive, level=level, Modality="CT").partial
    assert days(found(archive, level=level, Modality="CT", StudyDate="-20240103")) == "31"
    assert days(found(archive, level=level, SeriesInstanceUID=f"{ROOT}.1.1")) == "1"


def test_a_client_is_told_that_the_search_stopped(
    archive: Tenant, nora: User, browser_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches.qido, "search", lambda query, root, within: search(query, root, within, SMALL))

    response = browser_of(nora).get(STUDIES, {"StudyDescription": "D*"})

    assert len(response.json()) == 3
    assert "stopped before" in response["Warning"]
    assert "additional results" not in response["Warning"]


def test_a_search_that_takes_too_long_gives_what_a_short_one_finds(
    archive: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []

    def slow(cursor: object, *arguments: object) -> object:
        if not taken:
            taken.append(1)
            cursor.execute("SELECT pg_sleep(30)")
        return choose(cursor, *arguments)

    choose = qido._choose
    monkeypatch.setattr(qido, "_choose", slow)

    answer = found(archive, Bounds(milliseconds=50), PatientName="smith*")

    assert taken
    assert days(answer) == "87654321"


def test_another_failure_of_the_database_is_no_timeout(archive: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(qido, "_choose", fail)

    assert not issubclass(OperationalError, QueryCanceled)
    with pytest.raises(OperationalError):
        found(archive, PatientName="smith*")


def test_the_settings_of_a_search_end_with_it(archive: Tenant) -> None:
    names = ("statement_timeout", "enable_sort", "enable_seqscan", "jit")
    with tenant_scope(archive.id), connection.cursor() as cursor:
        before = [cursor.execute(f"SHOW {name}").fetchone() for name in names]
        search(read_query(Level.STUDY, {"PatientName": ["*th*"]}), "")
        assert [cursor.execute(f"SHOW {name}").fetchone() for name in names] == before


SEARCHES = [
    {}, {"limit": "3"}, {"PatientName": "smi*"}, {"PatientName": "*mit*"}, {"PatientID": "P1"}, {"PatientID": "*1"},
    {"ModalitiesInStudy": "CT"}, {"StudyDate": "20240101-"}, {"PatientName": "smi", "fuzzymatching": "true"},
]  # fmt: skip


def test_a_search_costs_the_same_statements_in_any_archive(
    northside: Tenant, bob: User, nora: User, browser_of
) -> None:
    def archive(*studies: int) -> None:
        keep(northside, bob, *(instance(1, study=n, PatientName=f"Smith{n}", PatientID=f"P{n % 2}") for n in studies))

    def statements() -> list[int]:
        return [cost(parameters) for parameters in SEARCHES]

    def cost(parameters: dict[str, str]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(STUDIES, parameters).json()
        return len(captured)

    client = browser_of(nora)
    archive(1, 2, 3, 4, 5)
    statements()
    few = statements()
    archive(*range(6, 30))

    assert statements() == few
