"""The private PostgreSQL and Valkey servers, and what each database role may do."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import environ
import psutil
import psycopg
import pytest
import redis

from infra.local.layout import REPO
from infra.local.postgres import PostgresServer, start_postgres
from infra.local.valkey import ValkeyServer, start_valkey
from infra.local.waiting import wait_until


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="clm-") as folder:
        yield from run_postgres(Path(folder))


def run_postgres(folder: Path) -> Iterator[PostgresServer]:
    server = start_postgres(folder, durable=False)
    with psycopg.connect(server.owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE walled (id serial PRIMARY KEY, tenant text)")
        owner.execute("ALTER TABLE walled ENABLE ROW LEVEL SECURITY")
        owner.execute("CREATE POLICY nobody ON walled USING (false) WITH CHECK (tenant = 'northside')")
    yield server
    server.stop()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="clm-") as folder:
        yield Path(folder)


@pytest.fixture
def app(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.app_url, autocommit=True) as connection:
        yield connection


def test_app_role_reads_and_writes_tables_the_owner_makes_later(app: psycopg.Connection) -> None:
    app.execute("INSERT INTO walled (tenant) VALUES ('northside')")

    assert app.execute("SELECT count(*) FROM walled").fetchone() == (0,)


def test_app_role_is_bound_by_row_level_security(app: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        app.execute("INSERT INTO walled (tenant) VALUES ('southside')")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE walled DISABLE ROW LEVEL SECURITY",
        "DROP POLICY nobody ON walled",
        "CREATE TABLE mine (id int)",
        "TRUNCATE walled",
        "SET ROLE collimate_owner",
        "CREATE DATABASE mine",
        "ALTER ROLE collimate_app BYPASSRLS",
    ],
)
def test_app_role_cannot_lift_the_wall(app: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement)


@pytest.mark.parametrize("role", ["collimate_app", "collimate_owner"])
def test_neither_role_bypasses_anything(app: psycopg.Connection, role: str) -> None:
    query = "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = %s"

    assert app.execute(query, [role]).fetchone() == (False,) * 5


def test_server_listens_on_no_network(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.superuser_dsn) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_role_needs_its_password(postgres: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.app_url.replace(postgres.passwords["collimate_app"], "guess"))


def test_urls_mean_the_same_to_django(postgres: PostgresServer) -> None:
    settings = environ.Env.db_url_config(postgres.app_url)

    with psycopg.connect(
        dbname=settings["NAME"], user=settings["USER"], password=settings["PASSWORD"], **settings["OPTIONS"]
    ) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("collimate_app",)


def test_database_can_be_copied_with_its_rights(postgres: PostgresServer) -> None:
    copy = postgres.create_database("copy", template="collimate")

    with psycopg.connect(copy.owner, autocommit=True) as owner:
        owner.execute("CREATE TABLE later (id int)")
    with psycopg.connect(copy.app, autocommit=True) as app:
        assert app.execute("SELECT count(*) FROM walled").fetchone() == (0,)
        assert app.execute("SELECT count(*) FROM later").fetchone() == (0,)
    postgres.drop_database("copy")


def test_log_does_not_quote_the_row_that_failed(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE patients (name text UNIQUE)")
        owner.execute("INSERT INTO patients VALUES ('Doe^Jane')")
        with pytest.raises(psycopg.errors.UniqueViolation, match="Doe"):
            owner.execute("INSERT INTO patients VALUES ('Doe^Jane')")

    log = (postgres.cluster.directory / "server.log").read_text()
    assert "unique constraint" in log
    assert "Doe^Jane" not in log


def test_committed_rows_survive_kill_9(folder: Path) -> None:
    server = start_postgres(folder)
    with psycopg.connect(server.owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 1 AS id")
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()

    again = start_postgres(folder)

    with psycopg.connect(again.owner_url) as owner:
        assert owner.execute("SELECT count(*) FROM kept").fetchone() == (1,)
    again.stop()


def test_a_number_reused_by_another_process_does_not_bar_the_start(folder: Path) -> None:
    server = start_postgres(folder, durable=False)
    server.process.kill()
    server.process.wait()
    pid_file = folder / "data" / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(str(server.process.pid), str(os.getpid()), 1))

    start_postgres(folder, durable=False).stop()


def test_state_folder_with_a_long_path_still_gets_a_socket(tmp_path: Path) -> None:
    server = start_postgres(tmp_path / ("long" * 25), durable=False)

    assert psycopg.connect(server.app_url).closed is False
    server.stop()
    server.cluster.socket_dir.rmdir()


def test_server_does_not_outlive_whoever_started_it(folder: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from infra.local.postgres import start_postgres
from infra.local.valkey import start_valkey
folder = Path(sys.argv[1])
print(start_postgres(folder / "postgres").process.pid, start_valkey(folder / "valkey").process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True, cwd=REPO)

    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    assert wait_until(lambda: not any(psutil.pid_exists(pid) for pid in pids), 15)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = start_valkey(tmp_path / "valkey")
    yield server
    server.stop()


def test_broker_refuses_without_the_password(valkey: ValkeyServer) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=valkey.broker.port).ping()


def test_broker_keeps_messages_over_kill_9(valkey: ValkeyServer) -> None:
    client = redis.Redis.from_url(valkey.url)
    client.lpush("pipeline", "message")
    wait_until(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0, 2)
    valkey.process.kill()
    valkey.process.wait()

    again = start_valkey(valkey.broker.directory)

    assert redis.Redis.from_url(again.url).lrange("pipeline", 0, -1) == [b"message"]
    again.stop()


def test_broker_configuration_is_private(valkey: ValkeyServer) -> None:
    assert (valkey.broker.directory / "valkey.conf").stat().st_mode & 0o777 == 0o600
