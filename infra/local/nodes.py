"""The keeper: an Orthanc runs for each `StorageNode` row, seconds after the row appears, and none without a row.

Run as `python -m infra.local.nodes`, by the supervisor whose programs it changes.
"""

import logging
import signal
import sys
import threading
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xmlrpc.client import Fault

import django

from infra.local.layout import REPO, Layout, current_layout
from infra.local.node_program import NAME_PREFIX, Node, forget_node_program, write_node_program
from infra.local.ports import free_port, is_free
from infra.local.supervision import Supervisor
from infra.orthanc.plugin_site import ensure_orthanc_site

EVERY_SECONDS = 1.0
_FAILING = ("BACKOFF", "EXITED", "FATAL")
log = logging.getLogger("collimate.nodes")


class NodeKeeper:
    """Makes the supervisor's programs agree with the rows, one pass at a time."""

    def __init__(self, layout: Layout, supervisor: Supervisor, site: Path) -> None:
        self._layout, self._supervisor, self._site = layout, supervisor, site

    def keep(self) -> None:
        """Start what is missing or shut out of its port, stop what has no row any more."""
        rows = {f"{NAME_PREFIX}{row.pk}": row for row in _rows()}
        states = {name: state for name, state in self._supervisor.states().items() if name.startswith(NAME_PREFIX)}
        for name in states.keys() - rows.keys():
            self._stop(name)
        for name, row in rows.items():
            if name not in states or _is_shut_out(row, states[name]):
                self._try_to_start(name, row)

    def _try_to_start(self, name: str, row: Any) -> None:
        """A node that cannot start yet, for its key or its folder, must not keep the others from starting."""
        try:
            self._start(row)
        except Exception as error:  # its text may name what no log should hold
            log.warning("%s does not start, will try again: %s", name, type(error).__name__)

    def _start(self, row: Any) -> None:
        node = _described(row, _usable_port(row))
        write_node_program(self._layout, node, self._site)
        self._supervisor.add(node.program_name)
        log.warning("started %s on port %s", node.program_name, node.port)

    def _stop(self, name: str) -> None:
        forget_node_program(self._layout, name)
        self._supervisor.remove(name)
        log.warning("stopped %s", name)


def main() -> None:
    """Keep until told to stop; a database or supervisor that is away for a while is waited for."""
    django.setup()
    layout, stopping = current_layout(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    keeper = NodeKeeper(layout, Supervisor(layout), ensure_orthanc_site(REPO))
    while not stopping.is_set():
        _keep_once(keeper)
        stopping.wait(EVERY_SECONDS)


def _keep_once(keeper: NodeKeeper) -> None:
    from django.db import DatabaseError, close_old_connections

    close_old_connections()
    try:
        keeper.keep()
    except (DatabaseError, OSError, HTTPException, Fault) as error:
        log.warning("could not look after the nodes this time: %s", type(error).__name__)


def _rows() -> list[Any]:
    from tenants.models import StorageNode

    return list(StorageNode.objects.all())


def _described(row: Any, port: int) -> Node:
    from imaging.services.regions import node_credentials, node_key

    username, password = node_credentials(row)
    return Node(str(row.pk), row.region, port, username, password, node_key(row))


def _is_shut_out(row: Any, state: str) -> bool:
    """Whether the node fails to start because another program, such as a second stack's node, took its port."""
    return state in _FAILING and not is_free(urlsplit(row.url).port or 0)


def _usable_port(row: Any) -> int:
    """The row's port; when something else took it meanwhile, a free one, written back to the row."""
    port = urlsplit(row.url).port
    if port is not None and is_free(port):
        return port
    fresh = free_port()
    row.url = f"http://127.0.0.1:{fresh}"
    row.save(update_fields=["url"])
    log.warning("port %s of node %s is taken; it moves to %s", port, row.pk, fresh)
    return fresh


if __name__ == "__main__":
    sys.exit(main())
