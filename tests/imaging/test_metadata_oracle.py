"""pydicom's own DICOM JSON is the oracle for our metadata, over every sample that is let in.

Each difference has to be of one explained kind, and each kind has to occur. The kinds are told to the outside in
infra/docs/conformance.md.
"""

import base64
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from pydicom.valuerep import STANDARD_VR

from imaging.dicom.dicom_json import get_bulk_value, parse_header, to_dicom_json
from imaging.dicom.gate import Passed, Refused
from imaging.dicom.transfer_syntaxes import EXPLICIT_BIG
from tests.imaging.samples import Sample, judge, list_samples

CONFORMANCE = Path(__file__).resolve().parents[2] / "infra" / "docs" / "conformance.md"
BULK = "bulk:"
WORDS = {"OB": 1, "UN": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
VRS = {str(vr) for vr in STANDARD_VR}
Json = dict[str, object]


@dataclass(frozen=True)
class Difference:
    """An element that is not the same in both; None where it is missing."""

    passed: Passed
    path: str
    ours: Json | None
    theirs: Json | None

    @property
    def tag(self) -> str:
        return self.path[-8:]

    def is_only_ours(self) -> bool:
        return self.theirs is None

    def is_only_theirs(self) -> bool:
        return self.ours is None

    def their_bytes(self) -> bytes:
        """Their inline value in little endian."""
        value, size = base64.b64decode(self.theirs["InlineBinary"]), WORDS[self.theirs["vr"]]
        if self.passed.transfer_syntax_uid != EXPLICIT_BIG:
            return value
        return b"".join(value[at : at + size][::-1] for at in range(0, len(value), size))


def available_transfer_syntax(each: Difference) -> bool:
    return each.path == "00083002" and each.is_only_ours()


def character_set(each: Difference) -> bool:
    return each.tag == "00080005" and each.ours == {"vr": "CS", "Value": ["ISO_IR 192"]} and bool(each.theirs)


def group_length(each: Difference) -> bool:
    return each.tag.endswith("0000") and each.is_only_theirs()


def pixel_data_and_after(each: Difference) -> bool:
    return each.path >= "7FE00008" and "/" not in each.path and each.is_only_theirs()


def empty_sequence(each: Difference) -> bool:
    return (each.ours, each.theirs) == ({"vr": "SQ"}, {"vr": "SQ", "Value": []})


def empty_among_several(each: Difference) -> bool:
    mine, other = (side.get("Value", []) if side else [] for side in (each.ours, each.theirs))
    return None in mine and [value or None for value in other] == mine and each.ours["vr"] == each.theirs["vr"]


def large_integer(each: Difference) -> bool:
    mine, other = (side.get("Value", []) if side else [] for side in (each.ours, each.theirs))
    return [str(value) for value in other] == mine and any(value > 2**53 - 1 for value in other)


def bulk_data(each: Difference) -> bool:
    if each.is_only_ours() or each.is_only_theirs() or "BulkDataURI" not in each.ours:
        return False
    header = parse_header(each.passed.header, each.passed.transfer_syntax_uid)
    return get_bulk_value(header, each.ours["BulkDataURI"].removeprefix(BULK)) == each.their_bytes()


def byte_order(each: Difference) -> bool:
    if each.passed.transfer_syntax_uid != EXPLICIT_BIG or "InlineBinary" not in (each.ours or {}):
        return False
    return base64.b64decode(each.ours["InlineBinary"]) == each.their_bytes()


EXPLAINED: dict[str, Callable[[Difference], bool]] = {
    "Available Transfer Syntax UID": available_transfer_syntax,
    "Specific Character Set": character_set,
    "Group lengths": group_length,
    "Pixel Data and what follows": pixel_data_and_after,
    "Empty sequences": empty_sequence,
    "Empty values among several": empty_among_several,
    "Integers of 64 bits": large_integer,
    "Bulk data": bulk_data,
    "Byte order of inline binary": byte_order,
}


@pytest.fixture(scope="module")
def differences() -> list[Difference]:
    """Of all samples that the gate lets in, several hundred."""
    return [each for sample in list_samples() for each in compare(sample)]


def test_every_difference_from_pydicom_is_explained(differences: list[Difference]) -> None:
    unexplained = [
        (each.path, each.ours, each.theirs)
        for each in differences
        if sum(explains(each) for explains in EXPLAINED.values()) != 1
    ]
    assert unexplained == []


def test_every_explanation_is_needed(differences: list[Difference]) -> None:
    used = Counter(name for each in differences for name, explains in EXPLAINED.items() if explains(each))
    assert set(used) == set(EXPLAINED)


def test_the_conformance_statement_tells_every_explanation() -> None:
    section = CONFORMANCE.read_text().split("### Differences from pydicom's DICOM JSON", 1)[1].split("\n#", 1)[0]
    told = [row.split("|")[1].strip() for row in section.splitlines() if row.startswith("| ")][1:]
    assert told == list(EXPLAINED)


def test_nothing_of_a_sample_is_left_out_and_every_vr_is_one() -> None:
    compared = 0
    for _, data, passed in let_in():
        theirs = theirs_of(data)
        for path, element in flat(ours_of(passed)):
            assert element["vr"] in VRS, path
        missing = {path for path, _ in flat(theirs)} - {path for path, _ in flat(ours_of(passed))}
        assert all(path.endswith("0000") or path >= "7FE00008" for path in missing)
        compared += 1
    assert compared > 200


def compare(sample: Sample) -> Iterator[Difference]:
    """Ours beside theirs, element by element, into sequences of as many items."""
    data = sample.read()
    try:
        passed = judge(data)
    except Refused:
        return
    for path, mine, other in walk(ours_of(passed), theirs_of(data)):
        yield Difference(passed, path, mine, other)


def let_in() -> Iterator[tuple[Sample, bytes, Passed]]:
    for sample in list_samples():
        data = sample.read()
        try:
            yield sample, data, judge(data)
        except Refused:
            continue


def ours_of(passed: Passed) -> Json:
    converted = to_dicom_json(passed.header, passed.transfer_syntax_uid, lambda path: BULK + path)
    return json.loads(json.dumps(converted, allow_nan=False))


def theirs_of(data: bytes) -> Json:
    return json.loads(json.dumps(pydicom.dcmread(io.BytesIO(data)).to_json_dict()))


def walk(ours: Json, theirs: Json, path: str = "") -> Iterator[tuple[str, Json | None, Json | None]]:
    for tag in sorted(set(ours) | set(theirs)):
        mine, other = ours.get(tag), theirs.get(tag)
        if mine == other:
            continue
        pairs = paired_items(mine, other)
        if not pairs:
            yield path + tag, mine, other
        for number, (my_item, other_item) in enumerate(pairs):
            yield from walk(my_item, other_item, f"{path}{tag}/{number}/")


def paired_items(mine: Json | None, other: Json | None) -> list[tuple[Json, Json]]:
    if not mine or not other or mine["vr"] != "SQ" or other["vr"] != "SQ":
        return []
    mine, other = mine.get("Value", []), other.get("Value", [])
    return list(zip(mine, other, strict=True)) if len(mine) == len(other) else []


def flat(data_set: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    for tag, element in data_set.items():
        yield path + tag, element
        if element["vr"] == "SQ":
            for number, item in enumerate(element.get("Value", [])):
                yield from flat(item, f"{path}{tag}/{number}/")
