"""What a search answers with: the attributes of its level, those asked for, and what it says about the rest."""

import pydicom
import pytest
from django.test import Client
from django.utils import timezone

from imaging.models import Series
from imaging.services import unindexed
from imaging.services.manifests import write_series_manifest
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance
from tests.imaging.library import keep

WEB = "/t/northside/dicomweb"
STUDY = f"{WEB}/studies/{ROOT}.1"
IDS = {"ScheduledProcedureStepID": "SPS1", "RequestedProcedureID": "RP1"}


def requests(*items: dict[str, str]) -> pydicom.Sequence:
    made = []
    for ids in items:
        item = pydicom.Dataset()
        for keyword, value in ids.items():
            setattr(item, keyword, value)
        made.append(item)
    return pydicom.Sequence(made)


@pytest.fixture
def client(northside: Tenant, bob: User, nora: User, browser_of) -> Client:
    """Two instances of a series with a manifest, one of a series without."""
    keep(
        northside, bob,
        *(instance(n, PatientName="Doe^Jane", TimezoneOffsetFromUTC="+0100", PatientAge="030Y", WindowCenter="40",
                   PerformedProcedureStepStartDate="20240102", PerformedProcedureStepStartTime="1130",
                   RequestAttributesSequence=requests(IDS, {"RequestedProcedureID": "RP2"})) for n in (1, 2)),
        instance(1, series=2, PatientName="Doe^Jane"),
    )  # fmt: skip
    with tenant_scope(northside.id):
        series = Series.objects.get(series_instance_uid=f"{ROOT}.1.1").id
    assert write_series_manifest(northside.id, series, timezone.now())
    return browser_of(nora)


def search(client: Client, url: str, **parameters: object) -> list[pydicom.Dataset]:
    response = client.get(url, parameters)
    assert response.status_code == 200, response.content
    return [pydicom.Dataset.from_json(each) for each in response.json()]


def test_each_level_returns_what_the_standard_names(client: Client) -> None:
    (study,) = search(client, f"{WEB}/studies")
    series, _ = search(client, f"{STUDY}/series")
    one, *_ = search(client, f"{STUDY}/series/{ROOT}.1.1/instances")

    for keyword in (
        "StudyDate", "StudyTime", "AccessionNumber", "InstanceAvailability", "ModalitiesInStudy", "RetrieveURL",
        "ReferringPhysicianName", "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID",
        "StudyID", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances",
    ):  # fmt: skip
        assert keyword in study, keyword
    assert study.TimezoneOffsetFromUTC == "+0100"
    assert (series.Modality, series.SeriesNumber, series.NumberOfSeriesRelatedInstances) == ("CT", 1, 2)
    assert (series.PerformedProcedureStepStartDate, float(series.PerformedProcedureStepStartTime)) == (
        "20240102",
        113000,
    )
    assert [dict(RP=item.RequestedProcedureID) for item in series.RequestAttributesSequence] == [
        {"RP": "RP1"}, {"RP": "RP2"},
    ]  # fmt: skip
    assert series.RequestAttributesSequence[0].ScheduledProcedureStepID == "SPS1"
    assert (one.SOPInstanceUID, one.InstanceNumber, one.Rows) == (f"{ROOT}.1.1.1", 1, 16)
    assert one.RetrieveURL.endswith(f"/studies/{ROOT}.1/series/{ROOT}.1.1/instances/{ROOT}.1.1.1")
    assert "Modality" not in one
    assert "Modality" in search(client, f"{STUDY}/instances")[0], "the series is not in the address"


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"RequestAttributesSequence.ScheduledProcedureStepID": "SPS1"}, 1), ({"00400275.00400009": "SPS*"}, 1),
        ({"00400275.RequestedProcedureID": "RP2"}, 1), ({"RequestAttributesSequence.00401001": "RP?"}, 1),
        ({"00400275.00400009": "SPS"}, 0), ({"00400275.00401001": "SPS1"}, 0), ({"00400275.00401001": "*"}, 2),
        ({"PerformedProcedureStepStartTime": "1130"}, 1), ({"PerformedProcedureStepStartTime": "1131-"}, 0),
        ({"00400244": "20240101-20240103"}, 1), ({"PatientName": "doe*", "Modality": "CT"}, 2),
        ({"Modality": "MR,CT"}, 2),
        ({"Modality": "C?"}, 2), ({"SeriesInstanceUID": f"{ROOT}.1.2"}, 1), ({"PatientID": "nobody"}, 0),
    ],
)  # fmt: skip
def test_series_are_found_by_their_keys(parameters: dict, count: int, client: Client) -> None:
    assert len(search(client, f"{STUDY}/series", **parameters)) == count
    assert len(search(client, f"{WEB}/series", **parameters)) == count


