"""What every module here begins and ends with."""

import json
import sys
import time
from collections.abc import Callable

import django


def answer(work: Callable[..., dict[str, float]]) -> None:
    """Call `work` with what stands on the standard input, and print what it returns and what CPU it took."""
    before = time.process_time()
    result = work(**json.load(sys.stdin))
    print(json.dumps({"cpu_s": time.process_time() - before, **result}))


def set_up() -> None:
    """Django, as the stack's environment says."""
    django.setup()
