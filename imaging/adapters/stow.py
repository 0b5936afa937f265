"""STOW-RS from the sender's side: a request body with one part, and what its answer says (PS3.18 §10.5)."""

import secrets
from collections.abc import Iterable, Iterator

import requests

FAILED_SOP_SEQUENCE = "00081198"
REFERENCED_SOP_SEQUENCE = "00081199"
FAILURE_REASON = "00081197"
REFERENCED_SOP_INSTANCE_UID = "00081155"
PIECE_BYTES = 1024 * 1024


class LengthMismatch(Exception):
    """The source gave more or fewer bytes than it announced; the request was broken off."""


class StowBody:
    """A multipart/related body around one Part 10 file, with a length known up front.

    requests sees `__len__` and sends Content-Length instead of chunked encoding. `failure` keeps what the
    source raised: requests would report an OSError of the source as a broken connection.
    """

    def __init__(self, chunks: Iterable[bytes], length: int) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
        self.failure: Exception | None = None
        self._before = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self._after = f"\r\n--{boundary}--\r\n".encode()
        self._chunks, self._length = chunks, length

    def __len__(self) -> int:
        return len(self._before) + self._length + len(self._after)

    def __iter__(self) -> Iterator[bytes | memoryview]:
        yield self._before
        try:
            yield from self._part()
        except Exception as error:
            self.failure = error
            raise
        yield self._after

    def _part(self) -> Iterator[memoryview]:
        left = self._length
        for chunk in self._chunks:
            left -= len(chunk)
            if left < 0:
                raise LengthMismatch("more bytes than announced")
            yield from _pieces(chunk)
        if left:
            raise LengthMismatch("fewer bytes than announced")


def failure_reasons(answer: requests.Response) -> list[str]:
    """Return the failure reason of each instance refused, as four hex digits (PS3.18 Table I.2-2)."""
    items = _items(answer, FAILED_SOP_SEQUENCE)
    return [f"{_first(item, FAILURE_REASON) or 0:04X}" for item in items]


def referenced_uids(answer: requests.Response) -> list[str]:
    """Return the SOP Instance UIDs the answer lists as stored."""
    items = _items(answer, REFERENCED_SOP_SEQUENCE)
    return [str(_first(item, REFERENCED_SOP_INSTANCE_UID)) for item in items]


def _items(answer: requests.Response, sequence: str) -> list[dict]:
    try:
        return answer.json().get(sequence, {}).get("Value", [])
    except (ValueError, AttributeError):
        return []


def _first(item: dict, tag: str) -> str | int | None:
    values = item.get(tag, {}).get("Value", [])
    return values[0] if values else None


def _pieces(chunk: bytes) -> Iterator[memoryview]:
    """A send must end within the connect timeout, however large the source's chunks are."""
    view = memoryview(chunk)
    for start in range(0, len(view), PIECE_BYTES):
        yield view[start : start + PIECE_BYTES]
