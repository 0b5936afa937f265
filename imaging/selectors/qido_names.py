"""Matching person names (PS3.4 §C.2.2.2.1, §C.2.2.2.4): by component group, without case and accents.

`Doe^Jane` is that name in any of a name's groups, `Yamada^Tarou=山田^太郎` in the groups it stands in. `*` and `?`
stand for characters of one group, and `Doe^*` finds someone with no given name as well. With fuzzy matching, every
word of the value begins a word of the name, in any order: words that only sound alike are not found.
"""

import re

from imaging.dicom.person_name import GROUPS, fold, fold_groups, list_words
from imaging.models import SearchTerm
from imaging.selectors.qido_conditions import Condition, Lookup, escape_like

_TERM_LENGTH = SearchTerm._meta.get_field("key").max_length
_TERMS = {
    "patient_name": (SearchTerm.Kind.PATIENT, SearchTerm.Kind.WORD),
    "referring_physician_name": (SearchTerm.Kind.REFERRER,),
}
_KEYS = {"patient_name": "patient_name_key", "referring_physician_name": "referrer_name_key"}
_MOST_WORDS = 8
_MANY = re.compile(r"\*+")
_UNSAID = re.compile(r"(\^\*?)+$")  # components at the end that say nothing: `^`, `^*`


def match_name(column: str, value: str) -> Condition | None:
    """The condition on a column of names; None when every name matches."""
    groups = [_pattern(group) for group in value.split("=")[:GROUPS]]
    if all(group in ("", "*") for group in groups):
        return None
    sql, parameters = _group_sql(groups[0]) if len(groups) == 1 else _groups_sql(groups)
    return Condition(_KEYS[column], sql, parameters, _lookup(column, next(group for group in groups if group)))


def match_words(column: str, value: str) -> Condition | None:
    """The condition that every word of the value begins a word of the name; None when it has none."""
    groups = fold_groups(value.replace("*", " ").replace("?", " "))
    words = [word for group in groups for word in list_words(group)][:_MOST_WORDS]
    if not words:
        return None
    sql = " AND ".join(["{place} ~ %s"] * len(words))
    longest, kinds = max(words, key=len), _TERMS[column]
    # Of a referring physician only whole names are kept, and a word may stand anywhere in one.
    lookup = Lookup(kinds, longest[:_TERM_LENGTH], begins=True) if len(kinds) > 1 else None
    return Condition(_KEYS[column], sql, tuple(rf"(^|[\s^=,.'’-]){_literal(word)}" for word in words), lookup)


def _pattern(group: str) -> str:
    folded = _MANY.sub("*", fold(group))
    said = "^".join(" ".join(component.split()) for component in folded.split("^"))
    ending = _UNSAID.search(said)
    if not ending:
        return said
    kept = said[: ending.start()]
    # Marked, so that the rest of the components may be there or not.
    if "*" not in ending[0]:
        return kept
    return f"{kept}^*" if kept else "*"


def _group_sql(pattern: str) -> tuple[str, tuple[str, ...]]:
    """One pattern, in any group of the folded name, which always has both `=`."""
    inner = pattern.strip("*")
    plain = escape_like(inner)
    # What people ask for most costs least: a regular expression takes several times as long.
    if not {"*", "?"} & set(inner) and not inner.endswith("^"):
        if pattern == f"*{inner}*":
            return "{place} LIKE %s", (f"%{plain}%",)
        if pattern == f"{inner}*":
            return "{place} LIKE %s OR {place} LIKE %s", (f"{plain}%", f"%={plain}%")
    return "{place} ~ %s", (f"(^|=){_regex(pattern)}(=|$)",)


def _groups_sql(patterns: list[str]) -> tuple[str, tuple[str, ...]]:
    said = [_regex(pattern or "*") for pattern in patterns] + [_regex("*")] * (GROUPS - len(patterns))
    return "{place} ~ %s", (f"^{'='.join(said)}$",)


def _regex(pattern: str) -> str:
    open_ended = pattern.endswith("^*")
    text = "".join(_WILD.get(letter) or _literal(letter) for letter in pattern.removesuffix("^*"))
    return f"{text}(\\^[^=]*)?" if open_ended else text


_WILD = {"*": "[^=]*", "?": "[^=]"}


def _literal(text: str) -> str:
    return re.sub(r"([^\w\s])", r"\\\1", text)


def _lookup(column: str, pattern: str) -> Lookup | None:
    """The terms among which whatever matches must be: they begin as the pattern does."""
    beginning = re.split(r"[*?]", pattern, maxsplit=1)[0]
    exact = beginning == pattern and len(pattern) <= _TERM_LENGTH
    key = beginning.rstrip("^ ")[:_TERM_LENGTH]
    return Lookup((_TERMS[column][0],), key, begins=not exact) if key else None
