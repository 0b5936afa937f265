"""The patient's other studies: found for members by Patient ID, never for guests, and never a namesake's."""

import pytest
from django.test import Client

from audit.actions import Action
from imaging.selectors import priors
from tenants.models import Tenant, User
from tests.cast import actor
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.guests import cheap_codes  # noqa: F401  fixture
from tests.imaging.incoming import instance, take_in
from tests.imaging.library import UNKNOWN, events
from tests.imaging.sharing import BORN, redeem, send_invitation, send_link

PAT = {"PatientID": "P-7", "PatientBirthDate": "19700131", "PatientName": "Doe^Pat"}
URL = f"/t/northside/studies/{ROOT}.1/priors"


def study_of(number: int, date: str, **tags: str) -> bytes:
    return instance(number, study=number, StudyDate=date, **(PAT | tags))


@pytest.fixture(autouse=True)
def archive(northside: Tenant, bob: User, southside: Tenant, carol: User) -> None:
    """Pat's study of today and two older ones; somebody's who has the same number; one of Pat elsewhere."""
    here = [
        study_of(1, "20260301"),
        study_of(2, "20240101"),
        study_of(3, "20250101", PatientBirthDate=""),
        study_of(4, "20250601", PatientBirthDate="19820317", PatientName="Roe^Jane"),
        study_of(5, "20250701", PatientID="P-8"),
    ]
    take_in(actor(bob), northside, {f"{place}.dcm": data for place, data in enumerate(here)})
    take_in(actor(carol), southside, {"6.dcm": study_of(6, "20230101"), "1.dcm": study_of(1, "20260301")})


def found(client: Client) -> list[str]:
    response = client.get(URL)
    assert response.status_code == 200, response
    return [each["study"] for each in response.json()["studies"]]


def test_the_patients_other_studies_come_newest_first(nora: User, browser_of) -> None:
    assert found(browser_of(nora)) == [f"{ROOT}.3", f"{ROOT}.2"]


def test_each_says_whose_it_is_and_when_it_was_made(nora: User, browser_of) -> None:
    last = browser_of(nora).get(URL).json()["studies"][-1]
    assert (last["title"], last["date"], last["instances"]) == ("Doe, Pat · P-7", "2024-01-01", 1)


def test_another_issuers_number_is_another_patient(northside: Tenant, bob: User, nora: User, browser_of) -> None:
    files = [
        study_of(7, "20260401", PatientID="P-9", IssuerOfPatientID="EAST"),
        study_of(8, "20250401", PatientID="P-9", IssuerOfPatientID="WEST"),
        study_of(9, "20240401", PatientID="P-9"),
    ]
    take_in(actor(bob), northside, {f"{place}.dcm": data for place, data in enumerate(files)})
    response = browser_of(nora).get(f"/t/northside/studies/{ROOT}.7/priors")
    assert [each["study"] for each in response.json()["studies"]] == [f"{ROOT}.9"]


def test_patients_without_a_number_have_no_priors(northside: Tenant, bob: User, nora: User, browser_of) -> None:
    files = [study_of(7, "20260401", PatientID=""), study_of(8, "20250401", PatientID="")]
    take_in(actor(bob), northside, {f"{place}.dcm": data for place, data in enumerate(files)})
    assert browser_of(nora).get(f"/t/northside/studies/{ROOT}.7/priors").json() == {"studies": []}


def test_the_list_is_bounded(nora: User, browser_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priors, "MOST", 1)
    assert found(browser_of(nora)) == [f"{ROOT}.3"]


def test_guests_see_exactly_their_study(northside: Tenant, bob: User) -> None:
    for sent in (send_link(northside, bob, f"{ROOT}.1"), send_invitation(northside, bob, f"{ROOT}.1", BORN)):
        guest = redeem(sent)
        page = guest.get(f"{sent.page}viewer").content.decode()
        assert 'data-priors=""' in page
        assert guest.get(URL).status_code in (302, 404)


@pytest.mark.parametrize("uid", [UNKNOWN, f"{ROOT}.6"])
def test_what_is_not_there_and_what_is_another_practices_are_one_404(uid: str, nora: User, browser_of) -> None:
    assert browser_of(nora).get(f"/t/northside/studies/{uid}/priors").status_code == 404


def test_a_malformed_uid_is_no_address(nora: User, browser_of) -> None:
    assert browser_of(nora).get("/t/northside/studies/1.2.x/priors").status_code == 404


def test_another_practices_member_gets_a_404(carol: User, browser_of) -> None:
    assert browser_of(carol).get(URL).status_code == 404


def test_a_stranger_is_sent_to_sign_in() -> None:
    response = Client().get(URL)
    assert response.status_code == 302
    assert "P-7" not in response["Location"]


def test_it_is_read_only(nora: User, browser_of) -> None:
    assert browser_of(nora).post(URL).status_code == 405


def test_the_search_is_recorded(northside: Tenant, nora: User, browser_of) -> None:
    found(browser_of(nora))
    (event,) = events(northside, Action.STUDIES_SEARCHED)
    assert (event.actor_label, event.study_instance_uid) == (nora.email, f"{ROOT}.1")
    assert event.details == {"fields": ["patient_id"], "rows": 2}
