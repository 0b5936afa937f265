"""Values of DICOM JSON as they stand in a file of Explicit VR Little Endian (PS3.18 §F.2.3, PS3.5 §6.2)."""

import base64
import binascii
import math
import re
import struct
from collections.abc import Callable

from imaging.dicom.reasons import CANNOT_UNDERSTAND, Reason, Refused

BAD_METADATA = Reason("BAD_METADATA", "The metadata hold a value of a wrong kind.", CANNOT_UNDERSTAND)
BINARY_WORDS = {"OB": 1, "UN": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
_SINGLE_TEXTS = frozenset({"LT", "ST", "UT", "UR"})  # a backslash is a character like any other there
_TEXTS = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "SH", "TM", "UC", "UI"}) | _SINGLE_TEXTS
_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_DECIMAL_LENGTH = 16
_DECIMAL = re.compile(r"[ +-]*[0-9.]+([eE][+-]?[0-9]+)? *", re.ASCII)  # not all that Python takes for a number
KINDS = frozenset(BINARY_WORDS) | frozenset(_NUMBERS) | _TEXTS | {"AT", "DS", "IS", "PN", "SQ"}


def encode_values(vr: str, values: object) -> bytes:
    """`Value` of any VR but SQ and binary ones; raises Refused(BAD_METADATA) without quoting anything."""
    if not isinstance(values, list):
        raise Refused(BAD_METADATA, "Value is no list")
    try:
        if vr in _NUMBERS:
            return b"".join(_packed(vr, value) for value in values)
        if vr == "AT":
            return b"".join(_tag(value) for value in values)
        return _encode_texts(vr, values)
    except (ValueError, TypeError, OverflowError, struct.error):
        raise Refused(BAD_METADATA, f"a value of VR {vr}") from None


def decode_inline(value: object) -> bytes:
    """`InlineBinary` (PS3.18 §F.2.7); raises Refused(BAD_METADATA)."""
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else _fail()
    except (binascii.Error, ValueError):
        raise Refused(BAD_METADATA, "InlineBinary is no base64") from None


def padded(vr: str, value: bytes) -> bytes:
    """Of even length (PS3.5 §6.2)."""
    if len(value) % 2 == 0:
        return value
    return value + (b" " if vr in _TEXTS - {"UI"} or vr in ("DS", "IS", "PN") else b"\0")


def _encode_texts(vr: str, values: list[object]) -> bytes:
    to_text = _TO_TEXT.get(vr, _text)
    texts = ["" if value is None else to_text(value) for value in values]
    if vr in _SINGLE_TEXTS:
        if len(texts) > 1:
            raise ValueError("several values")
    elif any("\\" in text for text in texts):
        raise ValueError("a backslash divides values")
    if any("\0" in text for text in texts):
        raise ValueError("NUL")
    return "\\".join(texts).encode("utf-8")


def _text(value: object) -> str:
    return value if isinstance(value, str) else _fail()


def _name(value: object) -> str:
    """Component groups (PS3.18 §F.2.2)."""
    if not isinstance(value, dict) or not set(value) <= set(_NAME_GROUPS):
        _fail()
    groups = [_text(value.get(group, "")) for group in _NAME_GROUPS]
    if any("=" in group for group in groups):
        raise ValueError("a group within a group")
    return "=".join(groups).rstrip("=")


def _integer(value: object) -> int:
    """Numbers, or text for what is too large for readers' numbers (PS3.18 §F.2.3)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 40:
        _fail()
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise ValueError("no number")
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("a fraction")
    return int(value)


def _integer_text(value: object) -> str:
    number = _integer(value)
    return str(number) if -(2**31) <= number < 2**31 else _fail()


def _decimal_text(value: object) -> str:
    """At most 16 characters: what is longer loses its last digits (PS3.5 §6.2)."""
    if isinstance(value, str):
        sound = len(value) <= _DECIMAL_LENGTH and _DECIMAL.fullmatch(value) and math.isfinite(float(value))
        return value if sound else _fail()
    number = _float(value)
    text = str(value) if isinstance(value, int) else repr(number)
    if isinstance(value, float) and value.is_integer() and len(str(int(value))) <= _DECIMAL_LENGTH:
        return str(int(value)) if len(text) > _DECIMAL_LENGTH else text
    if len(text) <= _DECIMAL_LENGTH:
        return text
    return next(each for digits in range(16, 0, -1) if len(each := f"{value:.{digits}g}") <= _DECIMAL_LENGTH)


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        _fail()
    return float(value)


def _packed(vr: str, value: object) -> bytes:
    return struct.pack("<" + _NUMBERS[vr], _float(value) if vr in ("FL", "FD") else _integer(value))


def _tag(value: object) -> bytes:
    if not isinstance(value, str) or len(value) != 8:
        _fail()
    number = int.from_bytes(bytes.fromhex(value), "big")
    return struct.pack("<HH", number >> 16, number & 0xFFFF)


def _fail() -> None:
    raise ValueError("another kind was expected")


_TO_TEXT: dict[str, Callable[[object], str]] = {"PN": _name, "IS": _integer_text, "DS": _decimal_text}
