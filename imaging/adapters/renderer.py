"""The sandbox: pixels are decoded in a child process of their own, with limits on time, memory and files.

Decoders are where hostile images do harm; a child that crashes or hangs costs its own image and nothing else.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_WALL_SECONDS = 30.0
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
    request = {"header": len(header), "transfer_syntax_uid": transfer_syntax_uid, "frame": len(frame), "edge": edge}
    line = json.dumps(request).encode() + b"\n"
    try:
        child = subprocess.run(
            [sys.executable, "-m", "imaging.dicom.render_child"],
            input=b"".join((line, header, frame)),
            capture_output=True, timeout=_WALL_SECONDS, cwd=_ROOT, env=_bare_environment(), check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RenderFailed("took too long") from None
    if child.returncode != 0 or not 0 < len(child.stdout) <= _MAX_OUTPUT:
        raise RenderFailed(_reason(child))
    return child.stdout


def _reason(child: subprocess.CompletedProcess[bytes]) -> str:
    if child.returncode < 0:
        return f"killed by signal {-child.returncode}"
    return child.stderr.decode("ascii", "replace").strip()[-120:] or "no image"


def _bare_environment() -> dict[str, str]:
    # No secret of ours reaches the decoders; one thread each, as the address space is limited.
    return {
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
