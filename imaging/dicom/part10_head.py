"""The head of a Part 10 file (PS3.10 §7.1) for a data set that came without one: preamble, prefix, group 0002."""

from dataclasses import dataclass

_LONG_VRS = (b"OB",)


@dataclass(frozen=True)
class Head:
    """What an association says of an instance. None of it is judged here: the gate reads the file afterwards."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    implementation_class_uid: str
    implementation_version_name: str
    source_ae_title: str


def write_part10_head(head: Head) -> bytes:
    """All before the data set: always the same for the same head, so that what is sent again is the same file."""
    group = b"".join((
        _element(0x0001, b"OB", b"\0\1"),
        _element(0x0002, b"UI", _text(head.sop_class_uid, b"\0")),
        _element(0x0003, b"UI", _text(head.sop_instance_uid, b"\0")),
        _element(0x0010, b"UI", _text(head.transfer_syntax_uid, b"\0")),
        _element(0x0012, b"UI", _text(head.implementation_class_uid, b"\0")),
        _element(0x0013, b"SH", _text(head.implementation_version_name, b" ")),
        _element(0x0016, b"AE", _text(head.source_ae_title, b" ")),
    ))  # fmt: skip
    return bytes(128) + b"DICM" + _element(0x0000, b"UL", len(group).to_bytes(4, "little")) + group


def _element(number: int, vr: bytes, value: bytes) -> bytes:
    size = b"\0\0" + len(value).to_bytes(4, "little") if vr in _LONG_VRS else len(value).to_bytes(2, "little")
    return b"\2\0" + number.to_bytes(2, "little") + vr + size + value


def _text(text: str, padding: bytes) -> bytes:
    value = text.encode("ascii", "replace")
    return value + padding if len(value) % 2 else value
