"""File meta information, group 0002 (PS3.10 §7.1): always Explicit VR Little Endian."""

from collections.abc import Generator
from dataclasses import dataclass

from imaging.dicom.elements import EXPLICIT_LITTLE, UNDEFINED, name_tag, read_header
from imaging.dicom.limits import Limits
from imaging.dicom.reasons import (
    BAD_TAG,
    BAD_VR,
    DICOMDIR,
    DUPLICATE_ELEMENT,
    HEADER_TOO_LARGE,
    INVALID_UID,
    LENGTH_LIES,
    UNKNOWN_TRANSFER_SYNTAX,
    Refused,
)
from imaging.dicom.transfer_syntaxes import ACCEPTED
from imaging.dicom.uid import InvalidUID, strip_uid_padding, validate_uid
from imaging.dicom.window import Window

GROUP_LENGTH = 0x00020000
SOP_CLASS = 0x00020002
SOP_INSTANCE = 0x00020003
TRANSFER_SYNTAX = 0x00020010
_VRS = {GROUP_LENGTH: b"UL", SOP_CLASS: b"UI", SOP_INSTANCE: b"UI", TRANSFER_SYNTAX: b"UI"}
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
_LOOKAHEAD = 12


@dataclass(frozen=True)
class FileMeta:
    """Group 0002: its bytes as in the file, and the UIDs in it; '' where it names no object."""

    raw: bytes
    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str


def read_file_meta(window: Window, limits: Limits) -> Generator[None, None, FileMeta]:
    """Consume group 0002.

    Raises Refused for what is damaged, for DICOMDIR and for a transfer syntax outside our list.
    """
    values = yield from _walk(window, limits)
    length = max((end for _, end in values.values()), default=0)
    raw = window.cut(length)
    _require_group_length(raw, values)
    return _judged(FileMeta(raw, *(_uid(raw, values, tag) for tag in (TRANSFER_SYNTAX, SOP_CLASS, SOP_INSTANCE))))


def _walk(window: Window, limits: Limits) -> Generator[None, None, dict[int, tuple[int, int]]]:
    """Where each value of group 0002 lies: tag → (start, end), relative to the group's first byte."""
    data, position = window.data, 0
    values: dict[int, tuple[int, int]] = {}
    while True:
        while len(data) < position + _LOOKAHEAD and not window.ended:
            yield
        if len(data) < position + 8 or data[position : position + 2] != b"\x02\0":
            return values
        tag, vr, length, start = read_header(data, position, EXPLICIT_LITTLE)
        position = start + length
        _require_sound(tag, vr, length, values)
        if position > limits.meta_bytes:
            raise Refused(HEADER_TOO_LARGE, name_tag(tag))
        yield from window.need(position)
        values[tag] = (start, position)


def _require_sound(tag: int, vr: bytes, length: int, values: dict[int, tuple[int, int]]) -> None:
    if tag in values:
        raise Refused(DUPLICATE_ELEMENT, name_tag(tag))
    if values and tag < next(reversed(values)):
        raise Refused(BAD_TAG, f"{name_tag(tag)} out of order")
    if vr == b"SQ" or length == UNDEFINED or vr != _VRS.get(tag, vr):
        raise Refused(BAD_VR, name_tag(tag))


def _require_group_length(raw: bytes, values: dict[int, tuple[int, int]]) -> None:
    """Absent is tolerated; wrong is not, as readers that trust it would start the data set elsewhere."""
    if GROUP_LENGTH not in values:
        return
    start, end = values[GROUP_LENGTH]
    if end - start != 4 or int.from_bytes(raw[start:end], "little") != len(raw) - end:
        raise Refused(LENGTH_LIES, name_tag(GROUP_LENGTH))


def _uid(raw: bytes, values: dict[int, tuple[int, int]], tag: int) -> str:
    start, end = values.get(tag, (0, 0))
    text = strip_uid_padding(raw[start:end].decode("latin-1"))
    try:
        return validate_uid(text) if text else ""
    except InvalidUID as error:
        raise Refused(INVALID_UID, name_tag(tag)) from error


def _judged(meta: FileMeta) -> FileMeta:
    if meta.sop_class_uid == MEDIA_STORAGE_DIRECTORY:
        raise Refused(DICOMDIR)
    if meta.transfer_syntax_uid not in ACCEPTED:
        raise Refused(UNKNOWN_TRANSFER_SYNTAX, meta.transfer_syntax_uid or "none named")
    return meta
