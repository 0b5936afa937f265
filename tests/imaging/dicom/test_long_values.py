"""Long lists of numbers and long texts leave as bulk data, so that no file makes a process grow out of bounds."""

import json
import resource
import struct

import pytest

from imaging.dicom.dicom_json import NoSuchValue, _swapped, get_bulk_value, parse_header, to_dicom_json
from imaging.dicom.long_values import LONGEST, TOGETHER
from imaging.dicom.transfer_syntaxes import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from tests.imaging.dicom.test_gate import judge
from tests.imaging.hostile.building import element, item, sound

CONTOUR, VERTICES, NAME = 0x30060050, 0x00700022, 0x00100010
MOST_GROWTH_KIB = 150 << 10


def converted(data: bytes) -> dict:
    passed = judge(data)
    return to_dicom_json(passed.header, passed.transfer_syntax_uid, lambda path: f"/bulk/{path}")


def bulk(data: bytes, path: str) -> bytes:
    passed = judge(data)
    return get_bulk_value(parse_header(passed.header, passed.transfer_syntax_uid), path)


def test_a_long_list_of_numbers_is_bulk_data() -> None:
    value = b"1.5\\" * (LONGEST // 4) + b"1.5 "
    data = bytes(sound(IMPLICIT_LITTLE, (CONTOUR, "DS", value)))

    assert converted(data)["30060050"] == {"vr": "DS", "BulkDataURI": "/bulk/30060050"}
    assert bulk(data, "30060050") == value


def test_a_list_that_explicit_vr_can_hold_is_written_out() -> None:
    data = bytes(sound(EXPLICIT_LITTLE, (CONTOUR, "DS", b"1.5\\" * 16_000 + b"2 ")))

    assert converted(data)["30060050"]["Value"][-2:] == [1.5, 2.0]


def test_all_values_together_have_a_limit() -> None:
    one = element(CONTOUR, "DS", b"1.5\\" * 16_000 + b"2 ")
    items = element(0x30060039, "SQ", item(b"") + item(one) * 200)

    found = [each.get("30060050", {}) for each in converted(bytes(sound(extra=items)))["30060039"]["Value"]]

    written = sum("Value" in each for each in found)
    assert written == TOGETHER // 64_002
    assert found[-1] == {"vr": "DS", "BulkDataURI": "/bulk/30060039/200/30060050"}
    assert bulk(bytes(sound(extra=items)), "30060039/200/30060050").endswith(b"1.5\\2 ")


def test_a_name_that_is_too_long_is_left_out() -> None:
    data = bytes(sound(IMPLICIT_LITTLE, (NAME, "PN", b"D" * (LONGEST + 2))))

    assert "00100010" not in converted(data)
    with pytest.raises(NoSuchValue):
        bulk(data, "00100010")


def test_a_list_hidden_in_unknown_is_bulk_data_too() -> None:
    value = struct.pack("<f", 1.5) * (LONGEST // 4 + 1)
    data = bytes(sound(EXPLICIT_LITTLE, (VERTICES, "UN", value)))

    assert converted(data)["00700022"] == {"vr": "FL", "BulkDataURI": "/bulk/00700022"}
    assert bulk(data, "00700022") == value


def test_words_of_a_big_endian_list_are_turned_round() -> None:
    value = struct.pack(">f", 1.5) * (LONGEST // 4 - 1)
    contours = b"".join(
        item(element(VERTICES, "FL", value[:65_532], EXPLICIT_BIG), syntax=EXPLICIT_BIG) for _ in range(140)
    )
    data = bytes(sound(EXPLICIT_BIG, extra=element(0x00700009, "SQ", contours, EXPLICIT_BIG)))

    assert bulk(data, "00700009/139/00700022") == struct.pack("<f", 1.5) * (65_532 // 4)


@pytest.mark.parametrize("size", [2, 4, 8])
def test_words_are_turned_round_to_the_last_byte(size: int) -> None:
    value = bytes(range(3 * size + 1))
    assert _swapped(value, size) == b"".join(value[at : at + size][::-1] for at in range(0, len(value), size))


@pytest.mark.parametrize(
    "extra",
    [
        element(CONTOUR, "DS", b"1\\" * (8 << 20), IMPLICIT_LITTLE),
        element(0x00081163, "FD", bytes(24 << 20), IMPLICIT_LITTLE),
        element(0x00281201, "US", bytes(24 << 20), IMPLICIT_LITTLE),
        b"".join(
            element(0x00700022 + (number << 16), "FL", bytes(60_000), IMPLICIT_LITTLE) for number in range(1, 300, 2)
        ),
    ],
)
def test_no_header_makes_json_grow_out_of_bounds(extra: bytes) -> None:
    data = bytes(sound(IMPLICIT_LITTLE, extra=extra))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    json.dumps(converted(data))

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH_KIB
