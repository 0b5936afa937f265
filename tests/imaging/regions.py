"""Both regions for one test: vaults and keys in fresh folders, fake Orthancs that pass the contract tests."""

import shutil
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.conf import settings
from django.core.files.storage import storages

from imaging.services import purge, regions, steps, thumbnails
from tests.fakes.orthanc import FakeOrthancNode


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[UUID, int], FakeOrthancNode]:
    """The fakes by (tenant id, region), made when first asked for."""
    made: dict[tuple[UUID, int], FakeOrthancNode] = {}

    def get_orthanc(tenant_id: UUID, region: int) -> FakeOrthancNode:
        return made.setdefault((tenant_id, region), FakeOrthancNode(f"{tenant_id}-{region}"))

    for module in (steps, purge):
        monkeypatch.setattr(module, "get_orthanc", get_orthanc)
    return made


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thumbnails without the sandbox's second of start-up, for tests that are not about drawing."""
    monkeypatch.setattr(thumbnails, "render_thumbnail", lambda *_: b"RIFF\x04\x00\x00\x00WEBP")


@pytest.fixture
def empty_vaults() -> Iterator[None]:
    """No object and no key of an earlier test; for tests that look at everything that is there."""
    _empty()
    yield
    _empty()


def _empty() -> None:
    for region in settings.REGIONS:
        shutil.rmtree(storages[f"vault-{region}"].location, ignore_errors=True)
        shutil.rmtree(settings.VAULT_KEYS[region], ignore_errors=True)
    storages._storages.clear()
    regions.get_vault.cache_clear()
    regions.get_keyring.cache_clear()
