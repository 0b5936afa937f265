"""What a browser sends when images are to be printed or exported."""

import json
import math
from collections.abc import Callable

from imaging.dicom.presentation import InvalidParameter, make_window
from imaging.dicom.uid import InvalidUID, validate_uid
from imaging.services.export_order import ExportImage, ExportOrder, Mark

MAX_BODY = 512 * 1024
MAX_IMAGES = 100
MAX_MARKS = 100  # of one image
MAX_POINTS = 64  # of one line
MAX_SIDE = 6  # columns or rows of a sheet
KINDS = ("pdf", "picture", "print")


class BadOrder(ValueError):
    """What was sent asks for nothing that can be made."""


def read_order(body: bytes) -> ExportOrder:
    """Parse what was sent.

    Raises
    ------
    BadOrder
    """
    if len(body) > MAX_BODY:
        raise BadOrder
    try:
        return _order(json.loads(body))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidUID, InvalidParameter):
        raise BadOrder from None


def _order(sent: dict[str, object]) -> ExportOrder:
    mount = sent.get("mount")
    images = tuple(_image(each) for each in _some(sent["images"], MAX_IMAGES))
    if mount is not None:
        mount = _numbers(mount, 2, lambda each: 0 < each <= 1000)
        _require(all(image.box for image in images))
    _require(sent["kind"] in KINDS and bool(images))
    columns, rows = (_whole(sent.get(side, 1), 1, MAX_SIDE) for side in ("columns", "rows"))
    return ExportOrder(sent["kind"], sent["identity"] is not False, columns, rows, mount, images)


def _image(sent: dict[str, object]) -> ExportImage:
    window, box = sent.get("window"), sent.get("box")
    rotate = _whole(sent.get("rotate", 0), 0, 270)
    _require(rotate % 90 == 0)
    return ExportImage(
        series=validate_uid(_text(sent["series"], 64)),
        instance=validate_uid(_text(sent["instance"], 64)),
        frame=_whole(sent.get("frame", 1), 1, 2**31),
        window=make_window(*_numbers(window, 2, math.isfinite)) if window is not None else None,
        invert=sent.get("invert") is True,
        rotate=rotate,
        flip=sent.get("flip") is True,
        label=_text(sent.get("label", ""), 60),
        box=_numbers(box, 4, lambda each: 0 <= each <= 1000) if box is not None else None,
        marks=tuple(_mark(each) for each in _some(sent.get("marks", []), MAX_MARKS)),
    )


def _mark(sent: dict[str, object]) -> Mark:
    # Some drawings reach beyond the image, none by more than its size.
    points = tuple(_numbers(each, 2, lambda part: -1 <= part <= 2) for each in _some(sent["points"], MAX_POINTS))
    _require(bool(points))
    return Mark(points, _text(sent.get("text", ""), 120))


def _some(sent: object, most: int) -> list[object]:
    _require(isinstance(sent, list) and len(sent) <= most)
    return sent


def _numbers(sent: object, count: int, fits: Callable[[float], bool]) -> tuple[float, ...]:
    _require(isinstance(sent, list) and len(sent) == count)
    _require(all(type(each) in (int, float) and math.isfinite(each) and fits(each) for each in sent))
    return tuple(float(each) for each in sent)


def _whole(sent: object, least: int, most: int) -> int:
    _require(type(sent) is int and least <= sent <= most)
    return sent


def _text(sent: object, most: int) -> str:
    _require(isinstance(sent, str) and len(sent) <= most)
    return "".join(letter for letter in sent if letter.isprintable())


def _require(holds: bool) -> None:
    if not holds:
        raise BadOrder
