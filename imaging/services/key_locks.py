"""One process at a time changes a practice's keys; the lock goes with its connection, so a killed one holds nothing."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from blake3 import blake3
from django.db import Error, connection


class KeysBusy(Exception):
    """Another process rotates or destroys the practice's keys just now."""


@contextmanager
def keys_locked(tenant_id: UUID) -> Iterator[None]:
    """Hold the practice's advisory lock; raises `KeysBusy`."""
    lock = int.from_bytes(blake3(b"keys" + tenant_id.bytes).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
        if not cursor.fetchone()[0]:
            raise KeysBusy
    try:
        yield
    finally:
        # A connection that broke has given the lock back already.
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])
