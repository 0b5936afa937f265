"""An Orthanc for one restore drill: on loopback, with a random password and a node key that is never written down."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imaging.adapters.orthanc import OrthancNode
from imaging.adapters.scratch_database import ScratchFailed
from infra.local.children import ends_with_us
from infra.local.ports import free_port
from infra.local.waiting import came_up
from infra.orthanc.node_config import node_environment, write_node
from infra.orthanc.plugin_site import PluginMissing, ensure_orthanc_site

_REPO = Path(__file__).resolve().parents[2]
_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_SILENT_SECONDS = 300.0  # Orthanc says nothing while it takes in a large file


@contextmanager
def scratch_node(folder: Path) -> Iterator[OrthancNode]:
    """Yield an empty node with its files, sealed as a live node's are, under `folder`; it is ended afterwards.

    Raises
    ------
    ScratchFailed
    """
    directory, username, password = folder / "node", "collimate-drill", secrets.token_urlsafe(24)
    port = free_port()
    config = write_node(directory, name=f"drill-{folder.name}", http_port=port, username=username, password=password)
    process = _start(directory, config)
    try:
        node = OrthancNode(f"http://127.0.0.1:{port}", username, password, timeout=(2, _SILENT_SECONDS))
        if not came_up(process, node.is_alive, _START_SECONDS):
            raise ScratchFailed("the scratch Orthanc does not answer")
        yield node
    finally:
        _end(process)


def _start(directory: Path, config: Path) -> "subprocess.Popen[bytes]":
    program = shutil.which("Orthanc", path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin")))
    if program is None:
        raise ScratchFailed("Orthanc is not installed here: run the drill on a machine that has it")
    try:
        site = ensure_orthanc_site(_REPO)
    except (PluginMissing, OSError, subprocess.SubprocessError) as error:
        raise ScratchFailed(f"the packages of Orthanc's plugin are missing: {type(error).__name__}") from error
    environment = node_environment(directory, site=site, key_file=directory / "no-key-file")
    key = {"COLLIMATE_NODE_KEY": secrets.token_bytes(32).hex()}
    return subprocess.Popen(
        [program, str(config)], env={**os.environ, **environment, **key}, cwd=directory, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=ends_with_us(signal.SIGKILL),
    )  # fmt: skip


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()  # nothing in it is to be kept, and a kind end takes three seconds
    process.wait(_STOP_SECONDS)
