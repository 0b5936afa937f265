"""A header as DICOM JSON (PS3.18 Annex F)."""

import base64
import math
from collections.abc import Callable
from typing import Any

import pydicom
from pydicom.dataelem import DataElement

from imaging.dicom.part10 import inflate_header, parse_header, split_part10

__all__ = ["NoSuchValue", "get_bulk_value", "inflate_header", "parse_header", "split_part10", "to_dicom_json"]

INLINE_BYTES = 1024
_BINARY_WORDS = {"OB": 1, "UN": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_CHARACTER_SET, _AVAILABLE_TRANSFER_SYNTAX = "00080005", "00083002"
_UTF_8 = "ISO_IR 192"

BulkDataURI = Callable[[str], str]
Json = dict[str, Any]


class NoSuchValue(LookupError):
    """The header has no binary value at this tag path."""


def to_dicom_json(header: bytes, transfer_syntax_uid: str, bulk_data_uri: BulkDataURI) -> Json:
    """The header, which ends before Pixel Data, as a DICOM JSON object.

    Binary values of more than INLINE_BYTES become `BulkDataURI`, which `bulk_data_uri` makes from a tag path:
    "00420011", or for the second item of a sequence "00880200/1/7FE00010". Character set and
    available transfer syntax are stated as they are for the receiver. An element that cannot be decoded is
    left out.
    """
    data_set = parse_header(header, transfer_syntax_uid)
    converter = _Converter(bulk_data_uri, little=data_set.original_encoding[1] is not False)
    json = converter.data_set(data_set, "")
    if _CHARACTER_SET in json:
        json[_CHARACTER_SET] = {"vr": "CS", "Value": [_UTF_8]}
    json[_AVAILABLE_TRANSFER_SYNTAX] = {"vr": "UI", "Value": [transfer_syntax_uid]}
    return dict(sorted(json.items()))


def get_bulk_value(data_set: pydicom.Dataset, tag_path: str) -> bytes:
    """The binary value at a tag path as `to_dicom_json` writes them; raises NoSuchValue."""
    *around, tag = tag_path.split("/")
    try:
        for sequence, item in zip(around[::2], around[1::2], strict=True):
            data_set = data_set[int(sequence, 16)].value[int(item)]
        value = data_set[int(tag, 16)].value
    except (LookupError, ValueError, TypeError, AttributeError, NotImplementedError) as error:
        raise NoSuchValue(tag_path) from error
    if not isinstance(value, bytes):
        raise NoSuchValue(tag_path)
    return value


class _Converter:
    """Recursion is safe here: the gate lets no more than 64 levels pass."""

    def __init__(self, bulk_data_uri: BulkDataURI, *, little: bool) -> None:
        self._bulk_data_uri = bulk_data_uri
        self._little = little

    def data_set(self, data_set: pydicom.Dataset, path: str) -> Json:
        json = {}
        for tag in tuple(data_set.keys()):
            if tag.element and (converted := self._try(data_set, tag, path)) is not None:
                json[f"{tag:08X}"] = converted
        return json

    def _try(self, data_set: pydicom.Dataset, tag: pydicom.tag.BaseTag, path: str) -> Json | None:
        """Broad on purpose: whatever a broken value makes pydicom raise, it costs that element only."""
        try:
            return self._element(data_set[tag], f"{path}{tag:08X}")
        except Exception:
            return None

    def _element(self, element: DataElement, path: str) -> Json:
        if element.VR == "SQ":
            items = [self.data_set(item, f"{path}/{index}/") for index, item in enumerate(element.value)]
            return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        if element.VR in _BINARY_WORDS:
            return self._binary(element, path)
        json = element.to_json_dict(None, 0)
        if element.VR in ("FD", "FL", "DS") and "Value" in json:
            json["Value"] = [_finite(number) for number in json["Value"]]
        return json

    def _binary(self, element: DataElement, path: str) -> Json:
        value = bytes(element.value or b"")
        if len(value) > INLINE_BYTES:
            return {"vr": element.VR, "BulkDataURI": self._bulk_data_uri(path)}
        if not value:
            return {"vr": element.VR}
        if not self._little:
            value = _swapped(value, _BINARY_WORDS[element.VR])
        return {"vr": element.VR, "InlineBinary": base64.b64encode(value).decode("ascii")}


def _finite(number: object) -> object:
    """JSON has no NaN and no infinity."""
    return None if isinstance(number, float) and not math.isfinite(number) else number


def _swapped(value: bytes, size: int) -> bytes:
    """Inline binary is little endian whatever the file is (PS3.18 §F.2.7)."""
    return b"".join(value[start : start + size][::-1] for start in range(0, len(value), size))
