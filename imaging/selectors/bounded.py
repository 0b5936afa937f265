"""Running searches whose way through the indexes we chose ourselves, within a bound of time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import OperationalError
from django.db.backends.utils import CursorWrapper
from psycopg.errors import QueryCanceled

from imaging.selectors.qido_plan import LEAST, Bounds, Range

Answer = TypeVar("Answer")
# The way is chosen: nothing is to be read from end to end, or put in order that lies in order.
_OFF = ("jit", "enable_seqscan", "enable_bitmapscan", "enable_sort")
_BEFORE = "; ".join(
    ["SAVEPOINT qido", "SET LOCAL max_parallel_workers_per_gather = 0", *(f"SET LOCAL {name} = off" for name in _OFF)]
)
_AFTER = "ROLLBACK TO SAVEPOINT qido; RELEASE SAVEPOINT qido"


def run_bounded(cursor: CursorWrapper, bounds: Bounds, find: Callable[[Bounds], Answer]) -> Answer:
    """What `find` finds within the bounds, or, when its time is over, within the least there are."""
    try:
        with _limited(cursor, bounds):
            return find(bounds)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        # The machine is too busy: what can be found in a little is better than nothing.
        with _limited(cursor, LEAST):
            return find(LEAST)


def has_more(cursor: CursorWrapper, keys: Range, count: int) -> bool:
    """Whether the range has more rows than that."""
    cursor.execute(*keys.more_than(count))
    return cursor.fetchone()[0]


@contextmanager
def _limited(cursor: CursorWrapper, bounds: Bounds) -> Iterator[None]:
    """Statements as we want them, in a savepoint that is rolled back: the settings go, and a timeout ends nothing else.

    Not `transaction.atomic` and `set_config`: each would be a journey to the database of its own.
    """
    cursor.execute(f"{_BEFORE}; SET LOCAL statement_timeout = {bounds.milliseconds:d}")
    try:
        yield
    finally:
        cursor.execute(_AFTER)
