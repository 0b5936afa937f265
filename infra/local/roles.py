"""The two database roles and what each may do.

The owner's connection migrates and does nothing else; the application's role owns no table, so PostgreSQL's row-level
security binds it, and cannot switch that off.
"""

from urllib.parse import quote

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

OWNER = "collimate_owner"
APP = "collimate_app"
_POWERLESS = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def ensure_roles(superuser_dsn: str, passwords: dict[str, str]) -> None:
    """Create the roles named in `passwords` where missing and set their passwords."""
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        for role, password in passwords.items():
            _ensure_role(connection, role, password)


def ensure_database(superuser_dsn: str, name: str, template: str = "template0") -> None:
    """Create database `name` of the owner's unless it is there, and give both roles what is theirs in it.

    `template` may be a migrated database that nobody is connected to: the copy has its tables and rows.
    """
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
                )
            )
        _grant_connect(connection, name)
    with psycopg.connect(psycopg.conninfo.make_conninfo(superuser_dsn, dbname=name), autocommit=True) as connection:
        _grant_inside(connection)


def drop_database(superuser_dsn: str, name: str) -> None:
    """Drop database `name`, whoever is connected; no error if it is not there."""
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def socket_url(role: str, password: str, socket_dir: object, database: str) -> str:
    """The URL of `database` through a Unix socket, as both django-environ and libpq read it."""
    return f"postgres://{role}:{quote(password, safe='')}@/{database}?host={quote(str(socket_dir))}"


def _ensure_role(connection: Connection[TupleRow], role: str, password: str) -> None:
    if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    powers = sql.SQL("ALTER ROLE {} " + _POWERLESS + " PASSWORD {}")
    connection.execute(powers.format(sql.Identifier(role), sql.Literal(password)))


def _grant_connect(connection: Connection[TupleRow], database: str) -> None:
    name = sql.Identifier(database)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(APP)))


def _grant_inside(connection: Connection[TupleRow]) -> None:
    names = {"owner": sql.Identifier(OWNER), "app": sql.Identifier(APP)}
    for statement in _GRANTS_INSIDE:
        connection.execute(sql.SQL(statement).format(**names))


_LATER = "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public "
_GRANTS_INSIDE = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "ALTER SCHEMA public OWNER TO {owner}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {app}",
    _LATER + "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
    _LATER + "GRANT USAGE, SELECT ON SEQUENCES TO {app}",
)


def _exists(connection: Connection[TupleRow], query: str, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None
