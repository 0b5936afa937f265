"""Regions to test a vault in: over a directory, a storage that knows only Django's interface, and S3 servers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, Storage

from imaging.adapters.keys import FileKeyring
from imaging.adapters.storage import DirectoryStorage
from imaging.adapters.vault import (
    Vault,
    object_name,
)
from tests.fakes.seaweed import region_server

TENANT_ID = uuid4()
TEXT = bytes(range(256)) * 8192  # 2 MiB: two full chunks


@dataclass
class Region:
    storage: Storage
    keyring: FileKeyring
    vault: Vault

    def names(self) -> list[str]:
        return sorted(_walk(self.storage, ""))

    def read(self, name: str) -> bytes:
        with self.storage.open(name) as file:
            return file.read()

    def overwrite(self, name: str, content: bytes) -> None:
        self.storage.delete(name)
        self.storage.save(name, ContentFile(content))


def _walk(storage: Storage, folder: str) -> Iterator[str]:
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}".lstrip("/") for name in files)
    for each in folders:
        yield from _walk(storage, f"{folder}/{each}".lstrip("/"))


@pytest.fixture(params=["directory", "memory", "s3"])
def make_region(request, tmp_path, tmp_path_factory) -> Callable[[int], Region]:
    storages = {
        "directory": lambda number: DirectoryStorage(tmp_path / str(number) / "vault"),
        "memory": lambda _: InMemoryStorage(location="/v"),
        "s3": lambda number: region_server(number, tmp_path_factory).storage(),
    }

    def make(number: int) -> Region:
        storage, keyring = storages[request.param](number), FileKeyring(tmp_path / str(number) / "keys")
        return Region(storage, keyring, Vault(storage, keyring, number))

    return make


@pytest.fixture
def region(make_region) -> Region:
    region = make_region(1)
    region.keyring.create_tenant_key(TENANT_ID)
    return region


@pytest.fixture
def other(make_region, region) -> Region:
    other = make_region(2)
    other.keyring.adopt_tenant_key(TENANT_ID, region.keyring)
    return other


def sealed_name(object_id: UUID) -> str:
    return object_name(TENANT_ID, object_id, ".sealed")


def key_name(object_id: UUID) -> str:
    return object_name(TENANT_ID, object_id, ".key")


def seal(region: Region, content: bytes = TEXT) -> UUID:
    object_id = uuid4()
    region.vault.seal(TENANT_ID, object_id, [content])
    return object_id


def read_all(region: Region, object_id: UUID) -> bytes:
    with region.vault.open(TENANT_ID, object_id) as reader:
        return b"".join(reader.iter_all())
