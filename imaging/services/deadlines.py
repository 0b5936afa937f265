"""Deadlines on reading: a region that does not answer in time is left for the other, and not asked again for a while.

A read that hangs in the kernel cannot be broken off; it is left to its thread. When a region has used up its threads it
is not asked at all until one of them returns.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import TypeVar

from django.conf import settings

from imaging.adapters.vault import VaultUnavailable
from imaging.services.active_region import read_order

logger = logging.getLogger(__name__)

T = TypeVar("T")
THREADS = 16  # per region and process
SHUNNED_S = 30.0
_shunned: dict[int, float] = {}
_waiting: dict[int, int] = {}
_counting = Lock()
_AT_ONCE = 1 << 20


def answering_first() -> list[int]:
    """The regions in the order to read them: the active one first, one that hung lately last."""
    now = time.monotonic()
    return sorted(read_order(), key=lambda region: _shunned.get(region, 0.0) > now)


def within_deadline(region: int, call: Callable[[], T]) -> T:
    """What `call` returns or raises; raises `VaultUnavailable` when it takes longer than the deadline."""
    if _waiting.get(region, 0) >= THREADS:
        raise VaultUnavailable(f"region {region} hangs")
    answer = _threads(region).submit(call)
    try:
        return answer.result(settings.READ_DEADLINE_SECONDS)
    except TimeoutError:
        if answer.done():
            return answer.result()  # just now; or it raised a TimeoutError of its own
        _shun(region, answer)
        raise VaultUnavailable(f"region {region} did not answer in time") from None


def iter_within_deadline(region: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, some at a time, each time within the deadline."""
    ended = False
    while not ended:
        some, ended = within_deadline(region, lambda: _take_some(pieces))
        yield from some


def _take_some(pieces: Iterator[bytes]) -> tuple[list[bytes], bool]:
    """Pieces of about `_AT_ONCE` bytes together, and whether they were the last: each call changes threads."""
    some, size = [], 0
    for piece in pieces:
        some.append(piece)
        size += len(piece)
        if size >= _AT_ONCE:
            return some, False
    return some, True


@cache
def _threads(region: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, f"region-{region}")


def _begin_anew() -> None:
    """A forked child has none of its parent's threads: it would wait for them in vain."""
    _threads.cache_clear()
    _waiting.clear()


os.register_at_fork(after_in_child=_begin_anew)


def _shun(region: int, answer: Future) -> None:
    logger.error("Region %s did not answer within %s s.", region, settings.READ_DEADLINE_SECONDS)
    _shunned[region] = time.monotonic() + SHUNNED_S
    if not answer.cancel():
        _count_waiting(region, 1)
        answer.add_done_callback(lambda _: _count_waiting(region, -1))


def _count_waiting(region: int, change: int) -> None:
    with _counting:
        _waiting[region] = _waiting.get(region, 0) + change