def test_what_is_asked_for_is_returned_though_it_is_not_usual(client: Client) -> None:
    (study,) = search(client, f"{WEB}/studies")
    assert "InstitutionName" not in study
    for asked in ({"includefield": "InstitutionName"}, {"includefield": "00080080,StudyID"}, {"InstitutionName": ""},
                  {"includefield": "all"}, {"includefield": ["StudyID", "InstitutionName"]}):  # fmt: skip
        (study,) = search(client, f"{WEB}/studies", **asked)
        assert "InstitutionName" in study, asked


def test_attributes_beyond_the_index_come_from_the_manifest(client: Client) -> None:
    url = f"{STUDY}/series/{ROOT}.1.1/instances"
    for asked in ("PatientAge,WindowCenter", "00101010,00281050"):
        response = client.get(url, {"includefield": asked})
        assert "Warning" not in response
        assert [each["00101010"]["Value"] for each in response.json()] == [["030Y"], ["030Y"]]
        assert "00281050" in response.json()[0]
        assert "00281051" not in response.json()[0]
    everything, _ = search(client, url, includefield="all")
    assert {"WindowCenter", "Modality", "PixelRepresentation", "PatientName"} <= set(everything.dir())
    assert everything.RetrieveURL.endswith(f"{ROOT}.1.1.1")


def test_what_cannot_be_looked_up_is_left_out_and_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"{STUDY}/series/{ROOT}.1.1/instances"
    for path, field in ((f"{STUDY}/instances", "PatientAge"), (f"{WEB}/studies", "PatientAge")):
        assert "left out" in client.get(path, {"includefield": field})["Warning"]
    monkeypatch.setattr(unindexed, "MOST_INSTANCES", 1)
    response = client.get(url, {"includefield": "PatientAge"})
    assert "left out" in response["Warning"]
    assert len(response.json()) == 2


@pytest.mark.parametrize(
    "name", ["PatientAge", "Nonsense", "WindowCenter", "SOPInstanceUID", "NumberOfStudyRelatedSeries"]
)
def test_a_parameter_that_cannot_be_matched_is_ignored_and_said(name: str, client: Client) -> None:
    response = client.get(f"{WEB}/studies", {name: "12"})

    assert len(response.json()) == 1
    assert "not supported" in response["Warning"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("StudyDate", "20241301"), ("StudyTime", "99"), ("StudyInstanceUID", "1.2.x"), ("SeriesNumber", "one"),
     ("limit", "-1"), ("fuzzymatching", "yes"), ("Modality", "C'T"), ("PatientName", "a" * 2000),
     ("StudyInstanceUID", "1," * 501 + "1"), ("includefield", "StudyID," * 201),
     ("RequestAttributesSequence.RequestedProcedureID", "a\0b")],
)  # fmt: skip
def test_what_cannot_be_understood_is_named_without_its_value(name: str, value: str, client: Client) -> None:
    response = client.get(f"{STUDY}/series", {name: value})

    assert response.status_code == 400
    assert response.json() == {"reason": f"The parameter {name} cannot be understood."}


def test_nothing_found_is_an_empty_array_and_other_types_are_refused(client: Client) -> None:
    response = client.get(f"{WEB}/instances", {"PatientID": "nobody"})
    assert (response.status_code, response.content, response["Content-Type"]) == (200, b"[]", "application/dicom+json")
    assert client.get(f"{WEB}/series", headers={"Accept": "application/json"})["Content-Type"] == "application/json"
    assert client.get(f"{WEB}/series", headers={"Accept": "application/dicom+xml"}).status_code == 406
    assert client.post(f"{WEB}/series").status_code == 405
