"""QIDO-RS: every key matches as the standard says, and answers hold what a client needs."""

import json
import math

import pydicom
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.actions import Action
from audit.actor import Actor, ActorKind
from imaging.access import StudyNotFound
from imaging.models import Study
from imaging.selectors.qido import InvalidQuery, Level, read_query
from imaging.selectors.worklist import WorklistFilter
from imaging.services.searches import Grant, search_practice, search_worklist
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.incoming import instance
from tests.imaging.library import CT, events, instance_url, keep, real_file, series_url, study_url

STUDIES = "/t/northside/dicomweb/studies"


def search(client: Client, url: str = STUDIES, **parameters: object) -> list[dict]:
    response = client.get(url, parameters)
    assert response.status_code == 200, response
    return json.loads(response.content)


def names(found: list[dict]) -> list[str]:
    return [each["00100010"]["Value"][0]["Alphabetic"] for each in found]


@pytest.fixture
def client(northside: Tenant, bob: User, nora: User, browser_of) -> Client:
    """Nora's browser, before an archive of three studies."""
    keep(
        northside, bob,
        instance(1, study=1, PatientName="Doe^Jane", PatientID="A1", StudyDate="20240101", AccessionNumber="X1",
                 Modality="CT"),
        instance(1, study=2, PatientName="Doe^John", PatientID="B2", StudyDate="20240215", AccessionNumber="X2",
                 Modality="MR"),
        instance(1, study=3, PatientName="M\u00fcller^Ute", PatientID="a1", StudyDate="", Modality="CT",
                 SpecificCharacterSet="ISO_IR 192"),
        instance(1, study=3, series=2, Modality="PT", StudyDate="", SpecificCharacterSet="ISO_IR 192"),
    )  # fmt: skip
    return browser_of(nora)


JANE, JOHN, UTE = "Doe^Jane", "Doe^John", "M\u00fcller^Ute"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [JOHN, JANE, UTE]),
        ({"PatientName": "doe^jane"}, [JANE]),
        ({"PatientName": "doe"}, []),
        ({"PatientName": "DOE*"}, [JOHN, JANE]),
        ({"PatientName": "*^J?n?"}, [JANE]),
        ({"PatientName": "m\u00dcll*"}, [UTE]),
        ({"PatientName": "*"}, [JOHN, JANE, UTE]),
        ({"PatientName": "Doe.Jane"}, []),
        ({"PatientName": "(*"}, []),
        ({"00100010": "doe^john"}, [JOHN]),
        ({"PatientID": "A1"}, [JANE]),
        ({"PatientID": "?1"}, [JANE, UTE]),
        ({"StudyDate": "20240101"}, [JANE]),
        ({"StudyDate": "20240101-20240214"}, [JANE]),
        ({"StudyDate": "20240102-"}, [JOHN]),
        ({"StudyDate": "-20240215"}, [JOHN, JANE]),
        ({"AccessionNumber": "X2"}, [JOHN]),
        ({"ModalitiesInStudy": "CT"}, [JANE, UTE]),
        ({"ModalitiesInStudy": "MR,PT"}, [JOHN, UTE]),
        ({"ModalitiesInStudy": "C"}, []),
        ({"PatientName": "doe*", "StudyDate": "20240215"}, [JOHN]),
        ({"StudyInstanceUID": "1.2.3"}, []),
        ({"limit": "1"}, [JOHN]),
        ({"limit": "1", "offset": "1"}, [JANE]),
        ({"offset": "3"}, []),
    ],
)
def test_a_search_finds_what_matches(parameters: dict, expected: list[str], client: Client) -> None:
    assert names(search(client, **parameters)) == expected


def test_a_list_of_studies_is_found(client: Client, northside: Tenant) -> None:
    with tenant_scope(northside.id):
        uids = list(Study.objects.filter(patient_name__startswith="Doe").values_list("study_instance_uid", flat=True))
    assert len(search(client, StudyInstanceUID=",".join(uids))) == 2
    assert len(search(client, StudyInstanceUID="\\".join(uids))) == 2


@pytest.mark.parametrize(
    "parameters",
    [{"limit": "x"}, {"limit": "-1"}, {"offset": "9999999"}, {"StudyDate": "2024"}, {"StudyDate": "-"},
     {"StudyDate": "20240231"}, {"ModalitiesInStudy": "(C"}, {"PatientName": "a\0b"}, {"PatientID": "*" + "a" * 1100}],
)  # fmt: skip
def test_what_cannot_be_understood_is_a_bad_request(parameters: dict, client: Client) -> None:
    assert client.get(STUDIES, parameters).status_code == 400


def test_a_page_has_at_most_a_thousand_studies() -> None:
    assert read_query(Level.STUDY, {}).limit == 100
    assert read_query(Level.STUDY, {"limit": ["100000"]}).limit == 1000


