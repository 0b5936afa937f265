"""The configuration of one node: an Orthanc for one tenant in one region, shut but for what we use."""

import json
import os
import secrets
import socket
from pathlib import Path
from typing import Any

PLUGIN_DIR = Path("/usr/share/orthanc/plugins")
SCRIPT = Path(__file__).with_name("sealed_storage.py")


def node_config(
    *,
    name: str,
    http_port: int,
    username: str,
    password: str,
    storage_dir: Path,
    index_dir: Path,
    plugin_dir: Path = PLUGIN_DIR,
    script: Path = SCRIPT,
) -> dict[str, Any]:
    """Return Orthanc's settings for the node `name`.

    `name` is bound into the seal of every file: a node cannot be renamed, only rebuilt from the vault.
    GDCM is left out on purpose: it crashes the whole server; pixels are decoded in a child process of ours.
    """
    return {
        "Name": name,
        "StorageDirectory": str(storage_dir),
        "IndexDirectory": str(index_dir),
        "TemporaryDirectory": str(index_dir),
        "Plugins": [str(plugin_dir / "libOrthancDicomWeb.so"), str(plugin_dir / "libOrthancPython.so")],
        "PythonScript": str(script),
        "PythonVerbose": False,
        **_access(http_port, username, password),
        **_CLOSED,
        **_KEEPING,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False,
                     "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
    }  # fmt: skip


def write_node(directory: Path, *, name: str, http_port: int, username: str, password: str) -> Path:
    """Lay out a node under `directory` (0700); return the path of its `config.json` (0600: it has the
    password).

    Writing it again replaces the file in one step and leaves storage and index alone.
    """
    storage_dir, index_dir = directory / "storage", directory / "index"
    for folder in (directory, storage_dir, index_dir):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    config = node_config(
        name=name, http_port=http_port, username=username, password=password,
        storage_dir=storage_dir, index_dir=index_dir,
    )  # fmt: skip
    return _replace_private(directory / "config.json", json.dumps(config, indent=1).encode())


def node_environment(directory: Path, *, site: Path, key_file: Path) -> dict[str, str]:
    """Return what the process of the node under `directory` needs in its environment beside what it inherits.

    A supervisor that holds the key sets COLLIMATE_NODE_KEY (64 hexadecimal digits), which beats `key_file`.
    """
    return {
        "COLLIMATE_NODE_STORAGE": str(directory / "storage"),
        "COLLIMATE_NODE_SITE": str(site),
        "COLLIMATE_NODE_KEY_FILE": str(key_file),
    }


def hostid_missing(hostid: Path = Path("/etc/hostid"), hosts: Path = Path("/etc/hosts")) -> bool:
    """Return whether each stored instance may stall for seconds here.

    DCMTK calls gethostid() for every instance, and glibc asks the DNS for the own hostname unless one of
    these files answers.
    """
    return not hostid.exists() and socket.gethostname() not in _hosts_names(hosts)


def ensure_host_id(hostid: Path = Path("/etc/hostid"), hosts: Path = Path("/etc/hosts")) -> bool:
    """Write a random host id where one is missing and we may; return whether none is missing now."""
    if hostid_missing(hostid, hosts) and os.geteuid() == 0:
        hostid.write_bytes(secrets.token_bytes(4))
    return not hostid_missing(hostid, hosts)


def _access(http_port: int, username: str, password: str) -> dict[str, Any]:
    return {
        "HttpPort": http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        # Orthanc before 1.13 invents orthanc:orthanc when this is empty.
        "RegisteredUsers": {username: password},
    }


_CLOSED = {
    "DicomServerEnabled": False,
    "DicomAlwaysAllowEcho": False,
    "DicomAlwaysAllowStore": False,
    "DicomModalities": {},
    "OrthancPeers": {},
    "OrthancExplorerEnabled": False,
    "WebDavEnabled": False,
    "ExecuteLuaEnabled": False,
    "LuaScripts": [],
    "RestApiWriteToFileSystemEnabled": False,
    "HttpDescribeErrors": False,  # the descriptions may quote what was sent
    "DeidentifyLogs": True,
}

_KEEPING = {
    "StoreDicom": True,
    "OverwriteInstances": False,
    "StorageCompression": False,  # sealed bytes do not shrink, and reads would pay
    "HttpCompressionEnabled": False,  # 1.10 would gzip whole DICOM files
    "MaximumStorageSize": 0,
    "MaximumPatientCount": 0,
    "MaximumStorageCacheSize": 32,  # MiB, of plaintext, in memory
    "HttpThreadsCount": 10,
    "ConcurrentJobs": 1,
    "SaveJobs": False,
    "JobsHistorySize": 1,
    "KeepAlive": True,
    "TcpNoDelay": True,
}


def _hosts_names(hosts: Path) -> set[str]:
    lines = hosts.read_text().splitlines() if hosts.exists() else []
    return {name for line in lines for name in line.partition("#")[0].split()[1:]}


def _replace_private(path: Path, content: bytes) -> Path:
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.rename(path)
    return path
