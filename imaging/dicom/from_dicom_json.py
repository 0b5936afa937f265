"""A data set from DICOM JSON and bulk data (PS3.18 Annex F), as it stands in a file of Explicit VR Little Endian.

The reverse of `dicom_json`. Nothing is looked up by its address: a BulkDataURI is a name among those that came along.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imaging.dicom.elements import LONG_VRS
from imaging.dicom.json_values import BAD_METADATA, BINARY_WORDS, KINDS, decode_inline, encode_values, padded
from imaging.dicom.limits import Limits
from imaging.dicom.reasons import CANNOT_UNDERSTAND, HEADER_TOO_LARGE, NESTED_TOO_DEEP, Reason, Refused

MISSING_BULK_DATA = Reason(
    "MISSING_BULK_DATA", "Bulk data that the metadata name did not come along.", CANNOT_UNDERSTAND
)
PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
CHARACTER_SET, AVAILABLE_TRANSFER_SYNTAX = 0x00080005, 0x00083002
_UTF_8 = {"vr": "CS", "Value": ["ISO_IR 192"]}
_CONTENT = frozenset({"Value", "InlineBinary", "BulkDataURI"})
_TAG = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)
_ITEM = b"\xfe\xff\x00\xe0"
_LIMITS = Limits()

Element = dict[str, Any]


@dataclass(frozen=True)
class BulkNames:
    """The BulkDataURIs of an instance: that of its pixels, and those of all else."""

    pixels: str | None
    others: frozenset[str]


def top_elements(instance: object) -> dict[int, Element]:
    """The elements of an instance by tag, in their order; raises Refused(BAD_METADATA).

    File meta information has no place there (PS3.18 §10.5) and is left out, as are group lengths.
    """
    if not isinstance(instance, dict):
        raise Refused(BAD_METADATA, "an object was expected")
    elements = {}
    for name, element in instance.items():
        tag = int(name, 16) if _TAG.fullmatch(name) else -1
        if tag < 0 or tag in elements or tag >> 16 == 0xFFFE:
            raise Refused(BAD_METADATA, "the tag of an element")
        elements[tag] = _require_element(element)
    return {tag: elements[tag] for tag in sorted(elements) if tag & 0xFFFF and tag >> 16 > 2}


def _require_element(element: object) -> Element:
    if not isinstance(element, dict) or not isinstance(element.get("vr"), str) or element["vr"] not in KINDS:
        raise Refused(BAD_METADATA, "an element without VR")
    content = _CONTENT & element.keys()
    name = element.get("BulkDataURI", "none")
    if len(content) > 1 or not isinstance(name, str) or not name:
        raise Refused(BAD_METADATA, "an element's value")
    return element


def find_bulk_names(instance: object) -> BulkNames:
    """Which bulk data the instance needs; raises Refused: BAD_METADATA, NESTED_TOO_DEEP."""
    elements = top_elements(instance)
    pixels = [elements.pop(tag) for tag in PIXEL_TAGS if tag in elements]
    if len(pixels) > 1:
        raise Refused(BAD_METADATA, "pixels twice")
    others = frozenset(_iter_names(elements, 0))
    name = pixels[0].get("BulkDataURI") if pixels else None
    if name in others:
        raise Refused(BAD_METADATA, "pixels and another value of one name")
    return BulkNames(name, others)


def _iter_names(elements: Mapping[int, Element], depth: int) -> Iterator[str]:
    for element in elements.values():
        if "BulkDataURI" in element:
            yield element["BulkDataURI"]
        for item in _items(element, depth) if element["vr"] == "SQ" else ():
            yield from _iter_names(item, depth + 1)


def _items(element: Element, depth: int) -> Iterator[dict[int, Element]]:
    values = element.get("Value", [])
    if depth >= _LIMITS.depth:
        raise Refused(NESTED_TOO_DEEP, "sequences")
    if not isinstance(values, list) or not _CONTENT & element.keys() <= {"Value"}:
        raise Refused(BAD_METADATA, "a sequence")
    return (top_elements({} if item is None else item) for item in values)


def encode_elements(elements: Mapping[int, Element], bulk: Mapping[str, bytes], depth: int = 0) -> bytes:
    """The elements, with the bulk data they name.

    Text is UTF-8 and said to be so, whatever character set the metadata state (PS3.18 §F.2.2).
    Raises Refused: BAD_METADATA, MISSING_BULK_DATA, NESTED_TOO_DEEP, HEADER_TOO_LARGE.
    """
    pieces, size = [], 0
    for tag, element in elements.items():
        pieces.append(encode_element(tag, _UTF_8 if tag == CHARACTER_SET else element, bulk, depth))
        size += len(pieces[-1])
        if size > _LIMITS.header_bytes:
            raise Refused(HEADER_TOO_LARGE, "metadata with bulk data")
    return b"".join(pieces)


def encode_element(tag: int, element: Element, bulk: Mapping[str, bytes], depth: int = 0) -> bytes:
    """One element; raises as `encode_elements`."""
    vr = element["vr"]
    if vr == "SQ":
        items = (encode_elements(item, bulk, depth + 1) for item in _items(element, depth))
        value = b"".join(_ITEM + struct.pack("<I", len(item)) + item for item in items)
    else:
        value = padded(vr, element_value(element, bulk))
    return element_head(tag, vr, len(value)) + value


def element_value(element: Element, bulk: Mapping[str, bytes]) -> bytes:
    """The value of an element that is no sequence, not padded; raises as `encode_elements`."""
    vr = element["vr"]
    if "BulkDataURI" in element:
        if element["BulkDataURI"] not in bulk:
            raise Refused(MISSING_BULK_DATA, "bulk data")
        return bulk[element["BulkDataURI"]]
    if "InlineBinary" in element:
        return decode_inline(element["InlineBinary"]) if vr in BINARY_WORDS else _refuse(vr)
    if vr in BINARY_WORDS:
        return b"" if not element.get("Value") else _refuse(vr)
    return encode_values(vr, element.get("Value", []))


def element_head(tag: int, vr: str, length: int) -> bytes:
    """Tag, VR and length (PS3.5 §7.1.2); raises Refused(HEADER_TOO_LARGE) when 16 bits do not hold the length."""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode("ascii")
    if head[4:] in LONG_VRS:
        return head + struct.pack("<HI", 0, length)
    if length > 0xFFFE:
        raise Refused(HEADER_TOO_LARGE, f"a value of VR {vr}")
    return head + struct.pack("<H", length)


def _refuse(vr: str) -> bytes:
    raise Refused(BAD_METADATA, f"a value of VR {vr}")
