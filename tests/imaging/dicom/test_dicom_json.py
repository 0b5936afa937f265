"""Headers become DICOM JSON that other readers understand."""

import base64
import json

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from imaging.dicom.dicom_json import NoSuchValue, get_bulk_value, inflate_header, parse_header, to_dicom_json
from imaging.dicom.limits import Limits
from imaging.dicom.part10 import split_part10
from imaging.dicom.reasons import Refused
from imaging.dicom.transfer_syntaxes import DEFLATED, EXPLICIT_BIG, IMPLICIT_LITTLE
from tests.imaging.dicom import hostile
from tests.imaging.dicom.hostile import element, item, tiny_instance, with_elements
from tests.imaging.dicom.test_gate import judge


def converted(data):
    passed = judge(data)
    result = to_dicom_json(passed.header, passed.transfer_syntax_uid, lambda path: f"/bulk/{path}")
    return json.loads(json.dumps(result, allow_nan=False))


@pytest.mark.parametrize("uid", [None, IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED])
def test_pydicom_reads_back_what_was_written(uid):
    data = tiny_instance(**({"transfer_syntax_uid": uid} if uid else {}), ImageType=["ORIGINAL", "PRIMARY"])
    result = converted(data)
    data_set = Dataset.from_json(result)
    assert data_set.PatientName == "Doe^Jane"
    assert (data_set.Rows, data_set.Columns, data_set.SeriesNumber) == (16, 16, 1)
    assert list(data_set.ImageType) == ["ORIGINAL", "PRIMARY"]
    assert result["00083002"] == {"vr": "UI", "Value": [judge(data).transfer_syntax_uid]}
    assert "7FE00010" not in result


