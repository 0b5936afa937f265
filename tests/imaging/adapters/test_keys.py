import os
import stat
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from imaging.adapters.keys import FileKeyring, KeyDestroyed, KeyUnknown, MasterKeyMissing
from imaging.crypto.layout import SealBroken

TENANT_ID, OBJECT_ID = uuid4(), uuid4()


@pytest.fixture
def keyring(tmp_path):
    return FileKeyring(tmp_path / "keys")


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "keys"


def test_creating_a_tenant_key_twice_gives_the_same_key(keyring):
    assert keyring.create_tenant_key(TENANT_ID) == keyring.create_tenant_key(TENANT_ID)


def test_many_processes_create_one_key(directory):
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: FileKeyring(directory).create_tenant_key(TENANT_ID), range(24)))

    assert len(ids) == 1


def test_a_data_key_opens_again_in_another_process(keyring, directory):
    keyring.create_tenant_key(TENANT_ID)

    data_key, key_file = keyring.new_data_key(TENANT_ID, OBJECT_ID)

    assert len(data_key) == 32
    assert FileKeyring(directory).open_data_key(TENANT_ID, OBJECT_ID, key_file) == data_key


def test_data_keys_are_never_the_same(keyring):
    keyring.create_tenant_key(TENANT_ID)

    assert len({keyring.new_data_key(TENANT_ID, OBJECT_ID)[0] for _ in range(100)}) == 100


def test_a_tenant_without_a_key_is_unknown(keyring):
    with pytest.raises(KeyUnknown):
        keyring.new_data_key(TENANT_ID, OBJECT_ID)
    with pytest.raises(KeyUnknown):
        keyring.destroy_tenant_key(TENANT_ID)
    with pytest.raises(KeyUnknown):
        keyring.export_tenant_keys(TENANT_ID)


def test_a_key_file_opens_for_its_own_object_only(keyring):
    keyring.create_tenant_key(TENANT_ID)
    _, key_file = keyring.new_data_key(TENANT_ID, OBJECT_ID)

    with pytest.raises(SealBroken):
        keyring.open_data_key(TENANT_ID, uuid4(), key_file)


def test_one_tenants_key_file_does_not_open_for_another(keyring):
    southside = uuid4()
    keyring.create_tenant_key(TENANT_ID)
    keyring.create_tenant_key(southside)
    _, key_file = keyring.new_data_key(TENANT_ID, OBJECT_ID)
    relabelled = key_file[:8] + southside.bytes + key_file[24:]

    with pytest.raises(SealBroken):
        keyring.open_data_key(southside, OBJECT_ID, key_file)
    with pytest.raises(KeyUnknown):
        keyring.open_data_key(southside, OBJECT_ID, relabelled)


def test_old_versions_still_open_after_rotation(keyring):
    first = keyring.create_tenant_key(TENANT_ID)
    old_key, old_file = keyring.new_data_key(TENANT_ID, OBJECT_ID)

    second = keyring.rotate_tenant_key(TENANT_ID)

    _, new_file = keyring.new_data_key(TENANT_ID, OBJECT_ID)
    assert (old_file[40:56], new_file[40:56]) == (first.bytes, second.bytes)
    assert keyring.create_tenant_key(TENANT_ID) == second
    assert keyring.open_data_key(TENANT_ID, OBJECT_ID, old_file) == old_key


def test_a_destroyed_key_is_gone_for_every_process_and_for_ever(keyring, directory):
    other_process = FileKeyring(directory)
    keyring.create_tenant_key(TENANT_ID)
    _, key_file = keyring.new_data_key(TENANT_ID, OBJECT_ID)
    other_process.open_data_key(TENANT_ID, OBJECT_ID, key_file)
    keyring.node_key(TENANT_ID)

    keyring.destroy_tenant_key(TENANT_ID)
    keyring.destroy_tenant_key(TENANT_ID)

    for ring in (keyring, other_process, FileKeyring(directory)):
        with pytest.raises(KeyDestroyed):
            ring.open_data_key(TENANT_ID, OBJECT_ID, key_file)
        with pytest.raises(KeyDestroyed):
            ring.new_data_key(TENANT_ID, OBJECT_ID)
        with pytest.raises(KeyDestroyed):
            ring.create_tenant_key(TENANT_ID)
        with pytest.raises(KeyDestroyed):
            ring.node_key(TENANT_ID)


def test_destroying_overwrites_the_wrapped_key_where_it_lay(keyring, directory):
    keyring.create_tenant_key(TENANT_ID)
    with open(directory / f"{TENANT_ID}.json", "rb") as before:
        keyring.destroy_tenant_key(TENANT_ID)

        assert set(before.read()) == {0}
    assert b'"wrapped": null' in (directory / f"{TENANT_ID}.json").read_bytes()


