"""The two fixed byte layouts of FORMAT.md: the header of a `.sealed` file and the whole `.key` file."""

import secrets
import struct
from dataclasses import dataclass
from uuid import UUID

KEY_SIZE = 32
TAG_SIZE = 16
NONCE_SIZE = 12
CHUNK_SIZE = 1 << 20

_OBJECT_MAGIC = b"CLMTOBJ\x01"
_KEY_MAGIC = b"CLMTKEY\x01"
_OBJECT = struct.Struct(">8s16s16sI16s4s")
_KEY = struct.Struct(">8s16s16s16s12s48s")
_RESERVED = bytes(4)
# A reader allocates one chunk before it can authenticate the header, so the size is bounded here.
_CHUNK_SIZES = frozenset(1 << bits for bits in range(10, 25))

HEADER_SIZE = _OBJECT.size
KEY_FILE_SIZE = _KEY.size


class SealBroken(Exception):
    """The bytes are not what was sealed: altered, cut, moved, mixed up, or opened with another key."""


@dataclass(frozen=True)
class ObjectHeader:
    """The first 64 bytes of a `.sealed` file (FORMAT.md §3)."""

    tenant_id: UUID
    object_id: UUID
    chunk_size: int
    salt: bytes

    @classmethod
    def new(cls, tenant_id: UUID, object_id: UUID, chunk_size: int = CHUNK_SIZE) -> "ObjectHeader":
        """Return a header with a fresh salt; `chunk_size` in bytes, a power of two, 1 KiB to 16 MiB."""
        if chunk_size not in _CHUNK_SIZES:
            raise ValueError("chunk size must be a power of two from 1 KiB to 16 MiB")
        return cls(tenant_id, object_id, chunk_size, secrets.token_bytes(16))

    @classmethod
    def parse(cls, raw: bytes) -> "ObjectHeader":
        """Read 64 bytes. Raises `SealBroken` for anything this version would not have written."""
        if len(raw) != HEADER_SIZE:
            raise SealBroken("the header is cut short")
        magic, tenant, sealed_object, chunk_size, salt, reserved = _OBJECT.unpack(raw)
        if magic != _OBJECT_MAGIC or reserved != _RESERVED or chunk_size not in _CHUNK_SIZES:
            raise SealBroken("not a sealed object of version 1")
        return cls(UUID(bytes=tenant), UUID(bytes=sealed_object), chunk_size, salt)

    def pack(self) -> bytes:
        """Return the 64 bytes."""
        return _OBJECT.pack(
            _OBJECT_MAGIC, self.tenant_id.bytes, self.object_id.bytes, self.chunk_size, self.salt, _RESERVED
        )


@dataclass(frozen=True)
class KeyFile:
    """The 116 bytes of a `.key` file (FORMAT.md §2): an object's data key, wrapped by a tenant key."""

    tenant_id: UUID
    object_id: UUID
    key_id: UUID
    nonce: bytes
    wrapped: bytes

    @classmethod
    def parse(cls, raw: bytes) -> "KeyFile":
        """Read 116 bytes. Raises `SealBroken` for another length or magic."""
        if len(raw) != KEY_FILE_SIZE:
            raise SealBroken("the key file has a wrong length")
        magic, tenant, sealed_object, key, nonce, wrapped = _KEY.unpack(raw)
        if magic != _KEY_MAGIC:
            raise SealBroken("not a key file of version 1")
        return cls(UUID(bytes=tenant), UUID(bytes=sealed_object), UUID(bytes=key), nonce, wrapped)

    def pack(self) -> bytes:
        """Return the 116 bytes."""
        return self.associated_data + self.nonce + self.wrapped

    @property
    def associated_data(self) -> bytes:
        """All bytes before the nonce: the wrap authenticates them."""
        return _KEY_MAGIC + self.tenant_id.bytes + self.object_id.bytes + self.key_id.bytes
