import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile

from imaging.adapters import storage as storage_module
from imaging.adapters.keys import FileKeyring
from imaging.adapters.storage import DirectoryStorage, write_part
from imaging.adapters.vault import ObjectExists, Vault, VaultUnavailable, object_name

TENANT_ID = uuid4()
REPO = Path(__file__).parents[3]


@pytest.fixture
def storage(tmp_path):
    return DirectoryStorage(location=tmp_path / "vault")


@pytest.fixture
def vault(storage, tmp_path):
    keyring = FileKeyring(tmp_path / "keys")
    keyring.create_tenant_key(TENANT_ID)
    return Vault(storage, keyring, 1)


def files_under(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def test_files_are_the_owners_alone(vault, tmp_path):
    previous = os.umask(0)
    try:
        vault.seal(TENANT_ID, uuid4(), [b"x"])
    finally:
        os.umask(previous)

    home = tmp_path / "vault"
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in [home, *home.rglob("*")]}
    assert modes == {(True, 0o700), (False, 0o600)}


@pytest.mark.parametrize(
    "name",
    [
        "../x.sealed",
        "/etc/x.sealed",
        "a/../x.sealed",
        ".x.sealed",
        "a/.b/x.key",
        "x",
        "a//x.key",
        "x.key\n",
        "a\\x",
    ],
)
def test_names_that_climb_or_hide_are_refused(storage, name):
    with pytest.raises(SuspiciousFileOperation):
        storage.save(name, ContentFile(b"x"))
    with pytest.raises(SuspiciousFileOperation):
        storage.open(name)
    with pytest.raises(SuspiciousFileOperation):
        storage.delete(name)


@pytest.mark.parametrize("folder", ["..", "/", "a/..", ".hidden"])
def test_folders_that_climb_are_not_listed(storage, folder):
    with pytest.raises(SuspiciousFileOperation):
        storage.listdir(folder)


def test_a_symbolic_link_is_not_followed(storage, tmp_path):
    storage.save("a/x.key", ContentFile(b"x"))
    (tmp_path / "secret").write_bytes(b"secret")
    os.symlink(tmp_path / "secret", tmp_path / "vault/a/y.key")

    with pytest.raises(OSError, match="symbolic") as caught:
        storage.open("a/y.key")
    assert caught.value.errno == errno.ELOOP


def test_a_name_is_never_overwritten(storage):
    storage.save("a/x.key", ContentFile(b"first"))

    with pytest.raises(FileExistsError):
        storage.save("a/x.key", ContentFile(b"second"))
    with pytest.raises(ValueError, match="write-once"):
        storage.open("a/x.key", "wb")
    assert storage.open("a/x.key").read() == b"first"


def test_of_two_writers_of_one_name_the_second_is_refused_and_leaves_nothing(storage, tmp_path):
    first, second = write_part(storage, "a/x.key", [b"first"]), write_part(storage, "a/x.key", [b"second"])
    neighbour = write_part(storage, "a/y.key", [b"neighbour"])

    storage.publish([first])
    with pytest.raises(FileExistsError):
        storage.publish([neighbour, second])

    assert storage.open("a/x.key").read() == b"first"
    assert [path.name for path in files_under(tmp_path)] == ["x.key"]


def test_nothing_has_its_name_before_it_is_flushed(storage, monkeypatch):
    order: list[str] = []
    flush, link = storage_module.fsync_path, os.link
    monkeypatch.setattr(
        storage_module, "fsync_path", lambda path: (order.append(f"flush {Path(path).name}"), flush(path))
    )
    monkeypatch.setattr(os, "link", lambda old, new: (order.append(f"name {Path(new).name}"), link(old, new)))
    staged = [write_part(storage, "a/bc/x.key", [b"x"]), write_part(storage, "a/bc/x.sealed", [b"y"])]
    del order[:]

    storage.publish(staged)

    parts = [f"flush {Path(each.part).name}" for each in staged]
    assert order == [*parts, "name x.key", "name x.sealed", "flush bc"]


def test_new_folders_are_flushed_into_their_parents(storage, monkeypatch, tmp_path):
    flushed: list[str] = []
    monkeypatch.setattr(storage_module, "fsync_path", lambda path: flushed.append(str(path)))

    write_part(storage, "a/bc/x.key", [b"x"])

    assert flushed == [str(tmp_path / "vault"), str(tmp_path / "vault/a")]


