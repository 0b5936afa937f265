"""Text of any script on a PDF page.

Latin, Greek, Cyrillic, Hebrew, Arabic and their neighbours are set in DejaVu Sans, Chinese and Japanese in Droid Sans
Fallback, Korean in Nanum Gothic, all of Debian (`infra/setup` installs them). What is written from right to left is
shaped by Pillow's Raqm and set as a picture, since reportlab neither joins nor orders letters. Letters that no font has
are set as an empty box: something is missing there, and the reader can see it. Thai and the scripts of India are not
covered.
"""

import threading
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

_FOLDER = Path("/usr/share/fonts/truetype")
_FILES = {
    "plain": "dejavu/DejaVuSans.ttf", "bold": "dejavu/DejaVuSans-Bold.ttf", "han": "droid/DroidSansFallbackFull.ttf",
    "hangul": "nanum/NanumGothic.ttf",
}  # fmt: skip
_OWN = {"plain": "Vera.ttf", "bold": "VeraBd.ttf"}  # reportlab's, Latin alone: where the others are not installed
_MISSING = "\u25a1"
_RIGHT_TO_LEFT = ("R", "AL", "AN", "RLE", "RLO", "RLI")
_DOTS = 300 / 72
_lock = threading.Lock()


def draw_text(
    page: Any, x: float, y: float, text: str, size: float, *, bold: bool = False, right: bool = False, room: float = 1e9
) -> None:
    """Set one line on a reportlab canvas, its baseline at `y`; smaller, down to half, where `room` is short.

    Parameters
    ----------
    x
        Its left end, or with `right` its right one; all lengths in points.
    """
    if any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in text):
        _draw_shaped(page, x, y, text, size, bold, right, room)
        return
    runs = [(_register(font), part) for font, part in _runs(text, bold)]
    width = sum(page.stringWidth(part, font, size) for font, part in runs)
    size *= max(0.5, min(1.0, room / width)) if width else 1.0
    if right:
        x -= sum(page.stringWidth(part, font, size) for font, part in runs)
    for font, part in runs:
        page.setFont(font, size)
        page.drawString(x, y, part)
        x += page.stringWidth(part, font, size)


def width_of(page: Any, text: str, size: float) -> float:
    """About how wide `draw_text` sets a line, in points."""
    return sum(page.stringWidth(part, _register(font), size) for font, part in _runs(text, bold=False))


def _runs(text: str, bold: bool) -> Iterator[tuple[str, str]]:
    """Parts of a text with the font that has their letters."""
    first = "bold" if bold else "plain"
    lettered = ((_font_for(letter, first), letter) for letter in text)
    for font, letters in groupby(lettered, key=lambda each: each[0]):
        parts = "".join(letter for _, letter in letters)
        yield font or first, parts if font else _stand_in(first) * len(parts)


def _font_for(letter: str, first: str) -> str:
    return next((font for font in (first, "han", "hangul") if ord(letter) in _letters_of(font)), "")


def _stand_in(font: str) -> str:
    return _MISSING if ord(_MISSING) in _letters_of(font) else "?"


@cache
def _register(font: str) -> str:
    """Tell reportlab of a font, once in a process; returns its name there."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    name = f"Collimate-{font}"
    with _lock:
        pdfmetrics.registerFont(TTFont(name, str(_path(font))))
    return name


@cache
def _letters_of(font: str) -> frozenset[int]:
    from reportlab.pdfbase import pdfmetrics

    if _path(font) is None:
        return frozenset()
    return frozenset(pdfmetrics.getFont(_register(font)).face.charToGlyph)


def _path(font: str) -> Path | None:
    import reportlab

    own = [Path(reportlab.__file__).parent / "fonts" / _OWN[font]] if font in _OWN else []
    return next((path for path in [_FOLDER / _FILES[font], *own] if path.exists()), None)


def _draw_shaped(
    page: Any, x: float, y: float, text: str, size: float, bold: bool, right: bool, room: float
) -> None:
    from PIL import Image, ImageDraw, ImageFont
    from reportlab.lib.utils import ImageReader

    font = ImageFont.truetype(_path("bold" if bold else "plain"), round(size * _DOTS))
    left, top, end, bottom = font.getbbox(text, anchor="ls")
    picture = Image.new("RGB", (max(1, end - left), max(1, bottom - top)), "white")
    ImageDraw.Draw(picture).text((-left, -top), text, "black", font=font, anchor="ls")
    ratio = min(1.0, room * _DOTS / picture.width) / _DOTS
    width, height = picture.width * ratio, picture.height * ratio
    page.drawImage(ImageReader(picture), x - width if right else x, y - bottom * ratio, width, height)
