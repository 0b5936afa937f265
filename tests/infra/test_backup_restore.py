"""The database's backup: a real cluster, sealed by rounds into two regions, and brought back from one of them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest

from infra.local import backup_depot
from infra.local.__main__ import main as infra
from infra.local.accounts import server_account
from infra.local.backup_depot import Depot, NotArchived
from infra.local.backup_repository import RepositoryDamaged, open_repository
from infra.local.backup_round import PATIENCE, Backup
from infra.local.layout import REGIONS, REPO, Layout
from infra.local.postgres import Cluster, PostgresServer, ensure_cluster, run_cluster
from infra.local.private_files import ensure_secret
from infra.local.restore import (
    FolderInUse,
    NotAllReplayed,
    NothingToRestore,
    Wish,
    adopt_regions,
    parse_moment,
    restore,
)
from infra.local.waiting import wait_until

NAME = "Zyxwvutsrq^Plaintextina"


def now() -> datetime:
    return datetime.now(UTC)


def silent(_line: str) -> None:
    pass


@dataclass
class Site:
    """A stack's folder with a running database, as far as a backup needs one."""

    layout: Layout
    server: PostgresServer

    @property
    def depot(self) -> Depot:
        return Depot.of(self.server.cluster)

    @property
    def backup(self) -> Backup:
        return Backup(self.layout, self.depot, {region: open_repository(self.layout, region) for region in REGIONS})

    def insert(self, *names: str) -> None:
        with psycopg.connect(self.server.superuser_dsn) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS patients (name text)")
            for name in names:
                connection.execute("INSERT INTO patients VALUES (%s)", [name])

    def names(self) -> list[str]:
        with psycopg.connect(self.server.superuser_dsn) as connection:
            return [name for (name,) in connection.execute("SELECT name FROM patients ORDER BY name")]


@contextmanager
def short_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="clm-") as folder:
        yield Path(folder)


@contextmanager
def running(layout: Layout) -> Iterator[Site]:
    """The database of a folder, archiving into its depot as the stack's own does."""
    layout.prepare()
    for region in REGIONS:
        layout.region(region).mkdir(exist_ok=True)
    cluster = ensure_cluster(layout.postgres)
    Depot.of(cluster).prepare()
    server = run_cluster(cluster, durable=False, settings=Depot.of(cluster).server_settings())
    try:
        yield Site(layout, server)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def empty_regions() -> Iterator[Path]:
    """Two regions with new repositories: making one costs restic seconds."""
    with short_folder() as folder:
        layout = Layout(folder)
        for region in REGIONS:
            layout.region(region).mkdir()
            open_repository(layout, region).ensure()
        yield folder


@pytest.fixture
def site(empty_regions: Path) -> Iterator[Site]:
    with short_folder() as folder:
        shutil.copytree(empty_regions, folder / "100% mine")
        with running(Layout(folder / "100% mine")) as site:
            yield site


@dataclass(frozen=True)
class Story:
    """What was sealed into `folder`, whose cluster is gone: Ann, then at `between` nobody yet, then Ben and Zyx."""

    folder: Path
    between: datetime
    until: datetime
    secret: str


@pytest.fixture(scope="module")
def story(empty_regions: Path) -> Iterator[Story]:
    with short_folder() as folder:
        shutil.copytree(empty_regions, folder / "old")
        layout = Layout(folder / "old")
        with running(layout) as site:
            secret = ensure_secret(layout.secrets / "secret_key")
            layout.demo_accounts.write_text("[]")
            (layout.secrets / "signing.p12").write_bytes(b"\x00\xff binary")
            site.insert("Ann")
            site.backup.run_round(now())
            site.insert("Abe")
            between = now()
            time.sleep(0.05)
            site.insert("Ben", NAME)
            status = site.backup.run_round(now())
        shutil.rmtree(layout.postgres)
        yield Story(layout.var, between, datetime.fromisoformat(status.of(2).until), secret)


@pytest.fixture
def new(story: Story) -> Iterator[Layout]:
    """An empty stack's folder beside copies of the story's regions."""
    with short_folder() as folder:
        for region in REGIONS:
            shutil.copytree(Layout(story.folder).region(region), folder / f"region{region}", symlinks=True)
        layout = Layout(folder / "new")
        layout.prepare()
        yield layout


@contextmanager
def restored(layout: Layout, wish: Wish) -> Iterator[Site]:
    adopt_regions(layout, layout.var.parent)
    restore(layout, wish, silent)
    with running(layout) as site:
        yield site


