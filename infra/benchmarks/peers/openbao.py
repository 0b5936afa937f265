"""OpenBao's transit engine, the one peer that wraps data keys anew; in memory, so it makes nothing durable."""

import secrets
import shutil
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from infra.benchmarks.measuring import Sample
from infra.benchmarks.trees import Trees
from infra.local.children import ends_with_us
from infra.local.ports import free_port
from infra.local.waiting import came_up

KEY = "bench"
BATCH = 400  # in one request: its fastest way; it refuses JSON with more strings than some 1,000
START_S = 60
TIMEOUT_S = 120


class OpenBaoFailed(Exception):
    """It did not come up; the text is the end of its log."""


@dataclass
class OpenBao:
    """A running server with one transit key."""

    origin: str
    process: "subprocess.Popen[bytes]"
    session: requests.Session
    wrapped: list[str]

    def wrap(self, count: int) -> None:
        """Wrap `count` fresh data keys of 32 bytes."""
        self.post(f"keys/{KEY}")
        for some in _batches([b64encode(secrets.token_bytes(32)).decode() for _ in range(count)]):
            results = self.post(f"encrypt/{KEY}", batch_input=[{"plaintext": each} for each in some])
            self.wrapped += [each["ciphertext"] for each in results]

    def rotate(self) -> Sample:
        """A new version of the key, and every data key wrapped by it."""
        tree = Trees([self.process.pid])
        before, started, fresh = tree.cpu_s(), time.perf_counter(), []
        self.post(f"keys/{KEY}/rotate")
        for some in _batches(self.wrapped):
            results = self.post(f"rewrap/{KEY}", batch_input=[{"ciphertext": each} for each in some])
            fresh += [each["ciphertext"] for each in results]
        seconds = time.perf_counter() - started
        changed = sum(old != new for old, new in zip(self.wrapped, fresh, strict=True))
        self.wrapped = fresh
        return Sample(seconds, tree.cpu_s() - before, {"rewrapped": changed})

    def version(self) -> str:
        """`OpenBao 2.7.2`."""
        return f"OpenBao {self.session.get(f'{self.origin}/v1/sys/health', timeout=TIMEOUT_S).json()['version']}"

    def post(self, path: str, **fields: object) -> list[dict[str, str]]:
        """The results of a request to the transit engine."""
        answer = self.session.post(f"{self.origin}/v1/transit/{path}", json=fields, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer.json()["data"].get("batch_results", []) if answer.content else []


@contextmanager
def started_openbao(folder: Path) -> Iterator[OpenBao | None]:
    """A server that ends with the block; None where none is installed. Raises `OpenBaoFailed`."""
    found = shutil.which("bao", path=str(Path(sys.executable).parent)) or shutil.which("bao")
    if found is None:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    token, log = secrets.token_urlsafe(16), folder / "log"
    address = f"127.0.0.1:{free_port()}"
    command = [
        found, "server", "-dev", f"-dev-root-token-id={token}", "-dev-no-store-token",
        f"-dev-listen-address={address}",
    ]  # fmt: skip
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, preexec_fn=ends_with_us(signal.SIGKILL)
        )
    session = requests.Session()
    session.headers["X-Vault-Token"] = token
    server = OpenBao(f"http://{address}", process, session, [])
    try:
        if not came_up(process, lambda: _is_ready(server), START_S):
            raise OpenBaoFailed(log.read_text(errors="replace")[-2000:])
        session.post(f"{server.origin}/v1/sys/mounts/transit", json={"type": "transit"}, timeout=TIMEOUT_S)
        yield server
    finally:
        process.kill()
        process.wait()


def _is_ready(server: OpenBao) -> bool:
    try:
        return server.session.get(f"{server.origin}/v1/sys/health", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def _batches(values: list[str]) -> Iterator[list[str]]:
    yield from (values[at : at + BATCH] for at in range(0, len(values), BATCH))
