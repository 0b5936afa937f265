"""The backend's own way of finding out that a kept connection is dead."""

import psycopg
import pytest
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)


def hang_up() -> None:
    """What a restart of the server does to a connection that is kept."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    settings = connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}
    settings.pop("context", None)
    with psycopg.connect(**settings, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])


def test_an_idle_connection_is_usable() -> None:
    connection.ensure_connection()

    assert connection.is_usable()


def test_a_connection_the_server_closed_is_not() -> None:
    hang_up()

    assert not connection.is_usable()
    connection.close()


def test_a_request_after_the_servers_restart_gets_a_fresh_connection() -> None:
    hang_up()
    connection.health_check_enabled, connection.health_check_done = True, False

    connection.close_if_unusable_or_obsolete()

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
