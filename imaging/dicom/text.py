"""Text of a file, made fit for an index and a page."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, time

MAX_LENGTH = 1024
# Format characters (overrides of direction, zero width, tags) make one name read as another, or two the same.
_REMOVED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_MOST_MARKS = 4  # on one letter; no script needs more, and a pile of them covers the lines above
_DATE = re.compile(r"(\d{4})(\.?)(\d{2})\2(\d{2})", re.ASCII)
_TIME = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.(\d{1,6}))?)?)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,10}", re.ASCII)


def clean(text: str) -> str:
    """Without characters that control, deceive or are not seen, stripped, at most MAX_LENGTH characters.

    Markup stays: it is text, and whoever writes a page escapes it.
    """
    kept = text[: 4 * MAX_LENGTH]
    if not kept.isascii() or not kept.isprintable():
        kept = "".join(_kept(kept))
    return kept.strip()[:MAX_LENGTH].rstrip()


def _kept(text: str) -> Iterator[str]:
    marks = 0
    for letter in text:
        category = unicodedata.category(letter)
        if category in _REMOVED or letter in _INVISIBLE:
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MOST_MARKS:
            yield letter


def parse_date(text: str) -> date | None:
    """DA as YYYYMMDD, or YYYY.MM.DD of ACR-NEMA (PS3.5 §6.2); None if it is no day."""
    match = _DATE.fullmatch(text)
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        return None


def parse_time(text: str) -> time | None:
    """TM as HH[MM[SS[.FFFFFF]]], or with colons (ACR-NEMA); a leap second counts as the second before."""
    match = _TIME.fullmatch(text)
    if not match:
        return None
    hours, minutes, seconds, fraction = match.groups()
    try:
        return time(int(hours), int(minutes or 0), min(int(seconds or 0), 59), int((fraction or "0").ljust(6, "0")))
    except ValueError:
        return None


def parse_integer(text: str) -> int | None:
    """IS within its range of 32 bits (PS3.5 §6.2), else None."""
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -(1 << 31) <= number < 1 << 31 else None
