"""The text of a metadata part, cut into its instances before any of it is decoded (PS3.18 §F.2.1).

So a text that nests too deeply or holds too much costs its own instance only, and not our stack or memory.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from imaging.dicom.limits import MIB, Limits
from imaging.dicom.reasons import HEADER_TOO_LARGE, NESTED_TOO_DEEP, Refused

MOST_INSTANCE_BYTES = 16 * MIB  # of text; decoded it takes several times that
MOST_BRACKETS = 1_000_000  # of an instance
MOST_BRACKETS_OF_ALL = 4 * MOST_BRACKETS  # each costs time; the elements of 64 MiB have about two thirds
MOST_DEPTH = 3 * Limits().depth + 4  # of brackets: object, element and list of values for each sequence
REPEATED = object()  # in place of an object that names a member twice: readers disagree about which counts
_LONGEST_NUMBER = 40
_SPACE = rb"[ \t\r\n]*"
# What is no list or object, or a flat one, goes by in one step: most elements are.
_PLAIN, _STRING = rb'[^"{}\[\]]*+', rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FLAT_LIST = rb"\[" + _PLAIN + rb"(?:" + _STRING + _PLAIN + rb")*+\]"
_FLAT_OBJECT = rb"\{" + _PLAIN + rb"(?:(?:" + _STRING + rb"|" + _FLAT_LIST + rb")" + _PLAIN + rb")*+\}"
_FLAT = rb"(?:" + _STRING + rb"|" + _FLAT_LIST + rb"|" + _FLAT_OBJECT + rb")"
_NEXT_BRACKET = re.compile(_PLAIN + rb"(?:" + _FLAT + _PLAIN + rb")*+([{}\[\]])", re.DOTALL)
_BLANK, _COMMA, _LIST = (re.compile(pattern) for pattern in (_SPACE, _SPACE + b"," + _SPACE, _SPACE + rb"\[" + _SPACE))


class MalformedMetadata(ValueError):
    """The text is no JSON, or not an object or a list of objects, or all brackets. Quotes nothing of it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"metadata: {what}")


@dataclass(frozen=True)
class Extent:
    """Where in the text an instance lies, how deep it nests but for flat lists and objects, and how many it holds."""

    start: int
    end: int
    depth: int
    brackets: int


def iter_extents(text: bytes) -> Iterator[Extent]:
    """The objects of a list, or the only object; raises `MalformedMetadata`."""
    opening = _LIST.match(text)
    position = opening.end() if opening else _BLANK.match(text).end()
    first = True
    if _brackets(text, 0, len(text)) > MOST_BRACKETS_OF_ALL:
        raise MalformedMetadata("too many lists and objects")
    while text[position : position + 1] == b"{":
        extent = _read_object(text, position)
        yield extent
        gap = _COMMA.match(text, extent.end) if opening else None
        position, first = (gap or _BLANK.match(text, extent.end)).end(), False
        if gap is None:
            break
    else:
        if not (first and opening):
            raise MalformedMetadata(f"an object is missing at byte {position}")
    _require_end(text, position, listed=bool(opening))


def _require_end(text: bytes, position: int, *, listed: bool) -> None:
    if listed and text[position : position + 1] != b"]":
        raise MalformedMetadata(f"the list of objects breaks off at byte {position}")
    if _BLANK.match(text, position + listed).end() != len(text):
        raise MalformedMetadata(f"foreign text behind the metadata at byte {position}")


def _brackets(text: bytes, start: int, end: int) -> int:
    return text.count(b"{", start, end) + text.count(b"[", start, end)


def _read_object(text: bytes, start: int) -> Extent:
    position, depth, deepest = start + 1, 1, 1
    while match := _NEXT_BRACKET.match(text, position):
        position = match.end()
        depth += 1 if match[1] in b"{[" else -1
        deepest = max(deepest, depth)
        if not depth:
            return Extent(start, position, deepest, _brackets(text, start, position))
    raise MalformedMetadata(f"the object at byte {start} does not end")


def parse_instance(text: bytes, extent: Extent) -> object:
    """The instance as decoded JSON. Numbers too long for any value become infinite.

    Raises `MalformedMetadata`, and Refused: NESTED_TOO_DEEP, HEADER_TOO_LARGE.
    """
    if extent.depth > MOST_DEPTH:
        raise Refused(NESTED_TOO_DEEP, f"{extent.depth} brackets")
    if extent.end - extent.start > MOST_INSTANCE_BYTES or extent.brackets > MOST_BRACKETS:
        raise Refused(HEADER_TOO_LARGE, "metadata")
    try:
        return _DECODER.decode(text[extent.start : extent.end].decode("utf-8"))
    except json.JSONDecodeError as error:
        raise MalformedMetadata(f"{error.msg} at byte {extent.start} + {error.pos}") from None
    except UnicodeDecodeError as error:
        raise MalformedMetadata(f"no UTF-8 at byte {extent.start + error.start}") from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else float("inf")


def _refuse_constant(name: str) -> None:
    raise MalformedMetadata(f"{name} is no JSON")


def _object(pairs: list[tuple[str, object]]) -> object:
    found = dict(pairs)
    return found if len(found) == len(pairs) else REPEATED


_DECODER = json.JSONDecoder(parse_int=_integer, parse_constant=_refuse_constant, object_pairs_hook=_object)
