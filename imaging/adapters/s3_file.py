"""An object of S3 as a file with random access, read by ranges and never as a whole."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from imaging.adapters.s3_client import RangeUnsatisfiable, StoreUnreachable, translated_errors
from imaging.crypto.layout import CHUNK_SIZE, HEADER_SIZE, TAG_SIZE

# Who opens a sealed object needs its size, its header and its last chunk. The first request brings the end:
# all of a small object, and of a large one everything but the header.
_TAIL = HEADER_SIZE + CHUNK_SIZE + TAG_SIZE
# A jump fetches just what was asked for. Who reads on gets twice as much each time, within these bounds.
_AHEAD_AT_LEAST, _AHEAD_AT_MOST = 1 << 20, 4 << 20


@dataclass(frozen=True)
class _Span:
    """Bytes of the object from `start` on."""

    start: int
    content: bytes

    @property
    def stop(self) -> int:
        return self.start + len(self.content)

    def from_position(self, position: int) -> memoryview:
        """Return what the span has from `position` on, perhaps nothing."""
        if not self.start <= position < self.stop:
            return memoryview(b"")
        return memoryview(self.content)[position - self.start :]


class RangedFile(io.RawIOBase):
    """Random access by ranged requests; `size` in bytes. Holds at most 5 MiB. One thread at a time.

    `get` is GetObject for one key. All requests after the first demand the same ETag: a reader never mixes two
    versions. Opening raises `FileNotFoundError`, reading `StoreUnreachable`.
    """

    def __init__(self, get: Callable[..., dict[str, Any]]) -> None:
        super().__init__()
        self._get = get
        self._etag: str | None = None
        self._position = 0
        self._ahead = 0
        self.size, self._tail = self._open_tail()
        self._span = self._tail

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move without asking the server; raises `ValueError` for a place before the start."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("a file has no negative positions")
        self._position = start + offset
        return self._position

    def readinto(self, target: Any) -> int:
        """Fill `target` and return how many bytes, fewer than it holds only at the end of the object."""
        view = memoryview(target).cast("B")
        wanted = max(0, min(len(view), self.size - self._position))
        filled = 0
        while filled < wanted:
            piece = self._piece(wanted - filled)[: wanted - filled]
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
            self._position += len(piece)
        return filled

    def _piece(self, length: int) -> memoryview:
        for span in (self._tail, self._span):
            if piece := span.from_position(self._position):
                return piece
        self._span = self._load(length)
        return self._span.from_position(self._position)

    def _load(self, length: int) -> _Span:
        start = self._position
        reads_on = start == self._span.stop
        self._ahead = min(max(2 * self._ahead, _AHEAD_AT_LEAST), _AHEAD_AT_MOST) if reads_on else 0
        stop = min(start + min(max(length, self._ahead), _AHEAD_AT_MOST), self._tail.start)
        # Lets go of the old bytes before the new ones come.
        self._span = _Span(start, b"")
        _, content = self._fetch(Range=f"bytes={start}-{stop - 1}", IfMatch=self._etag)
        if len(content) != stop - start:
            raise StoreUnreachable("the object store answered another range than asked for")
        return _Span(start, content)

    def _open_tail(self) -> tuple[int, _Span]:
        try:
            answer, content = self._fetch(Range=f"bytes=-{_TAIL}")
        except RangeUnsatisfiable:
            # Only an empty object has no last bytes.
            return 0, _Span(0, b"")
        self._etag = answer["ETag"]
        size = int(answer["ContentRange"].rpartition("/")[2]) if "ContentRange" in answer else len(content)
        return size, _Span(size - len(content), content)

    def _fetch(self, **arguments: Any) -> tuple[dict[str, Any], bytes]:
        answer = self._ask(**arguments)
        try:
            return answer, _read_body(answer)
        except StoreUnreachable:
            # The client asks again by itself only as long as no answer has begun.
            answer = self._ask(**arguments)
            return answer, _read_body(answer)

    def _ask(self, **arguments: Any) -> dict[str, Any]:
        try:
            answer = self._get(**arguments)
        except FileExistsError:
            raise StoreUnreachable("the object was replaced while it was read") from None
        if answer["ContentLength"] > _AHEAD_AT_MOST:
            answer["Body"].close()
            raise StoreUnreachable("the object store does not answer ranges")
        return answer


def _read_body(answer: dict[str, Any]) -> bytes:
    with answer["Body"] as body, translated_errors():
        return body.read()
