"""Readers of sealed objects, kept open for a moment: a viewer asks one object for hundreds of ranges.

Opening costs two files, the unwrapping of a data key and a chunk; what is kept costs two chunks of memory and, for as
long as it lies here, the data key in it. Every range is read from the vault and authenticated anew.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from uuid import UUID

from imaging.crypto.stream import SealedReader
from imaging.services.regions import get_vault

KEPT_S = 10.0
MOST_KEPT = 8  # per process
_Key = tuple[int, UUID, UUID]
_idle: list[tuple[float, _Key, SealedReader]] = []  # the latest used last
_changing = Lock()


@contextmanager
def opened(region: int, tenant_id: UUID, object_id: UUID) -> Iterator[SealedReader]:
    """A reader of the object for this thread alone; raises what `Vault.open` raises.

    One that failed is not used again: the object may have been healed since it was opened.
    """
    key = (region, tenant_id, object_id)
    reader = _take(key) or get_vault(region).open(tenant_id, object_id)
    try:
        yield reader
    except BaseException:
        reader.close()
        raise
    _keep(key, reader)


def close_all() -> None:
    """Keep none of them."""
    with _changing:
        closing = [reader for _, _, reader in _idle]
        _idle.clear()
    for reader in closing:
        reader.close()


def _take(key: _Key) -> SealedReader | None:
    with _changing:
        for place in reversed(range(len(_idle))):
            since, kept, reader = _idle[place]
            if kept == key and time.monotonic() - since < KEPT_S:
                del _idle[place]
                return reader
    return None


def _keep(key: _Key, reader: SealedReader) -> None:
    now = time.monotonic()
    with _changing:
        _idle.append((now, key, reader))
        fresh = [entry for entry in _idle if now - entry[0] < KEPT_S][-MOST_KEPT:]
        closing = [entry[2] for entry in _idle if entry not in fresh]
        _idle[:] = fresh
    for each in closing:
        each.close()


def _begin_anew() -> None:
    """A forked child shares its parent's file positions."""
    _idle.clear()


os.register_at_fork(after_in_child=_begin_anew)
