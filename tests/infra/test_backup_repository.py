"""A repository after mishaps: a process killed while it held the lock, a file that could not be read."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.backup_depot import Base
from infra.local.backup_repository import Repository, RepositoryAway, RepositoryKeyWrong, Snapshot
from infra.local.waiting import wait_until

BASE = Base.parse("20260601T030000.000000Z_000000010000000000000002_20260601T030000.000000Z")
CONTENT = Snapshot("", (BASE,), "000000010000000000000003", BASE.at)


@pytest.fixture(scope="module")
def untouched() -> Iterator[Path]:
    """A folder with a repository, and something to seal."""
    with tempfile.TemporaryDirectory(prefix="clm-") as folder:
        assert at(Path(folder)).ensure()
        (Path(folder) / "part").mkdir()
        (Path(folder) / "part" / "file").write_text("to be sealed")
        yield Path(folder)


@pytest.fixture
def folder(untouched: Path, tmp_path: Path) -> Path:
    return shutil.copytree(untouched, tmp_path / "copy")


def at(folder: Path) -> Repository:
    return Repository(str(folder / "backup"), folder / "keys" / "backup.key", folder / "cache")


def test_existing_repository_is_left_as_it_is(folder: Path) -> None:
    at(folder).seal(folder, ["part"], CONTENT)

    assert not at(folder).ensure()
    assert [row.bases for row in at(folder).list_snapshots()] == [(BASE,)]


def test_pruning_leaves_every_kept_snapshot_whole(folder: Path) -> None:
    sealed, file = {}, folder / "part" / "file"
    shared = os.urandom(3_000_000)
    for _ in range(3):
        file.write_bytes(shared + os.urandom(500_000))
        sealed[at(folder).seal(folder, ["part"], CONTENT)] = file.read_bytes()
    gone = next(iter(sealed))
    before = at(folder).size()

    at(folder).forget([gone])
    at(folder).prune()

    at(folder).check()
    rows = at(folder).list_snapshots()
    assert len(rows) == 2 and at(folder).size() < before
    for row in rows:
        at(folder).restore(row, folder / row.id)
        assert (folder / row.id / "part" / "file").read_bytes() == sealed[row.id[:8]]


def list_locks(folder: Path) -> list[Path]:
    """Locks that count: one still being written has a name of its own until it is whole."""
    return [path for path in (folder / "backup" / "locks").iterdir() if "-tmp-" not in path.name]


def test_lock_of_a_killed_process_is_lifted(folder: Path) -> None:
    at(folder).seal(folder, ["part"], CONTENT)
    password = {"RESTIC_PASSWORD_FILE": str(folder / "keys" / "backup.key")}
    holder = subprocess.Popen(
        ["restic", "--no-cache", "--repo", str(folder / "backup"), "backup", "--stdin"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ, **password},
    )  # fmt: skip
    assert wait_until(lambda: list_locks(folder), 20)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()

    at(folder).prune()

    assert list_locks(folder) == []


def test_snapshot_that_lacks_a_file_is_taken_back(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped = tmp_path / "bin" / "restic"
    wrapped.parent.mkdir()
    wrapped.write_text(f'#!/bin/sh\n{shutil.which("restic")} "$@" || exit\ncase " $* " in *" backup "*) exit 3; esac\n')
    wrapped.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapped.parent}:{os.environ['PATH']}")

    with pytest.raises(RepositoryAway, match="not all could be read"):
        at(folder).seal(folder, ["part"], CONTENT)

    assert at(folder).list_snapshots() == []


def test_wrong_key_is_told_from_a_region_that_is_away(folder: Path) -> None:
    (folder / "keys" / "backup.key").write_text("guess")

    with pytest.raises(RepositoryKeyWrong):
        at(folder).ensure()

    assert (folder / "keys" / "backup.key").read_text() == "guess"