def test_an_invalid_query_names_the_parameter_and_no_value() -> None:
    with pytest.raises(InvalidQuery, match=r"^limit$"):
        read_query(Level.STUDY, {"limit": ["Doe"]})


def test_a_client_is_told_what_was_ignored_and_that_there_is_more(client: Client) -> None:
    response = client.get(STUDIES, {"limit": "2", "PatientAge": "Smith"})
    assert "not supported" in response["Warning"]
    assert "additional results" in response["Warning"]
    assert "Smith" not in response["Warning"]
    assert "Warning" not in client.get(STUDIES, {"includefield": "all", "fuzzymatching": "false"})


def test_a_search_is_recorded_with_its_fields_and_without_their_values(client: Client, northside: Tenant) -> None:
    search(client, PatientName="Doe*", StudyDate="20240101")

    (event,) = events(northside, Action.STUDIES_SEARCHED)

    assert event.details == {"fields": ["PatientName", "StudyDate"], "rows": 1}


@pytest.mark.parametrize("kind", [ActorKind.SHARE, ActorKind.PATIENT, ActorKind.ANONYMOUS, ActorKind.USER])
def test_only_members_search_for_studies(kind: ActorKind, northside: Tenant, carol: User) -> None:
    stranger = Actor(kind, str(carol.pk) if kind is ActorKind.USER else str(northside.id))
    with tenant_scope(northside.id):
        with pytest.raises(StudyNotFound):
            search_practice([Grant(stranger, "1.2")], read_query(Level.STUDY, {}), "")
        with pytest.raises(StudyNotFound):
            search_worklist(stranger, WorklistFilter(), None, timezone.now())


@pytest.fixture
def ct(northside: Tenant, bob: User) -> pydicom.Dataset:
    return keep(northside, bob, real_file(CT))[0]


def test_a_study_is_described_as_in_its_header(ct: pydicom.Dataset, nora: User, browser_of) -> None:
    (found,) = search(browser_of(nora))

    described = pydicom.Dataset.from_json(found)
    for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "PatientSex", "StudyDate", "StudyID"):
        assert described[keyword].value == ct[keyword].value, keyword
    assert math.isclose(float(described.StudyTime), float(ct.StudyTime))
    assert (described.NumberOfStudyRelatedSeries, described.NumberOfStudyRelatedInstances) == (1, 1)
    assert described.ModalitiesInStudy == "CT"
    assert described.RetrieveURL == f"http://testserver{study_url(ct)}"


def test_series_and_instances_are_described_as_in_their_headers(ct, nora: User, browser_of) -> None:
    client = browser_of(nora)
    (series,) = search(client, study_url(ct) + "/series")
    (found,) = search(client, series_url(ct) + "/instances")

    series, found = pydicom.Dataset.from_json(series), pydicom.Dataset.from_json(found)

    assert (series.SeriesInstanceUID, series.Modality, series.SeriesNumber) == (ct.SeriesInstanceUID, "CT", 1)
    assert (series.NumberOfSeriesRelatedInstances, series.RetrieveURL) == (1, f"http://testserver{series_url(ct)}")
    assert (found.SOPInstanceUID, found.SOPClassUID) == (ct.SOPInstanceUID, ct.SOPClassUID)
    assert (found.Rows, found.Columns, found.NumberOfFrames, found.BitsAllocated) == (128, 128, 1, 16)
    assert found.AvailableTransferSyntaxUID == ct.file_meta.TransferSyntaxUID
    assert found.RetrieveURL == f"http://testserver{instance_url(ct)}"


@pytest.mark.parametrize(
    ("level", "parameters", "count"),
    [("series", {"Modality": "CT"}, 1), ("series", {"Modality": "MR"}, 0), ("series", {"SeriesNumber": "1"}, 1),
     ("series", {"SeriesNumber": "2"}, 0), ("instances", {"InstanceNumber": "1"}, 1),
     ("instances", {"SOPInstanceUID": "1.2"}, 0)],
)  # fmt: skip
def test_series_and_instances_are_found(level: str, parameters: dict, count: int, ct, nora, browser_of) -> None:
    assert len(search(browser_of(nora), f"{study_url(ct)}/{level}", **parameters)) == count


def test_a_search_costs_the_same_queries_for_one_study_and_many(
    northside: Tenant, bob: User, nora: User, browser_of, django_assert_num_queries,
) -> None:  # fmt: skip
    client = browser_of(nora)
    keep(northside, bob, instance(1, study=1))
    search(client)
    with CaptureQueriesContext(connection) as few:
        search(client)
    keep(northside, bob, *(instance(1, study=study) for study in range(2, 20)))
    with CaptureQueriesContext(connection) as many:
        search(client)
    assert len(many) == len(few)
