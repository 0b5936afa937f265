from io import BytesIO

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from infra.orthanc.sealed_file import CHUNK_BYTES, SealBroken, associated_data, seal, unseal

KEY = bytes(range(32))
UUID = "0a1b2c3d-0000-4000-8000-00000000000f"
AAD = associated_data("northside-r1", UUID, 1)
HEADER = 40
SEALED_CHUNK = CHUNK_BYTES + 16
CUT = HEADER + SEALED_CHUNK


def sealed(plaintext: bytes, key: bytes = KEY, aad: bytes = AAD) -> bytes:
    return b"".join(seal(key, aad, plaintext))


def unsealed(content: bytes, key: bytes = KEY, aad: bytes = AAD) -> bytes:
    return unseal(key, aad, BytesIO(content))


@pytest.mark.parametrize("length", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])
def test_what_was_sealed_comes_back(length):
    plaintext = bytes(i % 251 for i in range(1000)) * (length // 1000) + b"x" * (length % 1000)

    assert unsealed(sealed(plaintext)) == plaintext


def test_a_sealed_file_shows_nothing_and_is_different_each_time():
    first, second = sealed(b"CompressedSamples^CT1" * 100), sealed(b"CompressedSamples^CT1" * 100)

    assert b"Compressed" not in first
    assert first[HEADER:] != second[HEADER:]


@pytest.mark.parametrize("position", [0, 7, 8, 39, HEADER, HEADER + 500, HEADER + SEALED_CHUNK, -17, -16, -1])
def test_a_flipped_bit_anywhere_is_refused(position):
    content = bytearray(sealed(b"p" * (CHUNK_BYTES + 100)))
    content[position] ^= 1

    with pytest.raises(SealBroken):
        unsealed(bytes(content))


@pytest.mark.parametrize("kept", [0, 8, 39, HEADER, HEADER + 9, CUT, CUT + 9])
def test_a_file_cut_anywhere_even_between_chunks_is_refused(kept):
    with pytest.raises(SealBroken):
        unsealed(sealed(b"p" * (CHUNK_BYTES + 100))[:kept])


def test_appended_bytes_are_refused():
    with pytest.raises(SealBroken):
        unsealed(sealed(b"p" * CHUNK_BYTES) + b"x")


def test_an_appended_chunk_is_refused():
    content = sealed(b"p" * CHUNK_BYTES)

    with pytest.raises(SealBroken):
        unsealed(content + content[HEADER:])


def test_exchanged_chunks_are_refused():
    content = sealed(b"a" * CHUNK_BYTES + b"b" * CHUNK_BYTES + b"c")
    second, third = HEADER + SEALED_CHUNK, HEADER + 2 * SEALED_CHUNK

    with pytest.raises(SealBroken):
        unsealed(content[:HEADER] + content[second:third] + content[HEADER:second] + content[third:])


def test_another_key_opens_nothing():
    with pytest.raises(SealBroken):
        unsealed(sealed(b"p"), key=bytes(32))


@pytest.mark.parametrize(
    "aad",
    [
        associated_data("southside-r1", UUID, 1),
        associated_data("northside-r1", UUID.replace("f", "e"), 1),
        associated_data("northside-r1", UUID, 3),
    ],
)
def test_a_file_moved_to_another_node_name_or_kind_is_refused(aad):
    with pytest.raises(SealBroken):
        unsealed(sealed(b"p"), aad=aad)


def test_bound_parts_cannot_run_into_each_other():
    assert associated_data("ab", "c", 1) != associated_data("a", "bc", 1)


def test_the_format_is_the_one_described():
    """Opened by hand, from the docstring alone."""
    content = sealed(b"hello")
    key = HKDF(SHA256(), length=32, salt=content[8:40], info=b"collimate orthanc file 1").derive(KEY)
    aad = b"CLMNODE1" + b"\x00\x0cnorthside-r1" + b"\x00\x24" + UUID.encode() + b"\x00\x011"

    assert content[:8] == b"CLMNODE1"
    assert AESGCM(key).decrypt(bytes(11) + b"\x01", content[40:], aad) == b"hello"
