import hashlib
import io
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from imaging.crypto.envelope import read_key_file, unwrap_data_key
from imaging.crypto.layout import KeyFile, ObjectHeader
from imaging.crypto.stream import SealedReader, seal_chunks
from tests.imaging.crypto import reference

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
TENANT_ID, OBJECT_ID = UUID(VECTORS["tenant_id"]), UUID(VECTORS["object_id"])
DATA_KEY, SALT = bytes.fromhex(VECTORS["data_key"]), bytes.fromhex(VECTORS["salt"])
TENANT_KEY = bytes.fromhex(VECTORS["key_file"]["tenant_key"])
KEY_FILE = bytes.fromhex(VECTORS["key_file"]["hex"])

each_vector = pytest.mark.parametrize("vector", VECTORS["sealed"], ids=lambda v: f"{v['size']}@{v['chunk_size']}")
each_vector_in_full = pytest.mark.parametrize("vector", [v for v in VECTORS["sealed"] if "hex" in v])


def plaintext_of(vector: dict[str, Any]) -> bytes:
    return bytes((7 * i + i // 256) % 256 for i in range(vector["size"]))


def seal(vector: dict[str, Any]) -> bytes:
    header = ObjectHeader(TENANT_ID, OBJECT_ID, vector["chunk_size"], SALT)
    return b"".join(bytes(piece) for piece in seal_chunks(DATA_KEY, header, [plaintext_of(vector)]))


@each_vector
def test_sealing_gives_the_frozen_bytes(vector):
    assert hashlib.sha256(seal(vector)).hexdigest() == vector["sha256"]


@each_vector_in_full
def test_frozen_objects_open(vector):
    sealed = bytes.fromhex(vector["hex"])

    reader = SealedReader(DATA_KEY, TENANT_ID, OBJECT_ID, io.BytesIO(sealed), len(sealed))

    assert b"".join(reader.iter_all()) == plaintext_of(vector)


@each_vector_in_full
def test_an_independent_implementation_opens_the_frozen_objects(vector):
    assert reference.unseal(DATA_KEY, bytes.fromhex(vector["hex"])) == plaintext_of(vector)


@each_vector
def test_an_independent_implementation_seals_the_same_bytes(vector):
    expected = reference.seal(
        DATA_KEY, TENANT_ID.bytes, OBJECT_ID.bytes, vector["chunk_size"], SALT, plaintext_of(vector)
    )

    assert seal(vector) == expected


def test_the_frozen_key_file_opens():
    assert unwrap_data_key(TENANT_KEY, read_key_file(TENANT_ID, OBJECT_ID, KEY_FILE)) == DATA_KEY


def test_an_independent_implementation_opens_the_frozen_key_file():
    assert reference.unwrap(TENANT_KEY, KEY_FILE) == DATA_KEY


def test_the_key_file_packs_to_what_was_parsed():
    assert KeyFile.parse(KEY_FILE).pack() == KEY_FILE
    assert KeyFile.parse(KEY_FILE).key_id == UUID(VECTORS["key_file"]["key_id"])
