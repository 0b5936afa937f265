"""Keys wrapped by keys (FORMAT.md §2 and §5). Knows nothing of chunks, files or where keys are kept."""

import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from imaging.crypto.layout import KEY_SIZE, NONCE_SIZE, KeyFile, SealBroken


def new_key() -> bytes:
    """Return 32 random bytes for AES-256."""
    return secrets.token_bytes(KEY_SIZE)


def wrap_data_key(
    tenant_key: bytes, key_id: UUID, tenant_id: UUID, object_id: UUID, data_key: bytes
) -> bytes:
    """Return the 116 bytes of a `.key` file: `data_key`, readable with `tenant_key` and for this object."""
    nonce = secrets.token_bytes(NONCE_SIZE)
    unsealed = KeyFile(tenant_id, object_id, key_id, nonce, b"")
    wrapped = AESGCM(tenant_key).encrypt(nonce, data_key, unsealed.associated_data)
    return KeyFile(tenant_id, object_id, key_id, nonce, wrapped).pack()


def read_key_file(tenant_id: UUID, object_id: UUID, raw: bytes) -> KeyFile:
    """Return the parsed `.key` file, so that its `key_id` tells which tenant key opens it.

    Raises `SealBroken` if it is malformed or was made for another tenant or object.
    """
    key_file = KeyFile.parse(raw)
    if (key_file.tenant_id, key_file.object_id) != (tenant_id, object_id):
        raise SealBroken("the key file belongs to another object")
    return key_file


def unwrap_data_key(tenant_key: bytes, key_file: KeyFile) -> bytes:
    """Return the 32-byte data key; raises `SealBroken` if file or tenant key are not the right ones."""
    try:
        return AESGCM(tenant_key).decrypt(key_file.nonce, key_file.wrapped, key_file.associated_data)
    except InvalidTag:
        raise SealBroken("the data key cannot be unwrapped") from None


def wrap_secret(wrapping_key: bytes, secret: bytes, context: bytes) -> bytes:
    """Return nonce, ciphertext and tag of `secret`, to be opened only under the same `context`."""
    nonce = secrets.token_bytes(NONCE_SIZE)
    return nonce + AESGCM(wrapping_key).encrypt(nonce, secret, context)


def unwrap_secret(wrapping_key: bytes, wrapped: bytes, context: bytes) -> bytes:
    """Undo `wrap_secret`. Raises `SealBroken` if anything differs."""
    try:
        return AESGCM(wrapping_key).decrypt(wrapped[:NONCE_SIZE], wrapped[NONCE_SIZE:], context)
    except (InvalidTag, ValueError):
        raise SealBroken("the secret cannot be unwrapped") from None
