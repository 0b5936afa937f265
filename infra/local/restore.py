"""Bring a stack's database and secrets back from one region's sealed copies into an empty state folder.

PostgreSQL itself does the point-in-time part: a base backup is unpacked, and the server replays archived WAL up to the
wished moment before it becomes a database of its own again.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from infra.local.accounts import Account, own, server_account
from infra.local.backup_depot import Base, Depot
from infra.local.backup_repository import (
    Repository,
    RepositoryAway,
    RepositoryDamaged,
    RepositoryKeyWrong,
    Snapshot,
    open_repository,
)
from infra.local.layout import REGIONS, Layout
from infra.local.postgres import Cluster, PostgresFailed, ensure_cluster, identity, run_cluster
from infra.local.private_files import write_private

REPLAY_SECONDS = 4 * 3600.0


class FolderInUse(Exception):
    """There is a database already: a restore goes into an empty folder and never over anything."""


class NothingToRestore(Exception):
    """No region that can be read holds a state of the wished moment; the text says what there is."""


class NotAllReplayed(Exception):
    """The restored database ends before the moment that was sealed: WAL is missing in between."""


@dataclass(frozen=True)
class Wish:
    """What to restore: the newest state, or the one at `to_time`; from `region`, or from the one that knows most."""

    region: int | None = None
    to_time: datetime | None = None


@dataclass(frozen=True)
class Source:
    """A sealed state and the base in it to begin with."""

    region: int
    repository: Repository
    snapshot: Snapshot
    base: Base


def parse_moment(text: str) -> datetime:
    """An ISO 8601 moment with its offset from UTC. Raises ValueError without one: a guess could lose hours."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text}: add the offset, as in {text}+02:00 or {text}Z")
    return moment.astimezone(UTC)


def adopt_regions(layout: Layout, folder: Path) -> None:
    """Let `region1` and `region2` of the stack be those under `folder`, where they exist. Raises FolderInUse."""
    for region in REGIONS:
        survivor, place = (folder / f"region{region}").resolve(), layout.region(region)
        if not survivor.is_dir() or place.resolve() == survivor:
            continue
        if place.exists() or place.is_symlink():
            raise FolderInUse(f"{place} is there already; move it away, or leave out --regions.")
        place.symlink_to(survivor)


def restore(layout: Layout, wish: Wish, say: Callable[[str], None]) -> datetime:
    """Create the cluster and `secrets/` as they were; return the time of the last transaction in them.

    Raises FolderInUse, NothingToRestore, NotAllReplayed, PostgresFailed and what a Repository raises; then the folder
    is as empty as before.
    """
    if layout.postgres.exists() and any(layout.postgres.iterdir()):
        raise FolderInUse(f"{layout.postgres} holds a database: name an empty folder in COLLIMATE_VAR.")
    source = choose_source(layout, wish)
    say(f"database from region {source.region}, sealed until {source.snapshot.until:%Y-%m-%d %H:%M:%S} UTC")
    try:
        last = _rebuild(layout, source, wish.to_time)
    except BaseException:
        shutil.rmtree(layout.postgres, ignore_errors=True)
        raise
    _remember(layout, source, last)
    say(f"restored up to its last transaction at {last:%Y-%m-%d %H:%M:%S} UTC")
    return last


def choose_source(layout: Layout, wish: Wish) -> Source:
    """The sealed state that fulfils the wish. Raises NothingToRestore."""
    found, reasons = [], []
    for region in [wish.region] if wish.region else REGIONS:
        repository = open_repository(layout, region)
        try:
            found.append(Source(region, repository, *choose_snapshot(repository.list_snapshots(), wish.to_time)))
        except (RepositoryAway, RepositoryDamaged, RepositoryKeyWrong, NothingToRestore) as error:
            reasons.append(f"region {region}: {error}")
    if not found:
        raise NothingToRestore("; ".join(reasons))
    return max(found, key=lambda source: (source.base.order, source.snapshot.order, -source.region))


