"""The program `backup`: seals the database into both regions every few minutes, so that either alone restores it.

Run as `python -m infra.local.backup` by the supervisor; `--once` runs one round now, `--check` reads and verifies all
that is sealed; both exit non-zero when a region has trouble.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from datetime import UTC, datetime

from infra.local.accounts import server_account
from infra.local.backup_depot import Depot
from infra.local.backup_repository import open_repository
from infra.local.backup_round import EVERY_SECONDS, Backup
from infra.local.backup_status import Status
from infra.local.layout import REGIONS, current_layout
from infra.local.postgres import Cluster

log = logging.getLogger("collimate.backup")


class DatabaseElsewhere(Exception):
    """This stack runs no database of its own: whoever runs it (DATABASE_URL) backs it up."""


def current_backup() -> Backup:
    """The backup of the stack that COLLIMATE_VAR names. Raises DatabaseElsewhere."""
    layout = current_layout()
    depot = Depot.of(Cluster(layout.postgres, server_account()))
    if not depot.is_prepared:
        raise DatabaseElsewhere(f"{depot.cluster.directory} holds no database of this stack's own.")
    every = int(os.environ.get("COLLIMATE_BACKUP_SECONDS") or EVERY_SECONDS)
    prunes = os.environ.get("COLLIMATE_BACKUP_PRUNE", "1").lower() not in ("0", "false", "no", "off")
    return Backup(layout, depot, {region: open_repository(layout, region) for region in REGIONS}, every, prunes)


def main(arguments: list[str] | None = None) -> int:
    """Run one round, one check, or rounds until told to stop; return the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s")
    os.umask(0o077)
    os.nice(5)  # a practice's work comes first
    try:
        backup = current_backup()
    except DatabaseElsewhere as error:
        print(error, file=sys.stderr)
        return 2
    if options.once or options.check:
        return _report(backup.run_round(_now()) if options.once else backup.check(_now()))
    _run_until_told(backup)
    return 0


def _run_until_told(backup: Backup) -> None:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    while not stopping.is_set():
        try:
            backup.run_round(_now())
        except OSError as error:
            log.warning("no round this time: %s", error)
        stopping.wait(backup.every_seconds)


def _report(status: Status) -> int:
    troubles = {"database": status.trouble, **{f"region {n}": part.trouble for n, part in status.regions.items()}}
    for name, part in sorted(status.regions.items()):
        print(f"region {name}: sealed until {part.until}, from {part.since}, verified {part.checked_at}")
    for name, trouble in troubles.items():
        if trouble:
            print(f"{name}: {trouble}")
    return 1 if any(troubles.values()) else 0


def _now() -> datetime:
    return datetime.now(UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="backup", description="Seal the database into both regions.")
    parser.add_argument("--once", action="store_true", help="run one round now")
    parser.add_argument("--check", action="store_true", help="read and verify all that is sealed, now")
    return parser


if __name__ == "__main__":
    sys.exit(main())
