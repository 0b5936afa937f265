"""The vault's contract, on a directory and on a storage that knows only Django's interface."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.core.files import File
from django.core.files.base import ContentFile

from imaging.adapters.keys import FileKeyring, KeyDestroyed, KeyUnknown
from imaging.adapters.vault import (
    KeyMissing,
    ObjectExists,
    ObjectMissing,
    Vault,
    VaultUnavailable,
    object_name,
)
from imaging.crypto.layout import SealBroken
from tests.imaging.adapters import vault_regions
from tests.imaging.adapters.vault_regions import TENANT_ID, TEXT, key_name, read_all, seal, sealed_name

make_region, region = vault_regions.make_region, vault_regions.region


def broken_source() -> Iterator[bytes]:
    yield TEXT
    raise ConnectionResetError("the client went away")


@pytest.mark.parametrize("content", [b"", b"x", TEXT, TEXT + b"x"], ids=len)
def test_what_was_sealed_opens(region, content):
    object_id = uuid4()

    size = region.vault.seal(TENANT_ID, object_id, iter([content[:1000], content[1000:]]))

    assert size == len(content)
    assert read_all(region, object_id) == content
    assert region.vault.verify(TENANT_ID, object_id) == len(content)


def test_a_range_opens_without_the_rest(region):
    with region.vault.open(TENANT_ID, seal(region)) as reader:
        assert reader.size == len(TEXT)
        assert reader.read(1_048_570, 20) == TEXT[1_048_570:1_048_590]


def test_stored_files_hold_nothing_in_the_clear(region):
    object_id = seal(region, b"PatientName^Rita" * 100)

    assert all(b"Rita" not in region.read(name) for name in region.names())
    assert region.names() == [key_name(object_id), sealed_name(object_id)]


def test_a_source_that_fails_leaves_nothing_and_its_error_passes(region):
    with pytest.raises(ConnectionResetError):
        region.vault.seal(TENANT_ID, uuid4(), broken_source())

    assert region.names() == []


def test_an_object_id_is_never_sealed_twice(region):
    object_id = seal(region, b"first")

    with pytest.raises(ObjectExists):
        region.vault.seal(TENANT_ID, object_id, [b"second"])

    assert read_all(region, object_id) == b"first"


def test_a_tenant_without_key_seals_nothing(region):
    with pytest.raises(KeyUnknown):
        region.vault.seal(uuid4(), uuid4(), [b"x"])

    assert region.names() == []


def test_a_missing_object_is_missing(region):
    with pytest.raises(ObjectMissing):
        region.vault.open(TENANT_ID, uuid4())


def test_another_tenants_object_is_missing(region):
    object_id, southside = seal(region), uuid4()
    region.keyring.create_tenant_key(southside)

    with pytest.raises(ObjectMissing):
        region.vault.open(southside, object_id)


def test_files_moved_to_another_tenants_folder_do_not_open(region):
    object_id, southside = seal(region), uuid4()
    region.keyring.create_tenant_key(southside)
    for suffix in (".key", ".sealed"):
        content = region.read(object_name(TENANT_ID, object_id, suffix))
        region.storage.save(object_name(southside, object_id, suffix), ContentFile(content))

    with pytest.raises(SealBroken):
        region.vault.open(southside, object_id)


def test_an_object_with_its_key_destroyed_is_unreadable(region):
    object_id = seal(region)

    region.vault.destroy_key(TENANT_ID, object_id)
    region.vault.destroy_key(TENANT_ID, object_id)

    with pytest.raises(KeyMissing):
        region.vault.open(TENANT_ID, object_id)
    assert not region.vault.exists(TENANT_ID, object_id)
    assert list(region.vault.list_objects(TENANT_ID)) == [object_id]


def test_a_tenant_with_its_key_destroyed_is_unreadable(region):
    object_id = seal(region)

    region.keyring.destroy_tenant_key(TENANT_ID)

    with pytest.raises(KeyDestroyed):
        region.vault.open(TENANT_ID, object_id)


def test_a_deleted_object_is_gone_and_its_neighbour_is_not(region):
    purged, neighbour = seal(region), seal(region)

    region.vault.delete(TENANT_ID, purged)
    region.vault.delete(TENANT_ID, purged)

    assert not region.vault.exists(TENANT_ID, purged)
    assert read_all(region, neighbour) == TEXT
    assert region.names() == sorted([key_name(neighbour), sealed_name(neighbour)])


def test_objects_are_listed_per_tenant(region):
    mine, southside = {seal(region, b"") for _ in range(5)}, uuid4()

    assert set(region.vault.list_objects(TENANT_ID)) == mine
    assert list(region.vault.list_objects(southside)) == []


@pytest.mark.parametrize("name_of", [key_name, sealed_name])
def test_a_flipped_bit_is_refused(region, name_of):
    object_id = seal(region, b"x" * 100)
    content = bytearray(region.read(name_of(object_id)))
    content[-1] ^= 1
    region.overwrite(name_of(object_id), bytes(content))

    with pytest.raises(SealBroken):
        region.vault.open(TENANT_ID, object_id)


@pytest.mark.parametrize("name_of", [key_name, sealed_name])
def test_an_extended_file_is_refused(region, name_of):
    object_id = seal(region, b"x" * 100)
    region.overwrite(name_of(object_id), region.read(name_of(object_id)) + b"\0")

    with pytest.raises(SealBroken):
        region.vault.open(TENANT_ID, object_id)


def test_damage_in_the_middle_is_found_by_verifying(region):
    object_id = seal(region)
    content = bytearray(region.read(sealed_name(object_id)))
    content[100] ^= 1
    region.overwrite(sealed_name(object_id), bytes(content))

    with pytest.raises(SealBroken):
        region.vault.verify(TENANT_ID, object_id)


def test_a_batch_of_objects_opens_after_it_ended(region):
    contents = {uuid4(): bytes([number]) * 1000 for number in range(12)}

    with region.vault.batch() as batch:
        sizes = [batch.seal(TENANT_ID, object_id, [content]) for object_id, content in contents.items()]

    assert sizes == [1000] * 12
    assert {object_id: read_all(region, object_id) for object_id in contents} == contents


def test_an_exception_discards_the_whole_batch(region):
    def seal_two_and_fail() -> None:
        with region.vault.batch() as batch:
            batch.seal(TENANT_ID, uuid4(), [b"x"])
            batch.seal(TENANT_ID, uuid4(), [b"y"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        seal_two_and_fail()

    assert region.names() == []


def test_a_failed_member_of_a_batch_costs_its_neighbours_nothing(region):
    before, after = uuid4(), uuid4()

    with region.vault.batch() as batch:
        batch.seal(TENANT_ID, before, [b"before"])
        with pytest.raises(ConnectionResetError):
            batch.seal(TENANT_ID, uuid4(), broken_source())
        batch.seal(TENANT_ID, after, [b"after"])

    assert set(region.vault.list_objects(TENANT_ID)) == {before, after}
    assert len(region.names()) == 4
    assert read_all(region, after) == b"after"


def test_a_storage_that_fails_is_unavailable(region, monkeypatch):
    object_id = seal(region)

    def fail(*_: object, **__: object) -> None:
        raise TimeoutError

    for method in ("open", "exists", "listdir", "delete", "save", "begin"):
        monkeypatch.setattr(region.storage, method, fail, raising=method != "begin")
    for call in (
        lambda: region.vault.open(TENANT_ID, object_id),
        lambda: region.vault.exists(TENANT_ID, object_id),
        lambda: list(region.vault.list_objects(TENANT_ID)),
        lambda: region.vault.delete(TENANT_ID, object_id),
        lambda: region.vault.seal(TENANT_ID, uuid4(), [b"x"]),
    ):
        with pytest.raises(VaultUnavailable):
            call()


def test_a_lost_keyring_makes_the_vault_unavailable(region, tmp_path):
    object_id = seal(region)
    (tmp_path / "1/keys/master.key").unlink()
    restarted = Vault(region.storage, FileKeyring(tmp_path / "1/keys"), 1)

    with pytest.raises(VaultUnavailable):
        restarted.open(TENANT_ID, object_id)


def test_a_disk_that_fails_while_reading_is_unavailable(region, monkeypatch):
    with region.vault.open(TENANT_ID, seal(region)) as reader:
        monkeypatch.setattr(reader._file, "_file", FailingFile())

        with pytest.raises(VaultUnavailable):
            reader.read(0, 1)


class FailingFile:
    def seek(self, *_: int) -> int:
        return 0

    def readinto(self, _: memoryview) -> int:
        raise OSError("input/output error")

    def close(self) -> None:
        pass


def test_readers_close_their_files(region, monkeypatch):
    good, broken = seal(region, b"x"), seal(region, b"x")
    region.overwrite(sealed_name(broken), b"broken")
    opened: list[ClosingFile] = []
    real_open = region.storage.open
    monkeypatch.setattr(
        region.storage, "open", lambda *args: opened.append(ClosingFile(real_open(*args))) or opened[-1]
    )

    read_all(region, good)
    with pytest.raises(SealBroken):
        region.vault.open(TENANT_ID, broken)

    assert [file.was_closed for file in opened] == [True] * 4


class ClosingFile(File):
    was_closed = False

    def close(self) -> None:
        self.was_closed = True
        super().close()
