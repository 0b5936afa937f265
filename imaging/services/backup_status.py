"""What the database's backup says about itself: the small JSON file that the program `backup` keeps up to date.

Its format is described where it is written (infra/local/backup_status.py).
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from imaging.selectors.protection_picture import BAD, OK, WARN

_LATE_ROUNDS = 3
_REGION_TROUBLES = {
    "away": _("Out of reach or full"),
    "key": _("Its key is missing or wrong"),
    "damaged": _("Damaged: what it holds is not what was sealed"),
}
_TROUBLES = {
    "archive": _("The database hands out no changes to keep."),
    "base": _("The database could not be copied as a whole."),
    "database": _("The database does not answer the backup."),
}


@dataclass(frozen=True)
class RegionBackup:
    """All that was committed by `until` can be brought back from this region alone; None while nothing is there.

    `trouble` says in words what is the matter, and is '' when nothing is. `checked_at`: when all of it was last read.
    """

    region: int
    until: datetime | None
    since: datetime | None
    checked_at: datetime | None
    trouble: str


@dataclass(frozen=True)
class BackupStatus:
    """The backups of every region, as written at `written_at` by a program that works every `every`."""

    regions: tuple[RegionBackup, ...]
    written_at: datetime
    every: timedelta
    trouble: str

    @property
    def until(self) -> datetime | None:
        """The latest moment that any region can bring back."""
        return max((copy.until for copy in self.regions if copy.until), default=None)

    def state(self, now: datetime) -> str:
        """ok; warn when a region is late or in trouble; bad when every one is."""
        late = [self._is_late(copy, now) for copy in self.regions]
        return BAD if all(late) else WARN if any(late) or self.trouble else OK

    def has_stopped(self, now: datetime) -> bool:
        """Whether the program no longer says anything."""
        return now - self.written_at > _LATE_ROUNDS * self.every

    def _is_late(self, copy: RegionBackup, now: datetime) -> bool:
        return bool(copy.trouble) or copy.until is None or now - copy.until > _LATE_ROUNDS * self.every


def find_backup_status() -> BackupStatus | None:
    """What is known about the database's backup; None where none is set up, or its file cannot be read."""
    try:
        return _parse(json.loads(Path(settings.BACKUP_STATUS_FILE).read_text()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


def _parse(content: dict) -> BackupStatus:
    return BackupStatus(
        regions=tuple(_region(region, content["regions"].get(str(region), {})) for region in settings.REGIONS),
        written_at=_moment(content["written_at"]),
        every=timedelta(seconds=content["every_seconds"]),
        trouble=_say(_TROUBLES, content.get("trouble")),
    )


def _region(region: int, part: dict) -> RegionBackup:
    until, since, checked_at = (_moment(part.get(name)) for name in ("until", "since", "checked_at"))
    return RegionBackup(region, until, since, checked_at, _say(_REGION_TROUBLES, part.get("trouble")))


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment


def _say(words: dict[str, str], code: str | None) -> str:
    return words.get(code, _("Something is the matter")) if code else ""
