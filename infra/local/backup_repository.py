"""One region's sealed copies of the database: a restic repository in a folder, an S3 bucket or wherever restic reaches.

restic seals (AES-256-CTR with Poly1305-AES per blob), compresses, keeps equal chunks once, checks and prunes.
"""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.local.backup_depot import Base
from infra.local.children import ends_with_us
from infra.local.layout import Layout
from infra.local.private_files import ensure_secret

ANSWER_SECONDS = 45.0  # restic itself would go on asking a dead server for 15 minutes
WORK_SECONDS = 3600.0
_SOME_UNREAD = 3  # restic's exit status for a snapshot that lacks files it could not read
_REMOTE = re.compile(r"(s3|rest|sftp|b2|azure|gs|swift|rclone):")
_DAMAGE = ("ciphertext verification failed", "contains errors", "does not match", "invalid data", "not found in index")


class RepositoryAway(Exception):
    """The region's repository cannot be reached, read or written now."""


class RepositoryDamaged(Exception):
    """Something in the repository is not what was sealed: nothing of it may be used."""


class RepositoryKeyWrong(Exception):
    """The region's `backup.key` is missing or opens another repository: bring the right one back."""


@dataclass(frozen=True)
class Snapshot:
    """A sealed state: `bases` and all WAL since the first of them, up to segment `wal`, closed at `until`."""

    id: str
    bases: tuple[Base, ...]
    wal: str
    until: datetime

    @property
    def order(self) -> tuple[str, str]:
        """Grows with every snapshot, whatever the clocks do."""
        return self.bases[-1].life, self.wal

    @property
    def tags(self) -> list[str]:
        return [*(f"base={base.name}" for base in self.bases), f"wal={self.wal}", f"until={self.until.isoformat()}"]


