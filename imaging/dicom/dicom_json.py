"""A header as DICOM JSON (PS3.18 Annex F).

pydicom decodes; how a value is then written is decided here, by the standard's words, since pydicom's own conversion
departs from them for empty values among several, empty groups of a name and empty sequences (PS3.18 §F.2.2, §F.2.5).
"""

import base64
import math
from array import array
from collections.abc import Callable
from typing import Any

import pydicom
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.valuerep import PersonName

from imaging.dicom.long_values import COUNTED, WORDS, Room, find_stored
from imaging.dicom.part10 import inflate_header, parse_header, split_part10

__all__ = ["NoSuchValue", "get_bulk_value", "inflate_header", "parse_header", "split_part10", "to_dicom_json"]

INLINE_BYTES = 1024
_BINARY_WORDS = {"OB": 1, "UN": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_CHARACTER_SET, _AVAILABLE_TRANSFER_SYNTAX = "00080005", "00083002"
_UTF_8 = {"vr": "CS", "Value": ["ISO_IR 192"]}
_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_EXACT_INTEGER = 2**53 - 1  # beyond which a reader's JSON numbers lose digits (RFC 8259 §6)

BulkDataURI = Callable[[str], str]
Json = dict[str, Any]


class NoSuchValue(LookupError):
    """The header has no binary value at this tag path."""


def to_dicom_json(header: bytes, transfer_syntax_uid: str, bulk_data_uri: BulkDataURI) -> Json:
    """The header, which ends before Pixel Data, as a DICOM JSON object.

    Binary values of more than INLINE_BYTES become `BulkDataURI`, which `bulk_data_uri` makes from a tag path:
    "00420011", or for the second item of a sequence "00880200/1/7FE00010". Character sets and
    available transfer syntax are stated as they are for the receiver. An element that cannot be decoded is
    left out. Numbers and long texts become `BulkDataURI` too where they are long (`long_values`); what may not be
    bulk data and is that long, a name of 64 KiB, is left out.
    """
    data_set = parse_header(header, transfer_syntax_uid)
    json = _Converter(bulk_data_uri, little=_is_little(data_set)).data_set(data_set, "")
    json[_AVAILABLE_TRANSFER_SYNTAX] = {"vr": "UI", "Value": [transfer_syntax_uid]}
    return dict(sorted(json.items()))


def get_bulk_value(data_set: pydicom.Dataset, tag_path: str) -> bytes:
    """The binary value at a tag path as `to_dicom_json` writes them, little endian; raises NoSuchValue."""
    little = _is_little(data_set)
    *around, tag = tag_path.split("/")
    try:
        for sequence, item in zip(around[::2], around[1::2], strict=True):
            data_set = data_set[int(sequence, 16)].value[int(item)]
        vr, value = _stored(data_set, int(tag, 16))
    except (LookupError, ValueError, TypeError, AttributeError, NotImplementedError) as error:
        raise NoSuchValue(tag_path) from error
    size = _BINARY_WORDS.get(vr) or (len(value) >= COUNTED and WORDS.get(vr))
    if not isinstance(value, bytes) or not size:
        raise NoSuchValue(tag_path)
    return value if little else _swapped(value, size)


def _stored(data_set: pydicom.Dataset, tag: int) -> tuple[str, bytes]:
    stored = find_stored(data_set, pydicom.tag.Tag(tag))
    if stored and stored[0] != "UN":
        return stored
    element = data_set[tag]
    return element.VR, element.value if isinstance(element.value, bytes) else b""


class _Converter:
    """Recursion is safe here: the gate lets no more than 64 levels pass."""

    def __init__(self, bulk_data_uri: BulkDataURI, *, little: bool) -> None:
        self._bulk_data_uri = bulk_data_uri
        self._little = little
        self._room = Room()

    def data_set(self, data_set: pydicom.Dataset, path: str) -> Json:
        json = {}
        for tag in tuple(data_set.keys()):
            if tag.element and (converted := self._try(data_set, tag, path)) is not None:
                json[f"{tag:08X}"] = converted
        if _CHARACTER_SET in json:  # items of sequences may state their own (PS3.3 §C.12.1.1.2)
            json[_CHARACTER_SET] = _UTF_8
        return json

    def _try(self, data_set: pydicom.Dataset, tag: pydicom.tag.BaseTag, path: str) -> Json | None:
        """Broad on purpose: whatever a broken value makes pydicom raise, it costs that element only."""
        stored = find_stored(data_set, tag)
        try:
            if stored and stored[0] not in _BINARY_WORDS and not self._room.takes(len(stored[1])):
                return self._long(stored[0], f"{path}{tag:08X}")
            return self._element(data_set[tag], f"{path}{tag:08X}")
        except Exception:
            return None
        finally:
            if stored and len(stored[1]) >= COUNTED:
                del data_set[tag]  # decoded, it would stay in memory beside all the others

    def _long(self, vr: str, path: str) -> Json | None:
        return {"vr": vr, "BulkDataURI": self._bulk_data_uri(path)} if vr in WORDS else None

    def _element(self, element: DataElement, path: str) -> Json:
        if element.VR == "SQ":
            return _with_values("SQ", [self.data_set(item, f"{path}/{i}/") for i, item in enumerate(element.value)])
        if element.VR in _BINARY_WORDS:
            return self._binary(element, path)
        to_json = _TO_JSON[element.VR]
        return _with_values(element.VR, [to_json(value) for value in _values(element)])

    def _binary(self, element: DataElement, path: str) -> Json:
        value = bytes(element.value or b"")
        if len(value) > INLINE_BYTES:
            return {"vr": element.VR, "BulkDataURI": self._bulk_data_uri(path)}
        if not value:
            return {"vr": element.VR}
        if not self._little:
            value = _swapped(value, _BINARY_WORDS[element.VR])
        return {"vr": element.VR, "InlineBinary": base64.b64encode(value).decode("ascii")}


def _values(element: DataElement) -> list[object]:
    value = element.value
    if isinstance(value, MultiValue | list | tuple):
        return list(value)
    return [] if value is None or value == "" else [value]


def _with_values(vr: str, values: list[object]) -> Json:
    """Nothing at all for an empty value, None for one that is empty among others (PS3.18 §F.2.5)."""
    return {"vr": vr, "Value": values} if values and values != [None] else {"vr": vr}


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        raise TypeError("text was expected")
    return str(value) or None


def _name(value: PersonName) -> dict[str, str] | None:
    return {group: part for group, part in zip(_NAME_GROUPS, value.components, strict=False) if part} or None


def _integer(value: object) -> int | str | None:
    if value == "" or value is None:
        return None
    return int(value) if abs(int(value)) <= _EXACT_INTEGER else str(int(value))


def _float(value: object) -> float | None:
    """JSON has no NaN and no infinity."""
    if value == "" or value is None:
        return None
    return float(value) if math.isfinite(value) else None


def _tag(value: int) -> str:
    return f"{value:08X}"


# PS3.18 Table F.2.3-1
_TO_JSON: dict[str, Callable[[Any], object]] = {
    **dict.fromkeys(["AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"], _text),
    **dict.fromkeys(["IS", "SL", "SS", "SV", "UL", "US", "UV"], _integer),
    **dict.fromkeys(["DS", "FD", "FL"], _float),
    "AT": _tag,
    "PN": _name,
}


def _is_little(data_set: pydicom.Dataset) -> bool:
    return data_set.original_encoding[1] is not False


def _swapped(value: bytes, size: int) -> bytes:
    """Binary values are little endian whatever the file is (PS3.18 §8.7.3.3.2, §F.2.7)."""
    if size == 1:
        return value
    whole = len(value) // size * size
    words = array({2: "H", 4: "I", 8: "Q"}[size], value[:whole])
    words.byteswap()
    return words.tobytes() + value[whole:][::-1]
