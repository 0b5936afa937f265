"""The backup among the stack's pieces: under the supervisor, with the roles' passwords, and on a real S3 server."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.local import roles
from infra.local.backup_depot import Base
from infra.local.backup_repository import Repository, RepositoryAway, Snapshot, open_repository
from infra.local.environment import choose_services, role_password
from infra.local.layout import REGIONS, REPO, Layout
from infra.local.leftovers import end_leftovers, find_leftovers
from infra.local.ports import free_port
from infra.local.postgres import ensure_cluster, run_cluster
from infra.local.programs import BACKUP_PROGRAM, service_programs
from infra.local.restore import Wish, adopt_regions, restore
from infra.local.stack import Stack, stop
from infra.local.supervision import Supervisor
from infra.local.waiting import wait_until
from tests.fakes.seaweed import PLAIN, start_seaweed


@pytest.fixture
def layout(monkeypatch: pytest.MonkeyPatch) -> Iterator[Layout]:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "COLLIMATE_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS_URL", "redis://unused")
    with tempfile.TemporaryDirectory(prefix="clm-") as folder:
        layout = Layout(Path(folder) / "a folder")
        layout.prepare()
        yield layout
        end_leftovers(layout)


def status_of(layout: Layout) -> dict[str, str | None]:
    """Until when each region is sealed."""
    file = layout.run / "backup.json"
    if not file.exists():
        return {}
    return {name: part["until"] for name, part in json.loads(file.read_text())["regions"].items()}


def test_supervised_database_is_sealed_stops_cleanly_and_comes_back_with_its_passwords(layout: Layout) -> None:
    stack = Stack(layout, free_port(), lambda _line: None)
    services, environment = stack._prepare()
    supervisor = Supervisor(layout)
    supervisor.launch(environment)
    stack._start_services(supervisor, services)
    with psycopg.connect(services.database_owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 1 AS id")

    supervisor.start(BACKUP_PROGRAM)
    assert wait_until(lambda: all(status_of(layout).get(str(region)) for region in REGIONS), 90)
    assert stop(layout)

    assert find_leftovers(layout) == []
    new = Layout(layout.var.parent / "new")
    new.prepare()
    adopt_regions(new, layout.var)
    restore(new, Wish(2), lambda _line: None)
    server = run_cluster(ensure_cluster(new.postgres), durable=False)
    url = roles.socket_url(roles.OWNER, role_password(new, roles.OWNER), server.cluster.socket_dir, "collimate")
    with psycopg.connect(url) as owner:
        assert owner.execute("SELECT count(*) FROM kept").fetchone() == (1,)
    server.stop()
    assert role_password(new, roles.OWNER) == role_password(layout, roles.OWNER)


def test_database_of_the_callers_own_has_no_backup_program(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "given")
    monkeypatch.setenv("DATABASE_OWNER_URL", "given")

    services = choose_services(layout, ensure_cluster(layout.postgres))

    assert service_programs(services) == []


def test_database_without_a_depot_archives_nothing(layout: Layout) -> None:
    (postgres,) = service_programs(choose_services(layout, ensure_cluster(layout.postgres)))

    assert not any("archive" in part for part in postgres.command)


def test_program_does_not_run_without_a_database_of_the_stacks_own(layout: Layout) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.local.backup", "--once"], cwd=REPO, capture_output=True, text=True, check=False,
        env={**os.environ, "COLLIMATE_VAR": str(layout.var)},
    )  # fmt: skip

    assert (done.returncode, "holds no database" in done.stderr) == (2, True)


@pytest.fixture
def s3(layout: Layout) -> Iterator[str]:
    """A bucket on a server of its own, as restic names it."""
    server = start_seaweed(layout.var / "seaweed")
    yield f"s3:{server.url}/{PLAIN}/database"
    server.kill()


def test_bucket_with_its_own_credentials_holds_a_repository(
    layout: Layout, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = layout.secrets / "region2.aws"
    credentials.write_text("[default]\naws_access_key_id = vault\naws_secret_access_key = vault-secret\n")
    monkeypatch.setenv("COLLIMATE_BACKUP_2", s3)
    monkeypatch.setenv("COLLIMATE_BACKUP_2_CREDENTIALS", str(credentials))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "region1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    layout.region(2).mkdir()
    repository = open_repository(layout, 2)

    assert repository.ensure()
    repository.seal(layout.var, ["secrets"], content())
    (found,) = repository.list_snapshots()
    repository.restore(found, layout.var / "back")

    assert (layout.var / "back" / "secrets" / "region2.aws").read_text() == credentials.read_text()
    assert repository.size() > 0
    repository.check()


def content() -> Snapshot:
    base = Base.parse("20260601T030000.000000Z_000000010000000000000002_20260601T030000.000000Z")
    return Snapshot("", (base,), "000000010000000000000003", base.at)


def test_server_nobody_answers_at_is_away_in_time(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.backup_repository.ANSWER_SECONDS", 2.0)
    layout.region(2).mkdir()
    repository = Repository(f"s3:http://127.0.0.1:{free_port()}/bucket", layout.backup_key(2), layout.run / "cache")

    with pytest.raises(RepositoryAway):
        repository.ensure()
