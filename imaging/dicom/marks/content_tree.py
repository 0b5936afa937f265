"""Reading a content tree (PS3.3 §C.17.3) that anybody may have written: bounded, and silent about what is broken."""

import math
from collections.abc import Iterator

from pydicom.dataset import Dataset

from imaging.dicom.marks.model import ImageRef, Point
from imaging.dicom.text import clean

Concept = tuple[str, str]  # Code Value and Coding Scheme Designator
MOST_ITEMS = 20_000
DEEPEST = 12
_NAME, _CODE, _UNITS = "ConceptNameCodeSequence", "ConceptCodeSequence", "MeasurementUnitsCodeSequence"


def text_of(item: Dataset, keyword: str) -> str:
    """A value as clean text, '' when there is none or it cannot be read."""
    try:
        value = item.get(keyword)
        return "" if value is None else clean(str(value))
    except Exception:  # pydicom raises almost anything on values that break their VR
        return ""


def items_of(item: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence, none where it is something else."""
    try:
        return [each for each in item.get(keyword) or () if isinstance(each, Dataset)]
    except Exception:  # as above
        return []


def numbers_of(item: Dataset, keyword: str) -> list[float]:
    """Finite numbers of a multiple value; empty if one of them is none."""
    try:
        value = item.get(keyword)
        parts = value if hasattr(value, "__iter__") and not isinstance(value, str | bytes) else [value]
        found = [float(part) for part in parts]
    except Exception:  # as above
        return []
    return found if all(map(math.isfinite, found)) else []


def children(item: Dataset) -> list[Dataset]:
    """The content items below one."""
    return items_of(item, "ContentSequence")


def walk(root: Dataset) -> Iterator[Dataset]:
    """All content items below the root, parents first, up to the bounds."""
    waiting, seen = [(root, 0)], 0
    while waiting and seen < MOST_ITEMS:
        item, depth = waiting.pop()
        seen += 1
        if depth:
            yield item
        if depth < DEEPEST:
            waiting += [(child, depth + 1) for child in reversed(children(item))]


def concept(item: Dataset, keyword: str = _NAME) -> Concept:
    """A code, ('', '') where there is none."""
    found = items_of(item, keyword)
    return (text_of(found[0], "CodeValue"), text_of(found[0], "CodingSchemeDesignator")) if found else ("", "")


def meaning(item: Dataset, keyword: str = _NAME) -> str:
    """A code in words."""
    found = items_of(item, keyword)
    return text_of(found[0], "CodeMeaning") if found else ""


def is_of(item: Dataset, value_type: str) -> bool:
    return text_of(item, "ValueType") == value_type


def coded_value(item: Dataset) -> Concept:
    """The value of a CODE item."""
    return concept(item, _CODE)


def measured(item: Dataset) -> tuple[float, Concept] | None:
    """Value and unit of a NUM item, if it has one."""
    for value in items_of(item, "MeasuredValueSequence")[:1]:
        if number := numbers_of(value, "NumericValue")[:1]:
            return number[0], concept(value, _UNITS)
    return None


def points_of(item: Dataset) -> tuple[Point, ...]:
    """The points of an SCOORD item."""
    numbers = numbers_of(item, "GraphicData")
    return tuple(zip(numbers[::2], numbers[1::2], strict=False)) if len(numbers) % 2 == 0 else ()


def image_of(item: Dataset) -> ImageRef | None:
    """The image that an IMAGE item refers to, or the one below an SCOORD."""
    for each in (item, *children(item)):
        if is_of(each, "IMAGE"):
            for found in items_of(each, "ReferencedSOPSequence")[:1]:
                return referenced(found)
    return None


def referenced(item: Dataset) -> ImageRef:
    """An item of a sequence of referenced SOP instances; its series is not said there."""
    frames = numbers_of(item, "ReferencedFrameNumber")
    frame = int(frames[0]) if frames and 0 < frames[0] < 2**31 else None
    return ImageRef("", text_of(item, "ReferencedSOPClassUID"), text_of(item, "ReferencedSOPInstanceUID"), frame)
