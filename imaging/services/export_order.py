"""What is to be printed or exported: images, how each is shown, and how they lie on pages."""

from dataclasses import dataclass

from imaging.dicom.presentation import Window

Point = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """A line through `points`, or `text` at the first of them; fractions of the image's width and height."""

    points: tuple[Point, ...]
    text: str = ""


@dataclass(frozen=True)
class ExportImage:
    """A frame (from 1) and how it is shown; `box` is its place in a mount: x, y, width, height in its units."""

    series: str
    instance: str
    frame: int
    window: Window | None
    invert: bool
    rotate: int
    flip: bool
    label: str
    box: tuple[float, float, float, float] | None
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class ExportOrder:
    """Images on sheets of `columns` x `rows`, or with `mount` (its width and height) all on one, each in its box."""

    kind: str
    identity: bool
    columns: int
    rows: int
    mount: tuple[float, float] | None
    images: tuple[ExportImage, ...]
