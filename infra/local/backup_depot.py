"""What is to be sealed, gathered in the database's own folder: a base backup and all WAL since it began.

`depot/bases/<life>_<segment>_<time>/` holds `base.tar` and `backup_manifest` as pg_basebackup writes them; `depot/wal/`
holds one compressed file per WAL segment, put there by PostgreSQL's archiver. A life is one uninterrupted history of
the cluster: a restored cluster begins a new one, because PostgreSQL may count its segments anew.
"""

import json
import re
import shlex
import shutil
import signal
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from infra.local.accounts import own
from infra.local.children import ends_with_us
from infra.local.postgres import Cluster, binary
from infra.local.private_files import write_private
from infra.local.waiting import wait_until

BASE_EVERY = timedelta(days=1)
BASE_SECONDS = 6 * 3600.0
ARCHIVE_SECONDS = 60.0
# The round closes a segment itself; this is for the hours in which no round runs.
ARCHIVE_TIMEOUT_SECONDS = 600
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_ARCHIVED = re.compile(r"[0-9A-F]{24}(\..+)?\.gz")


class NotArchived(Exception):
    """PostgreSQL's archiver did not deliver: the disk is full, or the depot cannot be written."""


class BaseFailed(Exception):
    """pg_basebackup did not finish, or what it wrote does not match its own manifest."""


@dataclass(frozen=True)
class Base:
    """A base backup: the life it belongs to, the first WAL segment it needs, and when it was complete."""

    life: str
    segment: str
    at: datetime

    @property
    def name(self) -> str:
        return f"{self.life}_{self.segment}_{self.at.strftime(_STAMP)}"

    @property
    def order(self) -> tuple[str, str]:
        """Grows with every base, whatever the clocks do."""
        return self.life, self.segment

    @classmethod
    def parse(cls, name: str) -> "Base":
        """The base of that name."""
        life, segment, at = name.split("_")
        return cls(life, segment, datetime.strptime(at, _STAMP).replace(tzinfo=UTC))


@dataclass(frozen=True)
class Mark:
    """Every transaction that was committed by `at` lies in the WAL up to `segment`, which is archived."""

    at: datetime
    segment: str


@dataclass(frozen=True)
class Depot:
    """The depot of one cluster, at `path`."""

    cluster: Cluster
    path: Path

    @classmethod
    def of(cls, cluster: Cluster) -> "Depot":
        """The one that the running cluster archives into."""
        return cls(cluster, cluster.directory / "depot")

    @property
    def wal(self) -> Path:
        return self.path / "wal"

    @property
    def bases(self) -> Path:
        return self.path / "bases"

    def prepare(self) -> None:
        """Create the folders, the archiver's as the server's own account's; a new depot begins a new life."""
        own(self.path, self.cluster.account)
        own(self.wal, self.cluster.account)
        self.bases.mkdir(mode=0o700, exist_ok=True)
        if not self.is_prepared:
            write_private(self.path / "life", datetime.now(UTC).strftime(_STAMP))

    @property
    def is_prepared(self) -> bool:
        """Whether the cluster is one that is backed up; a scratch one is not."""
        return (self.path / "life").exists()

    def server_settings(self) -> dict[str, str]:
        """What makes the server archive into this depot."""
        return {
            "archive_mode": "on",
            "archive_command": self._archive_command(),
            "archive_timeout": str(ARCHIVE_TIMEOUT_SECONDS),
        }

    def restore_command(self) -> str:
        """The shell command by which a recovering server fetches a segment from this depot."""
        source = f"{_for_server(self.wal)}/%f.gz"
        return f'test -f {source} && gzip -dc {source} > "%p"'

    def list_bases(self) -> list[Base]:
        """Those that are complete, oldest first."""
        names = (folder.name for folder in self.bases.iterdir() if not folder.name.startswith("."))
        return sorted((Base.parse(name) for name in names), key=lambda base: base.order)

    def is_base_due(self, now: datetime) -> bool:
        """Whether the newest base is a day old, or from the future, or missing."""
        bases = self.list_bases()
        return not bases or not timedelta(0) <= now - bases[-1].at < BASE_EVERY

    def take_base(self) -> Base:
        """Copy the running cluster and verify the copy. Raises BaseFailed, psycopg.Error."""
        fresh = self.bases / ".new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._run("pg_basebackup", "--host", str(self.cluster.socket_dir), "--username", "postgres", "--no-password",
                  "--pgdata", str(fresh), "--format=tar", "--wal-method=none", "--checkpoint=fast")  # fmt: skip
        self._run("pg_verifybackup", "--no-parse-wal", str(fresh))
        start = json.loads((fresh / "backup_manifest").read_text())["WAL-Ranges"][0]["Start-LSN"]
        (segment,) = self._row("SELECT pg_walfile_name(%s::pg_lsn)", start)
        base = Base((self.path / "life").read_text(), segment, datetime.now(UTC))
        fresh.rename(self.bases / base.name)
        return base

    def mark(self) -> Mark:
        """Commit a transaction, close its WAL segment and wait until that is archived.

        Point-in-time restore stops at the first commit after the wished time: in an idle hour, this is that commit.
        Raises NotArchived, psycopg.Error.
        """
        at, _ = self._row("SELECT clock_timestamp(), pg_current_xact_id()")
        (segment,) = self._row("SELECT pg_walfile_name(pg_switch_wal() - 1)")
        if not wait_until((self.wal / f"{segment}.gz").exists, ARCHIVE_SECONDS):
            raise NotArchived(f"segment {segment} was not archived within {ARCHIVE_SECONDS:.0f} s")
        return Mark(at.astimezone(UTC), segment)

    def drop_before(self, base: Base) -> None:
        """Remove older bases, and the WAL that `base` does not need."""
        for older in self.list_bases():
            if older.order < base.order:
                shutil.rmtree(self.bases / older.name)
        for file in self.wal.iterdir():
            if _ARCHIVED.fullmatch(file.name) and file.name[:24] < base.segment:
                file.unlink()

    def size(self) -> int:
        """Bytes it takes on disk."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    def _archive_command(self) -> str:
        """Report success only when the segment lies under its own name and a power cut cannot take it away."""
        fresh, name = (f"{_for_server(self.wal)}/{part}%f.gz" for part in (".", ""))
        return f'gzip -1nc "%p" > {fresh} && sync {fresh} && mv {fresh} {name} && sync {_for_server(self.wal)}'

    def _row(self, query: str, *values: object) -> tuple[Any, ...]:
        with psycopg.connect(self.cluster.superuser_dsn, autocommit=True, connect_timeout=10) as connection:
            row = connection.execute(query, values).fetchone()
        if row is None:
            raise psycopg.DataError("the server answered no row")
        return row

    def _run(self, program: str, *arguments: str) -> None:
        try:
            done = subprocess.run(
                [str(binary(program)), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=BASE_SECONDS, preexec_fn=ends_with_us(signal.SIGTERM), check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise BaseFailed(f"{program} took longer than {BASE_SECONDS:.0f} s") from error
        if done.returncode:
            raise BaseFailed(f"{program}: {done.stderr.strip()[-1000:]}")


def _for_server(path: Path) -> str:
    """For a command in PostgreSQL's configuration: quoted for the shell, a per cent sign doubled for the server."""
    return shlex.quote(str(path)).replace("%", "%%")
