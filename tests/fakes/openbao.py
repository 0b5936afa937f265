"""A real OpenBao server in memory on loopback, for tests of what a region's master does and does not survive."""

import atexit
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import hvac
import requests

from imaging.adapters.keys.openbao import OpenBaoMaster
from infra.local.ports import free_port

BAO = Path(sys.executable).parent / "bao"
TOKEN = "a-root-token-for-tests"
READY_SECONDS = 30


class OpenBaoDidNotStart(Exception):
    """The server ended, or did not answer in time; the text is the end of its log."""


@dataclass
class OpenBao:
    """A running server, unsealed, with a transit engine."""

    url: str
    process: "subprocess.Popen[bytes]"

    def client(self, token: str = TOKEN) -> hvac.Client:
        """A client of the test's own, to look behind the adapter and to break things."""
        return hvac.Client(url=self.url, token=token, timeout=5)

    def master(self, **options: object) -> OpenBaoMaster:
        """The adapter for this server."""
        return OpenBaoMaster(self.url, **{"token": TOKEN, "timeout_s": 3.0} | options)

    def stop(self) -> None:
        """End it; what it held is gone."""
        self.process.kill()
        self.process.wait(timeout=15)


def start_openbao(log: Path) -> OpenBao:
    """Start a server that keeps everything in memory. Raises OpenBaoDidNotStart."""
    port = free_port()
    command = [
        str(BAO), "server", "-dev", f"-dev-root-token-id={TOKEN}", "-dev-no-store-token",
        f"-dev-listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=os.environ.copy())
    atexit.register(process.kill)
    server = OpenBao(f"http://127.0.0.1:{port}", process)
    _wait_until_ready(server, log)
    server.client().sys.enable_secrets_engine("transit")
    return server


def _wait_until_ready(server: OpenBao, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(server):
        if server.process.poll() is not None or time.monotonic() > deadline:
            server.stop()
            raise OpenBaoDidNotStart(log.read_text(errors="replace")[-2000:])
        time.sleep(0.05)


def _is_ready(server: OpenBao) -> bool:
    try:
        return requests.get(f"{server.url}/v1/sys/health", timeout=2).status_code == 200
    except requests.RequestException:
        return False
