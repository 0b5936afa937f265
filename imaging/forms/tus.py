"""What the headers of a tus request say (tus 1.0)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from imaging.models import Upload

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
_LONGEST_NAME = 1024


class BadHeader(ValueError):
    """A header is missing or cannot be read; the text says which and holds nothing of its value."""


@dataclass(frozen=True)
class Creation:
    """A wanted upload: `length` in bytes, `kind` one of Upload.Kind."""

    length: int
    filename: str
    kind: str
    batch: UUID


def read_creation(headers: Mapping[str, str]) -> Creation:
    """Upload-Length and Upload-Metadata; without a batch the upload is one of its own.

    Raises
    ------
    BadHeader
    """
    metadata = _read_metadata(headers.get("Upload-Metadata", ""))
    kind = metadata.get("kind", Upload.Kind.FILE)
    if kind not in Upload.Kind.values:
        raise BadHeader("The kind in Upload-Metadata must be file or bundle.")
    name = metadata.get("filename", "")[:_LONGEST_NAME]
    return Creation(read_number(headers, "Upload-Length"), name, kind, _read_batch(metadata.get("batch")))


def write_metadata(filename: str, kind: str, batch: UUID) -> str:
    """The Upload-Metadata of an upload."""
    values = {"filename": filename, "kind": kind, "batch": str(batch)}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def read_number(headers: Mapping[str, str], name: str) -> int:
    """A header that is a count of bytes; raises BadHeader."""
    value = headers.get(name, "")
    if not _NUMBER.fullmatch(value):
        raise BadHeader(f"{name} must be a number of bytes.")
    return int(value)


def _read_metadata(value: str) -> dict[str, str]:
    """Comma-separated keys, each with a value in base64, or without one."""
    pairs = [pair.split() for pair in value.split(",") if pair.strip()]
    try:
        return {pair[0]: base64.b64decode("".join(pair[1:]), validate=True).decode("utf-8") for pair in pairs}
    except (binascii.Error, UnicodeDecodeError):
        raise BadHeader("Upload-Metadata cannot be read.") from None


def _read_batch(value: str | None) -> UUID:
    try:
        return UUID(value) if value else uuid4()
    except ValueError:
        raise BadHeader("The batch in Upload-Metadata must be a UUID.") from None


class Checksum:
    """The checksum that a request's bytes should have."""

    def __init__(self, digest: Any, expected: bytes) -> None:
        self._digest = digest
        self._expected = expected

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks, each counted in as it goes by."""
        for chunk in chunks:
            self._digest.update(chunk)
            yield chunk

    def matches(self) -> bool:
        """Whether what went by is what the sender meant."""
        return self._digest.digest() == self._expected


def read_checksum(headers: Mapping[str, str]) -> Checksum | None:
    """Upload-Checksum, if there is one; raises BadHeader for an unknown algorithm."""
    if "Upload-Checksum" not in headers:
        return None
    algorithm, _, value = headers["Upload-Checksum"].partition(" ")
    if algorithm not in _ALGORITHMS:
        raise BadHeader("The algorithm of Upload-Checksum is not supported.")
    try:
        return Checksum(_ALGORITHMS[algorithm](usedforsecurity=False), base64.b64decode(value, validate=True))
    except binascii.Error:
        raise BadHeader("Upload-Checksum cannot be read.") from None
