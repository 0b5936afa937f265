"""The walk over data elements (PS3.5 §7): iterative, on an explicit stack, without dictionary.

Every length is checked against what encloses it before it is believed, so the walk cannot leave a sequence,
an item or the limits. Values are stepped over, never decoded; only the places of a few wanted ones are noted.

Implicit VR and UN do not tell a sequence from other bytes. A value that starts with an item tag is walked as
a sequence, because a reader with a dictionary may do so. For a public element it then has to be one; for a
private or UN element a walk that fails means opaque bytes, and only the limits stay binding.

Readers disagree about what is at odds with the standard (see infra/docs/gate.md), so that one file is two patients.
Whatever would let another reader come out of an element elsewhere than this walk does is refused.
"""

from collections.abc import Collection
from dataclasses import dataclass
from struct import Struct

from imaging.dicom.limits import Limits
from imaging.dicom.reasons import (
    BAD_TAG,
    BAD_VR,
    DUPLICATE_ELEMENT,
    HEADER_TOO_LARGE,
    LENGTH_LIES,
    NESTED_TOO_DEEP,
    TOO_MANY_ELEMENTS,
    TRAILING_DATA,
    TRUNCATED,
    Refused,
)
from imaging.dicom.sequences import SEQUENCES
from imaging.dicom.window import Machine, Window

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, PIXEL_DATA})
_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_CAPPED_VRS = frozenset(b"SV UC UR UV".split())
_LOOKAHEAD = 20  # a long element header and the item tag its value may start with
_FIRST_GROUP = 0x0008
_LAST_GROUP = 0xFFFD
_ITEM_TAG = b"\xfe\xff\x00\xe0"
_SEQUENCE_END_TAG = b"\xfe\xff\xdd\xe0"
_DAMAGE = (LENGTH_LIES, BAD_VR, BAD_TAG)
_ELEMENTS, _ITEMS, _FRAGMENTS = range(3)


class Encoding:
    """How element headers are laid out: with VR or without, and the byte order."""

    def __init__(self, *, implicit: bool, order: str) -> None:
        self.implicit = implicit
        self.little = order == "<"
        self.tag_and_length = Struct(order + "HHI").unpack_from
        self.tag_and_vr = Struct(order + "HH2sH").unpack_from
        self.long_length = Struct(order + "I").unpack_from


EXPLICIT_LITTLE = Encoding(implicit=False, order="<")
IMPLICIT_LITTLE = Encoding(implicit=True, order="<")
EXPLICIT_BIG = Encoding(implicit=False, order=">")


@dataclass(slots=True)
class _Frame:
    kind: int
    end: int | None  # where a defined length ends
    limit: int | None  # the nearest end around it
    encoding: Encoding
    tentative: bool = False
    start: int | None = None  # of a value that some readers search for a sequence's end instead of walking it
    tag: int = 0  # of a wanted element whose end is not known yet
    is_sniffed: bool = False  # some readers take the first element for explicit VR if it looks so


