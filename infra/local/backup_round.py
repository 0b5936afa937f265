"""One round of the database backup: what there is, sealed into every region that can be reached.

A round takes a base backup if the last one is a day old, closes the current WAL segment, and seals the depot and the
stack's secrets into each region's repository. Nothing is remembered between rounds but what lies in the depot and in
the repositories, so a round that was killed is simply followed by the next one. A region that is away costs the
database nothing: what it missed stays in the depot and goes to it with the first round that reaches it.
"""

import fcntl
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from infra.local.backup_depot import BaseFailed, Depot, NotArchived
from infra.local.backup_repository import (
    Repository,
    RepositoryAway,
    RepositoryDamaged,
    RepositoryKeyWrong,
    Snapshot,
)
from infra.local.backup_retention import list_forgettable
from infra.local.backup_status import RegionStatus, Status, read_status, write_status
from infra.local.layout import Layout

EVERY_SECONDS = 300
CHECK_EVERY = timedelta(days=7)
SMALL_BYTES = 2 * 1024**3  # up to here, each check reads all; beyond, a tenth, so all within ten weeks
PATIENCE = timedelta(days=2)  # how long an older base and its WAL wait in the depot for a region that is away
_TROUBLES = {RepositoryAway: "away", RepositoryKeyWrong: "key", RepositoryDamaged: "damaged"}
log = logging.getLogger("collimate.backup")


@dataclass(frozen=True)
class Backup:
    """What is backed up, and where to. `prunes` False leaves removal to another machine (append-only repositories)."""

    layout: Layout
    depot: Depot
    repositories: dict[int, Repository]
    every_seconds: int = EVERY_SECONDS
    prunes: bool = True

    @property
    def status_file(self) -> Path:
        return self.layout.run / "backup.json"

    def run_round(self, now: datetime) -> Status:
        """Seal what there is into every region that can be reached, and write and return the status."""
        with self._alone():
            status = replace(read_status(self.status_file, self.every_seconds), trouble=None)
            status, fresh = self._with_base(status, now)
            try:
                content = self._content()
            except (NotArchived, psycopg.Error) as error:
                log.warning("%s", error)
                trouble = "archive" if isinstance(error, NotArchived) else "database"
                return self._written(replace(status, trouble=trouble))
            status = self._sealed(status, content) if content else status
            self._clear_depot(status, content, now)
            status = self._written(status)
            return self._written(self._tidied(status, fresh, now))

    def check(self, now: datetime) -> Status:
        """Read and verify all that is sealed in every region, and write and return the status."""
        with self._alone():
            status = read_status(self.status_file, self.every_seconds)
            return self._written(self._each(status, lambda region, part: self._checked(region, part, "1/1", now)))

    def _with_base(self, status: Status, now: datetime) -> tuple[Status, bool]:
        if not self.depot.is_base_due(now):
            return status, False
        try:
            base = self.depot.take_base()
        except (BaseFailed, psycopg.Error) as error:
            log.warning("%s", error)
            return replace(status, trouble="base"), False
        return replace(status, base_at=_text(base.at)), True

    def _content(self) -> Snapshot | None:
        """What this round seals; None while there is no base. Raises NotArchived, psycopg.Error."""
        bases = tuple(self.depot.list_bases())
        if not bases:
            return None
        mark = self.depot.mark()
        return Snapshot("", bases, mark.segment, mark.at)

    def _sealed(self, status: Status, content: Snapshot) -> Status:
        folder = self.layout.var
        kept = (self.depot.path, self.layout.secrets, self.layout.demo_accounts)
        parts = [str(path.relative_to(folder)) for path in kept if path.exists()]

        def seal(region: int, part: RegionStatus) -> RegionStatus:
            repository = self.repositories[region]
            if repository.ensure():
                log.warning("region %s: made a new repository", region)
                part = RegionStatus()
            repository.seal(folder, parts, content)
            trouble = part.trouble if part.trouble == "damaged" else None  # only a check without a finding ends that
            return replace(part, until=_text(content.until), trouble=trouble)

        return self._each(status, seal)

    def _clear_depot(self, status: Status, content: Snapshot | None, now: datetime) -> None:
        if content is None:
            return
        everywhere = all(status.of(region).until == _text(content.until) for region in self.repositories)
        if everywhere or now - content.bases[0].at > PATIENCE:
            self.depot.drop_before(content.bases[-1])

    def _tidied(self, status: Status, fresh_base: bool, now: datetime) -> Status:
        """Once a day verify the structure, once a week the bytes too, and remove what is not kept if all is well."""

        def tidy(region: int, part: RegionStatus) -> RegionStatus:
            is_daily = fresh_base or part.since is None
            if not is_daily or part.until is None or part.trouble in ("away", "key"):
                return part
            is_due = _is_check_due(part, now) or part.trouble is not None
            return self._pruned(region, self._checked(region, part, _share(part, now) if is_due else None, now))

        return self._each(status, tidy)

    def _pruned(self, region: int, part: RegionStatus) -> RegionStatus:
        repository = self.repositories[region]
        rows = repository.list_snapshots()
        forgettable = list_forgettable(rows) if self.prunes else []
        if forgettable:
            repository.forget(forgettable)
            repository.prune()
        kept = [base for row in rows if row.id not in forgettable for base in row.bases]
        return replace(part, since=_text(min(base.at for base in kept)), bytes=repository.size())

    def _checked(self, region: int, part: RegionStatus, share: str | None, now: datetime) -> RegionStatus:
        self.repositories[region].check(share)
        return replace(part, checked_at=_text(now), trouble=None) if share else part

    def _each(self, status: Status, work: Callable[[int, RegionStatus], RegionStatus]) -> Status:
        """The status after `work` in all regions at once: a slow one must not keep the other waiting."""

        def attempt(region: int) -> RegionStatus:
            part = status.of(region)
            try:
                return work(region, part)
            except tuple(_TROUBLES) as error:
                log.warning("region %s: %s: %s", region, type(error).__name__, error)
                return replace(part, trouble=_trouble(error))

        with ThreadPoolExecutor(len(self.repositories)) as pool:
            parts = dict(zip(self.repositories, pool.map(attempt, self.repositories), strict=True))
        return replace(status, regions={str(region): part for region, part in parts.items()})

    def _written(self, status: Status) -> Status:
        status = replace(status, depot_bytes=self.depot.size())
        write_status(self.status_file, status)
        return status

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.layout.run / "backup.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _is_check_due(part: RegionStatus, now: datetime) -> bool:
    return not part.checked_at or not timedelta(0) <= now - datetime.fromisoformat(part.checked_at) < CHECK_EVERY


def _share(part: RegionStatus, now: datetime) -> str:
    return "1/1" if (part.bytes or 0) <= SMALL_BYTES else f"{now.isocalendar().week % 10 + 1}/10"


def _trouble(error: Exception) -> str:
    return next(word for kind, word in _TROUBLES.items() if isinstance(error, kind))


def _text(moment: datetime) -> str:
    return moment.isoformat()
