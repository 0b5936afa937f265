"""A whole product for the end-to-end tests: what `infra/up` runs, with a state folder and a port of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil
import pyotp
import pytest
import requests

from infra.local.layout import Layout
from infra.local.node_program import NAME_PREFIX
from infra.local.ports import free_port
from infra.local.supervision import Supervisor

REPO = Path(__file__).resolve().parents[2]
OURS = ("COLLIMATE_", "DATABASE_", "REDIS_", "DJANGO_", "PYTEST_")


@dataclass(frozen=True)
class Account:
    """Someone of the demo's cast."""

    email: str
    password: str
    totp_seed: str

    def code(self) -> str:
        """A code that the server has not seen yet: one per half minute, so wait for the next when this one is used."""
        totp, used = pyotp.TOTP(self.totp_seed), _USED_CODES.setdefault(self.email, set())
        while (code := totp.now()) in used:
            time.sleep(0.5)
        used.add(code)
        return code


_USED_CODES: dict[str, set[str]] = {}


@dataclass(frozen=True)
class RunningStack:
    """Addresses and handles of a running stack."""

    var: Path
    port: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def _accounts(self) -> dict[str, Account]:
        rows = json.loads(self.manage("demo_accounts", "--json"))
        return {r["email"].split("@")[0]: Account(r["email"], r["password"], r["totp_seed"]) for r in rows}

    def account(self, name: str) -> Account:
        """An account of the cast by its first name, lower case."""
        return self._accounts[name]

    def manage(self, *arguments: str) -> str:
        """The output of a management command in the stack's own environment."""
        command = f'. "{self.var}/env" && exec "{sys.executable}" manage.py "$@"'
        done = subprocess.run(
            ["bash", "-c", command, "manage", *arguments],
            cwd=REPO, env=bare_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def python(self, script: str) -> str:
        """The output of a few lines of Python in Django's shell of the stack."""
        return self.manage("shell", "--no-imports", "-v", "0", "-c", script)

    def token(self, tenant: str, name: str, *scopes: str) -> str:
        """A bearer token of a member."""
        flags = [part for scope in scopes for part in ("--scope", scope)]
        printed = self.manage("create_token", "--tenant", tenant, "--user", self.account(name).email, *flags)
        return printed.strip().split()[-1]

    def processes(self, *words: str) -> list[psutil.Process]:
        """The stack's processes whose command line has all the words."""
        found = []
        for process in psutil.process_iter():
            try:
                line = " ".join(process.cmdline())
                if all(word in line for word in words) and process.environ().get("COLLIMATE_VAR") == str(self.var):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def stop_nodes(self) -> None:
        """Stop every Orthanc; the supervisor leaves them stopped."""
        for name in self._node_names():
            self._supervisor().stop(name)

    def start_nodes(self) -> None:
        """Start them again."""
        for name in self._node_names():
            self._supervisor().start(name)

    def _supervisor(self) -> Supervisor:
        return Supervisor(Layout(self.var))

    def _node_names(self) -> list[str]:
        return [name for name in self._supervisor().states() if name.startswith(NAME_PREFIX)]

    def kill(self, *words: str) -> int:
        """`kill -9` to the stack's processes whose command line has the words; returns how many there were."""
        processes = self.processes(*words)
        for process in processes:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        return len(processes)

    def is_ready(self) -> bool:
        """Whether the web answers."""
        try:
            return requests.get(f"{self.origin}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for the condition, or fail saying what did not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.25)


def bare_environment() -> dict[str, str]:
    """The machine's environment without what the test run set for itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


@contextmanager
def started(*options: str, var: Path | None = None) -> Iterator[RunningStack]:
    """A running product, with more options for `infra/up`; stopped and removed afterwards."""
    running = RunningStack(var or Path(tempfile.mkdtemp(prefix="cm-e2e-")), free_port())
    env = bare_environment() | {"COLLIMATE_VAR": str(running.var), "COLLIMATE_SWEEP_SECONDS": "5"}
    local = [sys.executable, "-m", "infra.local"]
    try:
        up = [*local, "up", "--detach", "--port", str(running.port), *options]
        done = subprocess.run(up, cwd=REPO, env=env, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        yield running
    finally:
        subprocess.run([*local, "discard"], cwd=REPO, env=env, capture_output=True, check=False, timeout=120)
        shutil.rmtree(running.var, ignore_errors=True)


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """The product that most walks share."""
    with started() as running:
        yield running


@pytest.fixture
def own_stack() -> Iterator[RunningStack]:
    """A product of its own: what is done to it, no other test should meet."""
    with started() as running:
        yield running