def name_tag(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def read_header(data: bytearray | bytes, position: int, encoding: Encoding) -> tuple[int, bytes, int, int]:
    """(tag, VR, length, position of the value); VR is b'' where there is none. Needs 8 bytes at `position`.

    Raises Refused: BAD_VR, or TRUNCATED when a long header is cut off.
    """
    if encoding.implicit:
        group, element, length = encoding.tag_and_length(data, position)
        return (group << 16) | element, b"", length, position + 8
    group, element, vr, length = encoding.tag_and_vr(data, position)
    tag = (group << 16) | element
    if vr in _SHORT_VRS:
        return tag, vr, length, position + 8
    if vr in LONG_VRS:
        if len(data) < position + 12:
            raise Refused(TRUNCATED, name_tag(tag))
        return tag, vr, encoding.long_length(data, position + 8)[0], position + 12
    if group == 0xFFFE or (not tag and vr == b"\0\0"):
        return tag, b"", encoding.long_length(data, position + 4)[0], position + 8
    raise Refused(BAD_VR, name_tag(tag))


class ElementWalk:
    """One walk over the data set in `window`.

    `run` stops in front of top-level Pixel Data (`pixel_tag` is set), or at padding or the end of the data
    (`padding` is set). `found` maps each wanted top-level tag to (VR, start, end) of its value in the window.
    """

    def __init__(self, window: Window, encoding: Encoding, limits: Limits, wanted: Collection[int]) -> None:
        self.position = 0
        self.pixel_tag: int | None = None
        self.padding = False
        self.found: dict[int, tuple[bytes, int, int]] = {}
        self._window, self._limits, self._wanted = window, limits, wanted
        self._root = _Frame(_ELEMENTS, None, None, encoding, is_sniffed=encoding.implicit)
        self._stack = [self._root]
        self._seen: set[int] = set()
        self._after = -1
        self._elements = self._items = 0
        self._room = limits.header_bytes

    def run(self) -> Machine:
        """Walk until there is a reason to stop; raises Refused."""
        data, window = self._window.data, self._window
        while self.pixel_tag is None and not self.padding:
            if len(data) < self.position + _LOOKAHEAD and not window.ended:
                yield
            elif len(data) < self.position + 8 and self._has_room(self._open_frame()):
                return self._finish()
            else:
                self._step()

    def go_on_after_pixels(self) -> Machine:
        """Walk what follows Pixel Data, once the window starts behind it (ascending tags, PS3.5 §7.1)."""
        self._room -= self.position
        self._after, self.pixel_tag, self.position = self.pixel_tag, None, 0
        yield from self.run()
        if self.pixel_tag is not None:
            raise Refused(DUPLICATE_ELEMENT, name_tag(self.pixel_tag))

    def _step(self) -> None:
        try:
            self._walk_one(self._open_frame())
        except Refused as refused:
            if refused.reason not in _DAMAGE:
                raise
            self._give_up_tentative(refused)

    def _open_frame(self) -> _Frame:
        stack, position = self._stack, self.position
        while stack[-1].end == position:
            stack.pop()
        return stack[-1]

    def _has_room(self, frame: _Frame) -> bool:
        """Whether a header fits into what is left of the frame: else the verdict would hang on what follows it."""
        return frame.limit is None or self.position + 8 <= frame.limit

    def _walk_one(self, frame: _Frame) -> None:
        if frame.limit is not None and not self._has_room(frame):
            raise Refused(LENGTH_LIES, f"{frame.limit - self.position} bytes left over")
        if frame.kind == _ELEMENTS:
            self._element(frame)
        else:
            self._item(frame)

    def _give_up_tentative(self, refused: Refused) -> None:
        while self._stack:
            frame = self._stack.pop()
            if frame.tentative:
                self.position = frame.end
                return
        if self._after >= 0:
            raise Refused(TRAILING_DATA, refused.detail) from refused
        raise refused

    def _finish(self) -> None:
        rest = self._window.data[self.position :]
        if self._open_frame() is not self._root or len(self._window.data) < self.position or rest.strip(b"\0"):
            raise Refused(TRUNCATED, f"at offset {self._window.start + len(self._window.data)}")
        self.padding = True

    def _element(self, frame: _Frame) -> None:
        tag, vr, length, start = read_header(self._window.data, self.position, frame.encoding)
        if frame.is_sniffed:
            self._require_implicit(frame, tag)
        if frame is self._root and self._stops_at(tag, vr, length, start):
            return
        self._count_element()
        if not _FIRST_GROUP <= tag >> 16 <= _LAST_GROUP:
            self._end_item(frame, tag, vr, length)
        elif length == UNDEFINED:
            self._open_undefined(frame, tag, vr, start)
        elif vr == b"SQ":
            self._open(_ITEMS, start, start + length, frame.encoding)
        elif (not vr or vr == b"UN") and self._starts_with_item(tag, length, start):
            self._open(_ITEMS, start, start + length, IMPLICIT_LITTLE, tentative=bool(vr or tag & 0x10000))
        elif not vr and length and tag in SEQUENCES:
            raise Refused(LENGTH_LIES, f"{name_tag(tag)} holds no items")
        else:
            self._step_over(frame, tag, vr, length, start)

    def _require_implicit(self, frame: _Frame, tag: int) -> None:
        """Readers judge by two capital letters in place of the VR (PS3.5 §7.1.2) and then see other elements."""
        frame.is_sniffed = False
        vr = self._window.data[self.position + 4 : self.position + 6]
        if vr.isalpha() and vr.isupper():
            raise Refused(BAD_VR, f"{name_tag(tag)} looks like explicit VR")

    def _stops_at(self, tag: int, vr: bytes, length: int, start: int) -> bool:
        """Judge a top-level tag; true if the walk ends in front of it."""
        if tag in PIXEL_TAGS:
            self.pixel_tag = tag
            return True
        if not tag:
            self.padding = True
            return True
        if tag in self._seen:
            raise Refused(DUPLICATE_ELEMENT, name_tag(tag))
        if tag <= self._after:
            raise Refused(TRAILING_DATA, f"{name_tag(tag)} after Pixel Data")
        if tag >> 16 < _FIRST_GROUP:
            raise Refused(BAD_TAG, name_tag(tag))
        self._seen.add(tag)
        if tag in self._wanted:
            self.found[tag] = (vr, start, start + length)
        return False

    def _count_element(self) -> None:
        self._elements += 1
        if self._elements > self._limits.elements:
            raise Refused(TOO_MANY_ELEMENTS, f"more than {self._limits.elements}")

    def _end_item(self, frame: _Frame, tag: int, vr: bytes, length: int) -> None:
        if tag != ITEM_END or vr or length or frame.end is not None or frame is self._root:
            raise Refused(BAD_TAG, name_tag(tag))
        self._stack.pop()
        self._move(frame, self.position + 8, tag)

    def _open_undefined(self, frame: _Frame, tag: int, vr: bytes, start: int) -> None:
        if vr == b"SQ":
            self._open(_ITEMS, start, None, frame.encoding)
        elif not vr:
            self._open(_ITEMS, start, None, frame.encoding)
            self._stack[-1].start = None if tag in SEQUENCES or tag & 0x10000 else start
        elif vr == b"UN" and frame.encoding.little:
            self._open(_ITEMS, start, None, IMPLICIT_LITTLE)
            self._stack[-1].is_sniffed = True
        elif tag == PIXEL_DATA and frame.encoding.little:
            self._open(_FRAGMENTS, start, None, frame.encoding)
        else:
            raise Refused(LENGTH_LIES, f"{name_tag(tag)} of undefined length")
        if frame is self._root and tag in self._wanted:
            self._stack[-1].tag = tag

    def _starts_with_item(self, tag: int, length: int, start: int) -> bool:
        return length >= 8 and tag != PIXEL_DATA and self._window.data.startswith(_ITEM_TAG, start)

    def _step_over(self, frame: _Frame, tag: int, vr: bytes, length: int, start: int) -> None:
        if length > self._limits.text_value_bytes and vr in _CAPPED_VRS:
            raise Refused(HEADER_TOO_LARGE, f"{name_tag(tag)} of {length} bytes")
        self._move(frame, start + length, tag)

    def _move(self, frame: _Frame, position: int, tag: int) -> None:
        if frame.limit is not None and position > frame.limit:
            raise Refused(LENGTH_LIES, f"{name_tag(tag)} reaches beyond what holds it")
        if position > self._room:
            raise Refused(HEADER_TOO_LARGE, f"{name_tag(tag)} ends at {position}")
        self.position = position

    def _open(self, kind: int, start: int, end: int | None, encoding: Encoding, *, tentative: bool = False) -> None:
        around = self._stack[-1]
        self._move(around, start if end is None else end, ITEM)
        self.position = start
        if len(self._stack) > 2 * self._limits.depth:
            raise Refused(NESTED_TOO_DEEP, f"deeper than {self._limits.depth}")
        self._stack.append(_Frame(kind, end, around.limit if end is None else end, encoding, tentative))

    def _item(self, frame: _Frame) -> None:
        group, element, length = frame.encoding.tag_and_length(self._window.data, self.position)
        tag, start = (group << 16) | element, self.position + 8
        if tag == ITEM:
            self._open_item(frame, length, start)
        elif tag == SEQUENCE_END and frame.end is None and not length:
            self._end_sequence(frame, start)
        else:
            raise Refused(LENGTH_LIES, f"{name_tag(tag)} in place of an item")

    def _end_sequence(self, frame: _Frame, end: int) -> None:
        found = self.position if frame.start is None else self._window.data.find(_SEQUENCE_END_TAG, frame.start)
        if found != self.position:
            raise Refused(LENGTH_LIES, "a sequence's end within a value")
        self._stack.pop()
        self._move(frame, end, SEQUENCE_END)
        if frame.tag:
            self.found[frame.tag] = (*self.found[frame.tag][:2], end)

    def _open_item(self, frame: _Frame, length: int, start: int) -> None:
        self._items += 1
        if self._items > self._limits.items:
            raise Refused(TOO_MANY_ELEMENTS, f"more than {self._limits.items} items")
        if frame.kind == _ITEMS:
            self._open(_ELEMENTS, start, None if length == UNDEFINED else start + length, frame.encoding)
            self._stack[-1].is_sniffed = frame.is_sniffed
        elif length == UNDEFINED:
            raise Refused(LENGTH_LIES, "fragment of undefined length")
        else:
            self._move(frame, start + length, ITEM)
