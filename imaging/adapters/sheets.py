"""Images on paper: a PDF whose every page says whose they are."""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from imaging.adapters.lettering import draw_text, width_of

MARGIN, HEAD, FOOT = 34.0, 44.0, 26.0  # points
LETTER, A4 = (612.0, 792.0), (595.28, 841.89)
_LABEL, _GAP = 11.0, 8.0
_INK, _SOFT, _LINE, _MARK = (0.12, 0.16, 0.2), (0.38, 0.43, 0.48), (0.8, 0.83, 0.86), (1.0, 0.84, 0.4)
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Furniture:
    """What every page says; `page` has `{page}` and `{count}` in it, and empty texts take no room."""

    name: str
    details: str
    practice: str
    printed: str
    notice: str
    page: str
    failed: str  # in place of an image that could not be drawn


@dataclass(frozen=True)
class Cell:
    """A place on a page: `box` is x, y from the top, width and height as fractions of the room for images.

    `draw` gives the JPEG and raises nothing: None is an image that could not be drawn. `marks` are lines (points as
    fractions of the image) with texts at their first point.
    """

    box: Box
    draw: Callable[[], bytes | None]
    label: str = ""
    rotate: int = 0
    flip: bool = False
    marks: Sequence[tuple[Sequence[tuple[float, float]], str]] = ()


def room_of(paper: tuple[float, float], landscape: bool) -> tuple[float, float]:
    """Width and height of what a page has for images, in points."""
    width, height = paper[::-1] if landscape else paper
    return width - 2 * MARGIN, height - 2 * MARGIN - HEAD - FOOT


def build_sheets(
    furniture: Furniture, pages: Sequence[tuple[bool, Iterable[Cell]]], paper: tuple[float, float]
) -> bytes:
    """The PDF; each page is whether it lies on its side, and its cells. Pictures are drawn one after the other."""
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, pagesize=paper, pageCompression=1)
    canvas.setTitle("Images")
    canvas.setAuthor("Collimate")
    for number, (landscape, cells) in enumerate(pages, start=1):
        size = paper[::-1] if landscape else paper
        canvas.setPageSize(size)
        _draw_furniture(canvas, furniture, size, number, len(pages))
        for cell in cells:
            _draw_cell(canvas, cell, size, furniture.failed)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _draw_furniture(canvas: Any, furniture: Furniture, size: tuple[float, float], number: int, count: int) -> None:
    width, height = size
    top, half = height - MARGIN, (width - 2 * MARGIN) * 0.62
    canvas.setFillColorRGB(*_INK)
    draw_text(canvas, MARGIN, top - 11, furniture.name, 13, bold=True, room=half)
    draw_text(canvas, width - MARGIN, top - 11, furniture.practice, 10, right=True, room=width - 2 * MARGIN - half - 10)
    canvas.setFillColorRGB(*_SOFT)
    draw_text(canvas, MARGIN, top - 26, furniture.details, 9, room=width - 2 * MARGIN)
    canvas.setStrokeColorRGB(*_LINE)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, top - HEAD + 10, width - MARGIN, top - HEAD + 10)
    canvas.line(MARGIN, MARGIN + FOOT - 10, width - MARGIN, MARGIN + FOOT - 10)
    page = furniture.page.format(page=number, count=count)
    draw_text(canvas, width - MARGIN, MARGIN + 2, page, 9, right=True)
    draw_text(canvas, MARGIN, MARGIN + 2, " · ".join(filter(None, (furniture.printed, furniture.notice))), 8, room=half)


def _draw_cell(canvas: Any, cell: Cell, size: tuple[float, float], failed: str) -> None:
    x, y, width, height = _on_page(cell.box, size)
    if cell.label:
        canvas.setFillColorRGB(*_INK)
        draw_text(canvas, x, y + height - _LABEL + 3, cell.label, 8, room=width)
        height -= _LABEL
    jpeg = cell.draw()
    if jpeg is None:
        canvas.setStrokeColorRGB(*_LINE)
        canvas.rect(x, y, width, height)
        canvas.setFillColorRGB(*_SOFT)
        draw_text(canvas, x + 6, y + height / 2, failed, 8, room=width - 12)
        return
    _draw_picture(canvas, cell, jpeg, (x, y, width, height))


def _on_page(box: Box, size: tuple[float, float]) -> Box:
    """From fractions counted from the top to points counted from the bottom."""
    across, down = size[0] - 2 * MARGIN, size[1] - 2 * MARGIN - HEAD - FOOT
    left, top, width, height = box
    bottom = MARGIN + FOOT + down * (1 - top - height)
    return MARGIN + across * left, bottom, across * width, down * height


def _draw_picture(canvas: Any, cell: Cell, jpeg: bytes, box: Box) -> None:
    """As large as the box allows, in its middle, flipped and then turned clockwise."""
    from reportlab.lib.utils import ImageReader

    picture = ImageReader(io.BytesIO(jpeg))
    columns, rows = picture.getSize()
    across, down = (rows, columns) if cell.rotate % 180 else (columns, rows)
    scale = min(box[2] / across, box[3] / down)
    width, height = columns * scale, rows * scale
    canvas.saveState()
    canvas.translate(box[0] + box[2] / 2, box[1] + box[3] / 2)
    canvas.rotate(-cell.rotate)
    if cell.flip:
        canvas.scale(-1, 1)
    canvas.drawImage(picture, -width / 2, -height / 2, width, height)
    _draw_lines(canvas, cell, width, height)
    canvas.restoreState()
    _draw_words(canvas, cell, box, width, height)


def _draw_lines(canvas: Any, cell: Cell, width: float, height: float) -> None:
    canvas.setStrokeColorRGB(*_MARK)
    canvas.setLineWidth(0.8)
    for points, text in cell.marks:
        if not text and len(points) > 1:
            path = canvas.beginPath()
            path.moveTo(*_within(points[0], width, height))
            for point in points[1:]:
                path.lineTo(*_within(point, width, height))
            canvas.drawPath(path)


def _draw_words(canvas: Any, cell: Cell, box: Box, width: float, height: float) -> None:
    """Upright, whatever way the image lies, and on a dark ground, whatever lies below."""
    for points, text in cell.marks:
        if text:
            x, y = _turned(_within(points[0], width, height), cell)
            x, y = box[0] + box[2] / 2 + x, box[1] + box[3] / 2 + y
            canvas.setFillColorRGB(0, 0, 0)
            canvas.rect(x - 2, y - 2.5, width_of(canvas, text, 8) + 4, 11, stroke=0, fill=1)
            canvas.setFillColorRGB(*_MARK)
            draw_text(canvas, x, y, text, 8)


def _within(point: tuple[float, float], width: float, height: float) -> tuple[float, float]:
    return (point[0] - 0.5) * width, (0.5 - point[1]) * height


def _turned(point: tuple[float, float], cell: Cell) -> tuple[float, float]:
    x, y = (-point[0] if cell.flip else point[0]), point[1]
    for _ in range(cell.rotate // 90):
        x, y = y, -x
    return x, y
