"""The sandbox's process: it imports the decoders once, and forks a child with limits for every image.

Run as `python -m imaging.dicom.render_child` by `imaging.adapters.renderer`, never imported by the server. It reads
requests from standard input (a line of JSON, then the bytes it counts) and answers each with a status byte, a length
(u32, big-endian) and the bytes: a WebP (status 0), or the name of what went wrong (status 1). A child that crashes or
hangs costs its own image; this process touches no image itself.
"""

import json
import os
import resource
import select
import signal
import struct
import sys
import time
from typing import BinaryIO

from imaging.dicom.render import draw

CPU_SECONDS = 20
ADDRESS_SPACE = 4 * 1024**3
DRAWN, FAILED = 0, 1


def main() -> None:
    """Answer requests until standard input ends."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while line := source.readline():
        request = json.loads(line)
        header, frame = source.read(request["header"]), source.read(request["frame"])
        status, answer = _draw_in_child(request, header, frame)
        sink.write(struct.pack(">BI", status, len(answer)) + answer)
        sink.flush()


def _draw_in_child(request: dict[str, object], header: bytes, frame: bytes) -> tuple[int, bytes]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _draw_and_exit(os.fdopen(writing, "wb"), request, header, frame)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        answer = _read_until(pipe, time.monotonic() + float(request["seconds"]))
    return _judge(child, answer)


def _draw_and_exit(pipe: BinaryIO, request: dict[str, object], header: bytes, frame: bytes) -> None:
    try:
        _limit()
        picture = draw(header, request["transfer_syntax_uid"], frame, request["edge"])
        pipe.write(bytes([DRAWN]) + picture)
    except BaseException as error:  # whatever a decoder throws; its text might quote the image
        pipe.write(bytes([FAILED]) + type(error).__name__.encode())
    finally:
        pipe.flush()
        os._exit(0)


def _limit() -> None:
    for what, limit in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, ADDRESS_SPACE),
        (resource.RLIMIT_FSIZE, 0),  # it may write no file
        (resource.RLIMIT_CORE, 0),  # nor leave its memory behind
    ):
        hard = resource.getrlimit(what)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (limit, limit))


def _read_until(pipe: BinaryIO, deadline: float) -> bytes | None:
    """All that the child writes, or None when it has not ended by the deadline."""
    answer = bytearray()
    while (left := deadline - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            piece = pipe.read(1 << 20)
            if not piece:
                return bytes(answer)
            answer += piece
    return None


def _judge(child: int, answer: bytes | None) -> tuple[int, bytes]:
    if answer is None:
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if answer is None:
        return FAILED, b"took too long"
    if os.WIFSIGNALED(status) or not answer:
        return FAILED, f"killed by signal {os.WTERMSIG(status)}".encode()
    return answer[0], answer[1:]


if __name__ == "__main__":
    main()
