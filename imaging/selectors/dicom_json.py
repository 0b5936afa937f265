"""Rows of the index as the DICOM JSON objects of QIDO-RS (PS3.18 §10.6.3.3, Annex F)."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time

from imaging.selectors.qido_attributes import Attribute, Level

Json = dict[str, object]
Row = Mapping[str, object]  # by `Attribute.place`
_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_OF_PIXELS = frozenset({
    "samples_per_pixel", "photometric_interpretation", "number_of_frames", "rows", "columns", "bits_allocated",
})  # fmt: skip


def row_json(row: Row, attributes: Sequence[Attribute], level: Level, root: str) -> Json:
    """One study, series or instance; `root` is the address of the DICOMweb service.

    All text is UTF-8, everything is at hand, and the address leads to the object itself.
    """
    elements = {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080056": {"vr": "CS", "Value": ["ONLINE"]},
        "00081190": {"vr": "UR", "Value": [_url(row, level, root)]},
    }
    has_pixels = bool(row.get("i.number_of_frames"))
    for attribute in attributes:
        values = _VALUES.get(attribute.vr, _texts)(row[attribute.place])
        if values or not attribute.when_known:
            elements[attribute.tag] = {"vr": attribute.vr, "Value": values} if values else {"vr": attribute.vr}
        if attribute.column in _OF_PIXELS and not has_pixels:
            del elements[attribute.tag]
    return dict(sorted(elements.items()))


def _url(row: Row, level: Level, root: str) -> str:
    places = {Level.STUDY: "studies", Level.SERIES: "series", Level.INSTANCE: "instances"}
    return root + "".join(f"/{places[each]}/{row[_UIDS[each]]}" for each in Level if each <= level)


_UIDS = {
    Level.STUDY: "s.study_instance_uid", Level.SERIES: "e.series_instance_uid", Level.INSTANCE: "i.sop_instance_uid",
}  # fmt: skip


def _texts(value: str) -> list[object]:
    return [value] if value else []


def _codes(value: str) -> list[object]:
    return [code for code in value.split("\\") if code]


def _numbers(value: int | None) -> list[object]:
    return [] if value is None else [value]


def _names(name: str) -> list[object]:
    groups = {group: part for group, part in zip(_NAME_GROUPS, name.split("="), strict=False) if part}
    return [groups] if groups else []


def _days(day: date | None) -> list[object]:
    return [day.isoformat().replace("-", "")] if day else []


def _times(moment: time | None) -> list[object]:
    return [moment.strftime("%H%M%S.%f")] if moment else []


def _items(value: str) -> list[object]:
    items = json.loads(value)
    return [{tag: {"vr": "SH", "Value": [text]} for tag, text in sorted(item.items())} for item in items]


_VALUES: dict[str, Callable[..., list[object]]] = {
    "CS": _codes, "DA": _days, "IS": _numbers, "PN": _names, "SQ": _items, "TM": _times, "US": _numbers,
}  # fmt: skip
