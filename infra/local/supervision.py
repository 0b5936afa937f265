"""Talking to supervisord: start it, ask it, change its programs, end it."""

import contextlib
import subprocess
import sys
from collections.abc import Iterable
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import SupervisorTransport

from infra.local.environment import MARK
from infra.local.layout import REPO, Layout
from infra.local.waiting import came_up, wait_until

START_SECONDS = 30.0
STOP_SECONDS = 60.0
_ALIVE = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")


class SupervisorFailed(Exception):
    """supervisord did not come up."""


class ProgramFailed(Exception):
    """A program did not keep running; the text names it and its log."""


class Supervisor:
    """The supervisord of one stack, over its private socket. Methods but `answers` raise OSError if it is gone."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def answers(self) -> bool:
        """Whether it is there and working."""
        try:
            return bool(self._rpc().getState()["statename"] == "RUNNING")
        except (OSError, HTTPException):
            return False

    def launch(self, environment: dict[str, str]) -> None:
        """Start it in a session of its own: a Ctrl-C in the terminal does not reach it. Raises SupervisorFailed."""
        config = self._layout.supervisor_config
        self._layout.supervisor_socket.unlink(missing_ok=True)
        with (self._layout.log / "supervisord.out").open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)], cwd=REPO, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**environment, MARK: str(self._layout.var)},
            )  # fmt: skip
        if not came_up(process, self.answers, START_SECONDS):
            raise SupervisorFailed((self._layout.log / "supervisord.out").read_text()[-2000:])

    def states(self) -> dict[str, str]:
        """The state of each program, by name."""
        return {process["name"]: process["statename"] for process in self._rpc().getAllProcessInfo()}

    def pids(self, names: Iterable[str]) -> dict[str, int]:
        """The process number of each of the programs."""
        known = {process["name"]: process["pid"] for process in self._rpc().getAllProcessInfo()}
        return {name: known[name] for name in names}

    def require_unbroken(self, pids: dict[str, int]) -> None:
        """Raise ProgramFailed unless the programs are still the processes they were.

        One that dies over and over looks alive whenever one looks.
        """
        now = self.pids(pids)
        if broken := [name for name in pids if now[name] != pids[name]]:
            raise ProgramFailed(f"ended while starting: {self._with_logs(broken)}")

    def start(self, name: str) -> None:
        """Start a program that is configured; no error if it already runs."""
        with _expected("ALREADY_STARTED"):
            self._rpc().startProcess(name, False)

    def require_running(self, names: tuple[str, ...], seconds: float = START_SECONDS) -> None:
        """Wait until the programs run. Raises ProgramFailed."""
        if wait_until(lambda: all(self.states().get(name) == "RUNNING" for name in names), seconds, 0.2):
            return
        failed = [name for name in names if self.states().get(name) != "RUNNING"]
        raise ProgramFailed(f"does not run: {self._with_logs(failed)}")

    def add(self, name: str) -> None:
        """Take up and start the program whose file was written; one of the same name is replaced."""
        self.remove(name)
        self._rpc().reloadConfig()
        self._rpc().addProcessGroup(name)

    def stop(self, name: str) -> None:
        """Stop the program and wait for its end; no error if it does not run."""
        with _expected("BAD_NAME", "NOT_RUNNING"):
            self._rpc().stopProcess(name)

    def remove(self, name: str) -> None:
        """Stop and forget the program; no error if there is none."""
        self.stop(name)
        with _expected("BAD_NAME"):
            self._rpc().removeProcessGroup(name)

    def end(self) -> None:
        """Stop the clients, all at once, then the servers they use, then supervisord; what resists is killed."""
        process = self._process()
        with contextlib.suppress(OSError, HTTPException, Fault):
            self._stop_clients()
            self._rpc().shutdown()
        if process is not None and not _gone(process, STOP_SECONDS):
            process.kill()

    def _stop_clients(self) -> None:
        self._stop_alive({"nodes"})
        clients = set(self.states()) - {"postgres", "valkey"}
        self._stop_alive(clients)
        # supervisord spends a second on each group it still knows when it shuts down.
        for name in clients:
            self._rpc().removeProcessGroup(name)

    def _stop_alive(self, names: set[str]) -> None:
        for name, state in self.states().items():
            if name in names and state in _ALIVE:
                with _expected("NOT_RUNNING"):
                    self._rpc().stopProcess(name, False)
        wait_until(lambda: not any(state in _ALIVE for name, state in self.states().items() if name in names), 45, 0.1)

    def _with_logs(self, names: Iterable[str]) -> str:
        return ", ".join(f"{name} (see {self._layout.log / name}.log)" for name in names)

    def _process(self) -> psutil.Process | None:
        try:
            return psutil.Process(self._rpc().getPID())
        except (OSError, HTTPException, psutil.NoSuchProcess):
            return None

    def _rpc(self) -> Any:
        # One connection per call: the transport keeps a broken one for ever.
        transport = SupervisorTransport(None, None, f"unix://{self._layout.supervisor_socket}")
        return ServerProxy("http://127.0.0.1", transport=transport).supervisor


@contextlib.contextmanager
def _expected(*names: str) -> Any:
    """Swallow supervisord's faults of these names."""
    try:
        yield
    except Fault as fault:
        if not any(name in fault.faultString for name in names):
            raise


def _gone(process: psutil.Process, seconds: float) -> bool:
    try:
        process.wait(seconds)
    except psutil.TimeoutExpired:
        return False
    return True


def program_file(layout: Layout, name: str) -> Path:
    """Where the section of a storage node's program is kept."""
    return layout.node_programs / f"{name}.conf"
