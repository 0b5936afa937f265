"""A folder for what a restore drill builds up: private, and gone afterwards even when the drill was killed.

It holds PHI in the clear while a drill runs (PostgreSQL's and Orthanc's indexes), as the live databases do, so it lies
beside them, on the same encrypted volume.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imaging.adapters.scratch_database import drop_left_database
from infra.local.layout import socket_directory

_PID = "pid"
_ENDING_SECONDS = 10.0


class ScratchFull(Exception):
    """The disk has not enough room for what the drill would restore."""


@contextmanager
def scratch_folder(root: Path, server_url: str = "") -> Iterator[Path]:
    """Yield a new folder (0700) under `root`; it is removed at the end. What killed drills left goes first.

    `server_url` names the PostgreSQL server where they may have left databases.
    """
    root = root.resolve()
    with _only_us(root):
        _clear(root, server_url)
        folder = root / secrets.token_hex(4)
        folder.mkdir(mode=0o700)
        pid_file = _claim(folder)
    try:
        yield folder
    finally:
        _remove(folder)
        os.close(pid_file)


def require_room(root: Path, size: int) -> None:
    """Raise `ScratchFull` unless the disk of `root` takes `size` bytes and keeps a tenth free."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    usage = shutil.disk_usage(root)
    if usage.free - size < usage.total // 10:
        raise ScratchFull(f"{size} bytes would leave less than a tenth of the disk free; make room, or restore fewer")


@contextmanager
def _only_us(root: Path) -> Iterator[None]:
    """Nobody clears while a folder is between being made and being claimed."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _claim(folder: Path) -> int:
    """The lock on the pid file says that we live: a pid alone may belong to somebody else by now."""
    descriptor = os.open(folder / _PID, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def _clear(root: Path, server_url: str) -> None:
    for folder in root.iterdir():
        if folder.is_dir() and not _is_claimed(folder):
            drop_left_database(folder, server_url)
            _remove(folder)


def _is_claimed(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / _PID, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _remove(folder: Path) -> None:
    _end_processes_in(folder)
    sockets = socket_directory(folder / "postgres")
    if sockets.parent != folder:
        shutil.rmtree(sockets, ignore_errors=True)
    shutil.rmtree(folder)


def _end_processes_in(folder: Path) -> None:
    """End what still works in the folder; a server's working directory is the one thing it never rewrites."""
    deadline = time.monotonic() + _ENDING_SECONDS
    while (living := list(_processes_in(folder))) and time.monotonic() < deadline:
        for pid in living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _processes_in(folder: Path) -> Iterator[int]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(process.name) != os.getpid() and (process / "cwd").readlink().is_relative_to(folder.resolve()):
                yield int(process.name)
