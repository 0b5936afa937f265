"""Marks as everything here speaks of them, whoever drew them and however they are stored.

Points are `(column, row)` in pixels from the top left corner of the top left pixel, as SCOORD has them (PS3.3
§C.18.6.1): the middle of the first pixel is (0.5, 0.5).
"""

from dataclasses import dataclass, field
from datetime import datetime

Point = tuple[float, float]


@dataclass(frozen=True)
class ImageRef:
    """An image, or one frame of it (from 1); `frame` is None where the image has only one."""

    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    frame: int | None = None


@dataclass(frozen=True)
class Value:
    """One thing measured, by the names of `imaging.dicom.marks.codes`."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Mark:
    """Something drawn on one image; what its `points` are, `Shape` says of each kind."""

    kind: str
    image: ImageRef
    points: tuple[Point, ...]
    values: tuple[Value, ...] = ()
    label: str = ""
    tracking_uid: str = ""
    quantity: str = ""  # what the pixels measure, where values speak of them


@dataclass(frozen=True)
class Shape:
    """How many points a kind has, and what may be measured by it."""

    least: int
    most: int
    values: frozenset[str]
    is_region: bool = False


PIXEL_STATISTICS = frozenset({"mean", "deviation", "minimum", "maximum"})
MOST_OUTLINE_POINTS = 2000
_REGION = PIXEL_STATISTICS | {"area"}
KINDS = {
    "length": Shape(2, 2, frozenset({"length"})),
    "angle": Shape(3, 3, frozenset({"angle"})),  # the second is the vertex
    "cobb": Shape(4, 4, frozenset({"cobb"})),  # two lines
    "bidirectional": Shape(4, 4, frozenset({"long_axis", "short_axis"})),  # two lines, the longer first
    "rectangle": Shape(4, 4, _REGION, is_region=True),  # corners in turn
    "ellipse": Shape(4, 4, _REGION, is_region=True),  # the ends of the major axis, then of the minor
    "freehand": Shape(3, MOST_OUTLINE_POINTS, _REGION, is_region=True),
    "probe": Shape(1, 1, frozenset({"value"})),
    "arrow": Shape(2, 2, frozenset()),  # the tip first
}


@dataclass(frozen=True)
class View:
    """How images are shown: in the order of PS3.3 §C.10.6, turned clockwise, then mirrored left to right.

    `window` is (centre, width) in rescaled values; `area` is (left, top, right, bottom) of the image as it is
    stored, in pixels, and may reach beyond it.
    """

    images: tuple[ImageRef, ...]
    window: tuple[float, float] | None = None
    inverted: bool = False
    rotation: int = 0
    flipped: bool = False
    area: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class KeyImages:
    """Images that somebody chose, and why."""

    images: tuple[ImageRef, ...]
    note: str = ""


@dataclass(frozen=True)
class Author:
    """The person who saves."""

    name: str
    login: str = ""
    organization: str = ""


@dataclass(frozen=True)
class Predecessor:
    """The document that a new one replaces."""

    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class Markings:
    """All that one save keeps."""

    marks: tuple[Mark, ...] = ()
    key_images: KeyImages | None = None
    views: tuple[View, ...] = ()
    replaces: Predecessor | None = None

    def texts(self) -> list[str]:
        """Every text in it that somebody wrote."""
        note = [self.key_images.note] if self.key_images else []
        return [mark.label for mark in self.marks] + note


@dataclass(frozen=True)
class Submitted:
    """Markings as a viewer sends them: images by their SOP Instance UIDs alone, views by a series or by images."""

    markings: Markings
    replaces: str
    whole_series: tuple[str, ...]  # for each view the series whose images it is about, '' where it names images


@dataclass(frozen=True)
class Moment:
    """When something is saved, in the time zone to write it in."""

    at: datetime

    @property
    def date(self) -> str:
        """DA."""
        return self.at.strftime("%Y%m%d")

    @property
    def time(self) -> str:
        """TM, to the microsecond."""
        return self.at.strftime("%H%M%S.%f")

    @property
    def datetime(self) -> str:
        """DT with its offset."""
        return self.at.strftime("%Y%m%d%H%M%S.%f%z")


@dataclass(frozen=True)
class ReadDocument:
    """What a stored object says, as far as it is understood."""

    kind: str  # report, key_images or view
    sop_instance_uid: str = ""
    author: str = ""
    written: str = ""  # its own date and time, ISO 8601 without a zone
    title: str = ""
    marks: tuple[Mark, ...] = ()
    key_images: KeyImages | None = None
    views: tuple[View, ...] = ()
    replaces: tuple[str, ...] = ()
    not_understood: int = 0  # measurements that cannot be drawn
    ours: bool = field(default=False)