def test_region_2_alone_restores_every_row_and_secret(new: Layout, story: Story) -> None:
    shutil.rmtree(new.var.parent / "region1")

    with restored(new, Wish()) as site:
        assert site.names() == ["Abe", "Ann", "Ben", NAME]

    secret = new.secrets / "secret_key"
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == (story.secret, 0o600)
    assert (new.secrets / "signing.p12").read_bytes() == b"\x00\xff binary"
    assert new.demo_accounts.read_text() == "[]"
    assert not (new.postgres / "unsealed").exists()
    assert json.loads(new.restored.read_text())["region"] == 2


def test_restored_to_a_moment_it_has_exactly_the_rows_until_then(new: Layout, story: Story) -> None:
    with restored(new, Wish(1, story.between)) as site:
        assert site.names() == ["Abe", "Ann"]


def test_restored_to_an_idle_moment_it_writes_and_is_backed_up_again(new: Layout, story: Story) -> None:
    with restored(new, Wish(to_time=story.until)) as site:
        assert len(site.names()) == 4
        site.insert("Cleo")
        status = site.backup.run_round(now())
        newest = open_repository(new, 1).list_snapshots()[-1]

    assert status.trouble is None and status.of(1).trouble is None
    assert newest.until.isoformat() == status.of(1).until
    assert len(newest.bases) == 1


@pytest.mark.parametrize("after_the_end", [True, False])
def test_moment_that_was_not_sealed_is_refused(new: Layout, story: Story, after_the_end: bool) -> None:
    moment = story.until + timedelta(seconds=1) if after_the_end else story.until - timedelta(days=1)
    adopt_regions(new, new.var.parent)

    with pytest.raises(NothingToRestore, match="there is"):
        restore(new, Wish(to_time=moment), silent)

    assert not new.postgres.exists()


def flip_a_byte(folder: Path) -> None:
    """In the largest pack: it holds the base backup."""
    pack = max((folder / "data").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)


def test_flipped_byte_is_found_by_the_check_and_refused_on_restore(new: Layout) -> None:
    flip_a_byte(new.var.parent / "region1" / "backup")
    adopt_regions(new, new.var.parent)
    backup = Backup(new, Depot.of(Cluster(new.postgres, server_account())), {1: open_repository(new, 1)})

    with pytest.raises(RepositoryDamaged):
        restore(new, Wish(1), silent)

    assert not new.postgres.exists()
    assert backup.check(now()).of(1).trouble == "damaged"


