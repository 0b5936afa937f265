"""From the parameters of a request to a query (PS3.18 §8.3.4, §10.6.1)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from imaging.selectors import qido_conditions as conditions
from imaging.selectors.qido_attributes import Attribute, Kind, Level, find_attribute, find_tag
from imaging.selectors.qido_conditions import Condition, NotUnderstood, require_text
from imaging.selectors.qido_names import match_name, match_words

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000  # of a whole practice
MAX_WITHIN_STUDY = 5000  # a viewer asks for all instances of a study at once
MAX_OFFSET = 1_000_000
MAX_INCLUDED = 200
_NOT_KEYS = frozenset({"includefield", "fuzzymatching", "limit", "offset", "accept", "charset"})
Values = Sequence[str]


class InvalidQuery(ValueError):
    """A parameter cannot be understood. Carries the parameter's name, never its value."""


@dataclass(frozen=True)
class Query:
    """What to match and to return.

    `conditions` are those of attributes that not every study, series or instance fulfils. `keys` names all that were
    given, by keyword. `others` are tags to return that the index does not keep. `ignored` says that there were
    parameters which can neither be matched nor returned; `fuzzy`, that names were matched by the beginnings of words.
    """

    level: Level
    conditions: tuple[tuple[Attribute, Condition], ...]
    keys: tuple[str, ...]
    limit: int
    offset: int
    included: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    everything: bool = False
    fuzzy: bool = False
    ignored: bool = False

    def of(self, level: Level) -> list[tuple[Attribute, Condition]]:
        """The conditions on one level."""
        return [each for each in self.conditions if each[0].level is level]


@dataclass
class _Parsed:
    matched: dict[Attribute, list[str]] = field(default_factory=dict)
    included: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    everything: bool = False
    ignored: bool = False


def read_query(level: Level, parameters: Mapping[str, Values], *, within_study: bool = False) -> Query:
    """The search at a level of a study, or of a whole practice; raises `InvalidQuery`.

    `parameters` are lists of values by name. A limit above the greatest is lowered to it.
    """
    default, most = (MAX_WITHIN_STUDY, MAX_WITHIN_STUDY) if within_study else (DEFAULT_LIMIT, MAX_LIMIT)
    fuzzy = _flag(parameters, "fuzzymatching")
    parsed = _parse(level, parameters)
    matched = list(_iter_conditions(parsed.matched, fuzzy))
    return Query(
        level=level,
        conditions=tuple(matched),
        keys=tuple(sorted(attribute.keyword for attribute in parsed.matched)),
        limit=min(_number(parameters, "limit", default), most),
        offset=_number(parameters, "offset", 0),
        included=frozenset(parsed.included),
        others=frozenset(parsed.others),
        everything=parsed.everything,
        fuzzy=fuzzy and any(attribute.kind is Kind.NAME for attribute, _ in matched),
        ignored=parsed.ignored,
    )


def _parse(level: Level, parameters: Mapping[str, Values]) -> _Parsed:
    parsed = _Parsed()
    for name in _list_included(parameters):
        _include(parsed, level, name)
    for name, values in parameters.items():
        if name not in _NOT_KEYS:
            _match(parsed, level, name, list(values))
    return parsed


def _list_included(parameters: Mapping[str, Values]) -> list[str]:
    values = parameters.get("includefield", ())
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    if len(names) > MAX_INCLUDED:
        raise InvalidQuery("includefield")
    return names


def _include(parsed: _Parsed, level: Level, name: str) -> None:
    if name.lower() == "all":
        parsed.everything = True
    elif not (tag := find_tag(name)):
        parsed.ignored = True
    else:
        # Of a sequence, all is returned or nothing.
        top = tag.split(".")[0]
        attribute = find_attribute(top)
        (parsed.included if attribute and attribute.level <= level else parsed.others).add(top)


def _match(parsed: _Parsed, level: Level, name: str, values: list[str]) -> None:
    """A key of the level or above; with no value, it is an attribute to return (PS3.4 §C.2.2.2.3)."""
    tag = find_tag(name)
    attribute = find_attribute(tag) if tag else None
    if tag and not any(values):
        _include(parsed, level, name)
    elif attribute is None or attribute.level > level or attribute.kind is Kind.NONE:
        parsed.ignored = True
    else:
        parsed.matched.setdefault(attribute, []).extend(values)
        parsed.included.add(attribute.tag.split(".")[0])


def _iter_conditions(matched: Mapping[Attribute, list[str]], fuzzy: bool) -> Iterator[tuple[Attribute, Condition]]:
    for attribute, values in matched.items():
        try:
            condition = _condition(attribute, values, fuzzy)
        except NotUnderstood:
            raise InvalidQuery(attribute.keyword) from None
        if condition:
            yield attribute, condition


def _condition(attribute: Attribute, values: list[str], fuzzy: bool) -> Condition | None:
    """Of an attribute that takes one value, the last."""
    if several := _OF_SEVERAL.get(attribute.kind):
        return several(attribute.column, values)
    value = values[-1]
    if attribute.kind is Kind.NAME:
        return (match_words if fuzzy else match_name)(attribute.column, require_text(value))
    if attribute.kind is Kind.ITEM:
        return conditions.match_item(attribute.column, attribute.tag.split(".")[1], value)
    return _OF_ONE[attribute.kind](attribute.column, value)


_OF_SEVERAL = {
    Kind.CODE: conditions.match_codes,
    Kind.CODES: conditions.match_joined_codes,
    Kind.UID: conditions.match_uids,
}
_OF_ONE = {
    Kind.TEXT: conditions.match_text,
    Kind.DATE: conditions.match_date,
    Kind.TIME: conditions.match_time,
    Kind.INTEGER: conditions.match_integer,
}


def _flag(parameters: Mapping[str, Values], name: str) -> bool:
    value = (list(parameters.get(name, ())) or ["false"])[-1].lower()
    if value not in ("true", "false"):
        raise InvalidQuery(name)
    return value == "true"


def _number(parameters: Mapping[str, Values], name: str, default: int) -> int:
    text = (list(parameters.get(name, ())) or [str(default)])[-1]
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or int(text) > MAX_OFFSET:
        raise InvalidQuery(name)
    return int(text)
