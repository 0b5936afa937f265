"""The sandbox: pixels are decoded in processes of their own, with limits on time, memory and files.

Decoders are where hostile images do harm; a child that crashes or hangs costs its own image and nothing else. One
sandbox process per worker has the decoders imported and forks a child per image: 1.6 s of imports once, not each time.
"""

import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_WALL_SECONDS = 30.0
_MARGIN_SECONDS = 15.0  # for the sandbox to start and to kill its child
_MAX_OUTPUT = 4 * 1024 * 1024


class RenderFailed(Exception):
    """The image could not be drawn; the text is a short reason without PHI."""


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
    """
    request = {
        "header": len(header), "transfer_syntax_uid": transfer_syntax_uid, "frame": len(frame), "edge": edge,
        "seconds": _WALL_SECONDS,
    }  # fmt: skip
    return _sandbox.ask(b"".join((json.dumps(request).encode(), b"\n", header, frame)))


class _Sandbox:
    """One sandbox process, started when first needed and again when it died. Thread-safe; not shared across forks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, request: bytes) -> bytes:
        """Send one request and return the picture; raises `RenderFailed`."""
        with self._lock:
            process = self._get_process()
            try:
                _write_all(process, request)
                status, answer = self._read_answer(process)
            except (OSError, EOFError):
                self._end(process)
                raise RenderFailed("the sandbox died") from None
            except BaseException:
                # A task's time limit may strike here. What comes through these pipes next answers this request, and
                # must never be taken for the next one's: that would be another patient's picture.
                self._end(process)
                raise
        if status != 0:
            raise RenderFailed(answer.decode("ascii", "replace")[:120])
        return answer

    def _get_process(self) -> subprocess.Popen[bytes]:
        # A worker forked from us would share the pipes and mix up the answers.
        if self._process is None or self._process.poll() is not None or self._owner != os.getpid():
            self._owner = os.getpid()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "imaging.dicom.render_child"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
                cwd=_ROOT, env=_bare_environment(),
            )  # fmt: skip
        return self._process

    def _read_answer(self, process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
        deadline = time.monotonic() + _WALL_SECONDS + _MARGIN_SECONDS
        status, length = struct.unpack(">BI", _read_exactly(process, 5, deadline))
        if length > _MAX_OUTPUT:
            raise EOFError
        return status, _read_exactly(process, length, deadline)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        self._process = None


def _write_all(process: subprocess.Popen[bytes], request: bytes) -> None:
    rest = memoryview(request)
    while rest:
        rest = rest[process.stdin.write(rest) :]


def _read_exactly(process: subprocess.Popen[bytes], length: int, deadline: float) -> bytes:
    answer = bytearray()
    while len(answer) < length:
        if not select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise EOFError
        piece = process.stdout.read(length - len(answer))
        if not piece:
            raise EOFError
        answer += piece
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
