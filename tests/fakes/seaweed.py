"""Real S3 servers (SeaweedFS), one per region, each in a folder of its own."""

import atexit
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from imaging.adapters.s3 import S3Storage

READY_SECONDS = 30
PLAIN, VERSIONED, LOCKABLE = "plain", "versioned", "lockable"
# The server makes a missing bucket for an administrator, so the vault is not one.
_ACTIONS = {
    "admin": ["Admin", "Read", "Write", "List", "Tagging"],
    "vault": ["Read", "Write", "List", "GetBucketObjectLockConfiguration", "PutObjectRetention", "GetObjectRetention"],
}
# S3, master, volume, filer, admin; each also takes the port 10,000 above for gRPC.
_PORTS = 5


class SeaweedDidNotStart(Exception):
    """The server ended, or did not answer in time; the text is the end of its log."""


@dataclass
class Seaweed:
    """A running server with the buckets `PLAIN`, `VERSIONED` and `LOCKABLE`; its port stays the same over `restart`."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it takes objects. Raises SeaweedDidNotStart."""
        for folder in ("data", "log"):
            (self.directory / folder).mkdir(exist_ok=True)
        _write_identities(self.directory / "identities.json")
        with (self.directory / "out").open("ab") as out:
            self.process = subprocess.Popen(
                self._command(), cwd=self.directory, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        atexit.register(self.process.kill)
        self._wait_until_ready()

    def storage(self, bucket: str = PLAIN, **options: Any) -> S3Storage:
        """A storage of its own in one of the buckets; `options` replace ours."""
        ours = {
            "bucket_name": bucket, "location": f"test-{uuid4().hex}", "endpoint_url": self.url,
            "region_name": "us-east-1", "access_key": "vault", "secret_key": "vault-secret", "read_timeout": 5,
        }  # fmt: skip
        return S3Storage(**ours | options)

    def admin(self) -> Any:
        """A boto3 client that may do everything."""
        config = Config(signature_version="s3v4", read_timeout=10, retries={"total_max_attempts": 1})
        return boto3.client(
            "s3", endpoint_url=self.url, region_name="us-east-1", config=config,
            aws_access_key_id="admin", aws_secret_access_key="admin-secret",
        )  # fmt: skip

    def pause(self) -> None:
        """Let it accept connections and answer nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(timeout=15)

    def restart(self) -> None:
        """Start it again on the same port, with what it holds."""
        if self.process.poll() is None:
            self.kill()
        self.start()

    def _command(self) -> list[str]:
        names = ("s3", "master", "volume", "filer", "admin")
        return [
            str(Path(sys.executable).with_name("weed")), "-logdir=log", "mini", "-dir=data",
            "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-s3.config=identities.json",
            *(f"-{name}.port={self.port + number}" for number, name in enumerate(names)),
            "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        ]  # fmt: skip

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._takes_objects():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise SeaweedDidNotStart((self.directory / "out").read_text(errors="replace")[-2000:])
            time.sleep(0.1)

    def _takes_objects(self) -> bool:
        try:
            self._make_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True

    def _make_buckets(self) -> None:
        admin = self.admin()
        made = {bucket["Name"] for bucket in admin.list_buckets()["Buckets"]}
        for bucket in {PLAIN, VERSIONED, LOCKABLE} - made:
            admin.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=bucket == LOCKABLE)
        admin.put_bucket_versioning(Bucket=VERSIONED, VersioningConfiguration={"Status": "Enabled"})
        for bucket in (PLAIN, VERSIONED, LOCKABLE):
            # The first object of a bucket waits for its volumes.
            admin.put_object(Bucket=bucket, Key="ready", Body=b"ready")


def _write_identities(path: Path) -> None:
    identities = [
        {"name": name, "actions": actions, "credentials": [{"accessKey": name, "secretKey": f"{name}-secret"}]}
        for name, actions in _ACTIONS.items()
    ]
    path.write_text(json.dumps({"identities": identities}))


def _free_ports() -> int:
    """The first of `_PORTS` free ports in a row whose neighbours 10,000 above are free, too."""
    while True:
        first = random.randrange(20_000, 32_000)
        ports = [first + number + high for number in range(_PORTS) for high in (0, 10_000)]
        with ExitStack() as listeners:
            try:
                for port in ports:
                    listeners.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first


def start_seaweed(directory: Path) -> Seaweed:
    """Start a server under `directory` on free ports. Raises SeaweedDidNotStart."""
    directory.mkdir(parents=True, exist_ok=True)
    server = Seaweed(directory, _free_ports())
    server.start()
    return server


_running: dict[tuple[int, int], Seaweed] = {}


def region_server(number: int, directories: pytest.TempPathFactory) -> Seaweed:
    """This test run's server of a region, started when first asked for and ended with the run."""
    at = os.getpid(), number
    if at not in _running:
        _running[at] = start_seaweed(directories.mktemp(f"seaweed-{number}"))
    return _running[at]


@pytest.fixture(scope="session")
def seaweeds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Seaweed, Seaweed]:
    """The servers of region 1 and region 2."""
    return region_server(1, tmp_path_factory), region_server(2, tmp_path_factory)


class CutWire:
    """A TCP relay in front of a server, for answers that get lost.

    `cuts` holds, per answer to spoil, after how many of its bytes the connection breaks.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self.cuts: list[int] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, far = self._listener.accept()[0], socket.create_connection(("127.0.0.1", self._target))
                threading.Thread(target=self._relay_requests, args=(near, far), daemon=True).start()
                threading.Thread(target=self._relay_answers, args=(far, near), daemon=True).start()

    def _relay_requests(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while piece := near.recv(1 << 16):
                far.sendall(piece)

    def _relay_answers(self, far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError), near, far:
            while piece := far.recv(1 << 16):
                if self.cuts and len(piece) >= self.cuts[0]:
                    near.sendall(piece[: self.cuts.pop(0)])
                    near.shutdown(socket.SHUT_RDWR)
                    return
                if self.cuts:
                    self.cuts[0] -= len(piece)
                near.sendall(piece)
