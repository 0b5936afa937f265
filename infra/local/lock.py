"""One `up` or `down` at a time per stack."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from infra.local.layout import Layout


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Wait until nobody else starts or stops this stack."""
    with (layout.run / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
