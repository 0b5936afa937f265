"""STOW-RS of metadata and bulk data: files assembled while the parts come in (PS3.18 §10.5.1, §8.6.1.2).

Metadata come first. An instance is given on when the part with its pixels comes, streaming through, or once its last
bulk data are here; what came before waits in memory, up to a limit. A BulkDataURI is only ever compared with the
Content-Location of parts: nothing is fetched, from nowhere.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from imaging.dicom.assembled import (
    Assembled,
    assemble,
    encapsulated_pixels,
    inline_pixels,
    joined,
    native_pixels,
    pixel_syntax,
)
from imaging.dicom.from_dicom_json import MISSING_BULK_DATA, BulkNames, find_bulk_names
from imaging.dicom.json_values import BAD_METADATA
from imaging.dicom.limits import MIB
from imaging.dicom.metadata_text import Extent, MalformedMetadata, iter_extents, parse_instance
from imaging.dicom.multipart import MalformedMultipart, Part, parse_content_type
from imaging.dicom.part10_head import Head, write_part10_head
from imaging.dicom.reasons import HEADER_TOO_LARGE, LENGTH_LIES, TOO_LARGE, UNKNOWN_TRANSFER_SYNTAX, Refused
from imaging.dicom.transcode import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION
from imaging.dicom.transfer_syntaxes import EXPLICIT_LITTLE
from imaging.services.spool import IncomingFile

__all__ = ["METADATA_BYTES", "MalformedMetadata", "MetadataTooLarge", "assemble_files"]

DICOM_JSON = "application/dicom+json"
METADATA_BYTES = 64 * MIB
HELD_BYTES = 64 * MIB  # bulk data beside pixels that wait for their instance
FRAME_BYTES = 64 * MIB  # of a compressed frame that came without a length
NATIVE_BYTES = 8 * MIB  # of native pixels that came without a length, to learn it


class MetadataTooLarge(Exception):
    """More metadata than one request may carry."""


@dataclass
class _Waiting:
    """An instance that was not given on yet, and the names of bulk data beside its pixels that have not come."""

    name: str
    text: bytes
    extent: Extent
    names: BulkNames = BulkNames(None, frozenset())
    refused: Refused | None = None
    missing: set[str] = field(default_factory=set)


def assemble_files(parts: Iterable[Part], most_instances: int) -> Iterator[IncomingFile]:
    """A file for each instance in the metadata; one that cannot be made raises Refused where its bytes are read.

    Raises
    ------
    MalformedMetadata, MetadataTooLarge
        Before the first file.
    MalformedMultipart
    """
    coming = _Parts(parts)
    waiting = list(_iter_waiting(_iter_metadata(coming), most_instances))
    return _Assembly(waiting, coming).files()


class _Parts:
    """The parts, of which the next can be looked at before it is taken."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = iter(parts)
        self._next: Part | None = None

    def find_next(self) -> Part | None:
        """The next part, which stays the next, or None at the end."""
        if self._next is None:
            self._next = next(self._parts, None)
        return self._next

    def take(self) -> Part:
        part, self._next = self.find_next(), None
        return part

    def take_all(self, location: str) -> Iterator[Part]:
        """The next parts, as long as they have this Content-Location."""
        while (part := self.find_next()) and _location(part) == location:
            yield self.take()


def _location(part: Part) -> str:
    return part.headers.get("content-location", "")


def _is_metadata(part: Part) -> bool:
    return parse_content_type(part.headers.get("content-type", "text/plain"))[0] == DICOM_JSON


def _iter_metadata(parts: _Parts) -> Iterator[bytes]:
    left, first = METADATA_BYTES, True
    while (part := parts.find_next()) and _is_metadata(part) and (first or not _location(part)):
        text, ended = _read(parts.take().chunks(), left)
        if not ended:
            raise MetadataTooLarge
        left, first = left - len(text), False
        yield text
    if first and part:
        raise MalformedMultipart(f"its first part is no {DICOM_JSON}")


def _require_no_metadata(part: Part) -> None:
    """Instances described too late would be lost without a word."""
    if not _location(part) and part.headers.get("content-type", "").lower().startswith(DICOM_JSON):
        raise MalformedMultipart("metadata follow bulk data")


