"""What a compressed frame says of itself, read before any decoder believes it (compliance.md DCM-07)."""

import struct

_JPEG, _JPEG_2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"
_NO_FRAME = {0xC4, 0xC8, 0xCC}  # tables among the markers of frames (ISO/IEC 10918-1 Table B.1)
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_JPEG_LS_FRAME = 0xF7
_LONGEST_WALK = 1000  # markers
_BOXES = 4096  # bytes of JP2 boxes before the codestream


def read_size(frame: bytes) -> tuple[int, int] | None:
    """(rows, columns) of a JPEG, JPEG-LS or JPEG 2000 codestream; None where it does not say."""
    if frame[:2] == _JPEG:
        return _jpeg_size(frame)
    start = frame.find(_JPEG_2000, 0, _BOXES)
    return None if start < 0 else _jpeg_2000_size(frame, start + len(_JPEG_2000))


def names_colour_space(frame: bytes) -> bool:
    """Whether a JPEG says by a JFIF or Adobe segment whether its colours are YCbCr."""
    head = frame[:512]
    return b"JFIF\0" in head or b"Adobe" in head


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    position = 2
    for _ in range(_LONGEST_WALK):
        position = frame.find(b"\xff", position)
        if position < 0 or position + 9 > len(frame):
            return None
        marker = frame[position + 1]
        if marker in (0x00, 0xFF):
            position += 1
        elif marker in _ALONE:
            position += 2
        elif (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME) or marker == _JPEG_LS_FRAME:
            return struct.unpack_from(">HH", frame, position + 5)
        else:
            position += 2 + struct.unpack_from(">H", frame, position + 2)[0]
    return None


def _jpeg_2000_size(frame: bytes, position: int) -> tuple[int, int] | None:
    if len(frame) < position + 20:
        return None
    columns, rows, left, top = struct.unpack_from(">4xIIII", frame, position)
    return rows - top, columns - left