def test_text_is_utf_8_and_says_so():
    result = converted(tiny_instance(SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Jörg"))
    assert result["00100010"]["Value"] == [{"Alphabetic": "Müller^Jörg"}]
    assert result["00080005"]["Value"] == ["ISO_IR 192"]


def test_short_binary_is_inline_and_long_binary_a_link():
    extra = element(0x41, 0x1001, "OB", b"1234") + element(0x42, 0x11, "OB", b"%PDF" * 300)
    data = with_elements(extra)
    result = converted(data)
    assert base64.b64decode(result["00411001"]["InlineBinary"]) == b"1234"
    assert result["00420011"] == {"vr": "OB", "BulkDataURI": "/bulk/00420011"}
    data_set = parse_header(judge(data).header, judge(data).transfer_syntax_uid)
    assert get_bulk_value(data_set, "00420011") == b"%PDF" * 300


def test_binary_in_a_sequence_is_found_again_by_its_path():
    inner = element(0x42, 0x11, "OB", b"y" * 2000)
    data = with_elements(element(0x40, 0xA730, "SQ", item(b"") + item(inner)))
    passed = judge(data)
    path = converted(data)["0040A730"]["Value"][1]["00420011"]["BulkDataURI"].removeprefix("/bulk/")
    data_set = parse_header(passed.header, passed.transfer_syntax_uid)
    assert get_bulk_value(data_set, path) == b"y" * 2000


@pytest.mark.parametrize("path", ["00420011", "00100010", "0040A730/9/00420011", "x", "0040A730/0", "../etc", "/", ""])
def test_a_path_to_nothing_is_no_such_value(path):
    passed = judge(with_elements(element(0x40, 0xA730, "SQ", item(b""))))
    with pytest.raises(NoSuchValue):
        get_bulk_value(parse_header(passed.header, passed.transfer_syntax_uid), path)


def test_words_of_a_big_endian_file_are_turned_round():
    data = tiny_instance(transfer_syntax_uid=EXPLICIT_BIG)
    at = data.rindex(b"\x7f\xe0\0\x10OW")
    lut = b"\0\x28\x12\x01OW\0\0\0\0\0\4\x01\x02\x03\x04"
    result = converted(data[:at] + lut + data[at:])
    assert base64.b64decode(result["00281201"]["InlineBinary"]) == b"\x02\x01\x04\x03"


def test_bulk_words_of_a_big_endian_file_are_turned_round_too():
    data = tiny_instance(transfer_syntax_uid=EXPLICIT_BIG)
    at = data.rindex(b"\x7f\xe0\0\x10OW")
    passed = judge(data[:at] + b"\0\x28\x12\x01OW\0\0\0\0\x08\0" + b"\x01\x02" * 1024 + data[at:])
    assert converted(data[:at] + b"\0\x28\x12\x01OW\0\0\0\0\x08\0" + b"\x01\x02" * 1024 + data[at:])["00281201"] == {
        "vr": "OW", "BulkDataURI": "/bulk/00281201",
    }  # fmt: skip
    assert get_bulk_value(parse_header(passed.header, EXPLICIT_BIG), "00281201") == b"\x02\x01" * 1024


def test_an_empty_value_among_several_is_null_and_alone_is_nothing():
    result = converted(tiny_instance(ImageType=["DERIVED", "", "MPR"], PatientComments="", AccessionNumber=""))
    assert result["00080008"]["Value"] == ["DERIVED", None, "MPR"]
    assert result["00080050"] == {"vr": "SH"}


def test_a_name_has_only_the_groups_that_are_written():
    result = converted(
        tiny_instance(PatientName="=山田^太郎", SpecificCharacterSet="ISO_IR 192", OperatorsName="A^B\\\\C")
    )
    assert result["00100010"]["Value"] == [{"Ideographic": "山田^太郎"}]
    assert result["00081070"]["Value"] == [{"Alphabetic": "A^B"}, None, {"Alphabetic": "C"}]


def test_an_item_that_states_its_own_character_set_states_utf_8():
    item_ = Dataset()
    item_.SpecificCharacterSet, item_.CodeMeaning = "ISO_IR 100", "Zähne"
    result = converted(tiny_instance(SpecificCharacterSet="ISO_IR 192", ProcedureCodeSequence=Sequence([item_])))
    (coded,) = result["00081032"]["Value"]
    assert coded["00080005"]["Value"] == ["ISO_IR 192"]
    assert coded["00080104"]["Value"] == ["Zähne"]


def test_integers_that_readers_would_round_are_text():
    result = converted(tiny_instance(SelectorUVValue=[2**53, 7]))
    assert result["00720083"] == {"vr": "UV", "Value": [str(2**53), 7]}


def test_one_bad_element_costs_only_itself():
    data = with_elements(element(0x28, 0x1050, "DS", b"wide") + element(0x28, 0x1053, "FD", b"abc"))
    result = converted(data)
    assert "00281053" not in result
    assert result["00280010"] == {"vr": "US", "Value": [16]}


def test_numbers_json_cannot_say_become_null():
    nan = element(0x18, 0x9087, "FD", b"\0\0\0\0\0\0\xf8\x7f" + b"\0\0\0\0\0\0\xf0\x3f")
    assert converted(with_elements(nan))["00189087"]["Value"] == [None, 1.0]


def test_group_lengths_and_empty_sequences():
    data = with_elements(element(0x40, 0, "UL", b"\0\0\0\0") + element(0x40, 0xA730, "SQ", b""))
    result = converted(data)
    assert "00400000" not in result
    assert result["0040A730"] == {"vr": "SQ"}


def test_the_deepest_nesting_that_passes_is_converted():
    result = converted(hostile.nested(64))
    for _ in range(64):
        result = result["0040A730"]["Value"][0]
    assert "0040A730" not in result


def test_sequences_written_by_pydicom_survive():
    code = Dataset()
    code.CodeValue, code.CodeMeaning = "T-D1213", "Jaw"
    result = converted(tiny_instance(ProcedureCodeSequence=Sequence([code])))
    assert result["00081032"]["Value"][0]["00080104"]["Value"] == ["Jaw"]


def test_a_prefix_of_the_file_is_enough_to_split_it():
    data = tiny_instance()
    passed = judge(data)
    assert split_part10(data[: passed.header_end]) == (
        passed.file_meta,
        passed.header,
        passed.transfer_syntax_uid,
    )


def test_a_prefix_within_file_meta_is_refused():
    with pytest.raises(Refused):
        split_part10(tiny_instance()[:170])


def test_a_deflated_header_is_inflated_only_up_to_the_pixels():
    bomb = hostile.deflate_bomb()
    header = inflate_header(split_part10(bomb)[1])
    assert parse_header(header, DEFLATED).Rows == 4096
    assert len(header) < 2000


def test_a_bomb_in_the_header_is_refused():
    text = b"".join(element(0x41, 0x1001 + number, "OB", bytes(1 << 20)) for number in range(40))
    with pytest.raises(Refused) as caught:
        inflate_header(split_part10(hostile.deflated(with_elements(text)))[1])
    assert caught.value.reason.code == "DEFLATE_BOMB"


def test_a_deflated_header_cut_short_is_refused():
    data_set = split_part10(tiny_instance(transfer_syntax_uid=DEFLATED))[1]
    with pytest.raises(Refused) as caught:
        inflate_header(data_set[:60], Limits())
    assert caught.value.reason.code == "TRUNCATED"
