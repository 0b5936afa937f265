"""Copies between regions: ciphertext only, never replaced, enough to live on alone."""

import shutil
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile

from imaging.adapters.keys import FileKeyring
from imaging.adapters.storage import DirectoryStorage
from imaging.adapters.vault import CopyDiffers, KeyMissing, ObjectMissing, Vault
from tests.imaging.adapters import vault_regions
from tests.imaging.adapters.vault_regions import (
    TENANT_ID,
    TEXT,
    Region,
    key_name,
    read_all,
    seal,
    sealed_name,
)

make_region, region, other = vault_regions.make_region, vault_regions.region, vault_regions.other


def test_a_copy_opens_in_region_2_and_is_the_same_ciphertext(region, other):
    object_id = seal(region)

    assert region.vault.copy_to(other.vault, TENANT_ID, object_id) is True
    assert region.vault.copy_to(other.vault, TENANT_ID, object_id) is False

    assert read_all(other, object_id) == TEXT
    assert [other.read(name) for name in other.names()] == [region.read(name) for name in region.names()]


@pytest.mark.parametrize("name_of", [key_name, sealed_name])
def test_a_half_finished_copy_is_completed(region, other, name_of):
    object_id = seal(region)
    other.storage.save(name_of(object_id), ContentFile(region.read(name_of(object_id))))

    assert region.vault.copy_to(other.vault, TENANT_ID, object_id) is True

    assert read_all(other, object_id) == TEXT


@pytest.mark.parametrize("name_of", [key_name, sealed_name])
def test_a_copy_never_replaces_different_bytes(region, other, name_of):
    object_id = seal(region)
    other.storage.save(name_of(object_id), ContentFile(b"different"))

    with pytest.raises(CopyDiffers):
        region.vault.copy_to(other.vault, TENANT_ID, object_id)

    assert other.read(name_of(object_id)) == b"different"


def test_a_copy_made_meanwhile_by_another_worker_is_no_error(region, other, monkeypatch):
    object_id = seal(region)
    region.vault.copy_to(other.vault, TENANT_ID, object_id)
    looked_too_early, holds = iter([False, False]), other.vault._holds
    monkeypatch.setattr(other.vault, "_holds", lambda name: next(looked_too_early, True) and holds(name))

    assert region.vault.copy_to(other.vault, TENANT_ID, object_id) is False
    assert read_all(other, object_id) == TEXT


def test_the_same_data_key_wrapped_anew_is_the_same_object(region, other):
    object_id = seal(region)
    region.vault.copy_to(other.vault, TENANT_ID, object_id)
    region.keyring.rotate_tenant_key(TENANT_ID)

    assert region.vault.rewrap(TENANT_ID, object_id) is True
    assert region.vault.rewrap(TENANT_ID, object_id) is False
    assert region.read(key_name(object_id)) != other.read(key_name(object_id))
    assert region.vault.copy_to(other.vault, TENANT_ID, object_id) is False
    assert read_all(region, object_id) == read_all(other, object_id) == TEXT


def test_another_data_key_is_another_object(region, other):
    object_id = seal(region)
    region.vault.copy_to(other.vault, TENANT_ID, object_id)
    _, key_file = other.keyring.new_data_key(TENANT_ID, object_id)
    other.overwrite(key_name(object_id), key_file)

    with pytest.raises(CopyDiffers):
        region.vault.copy_to(other.vault, TENANT_ID, object_id)


def test_what_is_missing_or_purged_is_not_copied(region, other):
    purged = seal(region)
    region.vault.destroy_key(TENANT_ID, purged)

    with pytest.raises(KeyMissing):
        region.vault.copy_to(other.vault, TENANT_ID, purged)
    with pytest.raises(ObjectMissing):
        region.vault.copy_to(other.vault, TENANT_ID, uuid4())
    assert other.names() == []


def test_the_mirror_survives_region_1_lost_wholesale(tmp_path):
    regions = []
    for number in (1, 2):
        storage, keyring = (
            DirectoryStorage(tmp_path / f"{number}/vault"),
            FileKeyring(tmp_path / f"{number}/keys"),
        )
        regions.append(Region(storage, keyring, Vault(storage, keyring, number)))
    first, second = regions
    first.keyring.create_tenant_key(TENANT_ID)
    second.keyring.adopt_tenant_key(TENANT_ID, first.keyring)
    object_id = seal(first)
    first.vault.copy_to(second.vault, TENANT_ID, object_id)

    shutil.rmtree(tmp_path / "1")
    restarted = Vault(DirectoryStorage(tmp_path / "2/vault"), FileKeyring(tmp_path / "2/keys"), 2)

    with restarted.open(TENANT_ID, object_id) as reader:
        assert b"".join(reader.iter_all()) == TEXT
