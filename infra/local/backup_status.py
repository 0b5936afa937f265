"""`var/run/backup.json`: what the last rounds of the database backup did, for the protection page. No PHI in it.

    {
      "version": 1,
      "written_at": "2026-07-31T10:15:02+00:00",     ISO 8601, UTC, as all times here
      "every_seconds": 300,                          a round begins this often
      "trouble": null,                               "archive": the database hands out no WAL; "base": no base backup
                                                     could be taken; "database": it does not answer; else null
      "base_at": "2026-07-31T03:00:00+00:00",        the newest base backup was complete; null before the first
      "depot_bytes": 41943040,                       waiting in the database's own folder, not yet in every region or
                                                     needed for the next round
      "regions": {                                   "1" and "2"
        "1": {
          "until": "2026-07-31T10:15:01+00:00",      all that was committed by then can be restored from here alone
          "since": "2026-07-24T03:00:00+00:00",      the earliest moment that can still be restored
          "bytes": 12582912,                         sealed, on that region's storage, at the last tidying
          "checked_at": "2026-07-27T03:00:09+00:00", read and verified without a finding (beyond 2 GB: a tenth)
          "trouble": null                            "away": out of reach or full; "key": backup.key missing or wrong;
        },                                           "damaged": bytes are not what was sealed; else null
        "2": {...}
      }
    }

Unknown values are null. A file older than three rounds means that the program `backup` does not run.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.private_files import write_private

VERSION = 1


@dataclass(frozen=True)
class RegionStatus:
    """One region's part; times are ISO 8601."""

    until: str | None = None
    since: str | None = None
    bytes: int | None = None
    checked_at: str | None = None
    trouble: str | None = None


@dataclass(frozen=True)
class Status:
    """The whole file."""

    every_seconds: int
    regions: dict[str, RegionStatus] = field(default_factory=dict)
    base_at: str | None = None
    depot_bytes: int | None = None
    trouble: str | None = None

    def of(self, region: int) -> RegionStatus:
        return self.regions.get(str(region), RegionStatus())

    def with_region(self, region: int, **changes: Any) -> "Status":
        """The same with one region's part changed."""
        return replace(self, regions={**self.regions, str(region): replace(self.of(region), **changes)})


def write_status(path: Path, status: Status) -> None:
    """Replace the file in one step."""
    written = {"version": VERSION, "written_at": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(status)}
    write_private(path, json.dumps(written, indent=2))


def read_status(path: Path, every_seconds: int) -> Status:
    """What was written last; an empty one where nothing (readable) was."""
    try:
        found = json.loads(path.read_text())
        regions = {region: RegionStatus(**part) for region, part in found["regions"].items()}
        return Status(every_seconds, regions, found["base_at"], found["depot_bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return Status(every_seconds)
