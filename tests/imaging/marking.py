"""Marks for the tests: one of every kind, what a viewer would send of them, and the objects that come of it."""

import datetime as dt

from imaging.dicom.gate import Passed
from imaging.dicom.marks.model import Author, ImageRef, KeyImages, Mark, Markings, Moment, Predecessor, Value, View
from imaging.dicom.marks.pictures import Picture, read_geometry
from imaging.dicom.marks.writing import write_files
from tests.imaging.samples import judge

NOON = dt.datetime(2026, 11, 28, 12, 30, 45, 123456, tzinfo=dt.UTC)
AUTHOR = Author("Bob Baker", "bob@northside.example", "Northside Dental")
STATISTICS = {"mean": 40.5, "deviation": 2.25, "minimum": -10.0, "maximum": 99.0}
# Of each kind its points, for an image of at least 16 by 16, and its values.
SHAPES: dict[str, tuple[list[tuple[float, float]], dict[str, tuple[float, str]]]] = {
    "length": ([(1, 2), (13.5, 14.25)], {"length": (31.25, "mm")}),
    "angle": ([(1, 2), (8, 8), (15, 3)], {"angle": (62.5, "deg")}),
    "cobb": ([(1, 2), (12, 3), (1, 15), (12, 11)], {"cobb": (25.125, "deg")}),
    "bidirectional": ([(1, 2), (12, 3), (6, 1), (6, 4)], {"long_axis": (11, "px"), "short_axis": (3, "px")}),
    "rectangle": ([(1, 2), (9, 2), (9, 6), (1, 6)], {"area": (8, "mm2")}),
    "ellipse": ([(1, 4), (9, 4), (5, 2), (5, 6)], {"area": (25.125, "px2")}),
    "freehand": ([(1, 2), (9, 2), (12, 6), (1, 6), (3, 4)], {"area": (31.5, "mm2")}),
    "probe": ([(3.5, 4.5)], {"value": (-1000, "HU")}),
    "arrow": ([(3, 4), (9, 12)], {}),
}
WITH_STATISTICS = ("rectangle", "ellipse", "freehand")


def values_of(kind: str) -> dict[str, tuple[float, str]]:
    statistics = {name: (value, "HU") for name, value in STATISTICS.items()} if kind in WITH_STATISTICS else {}
    return SHAPES[kind][1] | statistics


def mark_of(kind: str, image: ImageRef, label: str = "", quantity: str = "CT") -> Mark:
    points = tuple((float(x), float(y)) for x, y in SHAPES[kind][0])
    values = tuple(Value(name, float(value), unit) for name, (value, unit) in values_of(kind).items())
    return Mark(
        kind, image, points, values, label, f"2.25.{len(kind)}{len(label)}{SHAPES[kind][0][0][1]:.0f}", quantity
    )


def ref_of(passed: Passed, frame: int = 2) -> ImageRef:
    of_frame = frame if passed.pixels.number_of_frames > 1 else None
    return ImageRef(passed.series_instance_uid, passed.sop_class_uid, passed.sop_instance_uid, of_frame)


def all_markings(image: ImageRef, label: str = "Hip", replaces: Predecessor | None = None) -> Markings:
    """One of everything on an image."""
    marks = tuple(mark_of(kind, image, label) for kind in SHAPES)
    view = View((image,), (40.0, 400.0), True, 90, True, (2.0, 3.0, 12.0, 14.0))
    return Markings(marks, KeyImages((image,), f"{label} for the surgeon"), (view,), replaces)


def written(data: bytes, markings: Markings, author: Author = AUTHOR, at: dt.datetime = NOON) -> list[bytes]:
    """The objects made about the image in a file."""
    passed = judge(data)
    ref, pixels = ref_of(passed), passed.pixels
    picture = Picture(ref, pixels.rows, pixels.columns, pixels.photometric_interpretation)
    geometry = read_geometry(passed.header, passed.transfer_syntax_uid)
    return write_files(
        passed.header, passed.transfer_syntax_uid, passed.study_instance_uid, author, Moment(at), markings,
        {ref.sop_instance_uid: picture}, {ref.sop_instance_uid: geometry},
    )  # fmt: skip


def sent_mark(kind: str, sop: str, **more: object) -> dict[str, object]:
    """As the viewer's JSON has it."""
    values = [{"name": name, "value": value, "unit": unit} for name, (value, unit) in values_of(kind).items()]
    points = [list(point) for point in SHAPES[kind][0]]
    return {"kind": kind, "image": {"sop": sop, "frame": 1}, "points": points, "values": values, "label": ""} | more


def sent_all(sop: str, series: str = "") -> dict[str, object]:
    """One of everything."""
    about = {"series": series} if series else {"images": [{"sop": sop}]}
    view = about | {"window": [40, 400], "inverted": True, "rotation": 90, "flipped": True, "area": [2, 3, 12, 14]}
    return {
        "marks": [sent_mark(kind, sop, label=kind.upper()) for kind in SHAPES],
        "key_images": [{"sop": sop, "frame": 1}], "key_note": "For the surgeon", "views": [view], "replaces": None,
    }  # fmt: skip
