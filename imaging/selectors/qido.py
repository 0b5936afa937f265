"""QIDO-RS over the index (PS3.18 §10.6): from a query to rows and from rows to DICOM JSON, within bounds of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper

from imaging.selectors.bounded import has_more, run_bounded
from imaging.selectors.dicom_json import Json, Row, row_json
from imaging.selectors.qido_attributes import ATTRIBUTES, LETTERS, Attribute, Kind, Level, list_returned
from imaging.selectors.qido_plan import BOUNDS, Bounds, Way, Within, list_ways, statement
from imaging.selectors.qido_query import InvalidQuery, Query, read_query

__all__ = [
    "BOUNDS", "Bounds", "Found", "FoundInstance", "InvalidQuery", "Level", "Query", "Within", "read_query", "search",
]  # fmt: skip


@dataclass(frozen=True)
class FoundInstance:
    """Which row of the index an object tells of: where to look for what the index does not keep."""

    series_id: UUID
    instance_id: UUID


@dataclass(frozen=True)
class Found:
    """DICOM JSON objects, and whether there are `more` behind them; `partial` if not everything was looked at.

    `incomplete` says that they lack attributes that were asked for.
    `instances` are those of the objects, in the same order; none unless instances were searched for.
    """

    objects: list[Json]
    more: bool = False
    partial: bool = False
    incomplete: bool = False
    instances: tuple[FoundInstance, ...] = ()


@dataclass(frozen=True)
class _Page:
    rows: list[Row]
    partial: bool


def search(query: Query, root: str, within: Within | None = None, bounds: Bounds = BOUNDS) -> Found:
    """What matches, latest studies first; series and instances by their numbers.

    `root` is the address of the DICOMweb service. Whatever is asked, only so much is looked at, and for so long.
    """
    within = within or Within()
    page = _find(query, within, bounds)
    rows = page.rows[: query.limit]
    attributes = list_returned(query.level, _usual(query.level, within), query.included, query.everything)
    instances = [FoundInstance(row["e.id"], row["i.id"]) for row in rows] if query.level is Level.INSTANCE else []
    return Found(
        [row_json(row, attributes, query.level, root) for row in rows],
        more=len(page.rows) > query.limit, partial=page.partial, incomplete=bool(rows and query.others),
        instances=tuple(instances),
    )  # fmt: skip


def _usual(level: Level, within: Within) -> Sequence[Level]:
    """The levels whose usual attributes are returned: those that the address does not name (PS3.18 §10.6.3.3)."""
    named = Level.SERIES if within.series else Level.STUDY if within.studies and level > Level.STUDY else 0
    return [each for each in Level if named < each <= level]


def _find(query: Query, within: Within, bounds: Bounds) -> _Page:
    with connection.cursor() as cursor:
        first = next(list_ways(query, within, bounds))
        if isinstance(first, Way) and first.plain:
            return _Page(_read(cursor, query, first, within), partial=False)
        return run_bounded(cursor, bounds, lambda allowed: _find_bounded(cursor, query, within, allowed))


def _find_bounded(cursor: CursorWrapper, query: Query, within: Within, bounds: Bounds) -> _Page:
    way = _choose(cursor, query, within, bounds)
    rows = _read(cursor, query, way, within)
    return _Page(rows, len(rows) <= query.limit and any(has_more(cursor, *cut) for cut in way.cuts))


def _choose(cursor: CursorWrapper, query: Query, within: Within, bounds: Bounds) -> Way:
    for way in list_ways(query, within, bounds):
        if isinstance(way, Way):
            return way
        keys, way = way
        if not has_more(cursor, keys, bounds.ordered):
            return way
    raise AssertionError("the last way has no condition")


def _read(cursor: CursorWrapper, query: Query, way: Way, within: Within) -> list[Row]:
    names = _COLUMNS[query.level]
    cursor.execute(*statement(query, way, within, names))
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _columns_of(level: Level) -> list[str]:
    kept: list[Attribute] = [each for each in ATTRIBUTES if each.level <= level and each.kind is not Kind.ITEM]
    return [*(each.place for each in kept), *(f"{LETTERS[each]}.id" for each in Level if each <= level)]


_COLUMNS = {level: _columns_of(level) for level in Level}