def test_database_that_ends_before_what_was_sealed_is_refused(new: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    adopt_regions(new, new.var.parent)
    monkeypatch.setattr(Depot, "restore_command", without_the_last_segment)

    with pytest.raises(NotAllReplayed):
        restore(new, Wish(1), silent)

    assert not new.postgres.exists()


_restore_command = Depot.restore_command


def without_the_last_segment(depot: Depot) -> str:
    max(depot.wal.glob("*.gz")).unlink(missing_ok=True)
    return _restore_command(depot)


def test_restore_never_goes_over_a_database(new: Layout) -> None:
    adopt_regions(new, new.var.parent)
    (new.postgres / "data").mkdir(parents=True)

    with pytest.raises(FolderInUse):
        restore(new, Wish(), silent)

    assert (new.postgres / "data").exists()


def test_regions_already_there_are_not_replaced(new: Layout) -> None:
    new.region(1).mkdir()

    with pytest.raises(FolderInUse):
        adopt_regions(new, new.var.parent)


def test_nothing_lies_in_the_clear_outside_the_database(story: Story) -> None:
    files = [path for path in story.folder.rglob("*") if path.is_file() and path.parent.name != "secrets"]

    assert any("backup" in path.parts for path in files)
    assert [path for path in files if NAME[:10].encode() in path.read_bytes()] == []
    assert [path for path in files if story.secret.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("region", REGIONS)
def test_each_region_has_its_own_private_key(story: Story, region: int) -> None:
    keys = [Layout(story.folder).backup_key(number) for number in REGIONS]

    assert keys[region - 1].stat().st_mode & 0o777 == 0o600
    assert keys[0].read_text() != keys[1].read_text()


def test_status_says_what_can_be_restored(story: Story) -> None:
    status = json.loads((story.folder / "run" / "backup.json").read_text())

    region = status["regions"]["2"]
    assert set(region) == {"until", "since", "bytes", "checked_at", "trouble"}
    assert region["since"] == status["base_at"] < region["until"] == story.until.isoformat()
    assert region["checked_at"] and region["bytes"] > 100_000 and status["depot_bytes"] > 100_000
    assert (status["version"], status["trouble"], region["trouble"]) == (1, None, None)


def test_region_that_is_away_stops_nobody_and_catches_up(site: Site) -> None:
    site.insert("Ann")
    site.backup.run_round(now())
    away = site.layout.var / "away"
    site.layout.region(2).rename(away)
    site.insert("Ben")

    without = site.backup.run_round(now() + timedelta(days=1))
    site.insert("Cleo")

    assert (without.of(1).trouble, without.of(2).trouble) == (None, "away")
    assert without.of(1).until > without.of(2).until
    assert not site.layout.region(2).exists()
    assert len(site.depot.list_bases()) == 2  # the older one waits for region 2

    away.rename(site.layout.region(2))
    again = site.backup.run_round(now())

    assert again.of(2).until == again.of(1).until
    assert again.of(2).trouble is None
    assert len(site.depot.list_bases()) == 1
    assert min(path.name for path in site.depot.wal.glob("*.gz"))[:24] >= site.depot.list_bases()[0].segment
    caught_up = open_repository(site.layout, 2).list_snapshots()[-1]
    assert len(caught_up.bases) == 2


def test_region_that_stays_away_does_not_fill_the_disk(site: Site) -> None:
    site.backup.run_round(now())
    shutil.rmtree(site.layout.region(2))

    site.backup.run_round(now() + PATIENCE + timedelta(minutes=1))

    assert len(site.depot.list_bases()) == 1


def test_repository_with_another_key_is_trouble_and_gets_no_new_key(site: Site) -> None:
    key = site.layout.backup_key(1)
    key.unlink()

    status = site.backup.run_round(now())

    assert (status.of(1).trouble, status.of(2).trouble) == ("key", None)
    assert not key.exists()


def test_program_killed_in_a_round_goes_on_with_the_next(site: Site) -> None:
    site.insert("Ann")
    program = [sys.executable, "-m", "infra.local.backup"]
    environment = {**os.environ, "COLLIMATE_VAR": str(site.layout.var)}
    killed = subprocess.Popen(program, env=environment, cwd=REPO, start_new_session=True)
    assert wait_until(lambda: "restic" in child_names(killed.pid), 20)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert wait_until(lambda: not any_process_in(killed.pid), 10)

    done = subprocess.run([*program, "--once"], env=environment, cwd=REPO, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert all(len(open_repository(site.layout, region).list_snapshots()) >= 1 for region in REGIONS)


def child_names(pid: int) -> list[str]:
    return [child.name() for child in psutil.Process(pid).children()]


def any_process_in(session: int) -> bool:
    return any(os.getsid(pid) == session for pid in psutil.pids() if psutil.pid_exists(pid) and can_ask(pid))


def can_ask(pid: int) -> bool:
    try:
        os.getsid(pid)
    except ProcessLookupError:
        return False
    return True


def test_program_told_to_stop_ends_at_once(site: Site) -> None:
    environment = {**os.environ, "COLLIMATE_VAR": str(site.layout.var)}
    program = subprocess.Popen(
        [sys.executable, "-m", "infra.local.backup"], env=environment, cwd=REPO, start_new_session=True
    )
    assert wait_until(lambda: "restic" in child_names(program.pid), 20)

    os.killpg(program.pid, signal.SIGTERM)

    assert program.wait(10) == 0


def test_wal_the_archiver_cannot_deliver_is_trouble(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_depot, "ARCHIVE_SECONDS", 1.0)
    site.backup.run_round(now())
    shutil.rmtree(site.depot.wal)

    with pytest.raises(NotArchived):
        site.depot.mark()

    assert site.backup.run_round(now()).trouble == "archive"
    site.insert("Ann")
    assert site.names() == ["Ann"]


def test_restore_options_alone_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        infra(["up", "--from-region", "2"])

    assert "belong to --restore" in capsys.readouterr().err


def test_moment_needs_its_offset() -> None:
    assert parse_moment("2026-07-31T10:15:00+02:00") == datetime(2026, 7, 31, 8, 15, tzinfo=UTC)
    with pytest.raises(ValueError, match="offset"):
        parse_moment("2026-07-31T10:15:00")
