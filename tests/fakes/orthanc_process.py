"""A real Orthanc with our plugin, in a folder of its own, for tests that must see the real thing."""

import atexit
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from imaging.adapters.orthanc import OrthancNode
from infra.orthanc.node_config import node_environment, write_node
from infra.orthanc.plugin_site import ensure_orthanc_site

REPO_ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 20


class OrthancDidNotStart(Exception):
    """Orthanc ended, or did not answer in time; the text is the end of its log."""


@dataclass
class OrthancProcess:
    """A running node. `url` stays the same over `restart`."""

    directory: Path
    url: str
    username: str
    password: str
    node_key: bytes
    environment: dict[str, str]
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start and wait until it answers. Raises OrthancDidNotStart."""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["Orthanc", str(self.directory / "config.json")],
                env=os.environ | self.environment | {"COLLIMATE_NODE_KEY": self.node_key.hex()},
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        atexit.register(self.process.kill)
        self._wait_until_ready()

    def client(self) -> OrthancNode:
        """A new adapter for this node."""
        return OrthancNode(self.url, self.username, self.password)

    def stop(self) -> None:
        """End it as a supervisor would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it if it runs, and start it on the same port."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(timeout=15)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise OrthancDidNotStart((self.directory / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            answer = requests.get(f"{self.url}/system", auth=(self.username, self.password), timeout=2)
        except requests.RequestException:
            return False
        return answer.status_code == 200


def start_orthanc(directory: Path, *, name: str, node_key: bytes) -> OrthancProcess:
    """Start a node `name` under `directory` on a free port and wait until it answers.

    An existing `directory` keeps its files and index. Raises OrthancDidNotStart.
    """
    port, username, password = _free_port(), "collimate", secrets.token_urlsafe(24)
    write_node(directory, name=name, http_port=port, username=username, password=password)
    site = ensure_orthanc_site(REPO_ROOT)
    environment = node_environment(directory, site=site, key_file=directory / "no-key-file")
    node = OrthancProcess(directory, f"http://127.0.0.1:{port}", username, password, node_key, environment)
    node.start()
    return node


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def orthanc_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancProcess]:
    """A running node for all tests of the module that imports this fixture."""
    directory = tmp_path_factory.mktemp("orthanc")
    node = start_orthanc(directory, name="test-node", node_key=secrets.token_bytes(32))
    yield node
    node.kill()


@pytest.fixture
def orthanc_node(orthanc_process: OrthancProcess) -> OrthancNode:
    """An adapter for `orthanc_process`, which holds nothing."""
    node = orthanc_process.client()
    for study_instance_uid in node.list_study_uids():
        node.delete_study(study_instance_uid)
    return node
