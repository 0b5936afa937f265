"""What an attribute must be, as SQL, and which index leads to the studies where it is so (PS3.4 §C.2.2.2)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from imaging.dicom.text import MAX_LENGTH
from imaging.dicom.uid import InvalidUID, validate_uid
from imaging.models import SearchTerm

MAX_VALUES = 500  # of a list
_CODE = re.compile(r"[A-Za-z0-9_ *?.+/-]{1,64}", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
_TIME = re.compile(r"([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:\.([0-9]{1,6}))?)?)?", re.ASCII)
_LAST_OF_TIME = ("", "59", "59", "999999")


class NotUnderstood(ValueError):
    """A value is none of its attribute's. Carries nothing: values are PHI."""


@dataclass(frozen=True)
class Lookup:
    """A range of an index that holds every study that matches.

    `of` are kinds of `SearchTerm`, or a column of studies or a UID of a level; the keys are `key`, or begin with it, or
    are any of a tuple.
    """

    of: tuple[SearchTerm.Kind, ...] | str
    key: str | tuple[str, ...]
    begins: bool = False


@dataclass(frozen=True)
class Condition:
    """SQL with `{place}` where the column stands, and its parameters; `lookup` when an index leads there."""

    column: str
    sql: str
    parameters: tuple[object, ...]
    lookup: Lookup | None = None


def match_text(column: str, value: str) -> Condition | None:
    """A text with wildcards; None when every text matches."""
    text = require_text(value).strip()
    if not text.strip("*"):
        return None
    beginning = re.split(r"[*?]", text, maxsplit=1)[0]
    lookup = Lookup(column, beginning, begins=beginning != text) if column in _INDEXED and beginning else None
    sql, parameter = _text_sql(text)
    return Condition(column, "{place} " + sql, (parameter,), lookup)


def match_codes(column: str, values: Sequence[str]) -> Condition | None:
    """Any of several codes, each with wildcards; None when every code matches."""
    codes = split_list(values)
    if not all(_CODE.fullmatch(code) for code in codes):
        raise NotUnderstood
    if not codes or any(not code.strip("*") for code in codes):
        return None
    pieces = [_text_sql(code) for code in codes]
    sql = " OR ".join("{place} " + sql for sql, _ in pieces)
    return Condition(column, sql, tuple(parameter for _, parameter in pieces))


def match_joined_codes(column: str, values: Sequence[str]) -> Condition | None:
    """As `match_codes`, on a column that holds several codes joined by a backslash."""
    condition = match_codes(column, values)
    if condition is None:
        return None
    some = condition.sql.format(place="code")
    sql = r"EXISTS (SELECT FROM unnest(string_to_array({place}, '\')) code WHERE " + some + ")"
    codes = tuple(split_list(values))
    lookup = None if any({"*", "?"} & set(code) for code in codes) else Lookup((SearchTerm.Kind.MODALITY,), codes)
    return Condition(column, sql, condition.parameters, lookup)


def match_uids(column: str, values: Sequence[str]) -> Condition | None:
    """Any of a list of UIDs; None when every UID matches."""
    uids = split_list(values)
    if not uids or uids == ["*"]:
        return None
    try:
        known = tuple(validate_uid(uid) for uid in uids)
    except InvalidUID:
        raise NotUnderstood from None
    return Condition(column, "{place} = ANY(%s)", (uids,), Lookup(column, known) if column in _UIDS else None)


def match_integer(column: str, value: str) -> Condition:
    """A number."""
    if not _INTEGER.fullmatch(value.strip()):
        raise NotUnderstood
    return Condition(column, "{place} = %s", (int(value),))


def match_item(column: str, tag: str, value: str) -> Condition | None:
    """A text in any item of a sequence, with wildcards; None when every item matches."""
    text = require_text(value).strip()
    if not text.strip("*"):
        return None
    sql, parameter = _text_sql(text)
    items = "SELECT FROM jsonb_array_elements({place}) item"
    return Condition(column, f"EXISTS ({items} WHERE item ->> '{tag}' {sql})", (parameter,))


def match_date(column: str, value: str) -> Condition:
    """A day, or a range with either end open (PS3.4 §C.2.2.2.5)."""
    first, last = _ends(value)
    return _between(column, first and _day(first), last and _day(last))


def match_time(column: str, value: str) -> Condition:
    """A time, or a range with either end open. What is left out at the end of a time stands for all it could be."""
    first, last = _ends(value)
    return _between(column, first and _moment(first, ("00", "00", "00", "0")), last and _moment(last, _LAST_OF_TIME))


def require_text(value: str) -> str:
    """The value, if it can be a text at all; raises `NotUnderstood`."""
    if "\0" in value or len(value) > MAX_LENGTH:
        raise NotUnderstood
    return value


def split_list(values: Sequence[str]) -> list[str]:
    """The members of lists whose separators are commas or backslashes (PS3.18 §8.3.4.1); raises `NotUnderstood`."""
    parts = [part.strip() for value in values for part in re.split(r"[,\\]", value)]
    if any("\0" in part for part in parts) or len(parts) > MAX_VALUES:
        raise NotUnderstood
    return [part for part in parts if part]


def escape_like(text: str) -> str:
    """The text as itself in a pattern of LIKE."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _text_sql(text: str) -> tuple[str, str]:
    if not {"*", "?"} & set(text):
        return "= %s", text
    return "LIKE %s", re.sub(r"\*+", "%", escape_like(text)).replace("?", "_")


def _ends(value: str) -> tuple[str, str]:
    first, dash, last = value.strip().partition("-")
    if not (first or last):
        raise NotUnderstood
    return (first.strip(), last.strip()) if dash else (first.strip(), first.strip())


def _between(column: str, first: object, last: object) -> Condition:
    bounds = [(sql, bound) for sql, bound in (("{place} >= %s", first), ("{place} <= %s", last)) if bound != ""]
    return Condition(column, " AND ".join(sql for sql, _ in bounds), tuple(bound for _, bound in bounds))


def _day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{8}", text, re.ASCII):
        raise NotUnderstood
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a date without a time has no zone
    except ValueError:
        raise NotUnderstood from None


def _moment(text: str, unsaid: tuple[str, ...]) -> time:
    match = _TIME.fullmatch(text)
    if not match:
        raise NotUnderstood
    hour, minute, second, fraction = match.groups()
    # A fraction that is there says its own digits; the rest of them is open too.
    fraction = unsaid[3] if fraction is None else fraction.ljust(6, unsaid[3][0])
    try:
        return time(int(hour), int(minute or unsaid[1]), min(int(second or unsaid[2]), 59), int(fraction))
    except ValueError:
        raise NotUnderstood from None


_INDEXED = frozenset({"patient_id", "accession_number"})
_UIDS = frozenset({"study_instance_uid", "series_instance_uid", "sop_instance_uid"})
