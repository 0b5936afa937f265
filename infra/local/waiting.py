"""Waiting with an end."""

import subprocess
import time
from collections.abc import Callable

POLL_SECONDS = 0.05


def wait_until(happened: Callable[[], bool], seconds: float, poll: float = POLL_SECONDS) -> bool:
    """Whether `happened` became true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(poll)
    return True


def came_up(process: "subprocess.Popen[bytes]", answers: Callable[[], bool], seconds: float) -> bool:
    """Whether `process` answers within `seconds`; False at once when it ends instead."""
    wait_until(lambda: process.poll() is not None or answers(), seconds)
    return process.poll() is None and answers()