def test_an_adopted_key_opens_in_region_2_without_region_1(keyring, tmp_path):
    keyring.create_tenant_key(TENANT_ID)
    region_2 = FileKeyring(tmp_path / "keys-2")
    data_key, key_file = keyring.new_data_key(TENANT_ID, OBJECT_ID)

    region_2.adopt_tenant_key(TENANT_ID, keyring)

    assert region_2.open_data_key(TENANT_ID, OBJECT_ID, key_file) == data_key
    assert (tmp_path / "keys-2/master.key").read_bytes() != (tmp_path / "keys/master.key").read_bytes()


def test_adopting_again_takes_over_rotation(keyring, tmp_path):
    region_2 = FileKeyring(tmp_path / "keys-2")
    keyring.create_tenant_key(TENANT_ID)
    region_2.adopt_tenant_key(TENANT_ID, keyring)

    second = keyring.rotate_tenant_key(TENANT_ID)
    region_2.adopt_tenant_key(TENANT_ID, keyring)
    region_2.adopt_tenant_key(TENANT_ID, keyring)

    assert region_2.create_tenant_key(TENANT_ID) == second
    assert region_2.export_tenant_keys(TENANT_ID) == keyring.export_tenant_keys(TENANT_ID)


def test_adopting_never_revives_a_destroyed_key(keyring, tmp_path):
    region_2 = FileKeyring(tmp_path / "keys-2")
    keyring.create_tenant_key(TENANT_ID)
    region_2.adopt_tenant_key(TENANT_ID, keyring)
    region_2.destroy_tenant_key(TENANT_ID)

    with pytest.raises(KeyDestroyed):
        region_2.adopt_tenant_key(TENANT_ID, keyring)


def test_a_node_key_is_stable_and_its_own(keyring, directory, tmp_path):
    first = keyring.node_key(TENANT_ID)

    others = [keyring.node_key(uuid4()), FileKeyring(tmp_path / "keys-2").node_key(TENANT_ID)]

    assert len(first) == 32
    assert FileKeyring(directory).node_key(TENANT_ID) == first
    assert first not in others
    keyring.create_tenant_key(TENANT_ID)
    assert keyring.export_tenant_keys(TENANT_ID)[0].secret != first == keyring.node_key(TENANT_ID)


def test_no_key_lies_in_the_clear(keyring, directory):
    keyring.create_tenant_key(TENANT_ID)
    node_key = keyring.node_key(TENANT_ID)
    secret = keyring.export_tenant_keys(TENANT_ID)[0].secret
    stored = (directory / f"{TENANT_ID}.json").read_bytes()

    for key in (secret, node_key):
        assert key not in stored
        assert key.hex().encode() not in stored
    assert "secret" not in repr(keyring.export_tenant_keys(TENANT_ID))


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_only_the_owner_may_read(tmp_path, umask):
    previous = os.umask(umask)
    try:
        FileKeyring(tmp_path / "keys").create_tenant_key(TENANT_ID)
    finally:
        os.umask(previous)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert modes == {"master.key": 0o600, f"{TENANT_ID}.json": 0o600, "lock": 0o600}


def test_a_lost_master_key_is_reported_and_never_replaced(keyring, directory):
    keyring.create_tenant_key(TENANT_ID)
    (directory / "master.key").unlink()

    with pytest.raises(MasterKeyMissing):
        FileKeyring(directory).new_data_key(TENANT_ID, OBJECT_ID)
    with pytest.raises(MasterKeyMissing):
        FileKeyring(directory).create_tenant_key(uuid4())
    assert not (directory / "master.key").exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"[1", b'{"keys": 1, "node_key": null, "destroyed": false}'])
def test_a_damaged_file_of_keys_is_refused(keyring, directory, content):
    keyring.create_tenant_key(TENANT_ID)
    (directory / f"{TENANT_ID}.json").write_bytes(content)

    with pytest.raises(SealBroken):
        keyring.new_data_key(TENANT_ID, OBJECT_ID)


def test_one_tenants_file_of_keys_does_not_open_as_anothers(keyring, directory):
    southside = uuid4()
    keyring.create_tenant_key(TENANT_ID)
    (directory / f"{southside}.json").write_bytes((directory / f"{TENANT_ID}.json").read_bytes())

    with pytest.raises(SealBroken):
        keyring.new_data_key(southside, OBJECT_ID)


def test_a_failed_write_leaves_the_old_keys(keyring, directory, monkeypatch):
    key_id = keyring.create_tenant_key(TENANT_ID)
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("no space")))

    with pytest.raises(OSError, match="no space"):
        keyring.rotate_tenant_key(TENANT_ID)

    assert keyring.create_tenant_key(TENANT_ID) == key_id
    assert not list(directory.glob("*.part"))
