"""Scratch: never the production database, never region 1's way to it, and nothing left even when a drill is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as live
from django.db import connection
from psycopg import sql

from imaging.adapters.scratch import ScratchFull, require_room, scratch_folder
from imaging.adapters.scratch_database import IDENTITY_SQL, ScratchFailed, ScratchIsProduction, scratch_database
from infra.local.roles import socket_url
from tests.imaging.drilling import SUPERUSER

REPO = Path(__file__).resolve().parents[2]
MAKER = f"drill_maker_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"  # the workers share a server


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """The suite's server, by a role that may create databases and nothing else."""
    socket_dir = psycopg.conninfo.conninfo_to_dict(SUPERUSER)["host"]
    role = sql.Identifier(MAKER)
    with psycopg.connect(SUPERUSER, autocommit=True) as server:
        server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))
        server.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD 'p/w?'").format(role))
        yield socket_url(MAKER, "p/w?", socket_dir, "postgres")
        server.execute(sql.SQL("DROP ROLE {}").format(role))


def databases() -> set[str]:
    """Of this worker's role."""
    named = "SELECT datname FROM pg_database WHERE datname LIKE 'collimate_drill%%' AND datdba = %s::regrole"
    with psycopg.connect(SUPERUSER) as server:
        return {name for (name,) in server.execute(named, [MAKER])}


def test_a_given_server_gets_a_new_database_that_goes_again(server_url: str, tmp_path: Path) -> None:
    with scratch_database(tmp_path, server_url, ()) as database:
        with psycopg.connect(database.owner_url) as inside:
            inside.execute("CREATE TABLE t (name text); CREATE INDEX ON t USING gin (name gin_trgm_ops)")
            assert {inside.info.dbname} == databases()
        assert database.version()

    assert databases() == set()


def test_a_database_goes_even_when_someone_is_still_connected(server_url: str, tmp_path: Path) -> None:
    with scratch_database(tmp_path, server_url, ()) as database:
        lingering = psycopg.connect(database.app_url)

    assert databases() == set()
    lingering.close()


def test_the_production_database_is_refused_by_whatever_address(db: None, server_url: str, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(IDENTITY_SQL)
        production = tuple(cursor.fetchone())
    url = os.environ["DATABASE_OWNER_URL"] + "&application_name=elsewhere"

    with pytest.raises(ScratchIsProduction), scratch_database(tmp_path, url, production):
        pass

    assert databases() == set()


def test_a_server_that_is_away_is_said_without_its_address(tmp_path: Path) -> None:
    url = f"postgres://drill:secret@/postgres?host={tmp_path}"

    with pytest.raises(ScratchFailed) as raised, scratch_database(tmp_path, url, ()):
        pass

    assert "secret" not in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


def test_commands_run_on_the_scratch_database_and_reach_no_broker(server_url: str, tmp_path: Path) -> None:
    with scratch_database(tmp_path, server_url, ()) as database:
        code = (
            "from django.conf import settings as s; import pathlib; "
            f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(' '.join((s.DATABASES['default']['NAME'], "
            "s.DATABASES['owner']['NAME'], s.CELERY_BROKER_URL, str(s.VAULT_KEYS[1]))))"
        )
        done = database.manage(["shell", "-c", code], {"COLLIMATE_KEYS_1": "nowhere"})

        name = databases().pop()
        assert (done.code, done.error) == (0, "")
        assert (tmp_path / "seen").read_text() == f"{name} {name} memory:// nowhere"
        assert live.DATABASES["default"]["NAME"] != name


def test_how_a_command_failed_is_named_without_its_message(server_url: str, tmp_path: Path) -> None:
    with scratch_database(tmp_path, server_url, ()) as database:
        done = database.manage(["shell", "-c", "raise ValueError('Doe^Jane')"], {})

    assert (done.code, done.error) == (1, "ValueError")


def test_a_folder_is_private_and_goes_again(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "drill") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "pid").read_text() == str(os.getpid())

    assert not folder.exists()


def test_a_drill_that_runs_is_not_cleared(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as first, scratch_folder(tmp_path) as second:
        assert first.is_dir() and second.is_dir()


def test_what_a_killed_drill_left_is_cleared_at_the_next_start(server_url: str, tmp_path: Path) -> None:
    """Its folder, the process that works there, and its database."""
    process = start_and_kill_drill(server_url, tmp_path)
    left = next(path for path in tmp_path.iterdir() if path.is_dir())
    assert len(databases()) == 1

    with scratch_folder(tmp_path, server_url) as folder:
        assert [path for path in tmp_path.iterdir() if path.is_dir()] == [folder]

    assert not left.exists()
    assert databases() == set()
    assert not Path(f"/proc/{process}/cwd").exists()


def start_and_kill_drill(server_url: str, root: Path) -> int:
    """A drill in another process, killed with no chance to clean up; the pid of a child that outlives it."""
    code = f"""
import subprocess, sys, time
from pathlib import Path
from imaging.adapters.scratch import scratch_folder
from imaging.adapters.scratch_database import scratch_database
with scratch_folder(Path({str(root)!r})) as folder, scratch_database(folder, {server_url!r}, ()):
    print(subprocess.Popen(["sleep", "60"], cwd=folder, stdout=subprocess.DEVNULL).pid, flush=True)
    time.sleep(60)
"""
    drill = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=REPO)
    child = int(drill.stdout.readline())
    drill.send_signal(signal.SIGKILL)
    drill.wait()
    drill.stdout.close()
    assert Path(f"/proc/{child}").exists()
    return child


def test_room_is_asked_for_before_it_is_needed(tmp_path: Path) -> None:
    require_room(tmp_path, 1)

    with pytest.raises(ScratchFull):
        require_room(tmp_path, 1 << 60)
