"""Ports on loopback, and which of them this stack took last time."""

import json
import socket
from pathlib import Path


class PortTaken(Exception):
    """Something else listens where the stack was told to."""


def is_free(port: int) -> bool:
    """Whether nothing is bound to `port` on any address: Orthanc before 1.13 binds all of them."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def remembered_port(memory: Path, name: str) -> int:
    """The port `name` had last time if it is still free, else a fresh one, noted in the JSON file `memory`."""
    ports: dict[str, int] = json.loads(memory.read_text()) if memory.exists() else {}
    if name not in ports or not is_free(ports[name]):
        ports[name] = free_port()
        memory.write_text(json.dumps(ports, indent=1))
    return ports[name]
