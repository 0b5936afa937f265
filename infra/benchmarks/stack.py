"""The measured side: the whole product as `infra/up` runs it, in a folder of its own, reached over HTTP."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyotp
import requests

from infra.benchmarks.trees import Trees
from infra.local.layout import REPO, Layout
from infra.local.ports import free_port
from infra.local.supervision import Supervisor
from infra.local.waiting import wait_until

OURS = ("COLLIMATE_", "DATABASE_", "REDIS_", "DJANGO_")
SERVING = ("web", "postgres", "valkey")
IDLE_CPU_S = 0.2  # in a second, of the whole stack: its heartbeats cost less
START_S = 300
_TOKEN_FIELD = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class StackFailed(Exception):
    """The stack, or a command in it, failed; the text is the end of its output."""


@dataclass(frozen=True)
class Stack:
    """A running stack: its state folder and the port of its web address."""

    var: Path
    port: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def layout(self) -> Layout:
        return Layout(self.var)

    def vault(self, region: int) -> Path:
        """Where the region's sealed objects are."""
        return self.layout.region(region) / "vault"

    def run(self, *arguments: str, given: str = "") -> str:
        """The output of `python ARGUMENTS…` in the stack's own environment; raises `StackFailed`."""
        command = f'. "{self.var}/env" && exec "{sys.executable}" "$@"'
        done = subprocess.run(
            ["bash", "-c", command, "python", *arguments], cwd=REPO, env=_bare_environment(), input=given,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise StackFailed(done.stderr[-3000:])
        return done.stdout

    def inside(self, module: str, **wanted: object) -> dict[str, float]:
        """What a module of `infra.benchmarks.inside` answers to `wanted`; raises `StackFailed`."""
        printed = self.run("-m", f"infra.benchmarks.inside.{module}", given=json.dumps(wanted))
        return json.loads(printed.strip().splitlines()[-1])

    def token(self, slug: str, name: str, *scopes: str) -> str:
        """A bearer token of a member of the demo's cast."""
        flags = [part for scope in scopes for part in ("--scope", scope)]
        email = self._account(name)["email"]
        return self.run("manage.py", "create_token", "--tenant", slug, "--user", email, *flags).split()[-1]

    def session(self, name: str) -> dict[str, str]:
        """The headers of a browser's session, signed in with both factors; raises `StackFailed`."""
        account = self._account(name)
        session = requests.Session()
        _submit(session, f"{self.origin}/login/", email=account["email"], password=account["password"])
        for _ in range(2):
            _submit(session, f"{self.origin}/login/code/", code=pyotp.TOTP(account["totp_seed"]).now())
            if session.get(f"{self.origin}/login/code/", allow_redirects=False).status_code == 302:
                cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies)
                return {"Cookie": cookies, "X-CSRFToken": session.cookies["csrftoken"]}
            time.sleep(31 - time.time() % 30)  # somebody has used this half minute's code
        raise StackFailed("the second factor was refused")

    def serving(self) -> Trees:
        """The processes that answer a request: web, database, broker."""
        return Trees(self._pids(*SERVING))

    def web(self) -> Trees:
        """The web server's processes."""
        return Trees(self._pids("web"))

    def everything(self) -> Trees:
        """All processes of the stack."""
        return Trees([int((self.layout.run / "supervisord.pid").read_text())])

    def await_idle(self, at_least_s: float = 0, seconds: float = 600) -> None:
        """Wait until the workers have nothing more to do, so that the other side has the machine for itself."""
        everything, deadline, quiet = self.everything(), time.monotonic() + seconds, 0
        earliest = time.monotonic() + at_least_s
        while quiet < 3 or time.monotonic() < earliest:
            before = everything.cpu_s()
            time.sleep(1)
            quiet = quiet + 1 if everything.cpu_s() - before < IDLE_CPU_S else 0
            if time.monotonic() > deadline:
                raise StackFailed("the workers did not come to rest")

    def stop_program(self, name: str) -> None:
        """Stop one of the stack's programs; one that is stopped stays so."""
        Supervisor(self.layout).stop(name)

    def restart_web(self) -> None:
        """Stop the web server and wait until the new one is ready."""
        supervisor = Supervisor(self.layout)
        supervisor.stop("web")
        supervisor.start("web")
        if not wait_until(self._is_ready, 60):
            raise StackFailed("the web server did not come back")

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.origin}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def _pids(self, *names: str) -> list[int]:
        return list(Supervisor(self.layout).pids(names).values())

    def _account(self, name: str) -> dict[str, str]:
        accounts = json.loads(self.run("manage.py", "demo_accounts", "--json"))
        return next(each for each in accounts if each["email"].startswith(f"{name}@"))


@contextmanager
def started_stack() -> Iterator[Stack]:
    """A fresh stack with the demo's practices, gone afterwards; raises `StackFailed`."""
    stack = Stack(Path(tempfile.mkdtemp(prefix="cm-bench-")), free_port())
    env = _bare_environment() | {"COLLIMATE_VAR": str(stack.var)}
    local = [sys.executable, "-m", "infra.local"]
    try:
        up = [*local, "up", "--detach", "--port", str(stack.port)]
        done = subprocess.run(up, cwd=REPO, env=env, capture_output=True, text=True, check=False, timeout=START_S)
        if done.returncode:
            raise StackFailed(done.stdout[-2000:] + done.stderr[-2000:])
        yield stack
    finally:
        subprocess.run([*local, "discard"], cwd=REPO, env=env, capture_output=True, check=False, timeout=START_S)


def _submit(session: requests.Session, url: str, **fields: str) -> None:
    found = _TOKEN_FIELD.search(session.get(url).text)
    if found is None:
        raise StackFailed(f"no form at {url}")
    session.post(url, {"csrfmiddlewaretoken": found[1], **fields}, headers={"Referer": url})


def _bare_environment() -> dict[str, str]:
    """The machine's environment without what a stack or a test run set for itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
