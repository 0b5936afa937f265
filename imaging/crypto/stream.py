"""Chunks and nonces (FORMAT.md §3 and §4). Knows nothing of where the data key comes from.

Every chunk is authenticated on its own, by position, so any range of a sealed object can be read without the
rest. Nothing is handed out before its chunk's tag has been checked.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from imaging.crypto.layout import CHUNK_SIZE, HEADER_SIZE, KEY_SIZE, TAG_SIZE, ObjectHeader, SealBroken

_INFO = b"collimate sealed object v1"
_POSITION = struct.Struct(">QB")


class _ChunkCipher:
    """AES-256-GCM under the stream key; nonce and associated data follow from the chunk's position."""

    def __init__(self, data_key: bytes, header: ObjectHeader) -> None:
        packed = header.pack()
        stream_key = HKDF(SHA256(), KEY_SIZE, salt=header.salt, info=_INFO + packed).derive(data_key)
        self._aead = AESGCM(stream_key)
        self._header = packed

    def _position(self, index: int, final: bool) -> tuple[bytes, bytes]:
        position = _POSITION.pack(index, final)
        return b"\0\0\0" + position, self._header + position

    def seal_into(self, index: int, final: bool, plaintext: memoryview, sealed: memoryview) -> None:
        nonce, associated_data = self._position(index, final)
        self._aead.encrypt_into(nonce, plaintext, associated_data, sealed)

    def open_into(self, index: int, final: bool, sealed: memoryview, plaintext: memoryview) -> None:
        nonce, associated_data = self._position(index, final)
        try:
            self._aead.decrypt_into(nonce, sealed, associated_data, plaintext)
        except InvalidTag:
            raise SealBroken(f"chunk {index} does not authenticate") from None


class Sealer:
    """Makes the bytes of a `.sealed` file from plaintext in pieces of any size: `begin`, `feed` …, `finish`.

    What is yielded is a view of one buffer that the next step overwrites: write it, or copy it, before asking for
    the next. Without `finish` there is no final chunk, and what was yielded does not open. `size` counts plaintext.
    """

    def __init__(self, data_key: bytes, header: ObjectHeader) -> None:
        self.size = 0
        self._header = header
        self._cipher = _ChunkCipher(data_key, header)
        self._index = 0
        self._filled = 0
        self._plaintext = memoryview(bytearray(header.chunk_size))
        self._sealed = memoryview(bytearray(header.chunk_size + TAG_SIZE))

    def begin(self) -> memoryview:
        """The header."""
        return memoryview(self._header.pack())

    def feed(self, piece: bytes | memoryview) -> Iterator[memoryview]:
        """The chunks that `piece` completes. A full chunk waits for more bytes: only then is it not the final one."""
        rest, chunk_size = memoryview(piece).cast("B"), self._header.chunk_size
        self.size += len(rest)
        while rest:
            if self._filled == chunk_size:
                yield self._seal(self._plaintext, final=False)
                self._filled = 0
            elif not self._filled and len(rest) > chunk_size:
                # Straight from the piece, without a copy.
                yield self._seal(rest[:chunk_size], final=False)
                rest = rest[chunk_size:]
                continue
            taken = min(len(rest), chunk_size - self._filled)
            self._plaintext[self._filled : self._filled + taken] = rest[:taken]
            rest = rest[taken:]
            self._filled += taken

    def finish(self) -> memoryview:
        """The final chunk."""
        return self._seal(self._plaintext[: self._filled], final=True)

    def _seal(self, plaintext: memoryview, final: bool) -> memoryview:
        sealed = self._sealed[: len(plaintext) + TAG_SIZE]
        self._cipher.seal_into(self._index, final, plaintext, sealed)
        self._index += 1
        return sealed


def seal_chunks(data_key: bytes, header: ObjectHeader, source: Iterable[bytes]) -> Iterator[memoryview]:
    """Yield the bytes of a `.sealed` file of all of `source`; see `Sealer`. What `source` raises passes through."""
    sealer = Sealer(data_key, header)
    yield sealer.begin()
    for piece in source:
        yield from sealer.feed(piece)
    yield sealer.finish()


