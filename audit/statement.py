"""SQL that every request runs: written out, prepared once per connection, and free of what building it anew costs.

Everything else asks through Django's models. A statement here stands beside the model it reads, and walls hold for it
as for any other: row-level security is PostgreSQL's.
"""

import psycopg
from django.db import connection


class Statement:
    """One statement with `%s` for its values."""

    def __init__(self, sql: str) -> None:
        self._sql = sql

    def rows(self, *values: object) -> list[tuple]:
        """What it gives, as tuples in the order of its columns; none for a statement that gives nothing.

        Raises
        ------
        django.db.Error
            As for any query of Django's.
        """
        connection.validate_no_broken_transaction()
        connection.ensure_connection()
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(self._sql, values, prepare=True)
            if connection.queries_logged:
                connection.queries_log.append({"sql": self._sql, "time": "0"})
            return cursor.fetchall() if cursor.pgresult.nfields else []
