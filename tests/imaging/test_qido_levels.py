"""QIDO-RS at every level: each key against a brute-force oracle over the headers of real files."""

import json
import re
import unicodedata
from collections.abc import Callable

import pydicom
import pytest
from django.test import Client
from pydicom.uid import generate_uid

from tenants.models import Tenant, User
from tests.cast import add_person
from tests.imaging.incoming import instance
from tests.imaging.library import keep, real_file

SAMPLES = (
    "CT_small.dcm", "MR_small.dcm", "examples_overlay.dcm", "liver_1frame.dcm", "SC_rgb.dcm",
    "ExplVR_BigEnd.dcm", "JPEG2000.dcm", "examples_ybr_color.dcm", "reportsi.dcm", "waveform_ecg.dcm",
)  # fmt: skip
ROOT = "/t/northside/dicomweb"
PLACES = {"study": f"{ROOT}/studies", "series": f"{ROOT}/series", "instance": f"{ROOT}/instances"}
UID = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}
TEXTS = {
    "study": ["AccessionNumber", "PatientID", "IssuerOfPatientID", "PatientSex", "StudyID", "StudyDescription",
              "InstitutionName"],
    "series": ["Modality", "SeriesDescription", "BodyPartExamined"],
    "instance": [],
}  # fmt: skip
UIDS = {"study": ["StudyInstanceUID"], "series": ["SeriesInstanceUID"], "instance": ["SOPInstanceUID", "SOPClassUID"]}
NUMBERS = {"study": [], "series": ["SeriesNumber"], "instance": ["InstanceNumber", "Rows", "Columns"]}
NAMES = {"study": ["PatientName", "ReferringPhysicianName"], "series": [], "instance": []}
DATES = {"study": ["StudyDate", "PatientBirthDate"], "series": ["PerformedProcedureStepStartDate"], "instance": []}
LEVELS = ["study", "series", "instance"]
Match = Callable[[pydicom.Dataset], bool]


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    made = [
        instance(1, study=70, PatientName="Doe^Jane^A", StudyDate="20240101", StudyTime="101500.5",
                 PerformedProcedureStepStartDate="20240102", PerformedProcedureStepStartTime="1130",
                 ReferringPhysicianName="Smith^Anna", BodyPartExamined="JAW", Rows=16),
        instance(1, study=71, PatientName="DOE^John", StudyDate="20230615", StudyTime="2359", PatientID="100%_1",
                 StudyDescription="a\\b", SpecificCharacterSet="ISO_IR 192"),
        instance(1, study=71, series=2, PatientName="DOE^John", StudyDate="20230615", Modality="MR"),
    ]  # fmt: skip
    return [*(real_file(name) for name in SAMPLES), *made]


@pytest.fixture
def headers(files: list[bytes], northside: Tenant, bob: User, southside: Tenant, carol: User) -> list[pydicom.Dataset]:
    """What Northside holds, and Southside too: so that whatever crosses the wall is seen twice."""
    keep(southside, carol, *files)
    return keep(northside, bob, *files)


@pytest.fixture
def client(northside: Tenant, browser_of) -> Client:
    return browser_of(add_person("Nell", northside, "viewer"))


def text_of(header: pydicom.Dataset, keyword: str) -> str:
    value = header.get(keyword)
    several = isinstance(value, pydicom.multival.MultiValue)
    return "\\".join(map(str, value)).strip() if several else str(value if value is not None else "").strip()


def fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).rstrip("^ ")


def like(pattern: str) -> Callable[[str], bool]:
    """`*` and `?`, nothing else, as the standard says."""
    regex = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return lambda text: re.fullmatch(regex, text, re.DOTALL) is not None


def expected(headers: list[pydicom.Dataset], level: str, above: str, match: Match) -> set[str]:
    """What has an instance that matches. A study's and a series' attributes are those of their first instance."""
    first: dict[str, pydicom.Dataset] = {}
    for header in headers:
        first.setdefault(header[UID[above]].value, header)
    return {header[UID[level]].value for header in headers if match(first[header[UID[above]].value])}


def found(client: Client, level: str, **parameters: object) -> set[str]:
    response = client.get(PLACES[level], {"limit": 1000, **parameters})
    assert response.status_code == 200, (parameters, response.content)
    assert "Warning" not in response, (parameters, response["Warning"])
    objects = [pydicom.Dataset.from_json(each) for each in json.loads(response.content)]
    uids = [each[UID[level]].value for each in objects]
    assert len(uids) == len(set(uids)), "no row twice"
    return set(uids)


def agrees(client: Client, headers: list, above: str, keyword: str, value: str, match: Match) -> int:
    """Whether the search and the oracle agree, at the key's own level and at every one below; how many were found."""
    tag = f"{pydicom.datadict.tag_for_keyword(keyword):08x}"
    wanted = {level: expected(headers, level, above, match) for level in LEVELS[LEVELS.index(above) :]}
    for level, uids in wanted.items():
        assert found(client, level, **{keyword: value}) == uids, (level, keyword, value)
    assert found(client, above, **{tag: value}) == wanted[above], (tag, value)
    return len(wanted[above])