def _count_chunks(sealed_size: int, chunk_size: int) -> tuple[int, int]:
    """Return (chunks, plaintext bytes in the last); raises `SealBroken` if no object has that size."""
    body = sealed_size - HEADER_SIZE
    count = -(-body // (chunk_size + TAG_SIZE))
    last = body - (count - 1) * (chunk_size + TAG_SIZE) - TAG_SIZE
    if count < 1 or last < 0 or (last == 0 and count > 1):
        raise SealBroken("no sealed object has this length")
    return count, last


def plaintext_size(sealed_size: int, chunk_size: int = CHUNK_SIZE) -> int:
    """Return the plaintext bytes in a `.sealed` file of `sealed_size` bytes; raises `SealBroken`."""
    count, last = _count_chunks(sealed_size, chunk_size)
    return (count - 1) * chunk_size + last


class SealedReader:
    """Random access to a sealed object; `size` is its plaintext length in bytes.

    Opening reads the header and opens the last chunk, which authenticates the length: a truncated or extended
    file is refused before any byte is released. Damage in the middle shows when that chunk is read. Needs
    a seekable `fileobj` with `readinto`. Keeps the last opened chunk in memory. One thread at a time.
    """

    def __init__(
        self, data_key: bytes, tenant_id: UUID, object_id: UUID, fileobj: BinaryIO, sealed_size: int
    ) -> None:
        """Raises `SealBroken`, also when the header names another tenant or object than the one asked for."""
        self._file = fileobj
        header = self._read_header()
        if (header.tenant_id, header.object_id) != (tenant_id, object_id):
            raise SealBroken("the header belongs to another object")
        self._chunk_size = header.chunk_size
        self._count, self._last_size = _count_chunks(sealed_size, header.chunk_size)
        self.size = plaintext_size(sealed_size, header.chunk_size)
        self._cipher = _ChunkCipher(data_key, header)
        largest = min(self.size, self._chunk_size)
        self._sealed = memoryview(bytearray(largest + TAG_SIZE))
        self._plaintext = memoryview(bytearray(largest))
        self._opened: int | None = None
        self._open_chunk(self._count - 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the underlying file."""
        self._file.close()

    def read(self, offset: int, length: int) -> bytes:
        """Return plaintext bytes [offset, offset + length), fewer only at the end of the object.

        Raises `SealBroken` and `ValueError` (negative offset or length).
        """
        return b"".join(self.iter_range(offset, length))

    def iter_range(self, offset: int, length: int) -> Iterator[bytes]:
        """Yield the same bytes chunk by chunk, each piece at most one chunk long and safe to keep."""
        if offset < 0 or length < 0:
            raise ValueError("offset and length must not be negative")
        return self._iter_range(offset, min(offset + length, self.size))

    def iter_all(self) -> Iterator[bytes]:
        """Yield the whole object chunk by chunk."""
        return self.iter_range(0, self.size)

    def _iter_range(self, start: int, stop: int) -> Iterator[bytes]:
        while start < stop:
            index, skip = divmod(start, self._chunk_size)
            piece = bytes(self._open_chunk(index)[skip : skip + stop - start])
            start += len(piece)
            yield piece

    def _open_chunk(self, index: int) -> memoryview:
        final = index == self._count - 1
        length = self._last_size if final else self._chunk_size
        plaintext = self._plaintext[:length]
        if index != self._opened:
            self._opened = None
            sealed = self._sealed[: length + TAG_SIZE]
            self._read_into(HEADER_SIZE + index * (self._chunk_size + TAG_SIZE), sealed)
            self._cipher.open_into(index, final, sealed, plaintext)
            self._opened = index
        return plaintext

    def _read_header(self) -> ObjectHeader:
        raw = bytearray(HEADER_SIZE)
        self._read_into(0, memoryview(raw))
        return ObjectHeader.parse(bytes(raw))

    def _read_into(self, offset: int, target: memoryview) -> None:
        self._file.seek(offset, os.SEEK_SET)
        filled = 0
        while filled < len(target):
            count = self._file.readinto(target[filled:])
            if not count:
                raise SealBroken("the file ends before its last chunk")
            filled += count
