"""The bytes of one file of a node, sealed. Runs in Orthanc's embedded interpreter; imports nothing of ours.

    magic   8   b"CLMNODE1"
    salt    32  random
    chunks      each: AES-256-GCM of up to 1 MiB of plaintext, followed by its tag of 16 bytes

    key of the file   HKDF-SHA256(node key, salt, info b"collimate orthanc file 1"), 32 bytes
    nonce of a chunk  its index as 11 bytes big-endian, then 1 for the last chunk and 0 for the others
    AAD of a chunk    magic, then node, uuid and content type, each after its length as 2 bytes big-endian

A key per file lets the nonce be a plain counter: none repeats under one key. The flag of the last chunk
makes cutting or appending an error, the AAD makes moving a file to another name, kind or node one. An empty
file is one empty chunk.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"CLMNODE1"
SALT_BYTES = 32
CHUNK_BYTES = 1024 * 1024
TAG_BYTES = 16


class SealBroken(Exception):
    """The sealed bytes are not what was sealed: altered, cut, moved, or sealed with another key."""


def associated_data(node: str, uuid: str, content_type: int) -> bytes:
    """What the seal binds besides the bytes: which node, which file, which kind of content."""
    parts = [node.encode(), uuid.encode(), str(content_type).encode()]
    return MAGIC + b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def seal(key: bytes, aad: bytes, plaintext: bytes) -> Iterator[bytes]:
    """Yield the sealed file piece by piece, at most 1 MiB and a tag at a time."""
    salt = os.urandom(SALT_BYTES)
    cipher = _file_cipher(key, salt)
    yield MAGIC + salt
    view = memoryview(plaintext)
    count = max(1, -(-len(view) // CHUNK_BYTES))
    for index in range(count):
        chunk = view[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES]
        yield cipher.encrypt(_nonce(index, last=index == count - 1), chunk, aad)


def unseal(key: bytes, aad: bytes, sealed: BinaryIO) -> bytes:
    """Return the plaintext of the sealed file open at its start, all of it or nothing.

    Raises SealBroken.
    """
    header = sealed.read(len(MAGIC) + SALT_BYTES)
    if len(header) != len(MAGIC) + SALT_BYTES or not header.startswith(MAGIC):
        raise SealBroken("not a sealed file of a node")
    cipher = _file_cipher(key, header[len(MAGIC) :])
    try:
        return b"".join(_unsealed_chunks(cipher, aad, sealed))
    except InvalidTag:
        raise SealBroken("altered, cut, moved, or sealed with another key") from None


def _unsealed_chunks(cipher: AESGCM, aad: bytes, sealed: BinaryIO) -> Iterator[bytes]:
    index, chunk = 0, sealed.read(CHUNK_BYTES + TAG_BYTES)
    while True:
        following = sealed.read(CHUNK_BYTES + TAG_BYTES)
        yield cipher.decrypt(_nonce(index, last=not following), chunk, aad)
        if not following:
            return
        index, chunk = index + 1, following


def _file_cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), length=32, salt=salt, info=b"collimate orthanc file 1").derive(key))


def _nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(11, "big") + bytes([last])
