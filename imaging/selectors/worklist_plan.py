"""How the worklist finds its page: a way through the indexes that we choose, each with an end to it (as `qido_plan`).

The first that there is:

1. studies that have a term beginning with each of the words that are rare (`SHORT`), and that are assigned to the
   reader, or urgent, if few are
2. studies assigned to the reader, or of one modality, or all, latest first, if the first `SHORT` fill the page
3. as 1, with words that are not too frequent to be put in order (`Bounds.ordered`)
4. as 2, farther (`Bounds.rows`); of several words that are all frequent, those that stand together in a patient's name

Each stops at a number of studies, and what it stopped short of is said. A page starts behind a study, not at a number:
the tenth page costs what the first does. Dated studies and undated ones are read apart, each as one range.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import permutations
from uuid import UUID

from imaging.dicom.search_words import Word, days_that_begin
from imaging.models import Priority, Reading, SearchTerm, Study, Triage
from imaging.selectors.qido_conditions import escape_like
from imaging.selectors.qido_plan import Bounds, Range
from tenants.scoping import active_tenant_id

BOUNDS = Bounds(rows=5_000, ordered=20_000, milliseconds=100)
SHORT = 2_000  # rows that are put in order sooner than as many studies are passed by date
_STUDIES, _TERMS, _TRIAGE, _READINGS = (each._meta.db_table for each in (Study, SearchTerm, Triage, Reading))
_GREATEST = "\U0010ffff"  # behind every letter
_TOGETHER = 3  # words of a name that are tried in every order
_WORDS_OF = [SearchTerm.Kind.PATIENT, SearchTerm.Kind.WORD, SearchTerm.Kind.REFERRER, SearchTerm.Kind.TOKEN]
_URGENT = [Priority.URGENT, Priority.STAT]
Parameters = tuple[object, ...]


@dataclass(frozen=True)
class Reader:
    """For whom the list is: what they have not read counts from when they came to the practice."""

    user_id: int
    joined_at: datetime
    today: date


@dataclass(frozen=True)
class Asked:
    """A search, understood. `first` and `last` bound the study date."""

    words: tuple[Word, ...] = ()
    modality: str = ""
    first: date | None = None
    last: date | None = None
    unread: bool = False
    mine: bool = False
    urgent: bool = False
    reader: Reader | None = None
    oldest_first: bool = False


@dataclass(frozen=True)
class Anchor:
    """The study that a page starts behind, or, `backwards`, ends before."""

    study_id: UUID
    study_date: date | None
    backwards: bool = False


@dataclass(frozen=True)
class Way:
    """Ranges to read one after the other, each so far and no farther."""

    ranges: tuple[Range, ...]
    rows: int


@dataclass(frozen=True)
class _Sql:
    text: str
    parameters: Parameters = ()


@dataclass(frozen=True)
class Plan:
    """A search behind an anchor: the ways to it, and the statement that reads one."""

    asked: Asked
    anchor: Anchor | None = None
    tenant: UUID = field(default_factory=active_tenant_id)

    def list_narrow(self) -> list[Range]:
        """Rows of the indexes among which all studies that match are: for each word, and of the reader's and urgent."""
        asked, found = self.asked, [self._word(word) for word in self.asked.words]
        if asked.mine and asked.reader:
            found.append(self._rows(_TRIAGE, "study_id", self._of_reader()))
        if asked.urgent:
            found.append(self._rows(_TRIAGE, "study_id", _Sql("priority = ANY(%s)", (_URGENT,))))
        return found

    def in_all(self, rows: list[Range], bounds: Bounds) -> Way:
        """The studies that are in all of the ranges, put in order."""
        common = Range(
            " INTERSECT ".join(f"SELECT id, study_date FROM ({each.sql}) k" for each in rows),
            tuple(value for each in rows for value in each.parameters),
        )
        return self._ordered(common, bounds)

    def in_order(self, bounds: Bounds) -> Way:
        """The studies of the best index that holds them latest first."""
        if self.asked.mine and self.asked.reader:
            return self._followed(_TRIAGE, "study_id", self._of_reader(), bounds)
        if self.asked.modality:
            kind = _Sql("kind = %s AND key = %s", (SearchTerm.Kind.MODALITY, self.asked.modality))
            return self._followed(_TERMS, "study_id", kind, bounds)
        return self._followed(_STUDIES, "id", _Sql("TRUE"), bounds)

    def together(self, bounds: Bounds) -> Way | None:
        """Studies in whose patient's name two or three plain words follow each other: some of what matches."""
        words = [word.beginnings[0] for word in self.asked.words]
        if not 2 <= len(words) <= _TOGETHER or any(len(word.beginnings) > 1 for word in self.asked.words):
            return None
        keys = [(SearchTerm.Kind.PATIENT, *_ends("^".join(order))) for order in permutations(words)]
        names = [_Sql("kind = %s AND key >= %s AND key < %s", key) for key in keys]
        return self._ordered(_union([self._rows(_TERMS, "study_id", each) for each in names]), bounds)

    def statement(self, studies: Range, count: int) -> tuple[str, Parameters]:
        """SQL for the ids of the first so many studies of a range that match everything."""
        conditions = self._conditions()
        sql = (
            f"SELECT s.id FROM ({studies.sql}) w CROSS JOIN LATERAL (SELECT s.id FROM {_STUDIES} s"
            f" WHERE s.tenant_id = %s AND s.id = w.id{conditions.text} OFFSET 0) s LIMIT {count:d}"
        )
        return sql, (*studies.parameters, self.tenant, *conditions.parameters)

    def _word(self, word: Word) -> Range:
        ranges = []
        for beginning in word.beginnings:
            kinds = _Sql("kind = ANY(%s) AND key >= %s AND key < %s", (_WORDS_OF, *_ends(beginning)))
            code = _Sql("kind = %s AND key >= %s AND key < %s", (SearchTerm.Kind.MODALITY, *_ends(beginning.upper())))
            ranges += [self._rows(_TERMS, "study_id", kinds), self._rows(_TERMS, "study_id", code)]
            if days := days_that_begin(beginning):
                ranges.append(self._rows(_STUDIES, "id", _Sql("study_date BETWEEN %s AND %s", days)))
        return _union(ranges)

    def _rows(self, table: str, study: str, where: _Sql) -> Range:
        """Rows of a table with the study's date in it, in no order."""
        dates = self._dates()
        return Range(
            f"SELECT {study} AS id, study_date FROM {table} WHERE tenant_id = %s AND {where.text}{dates.text}",
            (self.tenant, *where.parameters, *dates.parameters),
        )

    def _of_reader(self) -> _Sql:
        return _Sql("assigned_to_id = %s", (self.asked.reader.user_id,))

    def _dates(self) -> _Sql:
        bounds = [(" AND study_date >= %s", self.asked.first), (" AND study_date <= %s", self.asked.last)]
        known = [(sql, day) for sql, day in bounds if day]
        return _Sql("".join(sql for sql, _ in known), tuple(day for _, day in known))

    def _ordered(self, rows: Range, bounds: Bounds) -> Way:
        """Rows in no order, some twice: put in order, and passed one by one to an end."""
        distinct, behind = f"SELECT DISTINCT id, study_date FROM ({rows.sql}) k", self._behind()
        sql = f"SELECT id FROM ({distinct}) d WHERE {behind.text} ORDER BY {self._order()}"
        studies = Range(sql, (*rows.parameters, *behind.parameters))
        return Way((studies,), bounds.rows)

    def _followed(self, table: str, study: str, where: _Sql, bounds: Bounds) -> Way:
        """Rows in the order of an index, dated and undated apart."""
        return Way(tuple(self._segment(table, study, where, dated) for dated in self._segments()), bounds.rows)

    def _segments(self) -> list[bool]:
        """Whether each part of the list is dated, in the order of reading, from the anchor on."""
        anchor, asked = self.anchor, self.asked
        parts = [True] if asked.first or asked.last else [True, False]
        if anchor is None:
            return parts
        is_dated = anchor.study_date is not None
        if anchor.backwards:
            return [False, True] if not is_dated else [True]
        return parts if is_dated else [False]

    def _segment(self, table: str, study: str, where: _Sql, dated: bool) -> Range:
        anchor, latest, dates = self.anchor, self._descending(), self._dates()
        behind = _Sql("")
        if anchor and dated is (anchor.study_date is not None):
            less = "<" if latest else ">"
            if dated:
                text = f" AND study_date {less}= %s AND (study_date {less} %s OR {study} {less} %s)"
                behind = _Sql(text, (anchor.study_date, anchor.study_date, anchor.study_id))
            else:
                behind = _Sql(f" AND {study} {less} %s", (anchor.study_id,))
        order = f"study_date DESC NULLS LAST, {study} DESC" if latest else f"study_date ASC NULLS FIRST, {study} ASC"
        sql = (
            f"SELECT {study} AS id FROM {table} WHERE tenant_id = %s AND {where.text} AND study_date IS"
            f" {'NOT NULL' if dated else 'NULL'}{dates.text}{behind.text} ORDER BY {order}"
        )
        return Range(sql, (self.tenant, *where.parameters, *dates.parameters, *behind.parameters))

    def _descending(self) -> bool:
        return self.asked.oldest_first is bool(self.anchor and self.anchor.backwards)

    def _order(self) -> str:
        """Undated studies come last, whichever way the dates go."""
        backwards = bool(self.anchor and self.anchor.backwards)
        way = "DESC" if self._descending() else "ASC"
        return f"study_date {way} NULLS {'FIRST' if backwards else 'LAST'}, id {way}"

    def _behind(self) -> _Sql:
        """The condition that a study stands behind the anchor in the order of reading."""
        anchor = self.anchor
        if anchor is None:
            return _Sql("TRUE")
        less = "<" if self._descending() else ">"
        if anchor.study_date is None:
            other = " OR study_date IS NOT NULL" if anchor.backwards else ""
            return _Sql(f"((study_date IS NULL AND id {less} %s){other})", (anchor.study_id,))
        other = "" if anchor.backwards else " OR study_date IS NULL"
        text = f"(study_date {less} %s OR (study_date = %s AND id {less} %s){other})"
        return _Sql(text, (anchor.study_date, anchor.study_date, anchor.study_id))

    def _conditions(self) -> _Sql:
        """Everything that a study must fulfil, on the study itself."""
        asked, reader, found = self.asked, self.asked.reader, []
        for word in asked.words:
            any_of = " OR ".join(["s.search_text LIKE %s"] * len(word.beginnings))
            found.append(_Sql(f"({any_of})", tuple(f"% {escape_like(each)}%" for each in word.beginnings)))
        if asked.modality:
            found.append(_Sql(r"%s = ANY(string_to_array(s.modalities, '\'))", (asked.modality,)))
        for sign, day in ((">=", asked.first), ("<=", asked.last)):
            if day:
                found.append(_Sql(f"s.study_date {sign} %s", (day,)))
        if asked.unread and reader:
            found.append(_Sql(UNREAD, (self.tenant, reader.user_id, reader.joined_at)))
        if asked.mine and reader:
            found.append(self._triaged("assigned_to_id = %s", reader.user_id))
        if asked.urgent:
            found.append(self._triaged("priority = ANY(%s)", _URGENT))
        return _Sql(
            "".join(f" AND {each.text}" for each in found), tuple(value for each in found for value in each.parameters)
        )

    def _triaged(self, condition: str, value: object) -> _Sql:
        text = f"EXISTS (SELECT FROM {_TRIAGE} WHERE tenant_id = %s AND study_id = s.id AND {condition})"
        return _Sql(text, (self.tenant, value))


# A reading counts until something comes to the study; without one, what came before the reader did is no news.
UNREAD = (
    f"coalesce((SELECT r.read_at IS NULL OR r.read_at < s.last_received_at FROM {_READINGS} r"
    " WHERE r.tenant_id = %s AND r.study_id = s.id AND r.user_id = %s), s.last_received_at > %s)"
)


def _ends(beginning: str) -> tuple[str, str]:
    key = beginning[: SearchTerm._meta.get_field("key").max_length]
    return key, key + _GREATEST


def _union(ranges: list[Range]) -> Range:
    return Range(
        " UNION ALL ".join(each.sql for each in ranges), tuple(value for each in ranges for value in each.parameters)
    )
