"""How a search finds its studies: a way through the indexes that we choose, each with an end to it.

PostgreSQL's planner is not asked. Behind row-level security it may use an index only for what cannot leak (`=`, `<`),
so patterns never narrow anything down, and its guesses at rare names cost seconds. We choose, the first that there is:

1. the studies that were named: by the address, or by lists of UIDs
2. one key of an index (patient's ID, accession number, a whole name), whose studies lie there latest first
3. one range of such keys (what a value begins with), if it is short enough to be put in order
4. the studies of one modality, latest first
5. all studies, latest first; for a part of a name through the index alone

Each stops at a number of studies (`Bounds`), and what it stopped short of is said. `LATERAL` with `OFFSET 0` leaves
PostgreSQL nothing to reorder: the outer order is that of the way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from imaging.models import Instance, SearchTerm, Series, Study
from imaging.selectors.qido_attributes import LETTERS, Level
from imaging.selectors.qido_conditions import Condition, Lookup
from imaging.selectors.qido_query import Query
from tenants.scoping import active_tenant_id

_STUDIES, _TERMS = Study._meta.db_table, SearchTerm._meta.db_table
_TABLES = {Level.SERIES: Series._meta.db_table, Level.INSTANCE: Instance._meta.db_table}
_LATEST = "study_date DESC NULLS LAST, {id} DESC"
_GREATEST = "\U0010ffff"  # behind every letter
_NAME_KEY = "patient_name_key"
Parameters = tuple[object, ...]


@dataclass(frozen=True)
class Bounds:
    """Where a search stops."""

    rows: int = 5_000  # studies read one by one
    keys: int = 25_000  # studies passed in an index
    ordered: int = 5_000  # studies put in order; of a million, what is more frequent is soon passed by date
    milliseconds: int = 100  # of one statement


BOUNDS = Bounds()
LEAST = Bounds(rows=1000, keys=1000, ordered=1000, milliseconds=0)  # for a machine that is too busy for more


@dataclass(frozen=True)
class Within:
    """Where is searched: some studies, a series of one, or (None) the whole practice."""

    studies: tuple[UUID, ...] | None = None
    series: UUID | None = None


@dataclass(frozen=True)
class Range:
    """Rows of an index in its order. SQL without a limit, which gives `id` and whatever else is looked at there."""

    sql: str
    parameters: Parameters

    def first(self, count: int) -> "Range":
        """The first so many of them."""
        return Range(f"{self.sql} LIMIT {count:d}", self.parameters)

    def more_than(self, count: int) -> tuple[str, Parameters]:
        """SQL that tells whether there are more."""
        return f"SELECT EXISTS (SELECT FROM ({self.sql}) r OFFSET {count:d})", self.parameters


@dataclass(frozen=True)
class Way:
    """A way to the studies.

    `studies` gives the `id` of each, latest first. The way passed by some studies if one of `cuts`, a range and how
    far it was followed, has more. `paged` says that it left out those before the page.
    """

    studies: Range
    cuts: tuple[tuple[Range, int], ...] = ()
    paged: bool = False
    plain: bool = False  # short however the planner goes about it


def list_ways(query: Query, within: Within, bounds: Bounds) -> Iterator[Way | tuple[Range, Way]]:
    """The ways to try in turn; one with a range is to be taken only if the range holds at most `bounds.ordered`."""
    if within.studies is not None:
        yield _of_ids(within.studies)
        return
    dates = _dates(query)
    for lookup in sorted((each.lookup for _, each in query.conditions if each.lookup), key=_rank):
        yield from _ways_of(lookup, dates, query, bounds)
    yield _walk(query, dates, bounds)


_UIDS, _KEY, _RANGE, _COMMON = range(4)


def _rank(lookup: Lookup) -> int:
    """Which is best: the fewer studies it can lead to, the sooner."""
    if lookup.of in _BY_UID:
        return _UIDS
    if lookup.of == (SearchTerm.Kind.MODALITY,):
        return _COMMON
    return _RANGE if lookup.begins else _KEY


def _ways_of(lookup: Lookup, dates: "Dates", query: Query, bounds: Bounds) -> Iterator[Way | tuple[Range, Way]]:
    rank = _rank(lookup)
    if rank == _UIDS:
        yield _of_uids(lookup)
    elif rank == _KEY:
        yield _followed(_key_range(lookup, dates), bounds.rows)
    elif rank == _RANGE or len(lookup.key) > 1:
        keys = _beginning_range(lookup, dates)
        yield keys, _sorted_way(keys)
    elif not _name_parts(query):
        yield _followed(_key_range(Lookup(lookup.of, lookup.key[0]), dates), bounds.rows)


def statement(query: Query, way: Way, within: Within, columns: Sequence[str]) -> tuple[str, Parameters]:
    """SQL for a page of what matches, and one more."""
    tenant = active_tenant_id()
    sql = [f"SELECT {', '.join(columns)} FROM ({way.studies.sql}) w", _joined_studies(query)]
    parameters: list[object] = [*way.studies.parameters, tenant, *_parameters(query, Level.STUDY)]
    for level in (Level.SERIES, Level.INSTANCE):
        if query.level >= level:
            chosen = within.series if level is Level.SERIES else None
            sql.append(_joined(query, level, chosen is not None))
            parameters += [tenant, *([chosen] if chosen else []), *_parameters(query, level)]
    sql.append(f"LIMIT {query.limit + 1:d} OFFSET {0 if way.paged else query.offset:d}")
    return " ".join(sql), tuple(parameters)


def _joined_studies(query: Query) -> str:
    return (
        f"CROSS JOIN LATERAL (SELECT s.* FROM {_STUDIES} s WHERE s.tenant_id = %s AND s.id = w.id"
        f"{_sql(query, Level.STUDY)} OFFSET 0) s"
    )


def _joined(query: Query, level: Level, one: bool) -> str:
    letter, (parent, order) = LETTERS[level], _CHILDREN[level]
    columns = ", ".join(f"{letter}.{name}" for name in _COLUMNS[level])
    return (
        f"CROSS JOIN LATERAL (SELECT {columns} FROM {_TABLES[level]} {letter} WHERE {letter}.tenant_id = %s"
        f" AND {letter}.{parent}{f' AND {letter}.id = %s' if one else ''}{_sql(query, level)}"
        f" ORDER BY {order} OFFSET 0) {letter}"
    )


_CHILDREN = {
    Level.SERIES: ("study_id = s.id", "e.series_number NULLS LAST, e.series_instance_uid"),
    Level.INSTANCE: ("series_id = e.id", "i.instance_number NULLS LAST, i.sop_instance_uid"),
}
# Not an instance's fragments: megabytes, for a long cine.
_COLUMNS = {
    level: [each.column for each in model._meta.concrete_fields if each.column != "fragments"]
    for level, model in {Level.SERIES: Series, Level.INSTANCE: Instance}.items()
}


def _sql(query: Query, level: Level) -> str:
    return "".join(
        f" AND ({condition.sql.format(place=f'{LETTERS[level]}.{condition.column}')})"
        for _, condition in query.of(level)
    )


def _parameters(query: Query, level: Level) -> list[object]:
    return [value for _, condition in query.of(level) for value in condition.parameters]


@dataclass(frozen=True)
class Dates:
    """The condition on the study date: it narrows every index that has the date in it."""

    sql: str = ""
    parameters: Parameters = ()


def _dates(query: Query) -> Dates:
    found = [condition for attribute, condition in query.conditions if attribute.column == "study_date"]
    sql = "".join(f" AND {condition.sql.format(place='study_date')}" for condition in found)
    return Dates(sql, tuple(value for condition in found for value in condition.parameters))


def _of_ids(ids: tuple[UUID, ...]) -> Way:
    order = _LATEST.format(id="id")
    sql = f"SELECT id FROM {_STUDIES} WHERE tenant_id = %s AND id = ANY(%s) ORDER BY {order}"
    return Way(Range(sql, (active_tenant_id(), list(ids))), plain=True)


def _of_uids(lookup: Lookup) -> Way:
    order = _LATEST.format(id="s.id").replace("study_date", "s.study_date")
    sql = (
        f"SELECT s.id FROM (SELECT DISTINCT {_BY_UID[lookup.of]}) u CROSS JOIN LATERAL"
        f" (SELECT id, study_date FROM {_STUDIES} WHERE tenant_id = %s AND id = u.id OFFSET 0) s ORDER BY {order}"
    )
    return Way(Range(sql, (active_tenant_id(), list(lookup.key), active_tenant_id())))


_BY_UID = {
    "study_instance_uid": f"id FROM {_STUDIES} WHERE tenant_id = %s AND study_instance_uid = ANY(%s)",
    "series_instance_uid": f"study_id AS id FROM {_TABLES[Level.SERIES]}"
    " WHERE tenant_id = %s AND series_instance_uid = ANY(%s)",
    "sop_instance_uid": "e.study_id AS id FROM (SELECT tenant_id, series_id"
    f" FROM {_TABLES[Level.INSTANCE]} WHERE tenant_id = %s AND sop_instance_uid = ANY(%s) OFFSET 0) i"
    f" CROSS JOIN LATERAL (SELECT study_id FROM {_TABLES[Level.SERIES]}"
    " WHERE tenant_id = i.tenant_id AND id = i.series_id OFFSET 0) e",
}


def _key_range(lookup: Lookup, dates: Dates) -> Range:
    """The studies of one key, in the order of the index."""
    if isinstance(lookup.of, str):
        table, study, where, kinds = _STUDIES, "id", f"{lookup.of} = %s", ()
    else:
        table, study, where, kinds = _TERMS, "study_id", "kind = %s AND key = %s", lookup.of
    order = _LATEST.format(id=study)
    sql = f"SELECT {study} AS id FROM {table} WHERE tenant_id = %s AND {where}{dates.sql} ORDER BY {order}"
    return Range(sql, (active_tenant_id(), *kinds, lookup.key, *dates.parameters))


def _beginning_range(lookup: Lookup, dates: Dates) -> Range:
    """The studies of the keys that begin so, or are any of some; not in order, and some of them twice."""
    if isinstance(lookup.of, str):
        table, study, column, kind, kinds = _STUDIES, "id", lookup.of, "", ()
    else:
        table, study, column, kind, kinds = _TERMS, "study_id", "key", " AND kind = ANY(%s)", (list(lookup.of),)
    if isinstance(lookup.key, tuple):
        where, keys = f"{column} = ANY(%s)", (list(lookup.key),)
    else:
        where, keys = f"{column} >= %s AND {column} < %s", (lookup.key, lookup.key + _GREATEST)
    sql = f"SELECT {study} AS id, study_date FROM {table} WHERE tenant_id = %s{kind} AND {where}{dates.sql}"
    return Range(sql, (active_tenant_id(), *kinds, *keys, *dates.parameters))


def _followed(keys: Range, count: int) -> Way:
    return Way(keys.first(count), cuts=((keys, count),))


def _sorted_way(keys: Range) -> Way:
    distinct = f"SELECT DISTINCT id, study_date FROM ({keys.sql}) k"
    return Way(Range(f"{distinct} ORDER BY {_LATEST.format(id='id')}", keys.parameters))


def _walk(query: Query, dates: Dates, bounds: Bounds) -> Way:
    """All studies, latest first."""
    order = _LATEST.format(id="id")
    sql = f"SELECT id, {_NAME_KEY} FROM {_STUDIES} WHERE tenant_id = %s{dates.sql} ORDER BY {order}"
    studies = Range(sql, (active_tenant_id(), *dates.parameters))
    others = [condition for attribute, condition in query.conditions if attribute.column != "study_date"]
    if not others:
        return _page_of(studies, query, bounds)
    if not (names := _name_parts(query)):
        return _followed(studies, bounds.rows)
    passed = studies.first(bounds.keys)
    named = Range(
        f"SELECT id FROM ({passed.sql}) k WHERE ({names[0].sql.format(place=_NAME_KEY)})",
        (*passed.parameters, *names[0].parameters),
    )
    return Way(named.first(bounds.rows), cuts=((studies, bounds.keys), (named, bounds.rows)))


def _page_of(studies: Range, query: Query, bounds: Bounds) -> Way:
    """Nothing is asked but the date: a page of studies has what is needed, for each has a series with an instance."""
    if query.level is Level.STUDY:
        page = Range(f"{studies.sql} OFFSET {query.offset:d} LIMIT {query.limit + 1:d}", studies.parameters)
        return Way(page, paged=True, plain=True)
    needed = query.offset + query.limit + 1
    return Way(studies.first(needed), plain=True) if needed <= bounds.rows else _followed(studies, bounds.rows)


def _name_parts(query: Query) -> list[Condition]:
    """Conditions on patients' names that an index can only be walked for."""
    return [condition for _, condition in query.conditions if condition.column == _NAME_KEY]
