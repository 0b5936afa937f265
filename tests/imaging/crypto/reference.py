"""FORMAT.md written down a second time, straight from the page and sharing no code with imaging.crypto.

HKDF is done with `hmac`, AES-GCM with the library's low-level cipher: they can only agree through the page.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def gcm(key: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
    cipher.authenticate_additional_data(aad)
    return cipher.update(text) + cipher.finalize() + cipher.tag


def gcm_open(key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.GCM(nonce, sealed[-16:])).decryptor()
    cipher.authenticate_additional_data(aad)
    return cipher.update(sealed[:-16]) + cipher.finalize()


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    extracted = hmac.digest(salt, key, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


def position(index: int, final: bool) -> bytes:
    return index.to_bytes(8, "big") + (b"\x01" if final else b"\x00")


def seal(data_key: bytes, tenant: bytes, sealed_object: bytes, chunk_size: int, salt: bytes, text: bytes) -> bytes:
    header = b"CLMTOBJ\x01" + tenant + sealed_object + chunk_size.to_bytes(4, "big") + salt + bytes(4)
    key = hkdf(data_key, salt, b"collimate sealed object v1" + header)
    pieces = [text[at : at + chunk_size] for at in range(0, len(text), chunk_size)] or [b""]
    places = [position(index, index == len(pieces) - 1) for index in range(len(pieces))]
    chunks = (gcm(key, bytes(3) + at, header + at, piece) for at, piece in zip(places, pieces, strict=True))
    return header + b"".join(chunks)


def unseal(data_key: bytes, sealed: bytes) -> bytes:
    header, body = sealed[:64], sealed[64:]
    step = int.from_bytes(header[40:44], "big") + 16
    key = hkdf(data_key, header[44:60], b"collimate sealed object v1" + header)
    chunks = [body[at : at + step] for at in range(0, len(body), step)]
    places = [position(index, index == len(chunks) - 1) for index in range(len(chunks))]
    opened = (gcm_open(key, bytes(3) + at, header + at, chunk) for at, chunk in zip(places, chunks, strict=True))
    return b"".join(opened)


def unwrap(tenant_key: bytes, key_file: bytes) -> bytes:
    return gcm_open(tenant_key, key_file[56:68], key_file[:56], key_file[68:])
