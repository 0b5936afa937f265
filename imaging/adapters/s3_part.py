"""Objects of S3 between `begin` and `publish`: unfinished multipart uploads, or small files held in memory."""

import secrets
import threading
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from isal import isal_zlib

from imaging.adapters.s3_bucket import Bucket
from imaging.adapters.s3_client import StoreUnreachable
from imaging.adapters.storage import StagedFile

# All a writer holds in memory. S3 takes parts from 5 MiB and 10,000 of them: objects of up to 80 GB.
PART_SIZE = 8 << 20
# Small files, finished but not published, together per process; beyond it they become multipart uploads, too.
_HELD_AT_MOST = 8 << 20
# Key files are always put at once, because servers tell the first writer of a name more surely for PutObject than for
# CompleteMultipartUpload: SeaweedFS 4.48 let several win. An object's key is published before its bytes.
_ALWAYS_HELD = 1 << 10


@dataclass(frozen=True)
class StagedObject(StagedFile):
    """A staged file; `part` is also the mark in the object's metadata by which its writer knows it again.

    Without an `upload_id` its content is held in memory.
    """

    upload_id: str | None
    parts: tuple[dict[str, Any], ...]


class HeldFiles:
    """Small files by their writer's mark, within a bound."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self._size = 0
        self._lock = threading.Lock()

    def hold(self, writer: str, content: bytes) -> bool:
        """Keep a file; False if there is no room."""
        with self._lock:
            if len(content) > _ALWAYS_HELD and self._size + len(content) > _HELD_AT_MOST:
                return False
            self._contents[writer] = content
            self._size += len(content)
            return True

    def get(self, writer: str) -> bytes:
        """Return a file; raises `KeyError` for one released."""
        return self._contents[writer]

    def release(self, writer: str) -> None:
        """Let go of a file; repeatable."""
        with self._lock:
            self._size -= len(self._contents.pop(writer, b""))


class ObjectPart:
    """An object on its way, see `Part`: its bytes leave as soon as there are 8 MiB of them.

    `describe` returns the arguments that make the object, given its writer's mark.
    """

    def __init__(
        self, bucket: Bucket, held: HeldFiles, name: str, key: str, describe: Callable[[str], dict[str, Any]]
    ) -> None:
        self._bucket = bucket
        self._held = held
        self._name = name
        self._key = key
        self._describe = describe
        self._writer = secrets.token_hex(16)
        self._buffer = bytearray()
        self._size = 0
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []

    def write(self, piece: bytes | memoryview) -> None:
        rest = memoryview(piece).cast("B")
        self._size += len(rest)
        while rest:
            room = PART_SIZE - len(self._buffer)
            self._buffer += rest[:room]
            rest = rest[room:]
            if len(self._buffer) == PART_SIZE:
                self._send()

    def finish(self) -> StagedObject:
        if self._upload_id is not None or not self._held.hold(self._writer, bytes(self._buffer)):
            self._send_rest()
        self._buffer = bytearray()
        return StagedObject(self._name, self._size, self._writer, self._upload_id, tuple(self._parts))

    def abandon(self) -> None:
        self._buffer = bytearray()
        self._held.release(self._writer)
        with suppress(StoreUnreachable):
            if self._upload_id is not None:
                self._bucket.abort(self._key, self._upload_id)

    def _send_rest(self) -> None:
        if self._buffer or not self._parts:
            self._send()

    def _send(self) -> None:
        part = {"PartNumber": len(self._parts) + 1} | checksum(self._buffer)
        upload_id = self._begin_upload()
        answer = self._bucket.call(
            "upload_part", Key=self._key, UploadId=upload_id, Body=self._buffer, ChecksumAlgorithm="CRC32", **part
        )
        self._parts.append(part | {"ETag": answer["ETag"]})
        self._buffer = bytearray()

    def _begin_upload(self) -> str:
        if self._upload_id is None:
            arguments = self._describe(self._writer) | {"ChecksumAlgorithm": "CRC32"}
            self._upload_id = self._bucket.call("create_multipart_upload", Key=self._key, **arguments)["UploadId"]
        return self._upload_id


def checksum(content: bytes | bytearray) -> dict[str, str]:
    """Return the argument with which a server refuses a body that differs from `content`."""
    return {"ChecksumCRC32": b64encode(isal_zlib.crc32(content).to_bytes(4, "big")).decode()}
