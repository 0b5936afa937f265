import json
import stat
from pathlib import Path

import pytest

from infra.orthanc import node_config as module
from infra.orthanc.node_config import (
    ensure_host_id,
    hostid_missing,
    node_config,
    node_environment,
    write_node,
)

GIVEN = {"name": "northside-r1", "http_port": 18042, "username": "collimate", "password": "secret"}


def config() -> dict:
    return node_config(**GIVEN, storage_dir=Path("s"), index_dir=Path("i"))


def test_only_our_user_may_ask_and_only_from_this_machine():
    assert config()["AuthenticationEnabled"] is True
    assert config()["RegisteredUsers"] == {"collimate": "secret"}
    assert config()["RemoteAccessAllowed"] is False


@pytest.mark.parametrize(
    "door",
    ["DicomServerEnabled", "OrthancExplorerEnabled", "WebDavEnabled", "ExecuteLuaEnabled",
     "RestApiWriteToFileSystemEnabled", "OverwriteInstances", "StorageCompression", "HttpCompressionEnabled"],
)  # fmt: skip
def test_a_door_we_do_not_use_is_shut(door):
    assert config()[door] is False


def test_dicomweb_and_the_sealing_script_are_loaded_and_gdcm_is_not():
    plugins = [Path(plugin).name for plugin in config()["Plugins"]]

    assert plugins == ["libOrthancDicomWeb.so", "libOrthancPython.so"]
    assert Path(config()["PythonScript"]).name == "sealed_storage.py"
    assert Path(config()["PythonScript"]).is_file()


def test_a_node_is_laid_out_for_its_owner_alone(tmp_path):
    path = write_node(tmp_path / "node", **GIVEN)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent / "storage", path.parent / "index"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_writing_a_node_again_changes_the_configuration_and_leaves_no_copy(tmp_path):
    write_node(tmp_path, **GIVEN)

    path = write_node(tmp_path, **GIVEN | {"password": "newer"})

    assert json.loads(path.read_text())["RegisteredUsers"] == {"collimate": "newer"}
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["config.json", "index", "storage"]


def test_the_script_finds_its_storage_where_the_configuration_puts_it(tmp_path):
    path = write_node(tmp_path, **GIVEN)
    environment = node_environment(tmp_path, site=Path("site"), key_file=Path("key"))

    assert environment["COLLIMATE_NODE_STORAGE"] == json.loads(path.read_text())["StorageDirectory"]


@pytest.fixture
def named_vm(monkeypatch):
    monkeypatch.setattr(module.socket, "gethostname", lambda: "vm")


@pytest.mark.parametrize(
    ("hosts", "missing"),
    [
        ("127.0.0.1 localhost vm\n", False),
        ("127.0.0.1 localhost\n# vm\n", True),
        ("127.0.0.1 vm.example\n", True),
    ],
)
def test_a_host_id_is_missing_when_the_own_name_is_not_in_hosts(named_vm, tmp_path, hosts, missing):
    (tmp_path / "hosts").write_text(hosts)

    assert hostid_missing(tmp_path / "hostid", tmp_path / "hosts") is missing


def test_a_missing_host_id_is_written_by_root(named_vm, monkeypatch, tmp_path):
    monkeypatch.setattr(module.os, "geteuid", lambda: 0)

    assert ensure_host_id(tmp_path / "hostid", tmp_path / "hosts") is True
    assert len((tmp_path / "hostid").read_bytes()) == 4


def test_a_missing_host_id_is_only_reported_to_others(named_vm, monkeypatch, tmp_path):
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)

    assert ensure_host_id(tmp_path / "hostid", tmp_path / "hosts") is False
    assert not (tmp_path / "hostid").exists()


def test_a_host_id_that_is_there_is_kept(named_vm, tmp_path):
    (tmp_path / "hostid").write_bytes(b"\1\2\3\4")

    assert ensure_host_id(tmp_path / "hostid", tmp_path / "hosts") is True
    assert (tmp_path / "hostid").read_bytes() == b"\1\2\3\4"
