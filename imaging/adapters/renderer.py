"""The sandbox: pixels are decoded in processes of their own, with limits on time, memory and files.

Decoders are where hostile images do harm; a child that crashes or hangs costs its own image and nothing else. One
sandbox process per worker has the decoders imported and forks a child per job: 1.6 s of imports once, not each time.
Each job has a socket of its own, so no answer can ever be taken for another's, and jobs run beside each other, as many
as there are cores; a caller that finds them taken waits a bounded while.
"""

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imaging.dicom.sandbox import DONE, GIVEN, HEAD, Job, write_job

_ROOT = Path(__file__).resolve().parents[2]
_WALL_SECONDS = 30.0
_MARGIN_SECONDS = 15.0  # for the sandbox to start
_QUEUE_SECONDS = 10.0
_MAX_ANSWER = 64 * 1024 * 1024
_PIECE = 1 << 20
_SLOTS = max(2, os.cpu_count() or 2)


class RenderFailed(Exception):
    """The image could not be drawn or decoded; the text is a short reason without PHI."""


class SandboxBusy(Exception):
    """All children are at work, and none became free in time: trying again later will do."""


@dataclass(frozen=True)
class Frame:
    """A frame as stored: its length in bytes and the pieces of them, read once, while they are sent."""

    length: int
    pieces: Iterable[bytes]


def render_thumbnail(header: bytes, transfer_syntax_uid: str, frame: bytes, *, edge: int = 320) -> bytes:
    """One frame as WebP of at most `edge` x `edge` pixels.

    Parameters
    ----------
    header
        The Part 10 file up to its Pixel Data; or, with an empty transfer syntax, a whole deflated file.
    frame
        The frame's bytes as stored.

    Raises
    ------
    RenderFailed
    SandboxBusy
    """
    job = Job("thumbnail", transfer_syntax_uid, {"edge": edge})
    (picture,) = run(job, header, [Frame(len(frame), [frame])])
    return picture


def run(
    job: Job,
    header: bytes,
    frames: Iterable[Frame],
    *,
    limit: int = _MAX_ANSWER,
    patience: float | None = None,
) -> list[bytes]:
    """What a child makes of a data set's header and frames.

    Parameters
    ----------
    header
        The data set up to its Pixel Data, inflated (`render_thumbnail` alone gives a Part 10 file).
    limit
        Bytes of all results together; a child that gives more is cut off.
    patience
        Seconds to wait for a free child.

    Raises
    ------
    RenderFailed
    SandboxBusy
    """
    with _slot(_QUEUE_SECONDS if patience is None else patience):
        return _sandbox.ask(job, header, list(frames), limit)


@contextmanager
def _slot(patience: float) -> Iterator[None]:
    slots = _sandbox.slots
    if not slots.acquire(timeout=patience):
        raise SandboxBusy
    try:
        yield
    finally:
        slots.release()


class _Sandbox:
    """One sandbox process, started when first needed and again when it died. Thread-safe; not shared across forks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owner = 0
        self._slots, self._slots_owner = threading.BoundedSemaphore(_SLOTS), os.getpid()

    @property
    def slots(self) -> threading.BoundedSemaphore:
        # A worker forked from us in the middle of a job would find slots taken for ever.
        if self._slots_owner != os.getpid():
            self._slots, self._slots_owner = threading.BoundedSemaphore(_SLOTS), os.getpid()
        return self._slots

    def ask(self, job: Job, header: bytes, frames: list[Frame], limit: int) -> list[bytes]:
        """Run one job in a child of its own; raises `RenderFailed`."""
        started = time.monotonic()
        with self._open() as line:
            line.settimeout(_WALL_SECONDS + _MARGIN_SECONDS)
            try:
                for piece in write_job(job, header, frames, _WALL_SECONDS):
                    line.sendall(piece)
                return list(_read_results(line, limit, started + _WALL_SECONDS + _MARGIN_SECONDS))
            except (OSError, EOFError):
                late = time.monotonic() - started >= _WALL_SECONDS
                raise RenderFailed("took too long" if late else "the child died") from None

    def _open(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        try:
            with self._lock, theirs:
                self._hand_over(theirs)
        except OSError:
            ours.close()
            raise RenderFailed("the sandbox died") from None
        return ours

    def _hand_over(self, line: socket.socket) -> None:
        try:
            socket.send_fds(self._get_control(), [b"\n"], [line.fileno()])
        except BrokenPipeError:
            # It died a moment ago, and its end was not yet seen.
            self._start()
            socket.send_fds(self._control, [b"\n"], [line.fileno()])

    def _get_control(self) -> socket.socket:
        # A worker forked from us must not send its jobs to our sandbox: it would outlive neither of us well.
        if self._process is None or self._process.poll() is not None or self._owner != os.getpid():
            self._start()
        return self._control

    def _start(self) -> None:
        if self._control is not None:
            self._control.close()
        self._control, theirs = socket.socketpair()
        self._control.settimeout(_MARGIN_SECONDS)
        self._owner = os.getpid()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "imaging.dicom.render_child"],
                stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                cwd=_ROOT, env=_bare_environment(),
            )  # fmt: skip


def _read_results(line: socket.socket, limit: int, deadline: float) -> Iterator[bytes]:
    while True:
        status, length = struct.unpack(HEAD, _read_exactly(line, struct.calcsize(HEAD), deadline))
        if status == DONE:
            return
        limit -= length
        if limit < 0:
            raise RenderFailed("gives more than it may")
        result = _read_exactly(line, length, deadline)
        if status != GIVEN:
            raise RenderFailed(result.decode("ascii", "replace")[:120])
        yield result


def _read_exactly(line: socket.socket, length: int, deadline: float) -> bytes:
    answer, filled = bytearray(length), 0
    while filled < length:
        if time.monotonic() > deadline:
            raise TimeoutError
        count = line.recv_into(memoryview(answer)[filled : filled + _PIECE])
        if not count:
            raise EOFError
        filled += count
    return bytes(answer)


def _bare_environment() -> dict[str, str]:
    # No secret of ours reaches the decoders; one thread each, as the address space is limited.
    return {
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


_sandbox = _Sandbox()
