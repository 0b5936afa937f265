"""Which sealed states of the database stay: every moment of the last days, and one state a week before that.

Counted in bases, not by today's date: a clock that jumps ahead must not make everything old.
"""

from collections.abc import Iterable

from infra.local.backup_depot import Base
from infra.local.backup_repository import Snapshot

DAYS = 8  # seven full days back, whatever the hour of today's base
WEEKS = 4


def list_forgettable(snapshots: Iterable[Snapshot]) -> list[str]:
    """The ids of the snapshots that may go.

    A snapshot holds all WAL since its bases, so the last one with a base says all that earlier ones with it say: it can
    restore any moment from that base to the next one.
    """
    rows = sorted(snapshots, key=lambda row: row.order)
    last_with = {base: row.id for row in rows for base in row.bases}
    kept = {last_with[base] for base in _kept_bases(last_with)}
    return [row.id for row in rows if row.id not in kept]


def _kept_bases(bases: Iterable[Base]) -> set[Base]:
    ordered = sorted(bases, key=lambda base: base.order)
    days = _last_distinct([base.at.date().toordinal() for base in ordered], DAYS)
    weeks = _last_distinct([_week(base) for base in ordered], WEEKS)
    newest_of_week = {_week(base): base for base in ordered}
    recent = {base for base in ordered if base.at.date().toordinal() in days}
    return recent | {base for week, base in newest_of_week.items() if week in weeks}


def _week(base: Base) -> int:
    """Weeks since the first Monday of the calendar."""
    return (base.at.date().toordinal() - 1) // 7


def _last_distinct(values: list[int], count: int) -> set[int]:
    """The `count` values that came last, each counted once."""
    return set(list(dict.fromkeys(reversed(values)))[:count])
