"""Versions, object lock and checksums: what the bucket adds to the vault."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile

from imaging.adapters import s3, s3_part
from imaging.adapters.keys import FileKeyring
from imaging.adapters.s3_client import StoreUnreachable
from imaging.adapters.s3_part import PART_SIZE
from imaging.adapters.storage import ObjectLocked, write_part
from imaging.adapters.vault import ObjectMissing, Vault
from tests.fakes.seaweed import LOCKABLE, VERSIONED
from tests.imaging.adapters import s3_storages
from tests.imaging.adapters.s3_storages import read, uploads

server = s3_storages.server
LARGE = b"x" * (PART_SIZE + 1)


@pytest.fixture
def versioned(server):
    return server.storage(VERSIONED)


@pytest.fixture
def locked(server):
    return server.storage(LOCKABLE, lock_days=1)


def versions(storage, name: str) -> list[dict]:
    return storage.objects._versions(f"{storage.location}/{name}")


def overwrite(server, storage, name: str, content: bytes) -> None:
    server.admin().put_object(Bucket=storage.bucket_name, Key=f"{storage.location}/{name}", Body=content)


def hide(server, storage, name: str) -> None:
    server.admin().delete_object(Bucket=storage.bucket_name, Key=f"{storage.location}/{name}")


def test_a_delete_takes_all_versions_and_markers_for_good(server, versioned):
    versioned.save("a/x.key", ContentFile(b"first"))
    overwrite(server, versioned, "a/x.key", b"second")
    hide(server, versioned, "a/x.key")
    overwrite(server, versioned, "a/x.key", b"third")
    assert len(versions(versioned, "a/x.key")) == 4

    versioned.delete("a/x.key")

    assert versions(versioned, "a/x.key") == []


def test_a_hidden_version_is_deleted_too(server, versioned):
    versioned.save("a/x.key", ContentFile(b"first"))
    hide(server, versioned, "a/x.key")
    assert not versioned.exists("a/x.key")

    versioned.delete("a/x.key")

    assert versions(versioned, "a/x.key") == []


def test_an_interrupted_delete_leaves_the_newest_version_in_sight(server, versioned, monkeypatch):
    versioned.save("a/x.key", ContentFile(b"first"))
    overwrite(server, versioned, "a/x.key", b"second")
    delete_version, calls = versioned.objects._delete_version, []

    def fail_on_second(key: str, version_id: str) -> None:
        calls.append(version_id)
        if len(calls) == 2:
            raise StoreUnreachable("gone")
        delete_version(key, version_id)

    monkeypatch.setattr(versioned.objects, "_delete_version", fail_on_second)
    with pytest.raises(StoreUnreachable):
        versioned.delete("a/x.key")

    assert read(versioned, "a/x.key") == b"second"


def test_replacing_leaves_no_version_with_the_old_key(versioned):
    versioned.save("a/x.key", ContentFile(b"old"))

    versioned.replace("a/x.key", b"new")

    assert read(versioned, "a/x.key") == b"new"
    assert len(versions(versioned, "a/x.key")) == 1


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
def test_a_locked_object_keeps_its_bytes_and_the_error_says_until_when(locked, content):
    locked.save("a/x.sealed", ContentFile(content))
    (version,) = versions(locked, "a/x.sealed")

    for _ in range(2):
        with pytest.raises(ObjectLocked, match="destroy its key, delete again then") as caught:
            locked.delete("a/x.sealed")

    remaining = caught.value.until - datetime.now(UTC)
    assert timedelta(hours=23) < remaining <= timedelta(days=1)
    assert not locked.exists("a/x.sealed")
    rows = versions(locked, "a/x.sealed")
    assert len(rows) == 2
    assert version["VersionId"] in {row["VersionId"] for row in rows}


def test_a_damaged_copy_under_lock_can_be_healed(server, locked):
    locked.save("a/x.sealed", ContentFile(b"good"))
    overwrite(server, locked, "a/x.sealed", b"damaged")

    with pytest.raises(ObjectLocked):
        locked.delete("a/x.sealed")
    locked.save("a/x.sealed", ContentFile(b"good"))

    assert read(locked, "a/x.sealed") == b"good"


def test_an_object_on_legal_hold_is_not_deleted(server):
    storage = server.storage(LOCKABLE)
    storage.save("a/x.sealed", ContentFile(b"x"))
    place = {"Bucket": LOCKABLE, "Key": f"{storage.location}/a/x.sealed"}
    server.admin().put_object_legal_hold(**place, LegalHold={"Status": "ON"})

    with pytest.raises(ObjectLocked, match="legal hold") as caught:
        storage.delete("a/x.sealed")

    assert caught.value.until is None


def test_keys_are_never_locked(locked):
    locked.save("a/x.key", ContentFile(b"x"))

    locked.replace("a/x.key", b"y")
    locked.delete("a/x.key")

    assert versions(locked, "a/x.key") == []


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
def test_a_batch_taken_back_from_a_locked_bucket_is_out_of_sight(locked, content):
    locked.save("a/z.key", ContentFile(b"first"))
    staged = [write_part(locked, name, [content]) for name in ("a/x.key", "a/x.sealed", "a/z.key")]

    with pytest.raises(FileExistsError):
        locked.publish(staged)

    assert locked.listdir("a")[1] == ["z.key"]
    assert versions(locked, "a/x.key") == []


def test_locking_in_a_bucket_without_lock_fails_instead_of_not_locking(server):
    storage = server.storage(VERSIONED, lock_days=1)

    with pytest.raises(StoreUnreachable, match="ObjectLockConfigurationNotFound"):
        storage.save("a/x.sealed", ContentFile(b"x"))

    assert not storage.exists("a/x.sealed")


@pytest.mark.parametrize("length", [10, PART_SIZE + 1])
def test_bytes_changed_on_their_way_are_refused(server, monkeypatch, length):
    storage = server.storage()
    for module in (s3, s3_part):
        monkeypatch.setattr(module, "checksum", lambda content: {"ChecksumCRC32": "AAAAAA=="})

    with pytest.raises(StoreUnreachable, match="BadDigest"):
        storage.save("a/x.sealed", ContentFile(b"x" * length))

    assert not storage.exists("a/x.sealed")
    assert uploads(storage) == []


def test_a_part_mixed_up_on_the_server_is_refused(server):
    storage = server.storage()
    part = storage.begin("a/x.sealed")
    part.write(LARGE)
    part._parts[0]["ChecksumCRC32"] = "AAAAAA=="

    with pytest.raises(StoreUnreachable, match="BadDigest"):
        storage.publish([part.finish()])

    assert not storage.exists("a/x.sealed")
    assert uploads(storage) == []


def test_a_purge_goes_on_past_a_locked_object_whose_key_is_gone(locked, tmp_path):
    tenant_id, object_id, keyring = uuid4(), uuid4(), FileKeyring(tmp_path / "keys")
    keyring.create_tenant_key(tenant_id)
    vault = Vault(locked, keyring, 1)
    vault.seal(tenant_id, object_id, [b"image"])

    vault.delete(tenant_id, object_id)

    assert not vault.exists(tenant_id, object_id)
    with pytest.raises(ObjectMissing):
        vault.open(tenant_id, object_id)
