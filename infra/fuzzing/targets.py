"""What is fuzzed, and what must hold for any bytes: only promised errors, and the same result in any pieces."""

import io
import json
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator

from imaging.dicom.attributes import read_attributes
from imaging.dicom.data_set import encoding_of
from imaging.dicom.dicom_json import to_dicom_json
from imaging.dicom.elements import ElementWalk
from imaging.dicom.gate import Gate, Limits, Passed, Refused
from imaging.dicom.media_types import MediaType, choose
from imaging.dicom.multipart import MalformedMultipart, iter_parts, parse_content_type
from imaging.dicom.part10 import split_part10
from imaging.dicom.text import MAX_LENGTH, clean, parse_date, parse_integer, parse_time
from imaging.dicom.transfer_syntaxes import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from imaging.dicom.window import Window

_SYNTAXES = (EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG)
_BOUNDARY = 'multipart/related; type="application/dicom"; boundary=abc'
_OFFERS = (
    MediaType("application/dicom+json"),
    MediaType("multipart/related", {"type": "application/dicom", "transfer-syntax": EXPLICIT_LITTLE}),
    MediaType("image/jpeg"),
)
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_WANTED = frozenset({0x00080005, 0x00080018, 0x00100020, 0x0020000D, 0x00400275})


class Broken(AssertionError):
    """An invariant does not hold."""


def pieces(data: bytes) -> Iterator[bytes]:
    """The data in pieces whose sizes follow from it, the same each time."""
    seed, at = zlib.crc32(data) | 1, 0
    while at < len(data):
        seed = (seed * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        size = 1 + (seed >> 8) % (3 if seed & 1 else 97)
        yield data[at : at + size]
        at += size


def gate(data: bytes) -> None:
    """A whole file."""
    whole, divided = _judge([data]), _judge(pieces(data))
    if whole != divided and not _is_deflate(whole, divided):
        raise Broken(f"{whole} whole, {divided} in pieces")
    if isinstance(whole, Passed):
        _require_read(whole)
        start = data if whole.header_end is None else data[: whole.header_end]
        if split_part10(start)[0] != whole.file_meta:
            raise Broken("its stored bytes come apart otherwise")


def _judge(parts: Iterable[bytes]) -> Passed | tuple[str, str]:
    judging = Gate()
    try:
        for part in parts:
            judging.feed(part)
        return judging.finish()
    except Refused as refused:
        return refused.reason.code, refused.detail


def _is_deflate(*verdicts: object) -> bool:
    """zlib may find damage before it has given out what another reason lies in."""
    refusals = all(isinstance(verdict, tuple) for verdict in verdicts)
    return refusals and any(verdict[0].startswith("DEFLATE_") for verdict in verdicts)


def _require_read(passed: Passed) -> None:
    read_attributes(passed)
    json.dumps(to_dicom_json(passed.header, passed.transfer_syntax_uid, lambda path: path), allow_nan=False)


def walk(data: bytes) -> None:
    """A bare data set, its encoding chosen by the first byte."""
    syntax = _SYNTAXES[data[0] % 3] if data else EXPLICIT_LITTLE
    whole, divided = _walk(syntax, [data[1:]]), _walk(syntax, pieces(data[1:]))
    if whole != divided:
        raise Broken(f"{whole} whole, {divided} in pieces")


def _walk(syntax: str, parts: Iterable[bytes]) -> object:
    window, limits = Window(), Limits(header_bytes=1 << 20)
    walking = ElementWalk(window, encoding_of(syntax), limits, _WANTED)
    machine = walking.run()
    try:
        next(machine)
        for part in parts:
            window.append(part)
            next(machine)
        window.ended = True
        next(machine)
    except StopIteration:
        return walking.position, walking.found
    except Refused as refused:
        return refused.reason.code, refused.detail
    raise Broken("the walk waits although the window has ended")


def conversion(data: bytes) -> None:
    """A bare data set that the walk accepts, as DICOM JSON."""
    syntax = _SYNTAXES[data[0] % 3] if data else EXPLICIT_LITTLE
    walked = _walk(syntax, [data[1:]])
    if not isinstance(walked[0], int):
        return
    header = data[1 : 1 + walked[0]]
    json.dumps(to_dicom_json(header, syntax, lambda path: path), allow_nan=False)
    if _walk(syntax, [header]) != walked:
        raise Broken("the header alone is walked otherwise")


def multipart(data: bytes) -> None:
    """A body of STOW-RS."""
    whole, divided = _parts(io.BytesIO(data).read), _parts(_reader(pieces(data)))
    if whole != divided:
        raise Broken(f"{whole!r} whole, {divided!r} in pieces")


def _reader(parts: Iterator[bytes]) -> Callable[[int], bytes]:
    return lambda _: next(parts, b"")


def _parts(read: Callable[[int], bytes]) -> list[object]:
    found: list[object] = []
    try:
        for part in iter_parts(read, _BOUNDARY):
            found.append((part.headers, b"".join(part.chunks())))
    except MalformedMultipart as malformed:
        found.append(str(malformed))
    return found


def accept(data: bytes) -> None:
    """Accept and Content-Type."""
    header = data.decode("latin-1")
    if choose(header, _OFFERS) not in (None, *_OFFERS):
        raise Broken("something was chosen that was not offered")
    try:
        kind, parameters = parse_content_type(header)
    except MalformedMultipart:
        return
    if "/" not in kind or any(name != name.lower() for name in parameters):
        raise Broken(f"{kind} {parameters}")


def text(data: bytes) -> None:
    """What is shown of a value."""
    shown = clean(data.decode("utf-8", "surrogateescape"))
    if len(shown) > MAX_LENGTH or any(unicodedata.category(letter) in _HIDDEN for letter in shown):
        raise Broken(repr(shown))
    if clean(shown) != shown:
        raise Broken(f"{shown!r} is not clean yet")
    parse_date(shown), parse_time(shown), parse_integer(shown)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "gate": gate,
    "walk": walk,
    "conversion": conversion,
    "multipart": multipart,
    "accept": accept,
    "text": text,
}