def choose_snapshot(snapshots: Iterable[Snapshot], to_time: datetime | None) -> tuple[Snapshot, Base]:
    """The newest base that was complete by `to_time`, in the last snapshot that knows that moment.

    Raises NothingToRestore.
    """
    rows = sorted(snapshots, key=lambda row: row.order)
    usable = [
        (row, base) for row in rows for base in row.bases if to_time is None or base.at <= to_time <= row.until
    ]  # fmt: skip
    if usable:
        return max(usable, key=lambda pair: (pair[1].order, pair[0].order))
    if not rows:
        raise NothingToRestore("nothing was sealed yet")
    since = min(row.bases[0].at for row in rows)
    raise NothingToRestore(f"there is {since.isoformat()} to {rows[-1].until.isoformat()}, not every moment of it")


def _rebuild(layout: Layout, source: Source, to_time: datetime | None) -> datetime:
    cluster = Cluster(layout.postgres.resolve(), server_account())
    own(cluster.directory, cluster.account)
    unsealed = cluster.directory / "unsealed"
    unsealed.mkdir(mode=0o700)
    source.repository.restore(source.snapshot, unsealed)
    _give(unsealed, cluster.account)
    depot = Depot(cluster, unsealed / layout.postgres.name / "depot")
    _unpack(depot.bases / source.base.name / "base.tar", cluster)
    last = _replay(depot, to_time)
    if to_time is None and last < source.snapshot.until:
        raise NotAllReplayed(f"the database ends at {last.isoformat()}, sealed was {source.snapshot.until.isoformat()}")
    _bring_back(unsealed / layout.secrets.name, layout.secrets)
    _bring_back(unsealed / layout.demo_accounts.name, layout.demo_accounts)
    shutil.rmtree(unsealed)
    return last


def _bring_back(unsealed: Path, original: Path) -> None:
    """A file, or all files of a folder, certificates too; what a new stack already made gives way."""
    for file in (path for path in (unsealed, *unsealed.rglob("*")) if path.is_file()):
        place = original / file.relative_to(unsealed)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(file, place)
        place.chmod(0o600)


def _give(folder: Path, account: Account) -> None:
    """restic brings back the numbers of the owners, which on another machine are somebody else's."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _unpack(tar: Path, cluster: Cluster) -> None:
    own(cluster.data, cluster.account)
    done = subprocess.run(
        ["tar", "--extract", "--file", str(tar), "--directory", str(cluster.data), "--no-same-owner"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **identity(cluster.account),
    )  # fmt: skip
    if done.returncode:
        raise PostgresFailed(f"tar: {done.stderr.strip()[-1000:]}")


def _replay(depot: Depot, to_time: datetime | None) -> datetime:
    """Let the server replay WAL up to the moment, and stop it; return the time of the last transaction it replayed."""
    cluster = ensure_cluster(depot.cluster.directory)
    signal_file = cluster.data / "recovery.signal"
    signal_file.touch(mode=0o600)
    os.chown(signal_file, cluster.account.uid, cluster.account.gid)
    settings = {
        "restore_command": depot.restore_command(),
        "recovery_target_action": "promote",
        "hot_standby": "off",  # nobody gets in before the end
        "archive_mode": "off",
        **({"recovery_target_time": to_time.isoformat()} if to_time else {}),
    }
    server = run_cluster(cluster, settings=settings, seconds=REPLAY_SECONDS)
    try:
        with psycopg.connect(server.superuser_dsn) as connection:
            (last,) = connection.execute("SELECT pg_last_xact_replay_timestamp()").fetchone() or (None,)
    finally:
        server.stop()
    if last is None:
        raise NotAllReplayed("no transaction was replayed: the moment is too close to the base backup's end")
    return last.astimezone(UTC)


def _remember(layout: Layout, source: Source, last: datetime) -> None:
    told = {"region": source.region, "snapshot": source.snapshot.id, "until": last.isoformat()}
    write_private(layout.restored, json.dumps({**told, "restored_at": datetime.now(UTC).isoformat()}))
