"""The plugin's script under a stand-in for the module that Orthanc provides."""

import importlib.util
import json
import os
import stat
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cryptography
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "infra" / "orthanc" / "sealed_storage.py"
UUID = "0a1b2c3d-0000-4000-8000-00000000000f"
KEY = "11" * 32
DICOM = 1


@pytest.fixture
def load(monkeypatch, tmp_path):
    """Run the script as Orthanc would; returns the three callbacks it registered."""

    def _load(name: str = "northside-r1", **changed: str | None) -> SimpleNamespace:
        environment = {
            "COLLIMATE_NODE_KEY": KEY,
            "COLLIMATE_NODE_STORAGE": str(tmp_path / "storage"),
            "COLLIMATE_NODE_SITE": str(Path(cryptography.__file__).parents[1]),
        } | changed
        monkeypatch.delenv("COLLIMATE_NODE_KEY", raising=False)
        for variable, value in environment.items():
            if value is None:
                monkeypatch.delenv(variable, raising=False)
            else:
                monkeypatch.setenv(variable, value)
        return _run_script(monkeypatch, name)

    return _load


def _run_script(monkeypatch, name: str) -> SimpleNamespace:
    registered = SimpleNamespace()
    host = ModuleType("orthanc")
    host.GetConfiguration = lambda: json.dumps({"Name": name})
    host.RegisterStorageArea = lambda create, read, remove: registered.__dict__.update(
        create=create, read=read, remove=remove
    )
    monkeypatch.setitem(sys.modules, "orthanc", host)
    monkeypatch.setattr(sys, "path", [str(SCRIPT.parent), *sys.path])
    spec = importlib.util.spec_from_file_location("sealed_storage_under_test", SCRIPT)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return registered


def sealed_path(tmp_path: Path) -> Path:
    return tmp_path / "storage" / "0a1" / UUID


def test_a_file_comes_back_as_it_was_created(load):
    storage = load()

    storage.create(UUID, DICOM, b"bytes")

    assert storage.read(UUID, DICOM) == b"bytes"


def test_a_file_is_private_and_lies_in_a_folder_by_its_name(load, tmp_path):
    load().create(UUID, DICOM, b"bytes")

    assert stat.S_IMODE(sealed_path(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(sealed_path(tmp_path).parent.stat().st_mode) == 0o700


def test_a_file_and_its_folder_are_synced_before_create_returns(load, monkeypatch, tmp_path):
    storage, synced = load(), []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.readlink(f"/proc/self/fd/{number}")))

    storage.create(UUID, DICOM, b"bytes")

    assert any("/incoming/" in path for path in synced)
    assert synced[0] == str(tmp_path / "storage")
    assert synced[-1] == str(sealed_path(tmp_path).parent)


def test_a_write_that_fails_leaves_nothing_behind(load, monkeypatch, tmp_path):
    storage = load()
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("disk")))
    (tmp_path / "storage" / "0a1").mkdir(parents=True)

    with pytest.raises(OSError, match="disk"):
        storage.create(UUID, DICOM, b"bytes")

    assert not sealed_path(tmp_path).exists()
    assert list((tmp_path / "storage" / "incoming").iterdir()) == []


def test_what_a_crash_left_unfinished_is_dropped_at_the_next_start(load, tmp_path):
    load()
    (tmp_path / "storage" / "incoming" / "half").write_bytes(b"half a file")

    load()

    assert list((tmp_path / "storage" / "incoming").iterdir()) == []


def test_removing_is_final_and_may_be_repeated(load):
    storage = load()
    storage.create(UUID, DICOM, b"bytes")

    storage.remove(UUID, DICOM)
    storage.remove(UUID, DICOM)

    with pytest.raises(FileNotFoundError):
        storage.read(UUID, DICOM)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", UUID + "/x", UUID.upper()])
def test_a_name_that_is_no_uuid_touches_no_file(load, name):
    storage = load()

    for callback in (lambda: storage.create(name, DICOM, b""), lambda: storage.read(name, DICOM),
                     lambda: storage.remove(name, DICOM)):  # fmt: skip
        with pytest.raises(ValueError, match="not a uuid"):
            callback()


def test_a_file_under_another_name_is_refused(load, tmp_path):
    storage = load()
    storage.create(UUID, DICOM, b"bytes")
    other = UUID[:-1] + "e"
    sealed_path(tmp_path).rename(sealed_path(tmp_path).with_name(other))

    with pytest.raises(Exception, match="altered"):
        storage.read(other, DICOM)


def test_without_a_key_the_script_does_not_load(load):
    with pytest.raises(KeyError):
        load(COLLIMATE_NODE_KEY=None, COLLIMATE_NODE_KEY_FILE=None)


@pytest.mark.parametrize("key", ["11" * 16, "zz" * 32])
def test_with_a_malformed_key_the_script_does_not_load(load, key):
    with pytest.raises(ValueError):
        load(COLLIMATE_NODE_KEY=key)


def test_the_key_may_come_from_a_file(load, tmp_path):
    load().create(UUID, DICOM, b"bytes")
    (tmp_path / "key").write_text(KEY + "\n")

    storage = load(COLLIMATE_NODE_KEY=None, COLLIMATE_NODE_KEY_FILE=str(tmp_path / "key"))

    assert storage.read(UUID, DICOM) == b"bytes"


def test_the_key_does_not_stay_in_the_environment(load):
    load()

    assert "COLLIMATE_NODE_KEY" not in os.environ


def test_another_key_than_the_folder_was_begun_with_is_refused_at_start(load):
    load()

    with pytest.raises(Exception, match="another key"):
        load(COLLIMATE_NODE_KEY="22" * 32)


def test_another_node_on_the_same_folder_is_refused_at_start(load):
    load()

    with pytest.raises(Exception, match="altered"):
        load(name="southside-r1")


def test_a_cryptography_from_elsewhere_is_refused(load, tmp_path):
    (tmp_path / "site").mkdir()

    with pytest.raises(ImportError, match="COLLIMATE_NODE_SITE"):
        load(COLLIMATE_NODE_SITE=str(tmp_path / "site"))
