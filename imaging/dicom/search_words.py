"""What people type into a search box, and what of a study it is held against.

A study is a list of tokens: the words of its names, ids, descriptions and dates, without case and accents. What is
typed is a list of words; each must begin a token, in any order. A day may be typed in several spellings, and stands
for every day that it could mean.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import product

from imaging.dicom.person_name import fold, list_words

LENGTH = 64  # characters of a token that are kept
MOST_TOKENS = 24  # of one text
MOST_WORDS = 8
_RAW = re.compile(r"[\s^=,;]+")
_PARTS = re.compile(r"[\W_]+")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_ISO = re.compile(r"([0-9]{1,4})(?:-([0-9]{0,2})(?:-([0-9]{0,2}))?)?", re.ASCII)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january ene enero", "feb february febrero", "mar march marzo", "apr april abr abril", "may mayo",
            "jun june junio", "jul july julio", "aug august ago agosto", "sep sept september septiembre",
            "oct october octubre", "nov november noviembre", "dec december dic diciembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = rf"(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\.?"
_YEAR = r"(?P<year>[12][0-9]{3})"
_SPELLINGS = [
    re.compile(rf"(?<!\S){form}(?![^\s,])", re.ASCII)
    for form in (
        rf"(?P<day>[0-3]?[0-9])\.? (?:de )?{_MONTH},? (?:de )?{_YEAR}",  # 1 Mar 2024, 1. March 2024, 1 de marzo de 2024
        rf"{_MONTH} (?P<day>[0-3]?[0-9])(?:st|nd|rd|th)?,? {_YEAR}",  # Mar 1, 2024
        rf"{_MONTH},? (?:de )?{_YEAR}",  # March 2024
        r"(?P<year>[12][0-9]{3})[/.](?P<number>[01]?[0-9])[/.](?P<day>[0-3]?[0-9])",  # 2024/3/1
        r"(?P<year>[12][0-9]{3})(?P<number>[01][0-9])(?P<day>[0-3][0-9])",  # 20240301
        r"(?P<day>[0-3]?[0-9])\.(?P<number>[01]?[0-9])\.(?P<year>[0-9]{4}|[0-9]{2})",  # 1.3.2024
        r"(?P<either>[0-3]?[0-9])(?P<dash>[/-])(?P<other>[0-3]?[0-9])(?P=dash)(?P<year>[0-9]{4}|[0-9]{2})",  # 3/1/2024
        r"(?P<number>[01]?[0-9])[/.-](?P<year>[12][0-9]{3})",  # 3/2024
    )
]


@dataclass(frozen=True)
class Word:
    """A word that was typed: any of its `beginnings`, folded, must begin a token."""

    beginnings: tuple[str, ...]


def list_tokens(text: str) -> list[str]:
    """The tokens of a text: what blanks divide it into, and what any other mark divides that into."""
    tokens: dict[str, None] = {}
    for raw in _RAW.split(fold(text)):
        for token in (raw, *list_words(raw), *_PARTS.split(raw)):
            if token and len(tokens) < MOST_TOKENS:
                tokens[token[:LENGTH]] = None
    return list(tokens)


def list_id_tokens(text: str) -> list[str]:
    """The tokens of an id, and its number: `P-00120` is found by `120` as well."""
    tokens = list_tokens(text)
    numbers = (run.lstrip("0") or "0" for token in tokens for run in re.findall("[0-9]+", token, re.ASCII))
    return list(dict.fromkeys([*tokens, *numbers]))[:MOST_TOKENS]


def list_inner_tokens(groups: Iterable[str]) -> list[str]:
    """The tokens of folded groups of a name that their group does not itself begin with."""
    return [token for group in groups for token in list_tokens(group) if not group.startswith(token)]


def list_other_tokens(ids: Iterable[str], description: str, born: date | None) -> list[str]:
    """The tokens of a study's ids, of its description and of its patient's day of birth."""
    day = [born.isoformat()] if born else []
    return [*(token for text in ids for token in list_id_tokens(text)), *list_tokens(description), *day]


def search_text(names: Iterable[str], others: Iterable[str], day: date | None, modalities: Iterable[str]) -> str:
    """A blank before and behind each token of a study: those of its folded names, the `others`, and the rest."""
    codes = [fold(code) for code in modalities if code == code.upper()]
    tokens = [token for name in names for token in list_tokens(name)]
    known = dict.fromkeys([*tokens, *others, *([day.isoformat()] if day else []), *codes])
    return f" {' '.join(filter(None, known))} "


def read_words(typed: str) -> tuple[Word, ...]:
    """The words of what was typed, days first; `MOST_WORDS` at most."""
    text, words = " ".join(fold(typed).replace("\0", " ").split()), []
    for spelling in _SPELLINGS:
        while (found := spelling.search(text)) and (days := _list_days(**found.groupdict())):
            raw = [found[0]] if found[0].isdigit() else []
            words.append(Word(tuple(dict.fromkeys([*raw, *days]))))
            text = f"{text[: found.start()]} {text[found.end() :]}"
    plain = (_EDGES.sub("", part)[:LENGTH] for part in _RAW.split(text))
    words += [Word((part,)) for part in plain if part]
    return tuple(dict.fromkeys(words))[:MOST_WORDS]


def days_that_begin(beginning: str) -> tuple[date, date] | None:
    """The first and last day whose ISO text begins so: `2024-0` is January to September of 2024."""
    match = _ISO.fullmatch(beginning)
    if not match or (match[2] is not None and len(match[1]) < 4):
        return None
    years = max(1, int(match[1].ljust(4, "0"))), int(match[1].ljust(4, "9"))
    if years[1] < 1:
        return None
    months = [each for each in range(1, 13) if f"{each:02}".startswith(match[2] or "")]
    days = [each for each in range(1, 32) if f"{each:02}".startswith(match[3] or "")]
    possible = [_day(*each) for each in product(years, months, days)] if months and days else []
    known = [each for each in possible if each]
    return (min(known), max(known)) if known else None


def _list_days(
    year: str, day: str | None = None, month: str | None = None, number: str | None = None, either: str | None = None,
    other: str | None = None, dash: str | None = None,
) -> list[str]:  # fmt: skip
    """The days, or months, that the parts can mean, as ISO texts; none when there is no such day."""
    years = [int(year)] if len(year) == 4 else [2000 + int(year), 1900 + int(year)]
    if either is not None:
        pairs = [(int(other), int(either)), (int(either), int(other))]
    else:
        pairs = [(_MONTHS[month] if month else int(number), int(day) if day else 0)]
    found = []
    for each, (month_number, day_number) in product(years, pairs):
        if known := _day(each, month_number, day_number or 1):
            found.append(known.isoformat() if day_number else known.isoformat()[:7])
    return found


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
