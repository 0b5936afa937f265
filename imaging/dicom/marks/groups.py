"""A measurement group (TID 1410, 1501, or what looks like one) as a mark."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from imaging.dicom.marks.codes import (
    COMMENT,
    CONCEPTS,
    DERIVATION,
    DERIVATIONS,
    QUANTITIES,
    TRACKING_IDENTIFIER,
    TRACKING_UID,
    UNITS,
)
from imaging.dicom.marks.content_tree import (
    Concept,
    children,
    coded_value,
    concept,
    image_of,
    is_of,
    meaning,
    measured,
    points_of,
    text_of,
)
from imaging.dicom.marks.model import MOST_OUTLINE_POINTS, ImageRef, Mark, Point, Value

MOST_VALUES = 20
_SCALES: dict[Concept, tuple[str, float]] = {
    **{(code.value, "UCUM"): (unit, 1.0) for unit, code in UNITS.items()},
    ("cm", "UCUM"): ("mm", 10.0), ("cm2", "UCUM"): ("mm2", 100.0), ("um", "UCUM"): ("mm", 0.001),
    ("pixels", "UCUM"): ("px", 1.0), ("{pixel}", "UCUM"): ("px", 1.0), ("rad", "UCUM"): ("deg", 180 / math.pi),
}  # fmt: skip
_NAMES: dict[Concept, str] = {
    **{(code.value, code.scheme_designator): name for name, code in {**CONCEPTS, **DERIVATIONS}.items()},
    ("G-D7FE", "SRT"): "length", ("112051", "DCM"): "length", ("121206", "DCM"): "length",
    ("G-A166", "SRT"): "area", ("110859", "DCM"): "angle", ("1483009", "SCT"): "angle", ("113061", "DCM"): "deviation",
    ("R-00317", "SRT"): "mean", ("R-10047", "SRT"): "deviation", ("R-404FB", "SRT"): "minimum",
    ("G-A437", "SRT"): "maximum", ("G-A185", "SRT"): "long_axis", ("G-A186", "SRT"): "short_axis",
}  # fmt: skip


def _key(code: object) -> Concept:
    return code.value, code.scheme_designator


@dataclass(frozen=True)
class _Drawn:
    graphic_type: str
    points: tuple[Point, ...]
    image: ImageRef | None


def read_group(group: Dataset, *, is_ours: bool = False) -> Mark | None:
    """The mark, or None for what cannot be drawn: no coordinates, or of another kind.

    In what is ours a comment is the label; others also say in other places what they mean.
    """
    items = [group, *children(group)]
    numbers = [item for item in items if is_of(item, "NUM")]
    drawn = [_drawn(each) for each in _coordinates(items, numbers)]
    image = next((each.image for each in drawn if each.image), None) or _group_image(items)
    shape = _shape(list(dict.fromkeys(each for each in drawn if each.points)), numbers)
    if shape is None or image is None:
        return None
    kind, points = shape
    values = tuple(filter(None, (_value(kind, item) for item in numbers[:MOST_VALUES])))
    return Mark(kind, image, points, values, _label(items, is_ours), _tracking_uid(items))


def _coordinates(items: list[Dataset], numbers: list[Dataset]) -> Iterable[Dataset]:
    below = (child for number in numbers for child in children(number))
    return [item for item in (*items, *below) if is_of(item, "SCOORD")]


def _drawn(item: Dataset) -> _Drawn:
    return _Drawn(text_of(item, "GraphicType"), points_of(item), image_of(item))


def _group_image(items: list[Dataset]) -> ImageRef | None:
    return next((found for item in items if is_of(item, "IMAGE") and (found := image_of(item))), None)


def _shape(drawn: list[_Drawn], numbers: list[Dataset]) -> tuple[str, tuple[Point, ...]] | None:
    if len(drawn) == 2 and all(each.graphic_type == "POLYLINE" and len(each.points) == 2 for each in drawn):
        points = (*drawn[0].points, *drawn[1].points)
        return ("cobb" if _are_angles(numbers) else "bidirectional"), points
    if len(drawn) != 1:
        return None
    one = drawn[0]
    if one.graphic_type == "POINT" and len(one.points) == 1:
        return "probe", one.points
    if one.graphic_type == "ELLIPSE" and len(one.points) == 4:
        return "ellipse", one.points
    if one.graphic_type == "CIRCLE" and len(one.points) == 2:
        return "ellipse", _circle(*one.points)
    return _of_polyline(one.points, numbers) if one.graphic_type == "POLYLINE" else None


def _of_polyline(points: tuple[Point, ...], numbers: list[Dataset]) -> tuple[str, tuple[Point, ...]] | None:
    count = len(points)
    if count == 2:
        return ("length" if numbers else "arrow"), points
    if _are_angles(numbers) and count in (3, 4):
        return ("angle" if count == 3 else "cobb"), points
    outline = points[:-1] if points and points[0] == points[-1] else points
    if not 3 <= len(outline) <= MOST_OUTLINE_POINTS:
        return None
    return ("rectangle" if _is_rectangle(outline) else "freehand"), outline


def _are_angles(numbers: list[Dataset]) -> bool:
    return any((found := measured(item)) and _SCALES.get(found[1], ("", 1))[0] == "deg" for item in numbers)


def _circle(centre: Point, edge: Point) -> tuple[Point, ...]:
    (x, y), radius = centre, math.dist(centre, edge)
    return (x - radius, y), (x + radius, y), (x, y - radius), (x, y + radius)


def _is_rectangle(points: tuple[Point, ...]) -> bool:
    if len(points) != 4:
        return False
    a, b, c, d = points
    if math.dist((a[0] + c[0], a[1] + c[1]), (b[0] + d[0], b[1] + d[1])) > 1e-3:
        return False
    across, down = (b[0] - a[0], b[1] - a[1]), (c[0] - b[0], c[1] - b[1])
    size = math.hypot(*across) * math.hypot(*down)
    return size > 0 and abs(across[0] * down[0] + across[1] * down[1]) < 1e-3 * size


def _value(kind: str, item: Dataset) -> Value | None:
    if (found := measured(item)) is None:
        return None
    number, code = found
    unit, scale = _SCALES.get(code, ("1", 1.0))
    name = _name(kind, item, unit)
    if name == "area" and unit == "px":
        unit = "px2"
    return Value(name, number * scale, unit) if name else None


def _name(kind: str, item: Dataset, unit: str) -> str:
    """What a NUM measures, in our words; '' for what we have none for."""
    code = concept(item)
    modifiers = (_NAMES.get(coded_value(child), "") for child in children(item) if concept(child) == _key(DERIVATION))
    derived = next(filter(None, modifiers), "")
    if kind == "probe":
        return "value" if code in QUANTITIES or code in _NAMES else ""
    if kind in ("length", "angle", "cobb"):
        # Whatever it is called (a diameter, a distance, an alpha angle): what was drawn says it.
        return kind if unit in (("mm", "px") if kind == "length" else ("deg",)) else ""
    if code in QUANTITIES and derived:
        return derived
    return _NAMES.get(code, "")


def _label(items: list[Dataset], is_ours: bool) -> str:
    comment = _text(items, COMMENT)
    if comment or is_ours:
        return comment[:200]
    findings = (meaning(item, "ConceptCodeSequence") for item in items if concept(item) == ("121071", "DCM"))
    return (next(filter(None, findings), "") or _text(items, TRACKING_IDENTIFIER))[:200]


def _text(items: list[Dataset], name: object) -> str:
    texts = (text_of(item, "TextValue") for item in items if is_of(item, "TEXT") and concept(item) == _key(name))
    return next(filter(None, texts), "")


def _tracking_uid(items: list[Dataset]) -> str:
    uids = (text_of(item, "UID") for item in items if concept(item) == _key(TRACKING_UID))
    return next(filter(None, uids), "")[:64]
