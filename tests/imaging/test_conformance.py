"""What infra/docs/conformance.md promises is what the code does."""

import re
from pathlib import Path

import pytest
from django.http import Http404
from django.urls import Resolver404, resolve

from imaging.adapters import dicom_negotiation, dicom_scp, dicom_upper_layer
from imaging.dicom.dicom_json import INLINE_BYTES
from imaging.dicom.transfer_syntaxes import ACCEPTED, DECODED, NATIVE
from imaging.selectors import qido_conditions, qido_query
from imaging.selectors.qido_attributes import ATTRIBUTES, Attribute, Kind
from imaging.services import door, rendering
from imaging.views import rendered, stow, wado
from imaging.views.capabilities import TRANSACTIONS
from tests.imaging.dicom.hostile import ROOT

TEXT = (Path(__file__).resolve().parents[2] / "infra" / "docs" / "conformance.md").read_text()
MATCHING = {
    Kind.TEXT: "single value, wildcards", Kind.CODE: "list, wildcards", Kind.CODES: "list, wildcards",
    Kind.NAME: "name, wildcards, fuzzy", Kind.DATE: "range", Kind.TIME: "range", Kind.UID: "list of UIDs",
    Kind.INTEGER: "single value", Kind.ITEM: "single value, wildcards", Kind.NONE: "–",
}  # fmt: skip
FACTS = {
    "default 100, at most 1000": (qido_query.DEFAULT_LIMIT, qido_query.MAX_LIMIT),
    "within a study 5000": (qido_query.MAX_WITHIN_STUDY,),
    "500 at most": (qido_conditions.MAX_VALUES,),
    "parts of one: 100,000": (stow.MOST_PARTS,),
    "1000 of them in a request (100 rendered)": (wado.MAX_FRAMES, rendered.MAX_FRAMES),
    "100 pictures are given at most": (rendering.MAX_PICTURES,),
    "a moving picture 300": (rendering.MAX_ANIMATION_FRAMES,),
    "has more than 1024 bytes": (INLINE_BYTES,),
    "20 at once, 10 of a device": (dicom_scp.MOST_ASSOCIATIONS, door.MOST_PER_DEVICE),
    "PDUs up to 131,072 bytes": (dicom_upper_layer.MOST_PDU_BYTES,),
}


def table(heading: str) -> list[list[str]]:
    """The cells of the first table with more than a head below a heading."""
    section = TEXT.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows[2:]]


def returned(attribute: Attribute) -> str:
    if attribute.kind is Kind.ITEM:
        return "never"
    if not attribute.usual:
        return "when asked for"
    return "when known" if attribute.when_known else "always"


def test_the_keys_of_searches_are_those_of_the_code() -> None:
    tags = {each: ".".join(f"({tag[:4]},{tag[4:]})" for tag in each.tag.split(".")) for each in ATTRIBUTES}
    assert table("### 2.3 Search (QIDO-RS)") == [
        [each.keyword, tags[each], each.level.name.lower(), MATCHING[each.kind], returned(each)] for each in ATTRIBUTES
    ]


def test_the_transfer_syntaxes_are_those_of_the_gate() -> None:
    told = {uid: decoded for _, uid, decoded in table("## 5 Transfer syntaxes")}
    assert told == {uid: "yes" if uid in DECODED | NATIVE else "no" for uid in ACCEPTED}


def test_the_resources_are_those_that_capabilities_tell() -> None:
    told = {(path, method) for path, methods in table("### 2.1 Resources") for method in methods.split(", ")}
    assert {(path, method) for path, method, *_ in TRANSACTIONS} <= told


@pytest.mark.parametrize("path", [path for path, _ in table("### 2.1 Resources")])
def test_each_resource_has_a_route(path: str) -> None:
    uids = {
        "study": f"{ROOT}.1",
        "series": f"{ROOT}.1.1",
        "instance": f"{ROOT}.1.1.1",
        "frames": "1",
        "path": "00420011",
    }
    address = "" if path == "<root>" else "/" + path.format(**uids)
    try:
        assert resolve(f"/t/northside/dicomweb{address}")
    except (Resolver404, Http404):
        pytest.fail(f"{path} leads nowhere")


@pytest.mark.parametrize("words", FACTS)
def test_numbers_are_those_of_the_code(words: str) -> None:
    assert words in " ".join(TEXT.split())
    numbers = tuple(int(each.replace(",", "")) for each in re.findall(r"\d[\d,]*", words))
    assert numbers == FACTS[words]


def test_the_implementation_is_told() -> None:
    assert f"{dicom_negotiation.IMPLEMENTATION_CLASS_UID}, {dicom_negotiation.IMPLEMENTATION_VERSION_NAME}" in TEXT
