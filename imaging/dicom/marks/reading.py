"""SR, KOS and presentation states read back, also those of others, as far as they can be drawn."""

from pydicom.dataset import Dataset

from imaging.dicom.marks.codes import KEY_OBJECT_DESCRIPTION, MEASUREMENT_GROUP, PERSON_OBSERVER_NAME
from imaging.dicom.marks.content_tree import (
    concept,
    image_of,
    is_of,
    items_of,
    meaning,
    numbers_of,
    referenced,
    text_of,
    walk,
)
from imaging.dicom.marks.document import MANUFACTURER, MODEL
from imaging.dicom.marks.groups import read_group
from imaging.dicom.marks.model import ImageRef, KeyImages, Mark, ReadDocument, View
from imaging.dicom.part10 import parse_header
from imaging.dicom.text import parse_date, parse_time

MOST_MARKS, MOST_IMAGES = 500, 5000
REPORTS = {
    "1.2.840.10008.5.1.4.1.1.88.22": "Enhanced SR",
    "1.2.840.10008.5.1.4.1.1.88.33": "Comprehensive SR",
    "1.2.840.10008.5.1.4.1.1.88.34": "Comprehensive 3D SR",
    "1.2.840.10008.5.1.4.1.1.88.35": "Extensible SR",
}
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
STATES = {
    "1.2.840.10008.5.1.4.1.1.11.1": "Grayscale Softcopy Presentation State",
    "1.2.840.10008.5.1.4.1.1.11.2": "Color Softcopy Presentation State",
}
_OBSERVERS = (("AuthorObserverSequence", "PersonName"), ("VerifyingObserverSequence", "VerifyingObserverName"))
SOP_CLASSES = (*REPORTS, KEY_OBJECTS, *STATES)


def read_document(header: bytes, transfer_syntax_uid: str) -> ReadDocument:
    """What a stored object says; never raises for what is in it."""
    data_set = parse_header(header, transfer_syntax_uid)
    common = {
        "sop_instance_uid": text_of(data_set, "SOPInstanceUID"),
        "author": _author(data_set),
        "written": _written(data_set),
        "ours": _maker(data_set) == (MANUFACTURER, MODEL),
    }  # fmt: skip
    sop_class_uid = text_of(data_set, "SOPClassUID")
    if sop_class_uid == KEY_OBJECTS:
        return ReadDocument("key_images", **common, title=meaning(data_set), key_images=_key_images(data_set))
    if sop_class_uid in STATES:
        title = text_of(data_set, "ContentDescription") or text_of(data_set, "ContentLabel")
        return ReadDocument("view", **common, title=title, views=(_view(data_set),))
    marks, not_understood = _marks(data_set, common["ours"])
    return ReadDocument(
        "report", **common, title=meaning(data_set), marks=marks, replaces=_replaced(data_set),
        not_understood=not_understood,
    )  # fmt: skip


def _maker(data_set: Dataset) -> tuple[str, str]:
    return text_of(data_set, "Manufacturer"), text_of(data_set, "ManufacturerModelName")


def _author(data_set: Dataset) -> str:
    for keyword, name in _OBSERVERS:
        for item in items_of(data_set, keyword):
            if found := text_of(item, name):
                return found
    if found := text_of(data_set, "ContentCreatorName"):
        return found
    observer = PERSON_OBSERVER_NAME.value, PERSON_OBSERVER_NAME.scheme_designator
    names = (text_of(item, "PersonName") for item in walk(data_set) if concept(item) == observer)
    return next(filter(None, names), "")


def _written(data_set: Dataset) -> str:
    for kind in ("Content", "PresentationCreation", "InstanceCreation"):
        day = parse_date(text_of(data_set, f"{kind}Date"))
        if day is not None:
            time = parse_time(text_of(data_set, f"{kind}Time"))
            return f"{day.isoformat()}T{time.isoformat() if time else '00:00:00'}"
    return ""


def _replaced(data_set: Dataset) -> tuple[str, ...]:
    return tuple(
        found
        for study in items_of(data_set, "PredecessorDocumentsSequence")
        for series in items_of(study, "ReferencedSeriesSequence")
        for item in items_of(series, "ReferencedSOPSequence")
        if (found := text_of(item, "ReferencedSOPInstanceUID"))
    )[:100]


def _marks(data_set: Dataset, is_ours: bool) -> tuple[tuple[Mark, ...], int]:
    wanted = MEASUREMENT_GROUP.value, MEASUREMENT_GROUP.scheme_designator
    marks: list[Mark] = []
    not_understood = 0
    for item in walk(data_set):
        if is_of(item, "CONTAINER") and concept(item) == wanted:
            mark = read_group(item, is_ours=is_ours) if len(marks) < MOST_MARKS else None
            if mark:
                marks.append(mark)
            not_understood += mark is None
    return tuple(marks), not_understood


def _key_images(data_set: Dataset) -> KeyImages:
    described = KEY_OBJECT_DESCRIPTION.value, KEY_OBJECT_DESCRIPTION.scheme_designator
    images: list[ImageRef] = []
    note = ""
    for item in walk(data_set):
        if is_of(item, "IMAGE") and len(images) < MOST_IMAGES and (image := image_of(item)):
            images.append(image)
        elif is_of(item, "TEXT") and concept(item) == described:
            note = note or text_of(item, "TextValue")
    return KeyImages(tuple(images), note)


def _view(data_set: Dataset) -> View:
    images = [
        referenced(image)
        for series in items_of(data_set, "ReferencedSeriesSequence")
        for image in items_of(series, "ReferencedImageSequence")
    ]
    rotation = (numbers_of(data_set, "ImageRotation") or [0])[0]
    return View(
        tuple(images[:MOST_IMAGES]), _window(data_set), text_of(data_set, "PresentationLUTShape") == "INVERSE",
        int(rotation) if rotation in (90, 180, 270) else 0, text_of(data_set, "ImageHorizontalFlip") == "Y",
        _area(data_set),
    )  # fmt: skip


def _window(data_set: Dataset) -> tuple[float, float] | None:
    for item in items_of(data_set, "SoftcopyVOILUTSequence")[:1]:
        centre, width = numbers_of(item, "WindowCenter")[:1], numbers_of(item, "WindowWidth")[:1]
        if centre and width and width[0] > 0:
            return centre[0], width[0]
    return None


def _area(data_set: Dataset) -> tuple[float, float, float, float] | None:
    for item in items_of(data_set, "DisplayedAreaSelectionSequence")[:1]:
        first = numbers_of(item, "DisplayedAreaTopLeftHandCorner")
        last = numbers_of(item, "DisplayedAreaBottomRightHandCorner")
        if len(first) == len(last) == 2:
            columns, rows = sorted((first[0], last[0])), sorted((first[1], last[1]))
            return columns[0] - 1, rows[0] - 1, columns[1], rows[1]
    return None
