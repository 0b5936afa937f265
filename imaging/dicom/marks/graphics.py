"""Marks as graphic annotations of a presentation state (PS3.3 §C.10.5)."""

from pydicom.dataset import Dataset

from imaging.dicom.marks.document import reference
from imaging.dicom.marks.model import KINDS, Mark, Point, Value

LAYER = "MARKS"
# In ASCII, which every character set can say.
_UNITS = {"deg": " deg", "1": ""}
_NAMES = {"area": "area", "mean": "mean", "deviation": "SD", "minimum": "min", "maximum": "max"}


def annotation(mark: Mark) -> Dataset:
    """One mark: its lines, and its label and values as text beside it."""
    item = Dataset()
    item.ReferencedImageSequence = [reference(mark.image)]
    item.GraphicLayer = LAYER
    item.GraphicObjectSequence = [_line(mark, kind, points) for kind, points in _lines(mark)]
    if text := words(mark):
        item.TextObjectSequence = [_text(mark, text)]
    return item


def words(mark: Mark) -> str:
    """Label and values, a line each."""
    return "\r\n".join(filter(None, [mark.label, *map(_value, mark.values)]))


def _value(each: Value) -> str:
    places = 0 if each.unit in ("px", "px2") else 1
    unit = _UNITS.get(each.unit, f" {each.unit}")
    return " ".join(filter(None, [_NAMES.get(each.name, ""), f"{each.value:.{places}f}{unit}"]))


def _lines(mark: Mark) -> list[tuple[str, tuple[Point, ...]]]:
    points = mark.points
    if mark.kind == "ellipse":
        return [("ELLIPSE", points)]
    if mark.kind == "probe":
        return [("POINT", points)]
    if KINDS[mark.kind].is_region:
        return [("POLYLINE", (*points, points[0]))]
    if mark.kind in ("cobb", "bidirectional"):
        return [("POLYLINE", points[:2]), ("POLYLINE", points[2:])]
    return [("POLYLINE", points)]


def _line(mark: Mark, graphic_type: str, points: tuple[Point, ...]) -> Dataset:
    item = Dataset()
    item.GraphicAnnotationUnits, item.GraphicDimensions = "PIXEL", 2
    item.NumberOfGraphicPoints = len(points)
    item.GraphicData = [coordinate for point in points for coordinate in point]
    item.GraphicType = graphic_type
    if KINDS[mark.kind].is_region:
        item.GraphicFilled = "N"
    return item


def _text(mark: Mark, text: str) -> Dataset:
    item = Dataset()
    item.UnformattedTextValue = text
    # The tail of an arrow, otherwise the rightmost point.
    anchor = mark.points[1] if mark.kind == "arrow" else max(mark.points)
    item.AnchorPointAnnotationUnits, item.AnchorPoint, item.AnchorPointVisibility = "PIXEL", list(anchor), "N"
    return item
