"""Text of a file, made fit for an index and a page."""

import re
import unicodedata
from datetime import date, time

MAX_LENGTH = 1024
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_REMOVED = frozenset({"Cc", "Cs", "Zl", "Zp", "Co", "Cn"})
_DATE = re.compile(r"(\d{4})(\.?)(\d{2})\2(\d{2})", re.ASCII)
_TIME = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.(\d{1,6}))?)?)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,10}", re.ASCII)


def clean(text: str) -> str:
    """Without control characters and bidirectional overrides, stripped, at most MAX_LENGTH characters.

    Overrides are taken out because they can make one name read as another.
    """
    kept = text[: 4 * MAX_LENGTH]
    if not kept.isascii() or not kept.isprintable():
        kept = "".join(letter for letter in kept if _is_kept(letter))
    return kept.strip()[:MAX_LENGTH].rstrip()


def _is_kept(letter: str) -> bool:
    return letter not in _BIDI and unicodedata.category(letter) not in _REMOVED


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
        return time(
            int(hours), int(minutes or 0), min(int(seconds or 0), 59), int((fraction or "0").ljust(6, "0"))
        )
    except ValueError:
        return None


def parse_integer(text: str) -> int | None:
    """IS within its range of 32 bits (PS3.5 §6.2), else None."""
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -(1 << 31) <= number < 1 << 31 else None
