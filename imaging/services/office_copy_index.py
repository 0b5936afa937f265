"""The index of an office copy: the practice's rows as lines of JSON, compressed, to be sealed like any object.

First line `F` and the facts; then for each table a line `T` with its name and columns, followed by one line `R` per
row. Rows travel between PostgreSQL's own JSON and lines without becoming objects, so an archive costs no memory.
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection, transaction

from imaging.services.office_copy_folder import Facts, OfficeCopyRefused
from imaging.services.office_copy_tables import TABLES, WANTED_OBJECTS, Table
from tenants.scoping import tenant_scope

_BATCH_BYTES = 4 << 20
_FACTS = """
    SELECT (SELECT count(*) FROM imaging_study WHERE tenant_id = %(tenant)s),
           (SELECT count(*) FROM imaging_series WHERE tenant_id = %(tenant)s),
           (SELECT count(*) FROM imaging_instance WHERE tenant_id = %(tenant)s),
           coalesce((SELECT seq FROM audit_audithead WHERE tenant_id = %(tenant)s), 0),
           coalesce((SELECT encode(digest, 'hex') FROM audit_audithead WHERE tenant_id = %(tenant)s), '')
"""


class IndexUnreadable(OfficeCopyRefused):
    """The index is damaged, or of a version that this one cannot load."""


@dataclass(frozen=True)
class Batch:
    """Some rows of one table, as a JSON array."""

    table: Table
    rows: str


@contextmanager
def frozen_view(tenant_id: UUID) -> Iterator[None]:
    """The practice's rows as they were at one moment, however long the reading takes."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:  # only a transaction's first statement may say so
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with tenant_scope(tenant_id):
            yield


def read_facts(tenant_id: UUID, taken_at: datetime) -> Facts:
    """Counts and the end of the trail, inside a view."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, {"tenant": tenant_id})
        return Facts(taken_at, *cursor.fetchone())


def list_wanted(tenant_id: UUID) -> dict[UUID, int]:
    """The sealed objects that the copy needs, inside a view: plaintext bytes by id; 0 where that was never noted."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT t.id, t.size FROM imaging_vaultobject t WHERE {WANTED_OBJECTS}", {"tenant": tenant_id})
        return dict(cursor.fetchall())


def write_index(tenant_id: UUID, facts: Facts) -> Iterator[bytes]:
    """The index in pieces, to be read inside a view."""
    packer = zlib.compressobj()
    for line in _write_lines(tenant_id, facts):
        if piece := packer.compress(line.encode() + b"\n"):
            yield piece
    yield packer.flush()


def _write_lines(tenant_id: UUID, facts: Facts) -> Iterator[str]:
    yield "F" + json.dumps(facts.as_json())
    for table in TABLES:
        yield "T" + json.dumps({"table": table.name, "columns": table.columns})
        for row in _select(table, tenant_id, facts.taken_at):
            yield "R" + row


def _select(table: Table, tenant_id: UUID, taken_at: datetime) -> Iterator[str]:
    query = f"COPY ({table.select()}) TO STDOUT"
    with connection.cursor() as cursor, cursor.copy(query, {"tenant": tenant_id, "taken_at": taken_at}) as copy:
        for (row,) in copy.rows():
            yield row


def load_index(pieces: Iterable[bytes], expected: Facts) -> dict[str, int]:
    """Insert the rows of an index into the scope's empty practice; returns how many, by table.

    Raises
    ------
    IndexUnreadable
        Cut short, not the one that the manifest describes, or of another version.
    """
    counts: dict[str, int] = {}
    try:
        with connection.cursor() as cursor:
            # Checking a long trail takes longer than the database lets a transaction wait for its next statement.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            for batch in _read_batches(pieces, expected):
                cursor.execute(batch.table.insert(), [batch.rows])
                counts[batch.table.name] = counts.get(batch.table.name, 0) + cursor.rowcount
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except DatabaseError:
        # Not its text, which may quote a row.
        raise IndexUnreadable(
            "The copy's rows do not fit this version of Collimate. Load it with the one that made it."
        ) from None
    return counts


def _read_batches(pieces: Iterable[bytes], expected: Facts) -> Iterator[Batch]:
    lines = read_lines(pieces)
    if next(lines, "") != "F" + json.dumps(expected.as_json()):
        raise IndexUnreadable("manifest.json does not describe this index: one of them was replaced.")
    table, absent, rows, size = None, {}, [], 0
    for line in lines:
        if line[0] == "T":
            if table and rows:
                yield _batch(table, absent, rows)
            table, absent, rows, size = *_open_table(line), [], 0
            continue
        rows.append(line[1:])
        size += len(line)
        if size > _BATCH_BYTES and table:
            yield _batch(table, absent, rows)
            rows, size = [], 0
    if table and rows:
        yield _batch(table, absent, rows)


def _batch(table: Table, absent: dict[str, object], rows: list[str]) -> Batch:
    if absent:
        rows = [json.dumps(absent | json.loads(row), cls=DjangoJSONEncoder) for row in rows]
    return Batch(table, f"[{','.join(rows)}]")


def _open_table(line: str) -> tuple[Table, dict[str, object]]:
    """The table of a `T` line, and values for the columns that came after the copy was made."""
    said = json.loads(line[1:])
    table = next((table for table in TABLES if table.name == said["table"]), None)
    if table is None or not set(said["columns"]) <= set(table.columns):
        raise IndexUnreadable("The copy was made by a newer version of Collimate. Load it with that version.")
    return table, {name: table.default_of(name) for name in table.columns if name not in said["columns"]}


def read_lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """The lines of an index; raises `IndexUnreadable` if it ends too soon."""
    unpacker, rest = zlib.decompressobj(), b""
    try:
        for piece in pieces:
            *lines, rest = (rest + unpacker.decompress(piece)).split(b"\n")
            yield from (line.decode() for line in lines)
    except zlib.error:
        raise IndexUnreadable("The copy's index is damaged. Run manage.py snapshot again.") from None
    if rest or not unpacker.eof:
        raise IndexUnreadable("The copy's index is cut short. Run manage.py snapshot again.")