def test_texts_match_by_value_and_by_wildcards_at_every_level(headers: list, client: Client) -> None:
    matched = 0
    for above, keywords in TEXTS.items():
        for keyword in keywords:
            for text in sorted({text_of(header, keyword) for header in headers} - {""})[:2]:
                clean = text.split("\\")[0] if keyword in ("PatientSex", "Modality", "BodyPartExamined") else text
                for pattern in (clean, clean[:1] + "*", f"*{clean[-1]}", "?" * len(clean), clean + "x"):
                    matcher = like(pattern)
                    match = lambda header, k=keyword, m=matcher: m(text_of(header, k))  # noqa: E731
                    matched += agrees(client, headers, above, keyword, pattern, match) > 0
    assert matched > 30


def test_names_match_without_case_by_value_wildcards_and_group(headers: list, client: Client) -> None:
    matched = 0
    for above, keywords in NAMES.items():
        for keyword in keywords:
            for name in sorted({text_of(header, keyword) for header in headers} - {""})[:4]:
                folded = fold(name)
                middle = folded[1:-1].replace("^", "?") or "*"
                for pattern in (name, name.upper(), name[:2] + "*", f"*{middle}*", f"{folded[0]}?*"):
                    matcher = like(fold(pattern))
                    match = lambda header, k=keyword, m=matcher: m(fold(text_of(header, k)))  # noqa: E731
                    matched += agrees(client, headers, above, keyword, pattern, match) > 0
    assert matched > 20


def test_dates_match_by_day_and_by_ranges(headers: list, client: Client) -> None:
    matched = 0
    for above, keywords in DATES.items():
        for keyword in keywords:
            days = sorted({text_of(header, keyword).replace(".", "") for header in headers} - {""})
            for day in [*days[:2], "19990101"]:
                for value, low, high in (
                    (day, day, day), (f"{day}-", day, "9"), (f"-{day}", "0", day), (f"{day}-20240101", day, "20240101"),
                ):  # fmt: skip
                    match = lambda header, k=keyword, a=low, b=high: (  # noqa: E731
                        a <= (text_of(header, k).replace(".", "") or "~") <= b
                    )
                    matched += agrees(client, headers, above, keyword, value, match) > 0
    assert matched > 10


def test_numbers_and_uids_match_at_every_level(headers: list, client: Client) -> None:
    matched = 0
    for above in LEVELS:
        for keyword in NUMBERS[above] + UIDS[above]:
            for value in sorted({text_of(header, keyword) for header in headers} - {""})[:3]:
                match = lambda header, k=keyword, v=value: text_of(header, k) == v  # noqa: E731
                matched += agrees(client, headers, above, keyword, value, match) > 0
    assert matched > 12


def test_a_list_of_uids_finds_each_that_is_here(headers: list, client: Client) -> None:
    for level in LEVELS:
        uids = sorted({header[UID[level]].value for header in headers})[:3]
        for value in (",".join([*uids, generate_uid()]), "\\".join(uids), uids):
            assert found(client, level, **{UID[level]: value}) == set(uids)


TIMES = [
    ("101500.5", 1), ("1015", 1), ("10", 1), ("1016", 0), ("1014-1015", 1), ("1016-", 1), ("-2359", 2),
    ("101500.6-", 1), ("2359-2359", 1),
]  # fmt: skip


def test_times_match_as_far_as_they_are_told(headers: list, client: Client) -> None:
    uids = {header.StudyInstanceUID for header in headers if header.get("StudyTime") in ("101500.5", "2359")}

    counts = [(value, len(found(client, "study", StudyTime=value) & uids)) for value, _ in TIMES]

    assert counts == TIMES


def test_keys_of_several_levels_hold_together(headers: list, client: Client) -> None:
    uids = {header.SOPInstanceUID for header in headers if header.Modality == "MR" and "DOE" in str(header.PatientName)}

    assert len(uids) == 1
    assert found(client, "instance", Modality="MR", PatientName="doe*", InstanceNumber="1") == uids


def test_a_search_for_everything_describes_what_is_above_too(headers: list, client: Client) -> None:
    (first, *_) = headers
    (series,) = client.get(PLACES["series"], {"SeriesInstanceUID": first.SeriesInstanceUID}).json()
    (one,) = client.get(PLACES["instance"], {"SOPInstanceUID": first.SOPInstanceUID}).json()
    inside = f"{ROOT}/studies/{first.StudyInstanceUID}/series"
    (within,) = client.get(inside).json()

    for found_object in (pydicom.Dataset.from_json(series), pydicom.Dataset.from_json(one)):
        assert found_object.PatientID == first.PatientID
        assert found_object.Modality == first.Modality
    assert "00100020" not in within
    assert client.get(inside, {"includefield": "PatientID"}).json()[0]["00100020"]["Value"] == [first.PatientID]
