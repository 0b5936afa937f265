"""Index attributes are decoded, cleaned and never raise."""

from datetime import date, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.dicom.attributes import read_attributes
from imaging.dicom.gate import Refused
from imaging.dicom.text import clean, parse_date, parse_integer, parse_time
from tests.imaging.dicom import hostile
from tests.imaging.dicom.hostile import element, tiny_instance, with_elements
from tests.imaging.dicom.test_gate import judge


def attributes_of(data):
    return read_attributes(judge(data))


def test_it_reads_what_the_index_keeps():
    data = tiny_instance(
        IssuerOfPatientID="Northside",
        StudyDescription="CT  knee",
        StudyID="S1",
        ReferringPhysicianName="Roe^Rita",
        InstitutionName="Northside",
        SeriesDescription="axial",
        SeriesDate="20260103",
        BodyPartExamined="KNEE",
        ImageLaterality="L",
        NumberOfFrames=1,
    )
    found = attributes_of(data)
    assert (found.patient_id, found.issuer_of_patient_id, found.patient_sex) == ("P1", "Northside", "F")
    assert found.patient_name == "Doe^Jane"
    assert found.patient_name_parts == ("Doe", "Jane", "", "", "")
    assert found.patient_birth_date == date(1970, 1, 31)
    assert (found.study_date, found.study_time) == (date(2026, 1, 2), time(3, 4, 5))
    assert (found.accession_number, found.study_id, found.modality) == ("A1", "S1", "CT")
    assert (found.study_description, found.series_description) == ("CT  knee", "axial")
    assert (found.referring_physician_name, found.institution_name) == ("Roe^Rita", "Northside")
    assert (found.series_number, found.instance_number, found.number_of_frames) == (1, 3, 1)
    assert (found.series_date, found.body_part_examined, found.laterality) == (date(2026, 1, 3), "KNEE", "L")


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", "Müller^Jörg"),
        ("ISO_IR 192", "Σωκράτης"),
        ("ISO_IR 144", "Люкceмбypг"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
    ],
)
def test_names_are_decoded_by_the_files_character_set(character_set, name):
    found = attributes_of(tiny_instance(SpecificCharacterSet=character_set, PatientName=name))
    assert found.patient_name == name


def test_odd_values_leave_the_raw_text_behind():
    data = tiny_instance(StudyDate="20261399", StudyTime="quarter", PatientBirthDate="19700231")
    data = with_elements(element(0x20, 0x10, "SH", b"\xff\xfe"), data)
    data = data.replace(element(0x20, 0x11, "IS", b"1 "), element(0x20, 0x11, "IS", b"one "))
    found = attributes_of(data)
    assert (found.study_date, found.study_date_raw) == (None, "20261399")
    assert (found.study_time, found.study_time_raw) == (None, "quarter")
    assert (found.patient_birth_date, found.patient_birth_date_raw) == (None, "19700231")
    assert found.series_number is None
    assert found.patient_name == "Doe^Jane"


def test_values_of_unlikely_representations_do_not_raise():
    data = tiny_instance()
    for old, new in (
        (element(0x10, 0x20, "LO", b"P1"), element(0x10, 0x20, "FD", b"abc")),
        (element(0x10, 0x40, "CS", b"F "), element(0x10, 0x40, "SQ", hostile.item(b""))),
        (element(0x20, 0x13, "IS", b"3 "), element(0x20, 0x13, "US", b"\3\0")),
    ):
        assert old in data
        data = data.replace(old, new)
    found = attributes_of(data)
    assert found.accession_number == "A1"
    assert found.patient_id == ""
    assert found.instance_number == 3


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_a_damaged_character_set_costs_only_itself(uid):
    data = tiny_instance(transfer_syntax_uid=uid)
    assert attributes_of(data.replace(b"ISO_IR 192", b"ISO\0IR 192")).patient_name == "Doe^Jane"


def test_markup_stays_text():
    assert attributes_of(hostile.markup_name()).patient_name == '<script>alert("x")</script>^<b>Jane'


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  Doe\x00\x1b[2J\r\n ", "Doe[2J"),
        ("abc\u202efdp.exe", "abcfdp.exe"),
        ("\u2066x\u2069", "x"),
        ("a\ud800b", "ab"),
        ("Doe\u2028Jane", "DoeJane"),
        ("नमस्ते", "नमस्ते"),
        ("D\u200bo\u00ad\u2060e\U000e0041", "Doe"),
        ("Doe\u3164\u2800\u034f^\u115fJane", "Doe^Jane"),
        ("e" + "\u0301" * 40 + "x", "e" + "\u0301" * 4 + "x"),
        ("e" + "\u0301\0" * 40, "e" + "\u0301" * 4),
        ("x" * 5000, "x" * 1024),
        ("", ""),
    ],
)
def test_clean_removes_what_deceives(text, cleaned):
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20240229", date(2024, 2, 29)),
        ("2024.02.29", date(2024, 2, 29)),
        ("20230229", None),
        ("2024-02-29", None),
        ("202402.29", None),
        ("", None),
        ("00000101", None),
        ("２０２４０２２９", None),
    ],
)
def test_dates(text, day):
    assert parse_date(text) == day


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("07", time(7)),
        ("0708", time(7, 8)),
        ("070809.5", time(7, 8, 9, 500_000)),
        ("07:08:09", time(7, 8, 9)),
        ("235960", time(23, 59, 59)),
        ("24", None),
        ("7", None),
        ("noon", None),
    ],
)
def test_times(text, moment):
    assert parse_time(text) == moment


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("-3", -3),
        ("+4", 4),
        ("2147483647", 2**31 - 1),
        ("2147483648", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_integers(text, number):
    assert parse_integer(text) == number


@given(st.binary(max_size=60), st.sampled_from(["LO", "PN", "IS", "UN", "SQ", "FD", "UT", "AT"]))
@settings(max_examples=150, deadline=None)
def test_no_value_raises(value, vr):
    data = tiny_instance(PatientID=None, Modality=None, SeriesNumber=None)
    extra = b"".join(element(*tag, vr, value) for tag in ((0x8, 0x60), (0x10, 0x20), (0x20, 0x11)))
    try:
        passed = judge(with_elements(extra, data))
    except Refused:
        return
    assert read_attributes(passed).patient_name == "Doe^Jane"
