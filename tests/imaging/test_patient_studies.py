"""The page of one patient: all their studies on a line of time, and nobody else's among them."""

import re
from datetime import date
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.test import Client

from audit.actions import Action
from imaging.selectors.patient_studies import draw_line
from tenants.models import Tenant, User
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.guests import cheap_codes  # noqa: F401  fixture
from tests.imaging.incoming import instance
from tests.imaging.library import events, keep
from tests.imaging.sharing import redeem, send_link

URL = f"/t/northside/studies/{ROOT}.1/patient/studies"
JANE = {"PatientName": "Doe^Jane", "PatientID": "P-1", "PatientBirthDate": "19700131"}


@pytest.fixture
def archive(northside: Tenant, bob: User) -> Tenant:
    keep(
        northside, bob,
        instance(1, study=1, StudyDate="20240101", Modality="CT", **JANE),
        instance(1, study=2, StudyDate="20220601", Modality="MR", **JANE | {"PatientName": "DOE^JANE^M"}),
        instance(1, study=3, StudyDate="", Modality="CT", **JANE | {"PatientBirthDate": ""}),
        instance(1, study=4, StudyDate="20230101", **JANE | {"PatientName": "Roe^Richard"}),
        instance(1, study=5, StudyDate="20230201", **JANE | {"PatientBirthDate": "19550505"}),
        instance(1, study=6, StudyDate="20230301", **JANE | {"IssuerOfPatientID": "Elsewhere"}),
        instance(1, study=7, StudyDate="20230401", **JANE | {"PatientID": "P-10"}),
    )  # fmt: skip
    return northside


def listed(page: str, section: str) -> list[str]:
    """The last numbers of the studies in a section."""
    part = page.split(f'aria-labelledby="{section}_t"')[1].split("</section>")[0]
    return re.findall(rf'prior__title" href="/t/northside/studies/{re.escape(ROOT)}\.(\d)/', part)


def test_all_studies_of_the_person_and_nobody_elses(archive: Tenant, nora: User, browser_of) -> None:
    page = browser_of(nora).get(URL).content.decode()

    assert listed(page, "theirs") == ["1", "2", "3"]
    assert listed(page, "others") == ["5", "4"]
    assert "used with another name or birth date" in page
    assert f"{ROOT}.6" not in page and f"{ROOT}.7" not in page
    assert page.count("line__mark") - page.count("line__mark--anchor") == 2, "one of them has no date"
    assert f"/studies/{ROOT}.1/viewer?compare={ROOT}.2" in page


def test_the_same_page_from_any_of_the_persons_studies(archive: Tenant, nora: User, browser_of) -> None:
    page = browser_of(nora).get(URL.replace(f"{ROOT}.1/", f"{ROOT}.2/")).content.decode()
    assert listed(page, "theirs") == ["1", "2", "3"]


def test_no_id_is_no_ones_in_common(northside: Tenant, bob: User, nora: User, browser_of) -> None:
    keep(northside, bob, *(instance(1, study=n, PatientName="Doe^Jane", PatientID="") for n in (1, 2)))
    page = browser_of(nora).get(URL).content.decode()
    assert listed(page, "theirs") == ["1"]
    assert "holds no patient ID" in page


def test_the_look_is_in_the_trail_and_no_name_in_an_address(archive: Tenant, nora: User, browser_of) -> None:
    page = browser_of(nora).get(URL).content.decode()
    (event,) = events(archive, Action.STUDIES_SEARCHED)
    assert (event.study_instance_uid, event.details) == (f"{ROOT}.1", {"fields": ["patient"], "rows": 5})
    spoken = re.findall(r"<title>[^<]*Collimate</title>|(?:href|src|action)=\"[^\"]*\"", page)
    assert not [each for each in spoken if re.search("doe|roe|P-1", each, re.IGNORECASE)]


def test_the_study_page_leads_there(archive: Tenant, nora: User, browser_of) -> None:
    assert URL in browser_of(nora).get(f"/t/northside/studies/{ROOT}.1/").content.decode()


def test_another_practice_guests_and_strangers_have_none(
    archive: Tenant, bob: User, carol: User, browser_of, cheap_codes
) -> None:
    assert browser_of(carol).get(URL).status_code == 404
    assert browser_of(carol).get(URL.replace("northside", "southside")).status_code == 404
    assert browser_of(bob).get(URL.replace(f"{ROOT}.1/", "1.2.404/")).status_code == 404
    assert browser_of(bob).get(URL.replace(f"{ROOT}.1/", "x/")).status_code == 404
    assert Client().get(URL).status_code == 302
    guest = redeem(send_link(archive, bob, f"{ROOT}.1"))
    assert guest.get(URL).status_code == 302


def row(day: date, *modalities: str) -> SimpleNamespace:
    return SimpleNamespace(id=uuid4(), study_date=day, modalities=modalities)


def test_marks_stand_in_the_order_of_time_on_their_lanes() -> None:
    rows = [row(date(2024, 6, 1), "CT", "SR"), row(date(2020, 1, 1), "MR"), row(date(2022, 1, 1), "CT")]
    line = draw_line(rows, rows[0].id)

    assert [lane.modality for lane in line.lanes] == ["CT", "MR"]
    assert [mark.row for mark in sorted(line.marks, key=lambda mark: mark.x)] == [rows[1], rows[2], rows[0]]
    assert line.marks[0].y == line.marks[2].y != line.marks[1].y
    assert all(0 <= mark.x <= line.width and 0 <= mark.y <= line.height for mark in line.marks)
    assert [year.year for year in line.years] == [2020, 2021, 2022, 2023, 2024]
    assert [mark.is_anchor for mark in line.marks] == [True, False, False]


def test_a_long_life_has_few_marks_of_years() -> None:
    line = draw_line([row(date(1901, 1, 1), "CR"), row(date(9999, 12, 31), "OT")], uuid4())
    assert len(line.years) <= 12
