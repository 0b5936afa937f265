"""Processes a stack left behind when its supervisor was killed."""

import contextlib
import os
import signal
from pathlib import Path

import psutil

from infra.local.environment import MARK
from infra.local.layout import Layout

GRACE_SECONDS = 15.0
_SERVERS = {"postgres", "valkey-server"}


def end_leftovers(layout: Layout, *, nested: bool = False) -> int:
    """End every process of the stack of `layout`, kindly first, and return how many there were.

    `nested` takes those of stacks in folders below it too: for the state of a test run.
    """
    found = find_leftovers(layout, nested=nested)
    for process in found:
        _tell_to_end(process)
    _, resisting = psutil.wait_procs(found, GRACE_SECONDS)
    for process in resisting:
        _tell(process, signal.SIGKILL)
    psutil.wait_procs(resisting, GRACE_SECONDS)
    return len(found)


def find_leftovers(layout: Layout, *, nested: bool = False) -> list[psutil.Process]:
    """The processes that carry the stack's mark, or are a server of it: servers overwrite their environment."""
    others = (process for process in psutil.process_iter() if process.pid != os.getpid())
    return [process for process in others if _belongs(process, layout, nested)]


def _belongs(process: psutil.Process, layout: Layout, nested: bool) -> bool:
    try:
        if process.name() in _SERVERS:
            return _lives_in(process, layout, nested) and not _is_backend(process)
        mark = process.environ().get(MARK, "")
        return mark == str(layout.var) or (nested and Path(mark).is_relative_to(layout.var))
    except psutil.Error:
        return False


def _lives_in(process: psutil.Process, layout: Layout, nested: bool) -> bool:
    homes = [layout.var] if nested else [layout.postgres, layout.valkey]
    return any(Path(process.cwd()).is_relative_to(home) for home in homes)


def _is_backend(process: psutil.Process) -> bool:
    """One PostgreSQL process per connection: they go when the first one goes."""
    parent = process.parent()
    return process.name() == "postgres" and parent is not None and parent.name() == "postgres"


def _tell_to_end(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):  # one may take others along
        _tell(process, signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)


def _tell(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
