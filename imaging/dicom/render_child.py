"""The sandbox's process: it imports the decoders once, and forks a child with limits for every job.

Run as `python -m imaging.dicom.render_child` by `imaging.adapters.renderer`, never imported by the server. Standard
input is a socket over which come jobs' sockets, one at a time (SCM_RIGHTS); the child that gets one reads the job from
it and answers there (`imaging.dicom.sandbox`). This process touches no image itself, so a child has in its memory its
own image and no other's. A child ends with its job, its time or its memory.
"""

import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from typing import BinaryIO

from imaging.dicom.operations import OPERATIONS
from imaging.dicom.sandbox import DONE, FAILED, GIVEN, HEAD, read_job
from imaging.dicom.warm_up import warm_up

CPU_SECONDS = 20
WALL_SECONDS = 60  # whatever the child made of its own alarm
ADDRESS_SPACE = 4 * 1024**3
_TICK = 5.0


def main() -> None:
    """Fork a child for each socket that comes, until standard input ends."""
    control = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    warm_up()
    children: dict[int, float] = {}
    while True:
        _reap(children)
        if not select.select([control], [], [], _TICK)[0]:
            continue
        message, sockets, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            break
        for number in sockets:
            children[_fork(control, number)] = time.monotonic() + WALL_SECONDS
            os.close(number)
    for child in children:
        os.kill(child, signal.SIGKILL)


def _fork(control: socket.socket, number: int) -> int:
    child = os.fork()
    if child == 0:
        # Otherwise a decoder that was taken over could receive the next patients' images.
        control.close()
        os.close(sys.stdin.fileno())
        _work_and_exit(socket.socket(fileno=number))
    return child


def _reap(children: dict[int, float]) -> None:
    """Forget the children that ended, and kill those that are beyond their time."""
    for child, deadline in list(children.items()):
        if os.waitpid(child, os.WNOHANG)[0]:
            del children[child]
        elif time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)


def _work_and_exit(line: socket.socket) -> None:
    try:
        with line.makefile("rwb") as stream:
            _limit()
            _work(stream)
    finally:
        os._exit(0)


def _work(stream: BinaryIO) -> None:
    try:
        job, seconds, header, frames = read_job(stream)
        # Its default action ends the process, in whatever loop of whatever decoder it is.
        signal.setitimer(signal.ITIMER_REAL, max(0.001, seconds))
        for result in OPERATIONS[job.operation](job, header, frames):
            _answer(stream, GIVEN, result)
        _answer(stream, DONE, b"")
    except BaseException as error:  # whatever a decoder throws; its text might quote the image
        _answer(stream, FAILED, _name(error))


def _name(error: BaseException) -> bytes:
    # Only our own words are safe to repeat.
    words = str(error) if type(error).__module__.startswith("imaging.") else ""
    return f"{type(error).__name__} {words}".strip().encode("ascii", "replace")


def _answer(stream: BinaryIO, status: int, result: bytes) -> None:
    stream.write(struct.pack(HEAD, status, len(result)))
    stream.write(result)
    stream.flush()


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


if __name__ == "__main__":
    main()
