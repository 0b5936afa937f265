"""What was practised and what lies beside the vaults: drills, the office copy, and what a restore would take."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.utils.translation import gettext as _

from imaging.models import Drill, OfficeCopy
from imaging.selectors.drills import Holdings, find_last_drill, next_drill_due
from imaging.selectors.protection_picture import BAD, NONE, OK
from imaging.selectors.protection_words import say_age, say_count, say_duration, say_size


@dataclass(frozen=True)
class DrillNote:
    """The last restore that was tried; `bytes` and `instances` were back within `rto_seconds`."""

    id: UUID
    at: datetime
    passed: bool
    studies: str
    images: str
    size: str
    differences: str
    lost: str  # what a loss at that moment would have cost: the recovery point
    took: str  # how long it took until everything was back: the recovery time
    rto_seconds: int
    instances: int
    bytes: int
    has_report: bool


@dataclass(frozen=True)
class Practice:
    """The last drill and when the next one is due."""

    latest: DrillNote | None
    due_at: datetime
    overdue: bool

    @property
    def state(self) -> str:
        """Red when the next drill is overdue or the last one failed."""
        if self.overdue or (self.latest and not self.latest.passed):
            return BAD
        return OK if self.latest else NONE


@dataclass(frozen=True)
class OfficeNote:
    """The last copy for the office."""

    at: datetime
    age: str
    images: str
    size: str


def get_practice(tenant_id: UUID, now: datetime) -> Practice:
    """The practice's last drill that came to an end, and the next (45 CFR 164.308(a)(7)(ii)(D))."""
    drill, due_at = find_last_drill(tenant_id), next_drill_due(tenant_id)
    return Practice(drill and _drill_note(drill), due_at, due_at < now)


def find_office_copy(now: datetime) -> OfficeNote | None:
    """The active tenant's last copy for the office."""
    copy = OfficeCopy.objects.order_by("-finished_at").first()
    return copy and OfficeNote(
        copy.finished_at, say_age(copy.finished_at, now), say_count(copy.instances), say_size(copy.size)
    )


def estimate_restore(practice: Practice, holdings: Holdings) -> str:
    """How long bringing everything back would take at the last drill's pace, in words; '' when unknown.

    By bytes or by images, whichever is slower.
    """
    drill = practice.latest
    if not (drill and drill.passed and drill.rto_seconds and drill.bytes and drill.instances and holdings.size):
        return ""
    times = max(holdings.size / drill.bytes, holdings.instances / drill.instances, 1)
    return say_duration(max(drill.rto_seconds * times, 60))


def find_report(drill_id: UUID) -> tuple[UUID, date] | None:
    """The sealed object that holds the drill's report, and the day of the drill."""
    drill = Drill.objects.filter(id=drill_id, report__isnull=False).first()
    return drill and (drill.report, drill.started_at.date())


def _drill_note(drill: Drill) -> DrillNote:
    return DrillNote(
        id=drill.id,
        at=drill.started_at,
        passed=drill.passed,
        studies=say_count(drill.studies, "study"),
        images=say_count(drill.instances),
        size=say_size(drill.size),
        differences=say_count(drill.differences, "difference") if drill.differences else "",
        lost=_say_lost(drill.rpo_seconds),
        took="" if drill.rto_seconds is None else say_duration(max(drill.rto_seconds, 1)),
        rto_seconds=drill.rto_seconds or 0,
        instances=drill.instances,
        bytes=drill.size,
        has_report=drill.report is not None,
    )


def _say_lost(rpo_seconds: int | None) -> str:
    if rpo_seconds is None:
        return ""
    return _("Images of the last {time}").format(time=say_duration(rpo_seconds)) if rpo_seconds else _("Nothing")