@dataclass(frozen=True)
class Repository:
    """`location` as restic names it; `key_file` its password; `credentials` an AWS credentials file or empty."""

    location: str
    key_file: Path
    cache: Path
    credentials: str = ""

    def ensure(self) -> bool:
        """Make the repository and its key where there is none, but only in a region that is there; say if it did.

        Raises RepositoryAway, RepositoryKeyWrong, RepositoryDamaged.
        """
        self._require_region()
        fresh_key = not self.key_file.exists()
        if fresh_key:
            self._make_key()
        try:
            self._run("cat", "config", seconds=ANSWER_SECONDS)
        except _RepositoryMissing:
            self._run("init", seconds=ANSWER_SECONDS)
            return True
        except RepositoryKeyWrong:
            if fresh_key:
                self.key_file.unlink()
            raise
        return False

    def seal(self, folder: Path, parts: Iterable[str], content: Snapshot) -> str:
        """Seal `parts` (paths relative to `folder`) under the tags of `content`; return the snapshot's id.

        Raises RepositoryAway, RepositoryKeyWrong, RepositoryDamaged; then there is no such snapshot.
        """
        tags = [argument for tag in content.tags for argument in ("--tag", tag)]
        # A dot leads the name of a segment that is still being written.
        command = ["backup", "--json", "--host", "collimate", "--exclude", ".*.gz", *tags, *parts]
        done = self._run(*command, folder=folder, allowed=(0, _SOME_UNREAD))
        sealed = str(json.loads(done.stdout.splitlines()[-1])["snapshot_id"])
        if done.returncode == _SOME_UNREAD:
            self.forget([sealed])
            raise RepositoryAway(f"not all could be read: {done.stderr[-500:]}")
        return sealed

    def list_snapshots(self) -> list[Snapshot]:
        """All of them, oldest first. Raises RepositoryAway, RepositoryKeyWrong, RepositoryDamaged."""
        done = self._run("snapshots", "--json", seconds=ANSWER_SECONDS)
        return sorted((_snapshot(row) for row in json.loads(done.stdout) or []), key=lambda found: found.order)

    def restore(self, snapshot: Snapshot, target: Path) -> None:
        """Unseal a snapshot into `target`.

        Raises RepositoryDamaged if any of it is not what was sealed, RepositoryAway.
        """
        self._run("restore", snapshot.id, "--target", str(target))

    def forget(self, ids: Iterable[str]) -> None:
        """Remove snapshots; what only they used stays until `prune`."""
        if wanted := list(ids):
            self._run("forget", *wanted)

    def prune(self) -> None:
        """Remove what no snapshot uses."""
        self._run("prune")

    def check(self, share: str | None = "1/1") -> None:
        """Verify the whole structure, and read and verify the bytes of one `share` of all, such as "3/10".

        Raises RepositoryDamaged, RepositoryAway.
        """
        self._run("check", *([f"--read-data-subset={share}"] if share else []))

    def size(self) -> int:
        """Bytes of all that is kept, sealed."""
        done = self._run("stats", "--mode", "raw-data", "--json")
        return int(json.loads(done.stdout)["total_size"])

    def _require_region(self) -> None:
        """A disk that is not mounted must not get a new repository and key on the mount point's own disk."""
        homes = [self.key_file.parent.parent]
        if not self._is_remote:
            homes.append(Path(self.location).parent)
        if not all(home.is_dir() for home in homes):
            raise RepositoryAway("its folder is gone")

    def _make_key(self) -> None:
        self.key_file.parent.mkdir(mode=0o700, exist_ok=True)
        ensure_secret(self.key_file)
        # A key that a power cut takes away would take all that it sealed along.
        for path in (self.key_file, self.key_file.parent):
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    def _run(
        self, *arguments: str, folder: Path | None = None, seconds: float = WORK_SECONDS, allowed: Iterable[int] = (0,)
    ) -> "subprocess.CompletedProcess[str]":
        done = self._restic(arguments, folder, seconds)
        if done.returncode not in allowed and "already locked" in done.stderr:
            # One that was killed leaves its lock behind; `unlock` takes none of a living process.
            self._restic(("unlock",), folder, seconds)
            done = self._restic(arguments, folder, seconds)
        if done.returncode not in allowed:
            raise _failure(done.stderr)
        return done

    def _restic(
        self, arguments: tuple[str, ...], folder: Path | None, seconds: float
    ) -> "subprocess.CompletedProcess[str]":
        cache = ["--cache-dir", str(self.cache)] if self._is_remote else ["--no-cache"]
        try:
            return subprocess.run(
                ["restic", *cache, *arguments], cwd=folder, env=self._environment(), stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=seconds, preexec_fn=ends_with_us(signal.SIGTERM), check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise RepositoryAway(f"no answer within {seconds:.0f} s") from error
        except FileNotFoundError as error:
            raise RepositoryAway("restic is not installed: run infra/setup") from error

    @property
    def _is_remote(self) -> bool:
        return _REMOTE.match(self.location) is not None

    def _environment(self) -> dict[str, str]:
        location = self.location if self._is_remote else str(Path(self.location).absolute())
        given = {"RESTIC_REPOSITORY": location, "RESTIC_PASSWORD_FILE": str(self.key_file), "LC_ALL": "C"}
        if not self.credentials:
            return {**os.environ, **given}
        # A key in the environment would win over the region's own file.
        others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**others, **given, "AWS_SHARED_CREDENTIALS_FILE": self.credentials}


def open_repository(layout: Layout, region: int) -> Repository:
    """The region's repository, as the environment places it."""
    credentials = os.environ.get(f"COLLIMATE_BACKUP_{region}_CREDENTIALS", "")
    cache = layout.run / "backup-cache" / str(region)
    return Repository(layout.backup(region), layout.backup_key(region), cache, credentials)


class _RepositoryMissing(RepositoryAway):
    """Nothing is there yet, as far as restic can see."""


def _failure(said: str) -> Exception:
    text = said.strip()[-1000:]
    if "wrong password" in said or "Resolving password failed" in said:
        return RepositoryKeyWrong("backup.key is missing or not this repository's")
    if "Is there a repository at the following location" in said:
        return _RepositoryMissing(text)
    if any(sign in said for sign in _DAMAGE):
        return RepositoryDamaged(text)
    return RepositoryAway(text)


def _snapshot(row: dict[str, Any]) -> Snapshot:
    tags = [tag.split("=", 1) for tag in row["tags"]]
    bases = sorted((Base.parse(value) for name, value in tags if name == "base"), key=lambda base: base.order)
    values = dict(tags)
    return Snapshot(row["id"], tuple(bases), values["wal"], datetime.fromisoformat(values["until"]))
