"""DIMSE messages (PS3.7): command sets, read and written without a parser that trusts them.

A command set is a flat list of elements in Implicit VR Little Endian (PS3.7 §6.3.1).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from imaging.adapters.dicom_upper_layer import AbortReason, ProtocolViolated

MOST_COMMAND_BYTES = 16 << 10
MOST_COMMENT_CHARACTERS = 64  # LO
NO_DATA_SET = 0x0101
_ELEMENT = struct.Struct("<HHI")
_US, _UL = struct.Struct("<H"), struct.Struct("<I")


class Field(IntEnum):
    """Command Field (0000,0100) of what we are asked, and of what we send (PS3.7 §E.1)."""

    STORE_RQ = 0x0001
    STORE_RSP = 0x8001
    ECHO_RQ = 0x0030
    ECHO_RSP = 0x8030
    EVENT_REPORT_RQ = 0x0100
    EVENT_REPORT_RSP = 0x8100
    ACTION_RQ = 0x0130
    ACTION_RSP = 0x8130
    CANCEL_RQ = 0x0FFF


class Status(IntEnum):
    """PS3.7 Annex C, PS3.4 Table B.2-1."""

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110
    NO_SUCH_INSTANCE = 0x0112
    INVALID_ARGUMENT = 0x0115
    CLASS_INSTANCE_CONFLICT = 0x0119
    NO_SUCH_ACTION = 0x0123
    NOT_AUTHORISED = 0x0124
    OUT_OF_RESOURCES = 0xA700


@dataclass(frozen=True)
class Answer:
    """What becomes of a request; `ends` when no other of this association would be answered differently.

    `comment` is shown to the device's operator: at most 64 characters, no PHI.
    """

    status: int
    comment: str = ""
    ends: bool = False


@dataclass(frozen=True)
class Request:
    """A command of the peer."""

    context_id: int
    field: int
    message_id: int
    has_data_set: bool
    sop_class_uid: str
    sop_instance_uid: str
    action_type: int


def read_request(context_id: int, content: bytes) -> Request:
    """The request that a command set holds; raises `ProtocolViolated`."""
    values = dict(_elements(content))
    return Request(
        context_id=context_id,
        field=_number(values, 0x0100),
        message_id=_number(values, 0x0110, 0),
        has_data_set=_number(values, 0x0800) != NO_DATA_SET,
        # Affected in a C-STORE, Requested in an N-ACTION.
        sop_class_uid=_uid(values, 0x0002) or _uid(values, 0x0003),
        sop_instance_uid=_uid(values, 0x1000) or _uid(values, 0x1001),
        action_type=_number(values, 0x1008, 0),
    )


def write_response(request: Request, answer: Answer) -> bytes:
    """The command set that answers C-ECHO, C-STORE or N-ACTION (PS3.7 §9.3, §10.3)."""
    values = {
        0x0002: _padded(request.sop_class_uid, b"\0"),
        0x0100: _US.pack(request.field | 0x8000),
        0x0120: _US.pack(request.message_id),
        0x0800: _US.pack(NO_DATA_SET),
        0x0900: _US.pack(answer.status),
    }
    if answer.comment:
        values[0x0902] = _padded(answer.comment[:MOST_COMMENT_CHARACTERS], b" ")
    if request.sop_instance_uid:
        values[0x1000] = _padded(request.sop_instance_uid, b"\0")
    if request.field == Field.ACTION_RQ:
        values[0x1008] = _US.pack(request.action_type)
    return _command_set(values)


def write_event_report(message_id: int, sop_class_uid: str, sop_instance_uid: str, event_type: int) -> bytes:
    """The command set of an N-EVENT-REPORT-RQ with a data set (PS3.7 §10.3.1)."""
    return _command_set({
        0x0002: _padded(sop_class_uid, b"\0"), 0x0100: _US.pack(Field.EVENT_REPORT_RQ),
        0x0110: _US.pack(message_id), 0x0800: _US.pack(0x0001), 0x1000: _padded(sop_instance_uid, b"\0"),
        0x1002: _US.pack(event_type),
    })  # fmt: skip


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(content):
        if len(content) - at < _ELEMENT.size:
            raise ProtocolViolated(AbortReason.INVALID_PARAMETER)
        group, element, length = _ELEMENT.unpack_from(content, at)
        start = at + _ELEMENT.size
        at = start + length
        if group or at > len(content):
            raise ProtocolViolated(AbortReason.INVALID_PARAMETER)
        yield element, content[start:at]


def _number(values: dict[int, bytes], element: int, default: int | None = None) -> int:
    value = values.get(element)
    if value is None and default is not None:
        return default
    if value is None or len(value) != _US.size:
        raise ProtocolViolated(AbortReason.INVALID_PARAMETER)
    return int(_US.unpack(value)[0])


def _uid(values: dict[int, bytes], element: int) -> str:
    """As it came, without padding; whether it is one, the gate decides."""
    return values.get(element, b"").rstrip(b"\0 ")[:64].decode("latin-1")


def _padded(text: str, padding: bytes) -> bytes:
    value = text.encode("latin-1", "replace")
    return value + padding if len(value) % 2 else value


def _command_set(values: dict[int, bytes]) -> bytes:
    body = b"".join(_ELEMENT.pack(0, element, len(value)) + value for element, value in sorted(values.items()))
    return _ELEMENT.pack(0, 0, _UL.size) + _UL.pack(len(body)) + body