def _read(chunks: Iterator[bytes], most: int) -> tuple[bytes, bool]:
    """What comes, up to about `most` bytes, and whether that is all."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) > most:
            return bytes(held), False
    return bytes(held), True


def _iter_waiting(texts: Iterable[bytes], most: int) -> Iterator[_Waiting]:
    number = 0
    for text in texts:
        for extent in iter_extents(text):
            number += 1
            if number > most:
                raise MetadataTooLarge
            yield _look_at(_Waiting(f"instance {number}", text, extent))


def _look_at(instance: _Waiting) -> _Waiting:
    try:
        instance.names = find_bulk_names(parse_instance(instance.text, instance.extent))
        instance.missing = set(instance.names.others)
    except Refused as refused:
        instance.refused = refused
    return instance


class _Assembly:
    """The instances that wait, and the bulk data that wait for them."""

    def __init__(self, waiting: list[_Waiting], parts: _Parts) -> None:
        self._parts = parts
        self._waiting = {each.name: each for each in waiting}
        self._of_pixels: dict[str, _Waiting] = {}
        self._users: dict[str, list[_Waiting]] = {}
        self._bulk: dict[str, bytes] = {}
        self._uses: dict[str, int] = {}
        self._too_large: set[str] = set()
        self._held = 0
        for each in waiting:
            self._expect(each)

    def _expect(self, each: _Waiting) -> None:
        pixels = each.names.pixels
        if pixels is not None and self._of_pixels.setdefault(pixels, each) is not each:
            each.refused = Refused(BAD_METADATA, "pixels of two instances under one name")
            return
        for name in each.names.others:
            self._users.setdefault(name, []).append(each)
            self._uses[name] = self._uses.get(name, 0) + 1

    def files(self) -> Iterator[IncomingFile]:
        """Every instance once; a part that no instance names is read over."""
        for each in list(self._waiting.values()):
            if each.refused or not (each.missing or each.names.pixels):
                yield self._give(each, self._whole(each))
        while part := self._parts.find_next():
            location = _location(part)
            if location in self._of_pixels:
                each = self._of_pixels.pop(location)
                yield self._give(each, self._streamed(each, location))
                self._release(each)
            elif location in self._users:
                yield from self._hold(location)
            else:
                _require_no_metadata(self._parts.take())
        for each in list(self._waiting.values()):
            yield self._give(each, self._lacking(each))

    def _give(self, each: _Waiting, chunks: Iterator[bytes]) -> IncomingFile:
        del self._waiting[each.name]
        return IncomingFile(each.name, chunks)

    def _hold(self, name: str) -> Iterator[IncomingFile]:
        """Keep a value, and give on the instances that waited for it alone."""
        value, ended = _read(self._parts.take().chunks(), HELD_BYTES - self._held)
        users = self._users.pop(name)
        if not ended:
            self._too_large.add(name)
            return
        self._bulk[name] = value
        self._held += len(value)
        for each in users:
            each.missing.discard(name)
            if not each.missing and each.names.pixels is None:
                yield self._give(each, self._whole(each))
                self._release(each)

    def _release(self, each: _Waiting) -> None:
        for name in each.names.others:
            self._uses[name] -= 1
            if not self._uses[name]:
                self._held -= len(self._bulk.pop(name, b""))
                self._users.pop(name, None)

    def _assemble(self, each: _Waiting) -> Assembled:
        if each.refused:
            raise each.refused
        if each.missing & self._too_large:
            raise Refused(HEADER_TOO_LARGE, "bulk data")
        return assemble(parse_instance(each.text, each.extent), self._bulk)

    def _whole(self, each: _Waiting) -> Iterator[bytes]:
        """The bytes of an instance whose pixels stand in the metadata, or which has none."""
        assembled = self._assemble(each)
        yield from joined(_head(assembled, EXPLICIT_LITTLE), assembled, inline_pixels(assembled))

    def _streamed(self, each: _Waiting, location: str) -> Iterator[bytes]:
        """The bytes of an instance whose pixels are in the next parts."""
        assembled, parts = self._assemble(each), self._parts.take_all(location)
        first = next(parts)
        syntax = _syntax(first, assembled)
        if syntax == EXPLICIT_LITTLE:
            pixels = _native(assembled, first, parts)
        else:
            frames = (_frame(part, assembled, syntax) for part in chain([first], parts))
            pixels = encapsulated_pixels(assembled, syntax, frames)
        yield from joined(_head(assembled, syntax), assembled, pixels)

    def _lacking(self, each: _Waiting) -> Iterator[bytes]:
        raise Refused(HEADER_TOO_LARGE if each.missing & self._too_large else MISSING_BULK_DATA, "bulk data")
        yield b""  # makes it an iterator, so that it raises where the file is read


def _head(assembled: Assembled, transfer_syntax_uid: str) -> bytes:
    return write_part10_head(Head(
        assembled.sop_class_uid, assembled.sop_instance_uid, transfer_syntax_uid, IMPLEMENTATION_CLASS_UID,
        IMPLEMENTATION_VERSION, "",
    ))  # fmt: skip


def _syntax(part: Part, assembled: Assembled) -> str:
    return pixel_syntax(part.headers.get("content-type", ""), assembled.available)


def _length(part: Part) -> int | None:
    """Content-Length, in bytes; raises Refused(LENGTH_LIES)."""
    text = part.headers.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Refused(LENGTH_LIES, "Content-Length of a part")
    return int(text)


def _native(assembled: Assembled, first: Part, others: Iterator[Part]) -> Iterator[bytes]:
    length, chunks = _length(first), first.chunks()
    if length is None:
        held, ended = _read(chunks, NATIVE_BYTES)
        length, chunks = (len(held) if ended else None), chain([held], chunks)
    following = (chunk for part in others for chunk in _native_chunks(part, assembled))
    return native_pixels(assembled, chain(chunks, following), length)


def _native_chunks(part: Part, assembled: Assembled) -> Iterator[bytes]:
    _require_syntax(part, assembled, EXPLICIT_LITTLE)
    return part.chunks()


def _frame(part: Part, assembled: Assembled, transfer_syntax_uid: str) -> tuple[int, Iterable[bytes]]:
    _require_syntax(part, assembled, transfer_syntax_uid)
    length = _length(part)
    if length is not None:
        return length, part.chunks()
    held, ended = _read(part.chunks(), FRAME_BYTES)
    if not ended:
        raise Refused(TOO_LARGE, "a frame without Content-Length")
    return len(held), [held]


def _require_syntax(part: Part, assembled: Assembled, transfer_syntax_uid: str) -> None:
    if _syntax(part, assembled) != transfer_syntax_uid:
        raise Refused(UNKNOWN_TRANSFER_SYNTAX, "frames of several")
