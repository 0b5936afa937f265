"""What the viewer sends to be kept, judged as far as that needs no row: shape, counts, sizes, finite numbers."""

import json
import math
from collections.abc import Callable
from typing import TypeVar

from django.utils.translation import gettext as _

from imaging.dicom.marks.codes import UNITS_OF
from imaging.dicom.marks.model import KINDS, ImageRef, KeyImages, Mark, Markings, Point, Submitted, Value, View
from imaging.dicom.text import clean
from imaging.dicom.uid import InvalidUID, validate_uid

MOST_BYTES = 4 << 20
MOST_MARKS, MOST_POINTS, MOST_KEY_IMAGES, MOST_VIEWS = 500, 50_000, 1000, 50
LONGEST_LABEL, LONGEST_NOTE = 200, 1000
_LARGEST = 1e9  # of any number; no image and no measurement comes near
_LARGEST_FRAME = 2**31 - 1
_Read = TypeVar("_Read")


class BadMarks(Exception):
    """The request cannot be what a viewer sends. The text names the place, and nothing of what stands there."""


def read_marks(body: bytes) -> Submitted:
    """The request's body; raises `BadMarks`."""
    if len(body) > MOST_BYTES:
        raise BadMarks(_("There is more in it than one save may hold."))
    try:
        sent = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadMarks(_("The request is not JSON.")) from None
    if not isinstance(sent, dict):
        raise BadMarks(_("The request is not a JSON object."))
    marks = _each(sent, "marks", MOST_MARKS, _mark)
    if sum(len(mark.points) for mark in marks) > MOST_POINTS:
        raise BadMarks(_("There is more in it than one save may hold."))
    views = _each(sent, "views", MOST_VIEWS, _view)
    named = [each[1] for each in views if each[1]]
    if len(set(named)) < len(named):
        raise _bad("views")
    images = _each(sent, "key_images", MOST_KEY_IMAGES, _image)
    key_images = KeyImages(tuple(dict.fromkeys(images)), _text(sent, "key_note", LONGEST_NOTE)) if images else None
    markings = Markings(tuple(marks), key_images, tuple(each[0] for each in views))
    replaces = _uid(sent, "replaces") if sent.get("replaces") else ""
    return Submitted(markings, replaces, tuple(each[1] for each in views))


def _refuse_constant(_name: str) -> float:
    raise ValueError  # NaN and the infinities are no JSON


def _bad(what: str) -> BadMarks:
    return BadMarks(_("“%(what)s” is missing or wrong.") % {"what": what})


def _each(sent: dict, name: str, most: int, read: Callable[[dict], _Read]) -> list[_Read]:
    items = sent.get(name, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _bad(name)
    if len(items) > most:
        raise BadMarks(_("There is more in it than one save may hold."))
    return [read(item) for item in items]


def _mark(item: dict) -> Mark:
    kind = item.get("kind")
    shape = KINDS.get(kind) if isinstance(kind, str) else None
    image = item.get("image")
    if shape is None or not isinstance(image, dict):
        raise _bad("kind" if shape is None else "image")
    points = _points(item, "points")
    if not shape.least <= len(points) <= shape.most:
        raise _bad("points")
    values = _each(item, "values", len(UNITS_OF), _value)
    if len({each.name for each in values}) < len(values) or not shape.values.issuperset(each.name for each in values):
        raise _bad("values")
    label = _text(item, "label", LONGEST_LABEL)
    tracking_uid = _uid(item, "tracking_uid") if item.get("tracking_uid") else ""
    return Mark(kind, _image(image), points, tuple(values), label, tracking_uid)


def _value(item: dict) -> Value:
    name, unit = item.get("name"), item.get("unit")
    if not (isinstance(name, str) and isinstance(unit, str) and unit in UNITS_OF.get(name, ())):
        raise _bad("unit")
    return Value(name, _number(item.get("value"), "value"), unit)


def _view(item: dict) -> tuple[View, str]:
    series = _uid(item, "series") if "series" in item else ""
    images = _each(item, "images", MOST_KEY_IMAGES, _image)
    if bool(series) == bool(images):
        raise _bad("images")
    rotation = item.get("rotation", 0)
    if rotation not in (0, 90, 180, 270) or isinstance(rotation, bool):
        raise _bad("rotation")
    view = View(
        tuple(dict.fromkeys(images)), _window(item), _flag(item, "inverted"), int(rotation), _flag(item, "flipped"),
        _area(item),
    )  # fmt: skip
    return view, series


def _window(item: dict) -> tuple[float, float] | None:
    if item.get("window") is None:
        return None
    centre, width = _numbers(item["window"], 2, "window")
    if width <= 0:
        raise _bad("window")
    return centre, width


def _area(item: dict) -> tuple[float, float, float, float] | None:
    if item.get("area") is None:
        return None
    left, top, right, bottom = _numbers(item["area"], 4, "area")
    if not (left < right and top < bottom):
        raise _bad("area")
    return left, top, right, bottom


def _image(item: dict) -> ImageRef:
    frame = item.get("frame", 1)
    if type(frame) is not int or not 1 <= frame <= _LARGEST_FRAME:
        raise _bad("frame")
    return ImageRef("", "", _uid(item, "sop"), frame)


def _uid(item: dict, name: str) -> str:
    value = item.get(name)
    try:
        return validate_uid(value) if isinstance(value, str) else _fail(name)
    except InvalidUID:
        raise _bad(name) from None


def _fail(name: str) -> str:
    raise _bad(name)


def _text(item: dict, name: str, longest: int) -> str:
    value = item.get(name, "")
    if not isinstance(value, str) or len(value) > longest:
        raise _bad(name)
    return clean(value)


def _flag(item: dict, name: str) -> bool:
    value = item.get(name, False)
    if not isinstance(value, bool):
        raise _bad(name)
    return value


def _points(item: dict, name: str) -> tuple[Point, ...]:
    points = item.get(name)
    if not isinstance(points, list) or len(points) > MOST_POINTS:
        raise _bad(name)
    return tuple(_numbers(point, 2, name) for point in points)


def _numbers(value: object, count: int, name: str) -> tuple:
    if not isinstance(value, list) or len(value) != count:
        raise _bad(name)
    return tuple(_number(each, name) for each in value)


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _bad(name)
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise _bad(name)
    number = float(value)
    if not math.isfinite(number) or abs(number) > _LARGEST:
        raise _bad(name)
    return number