@pytest.mark.parametrize("failing_call", range(4))
def test_a_disk_that_fails_at_any_flush_leaves_nothing(vault, monkeypatch, tmp_path, failing_call):
    vault.seal(TENANT_ID, uuid4(), [b"neighbour"])
    object_id, calls, real = uuid4(), iter(range(100)), os.fsync

    def fail_once(descriptor: int) -> None:
        if next(calls) == failing_call:
            raise OSError(errno.EIO, "input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail_once)

    with pytest.raises(VaultUnavailable):
        vault.seal(TENANT_ID, object_id, [b"x"])

    assert not [path for path in files_under(tmp_path / "vault") if str(object_id) in path.name]


def test_a_full_disk_leaves_nothing(vault, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "link", full)

    with pytest.raises(VaultUnavailable):
        vault.seal(TENANT_ID, uuid4(), [b"x"])

    assert files_under(tmp_path / "vault") == []


def test_what_a_killed_writer_left_is_never_an_object_and_goes_with_it(vault, storage, tmp_path):
    object_id = uuid4()
    for suffix in (".key", ".sealed"):
        write_part(storage, object_name(TENANT_ID, object_id, suffix), [b"half"])

    assert list(vault.list_objects(TENANT_ID)) == []
    assert not vault.exists(TENANT_ID, object_id)
    vault.destroy_key(TENANT_ID, object_id)
    assert [".sealed." in path.name for path in files_under(tmp_path / "vault")] == [True]
    vault.delete(TENANT_ID, object_id)
    assert files_under(tmp_path / "vault") == []


def test_abandoned_parts_are_discarded_when_old_and_objects_are_not(vault, storage, tmp_path):
    vault.seal(TENANT_ID, uuid4(), [b"x"])
    old, young = (write_part(storage, f"a/{name}.key", [b"x"]) for name in ("old", "young"))
    os.utime(old.part, (0, 0))
    for path in files_under(tmp_path / "vault"):
        if not path.name.endswith(".part"):
            os.utime(path, (0, 0))

    assert storage.discard_abandoned(older_than_s=3600) == 1

    assert Path(young.part).exists()
    assert len(files_under(tmp_path / "vault")) == 3


def test_one_id_twice_in_a_batch_discards_the_batch_and_frees_the_id(vault):
    object_id = uuid4()

    def seal_twice() -> None:
        with vault.batch() as batch:
            batch.seal(TENANT_ID, object_id, [b"x"])
            batch.seal(TENANT_ID, object_id, [b"y"])

    with pytest.raises(ObjectExists):
        seal_twice()

    assert vault.seal(TENANT_ID, object_id, [b"z"]) == 1


def test_sealed_files_have_no_address(storage):
    with pytest.raises(ValueError, match="not accessible"):
        storage.url("a/x.key")


KILLED = """
import sys, uuid
from pathlib import Path
from imaging.adapters.keys import FileKeyring
from imaging.adapters.storage import DirectoryStorage
from imaging.adapters.vault import Vault
home, tenant_id = Path(sys.argv[1]), uuid.UUID(sys.argv[2])
vault = Vault(DirectoryStorage(location=home / "vault"), FileKeyring(home / "keys"), 1)
while True:
    object_id = uuid.uuid4()
    vault.seal(tenant_id, object_id, [bytes(300_000)])
    print(object_id, flush=True)
"""


def test_a_killed_process_loses_no_object_it_acknowledged(vault, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), str(TENANT_ID)],
        cwd=REPO,
        stdout=subprocess.PIPE,
        text=True,
    )
    acknowledged = [process.stdout.readline().strip() for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    acknowledged += process.communicate(timeout=20)[0].split()

    assert acknowledged
    for object_id in vault.list_objects(TENANT_ID):
        assert vault.verify(TENANT_ID, object_id) == 300_000
    assert set(acknowledged) <= {str(each) for each in vault.list_objects(TENANT_ID)}


def test_it_works_without_root():
    if os.geteuid() != 0:
        pytest.skip("the whole suite already runs without root")
    with tempfile.TemporaryDirectory() as home:  # pytest's own folders are closed to other users
        os.chown(home, 65534, 65534)
        child = os.fork()
        if child == 0:
            os._exit(_exit_code(Path(home)))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _exit_code(home: Path) -> int:
    try:
        return _seal_as_nobody(home)
    except BaseException:
        return 2


def _seal_as_nobody(home: Path) -> int:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    keyring = FileKeyring(home / "keys")
    keyring.create_tenant_key(TENANT_ID)
    vault, object_id = Vault(DirectoryStorage(location=home / "vault"), keyring, 1), uuid4()
    vault.seal(TENANT_ID, object_id, [b"x"])
    return 0 if vault.verify(TENANT_ID, object_id) == 1 else 1
