"""The protection page of a practice: everything it says, in plain words, as frozen rows."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from imaging.models import Finding, Instance, Study
from imaging.selectors.names import display_name
from imaging.selectors.protection_picture import NONE, OK, WARN, RegionCopy
from imaging.selectors.protection_state import FindingRow, ProtectionState, RegionCopies
from imaging.selectors.protection_words import say_age, say_duration, say_number

PAGE_SIZE = 10
_NEXT_STEPS = {
    Finding.Kind.MISSING: _("It is copied again from the other region, by itself."),
    Finding.Kind.DAMAGED: _("It is replaced by the good copy of the other region, by itself."),
    Finding.Kind.KEY_MISSING: _("Its key is fetched again from the other region, by itself."),
    Finding.Kind.LAG: _("Copying goes on as soon as the other region answers. Nothing is lost meanwhile."),
}
_REGION_EMPTY = _(
    "The whole region looks empty, as if its disk were away. Nothing there is touched until we have looked."
)
_STUCK = _("No good copy was found in either region. We look into it and call you.")


@dataclass(frozen=True)
class BehindRow:
    """A study of which `missing` images are not yet known to be in both regions, the oldest since `since`."""

    study_instance_uid: str
    patient_name: str
    study_date: date | None
    description: str
    missing: int
    instance_count: int
    since: datetime


@dataclass(frozen=True)
class BehindPage:
    """A page of the studies not yet in both regions, the one that waits longest first."""

    rows: tuple[BehindRow, ...]
    number: int
    has_next: bool

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def previous_page_number(self) -> int:
        return self.number - 1

    @property
    def next_page_number(self) -> int:
        return self.number + 1


@dataclass(frozen=True)
class CheckNote:
    """When every copy of a region was last read, in words; `new` counts those that wait for their first reading."""

    region: int
    text: str
    new: str
    state: str


@dataclass(frozen=True)
class FindingNote:
    """A copy that is not as it should be, and what happens next."""

    kind_label: str
    region: int
    found_at: datetime
    next_step: str


def list_region_copies(state: ProtectionState, total: int, active_region: int, now: datetime) -> tuple[RegionCopy, ...]:
    """What each region holds of the active tenant's `total` images. Costs the backlog, not the archive."""
    return tuple(
        RegionCopy(
            region=copies.region,
            serves=copies.region == active_region,
            total=total,
            in_vault=total - _count_not_in_vault(copies.region),
            in_pacs=total - _count_not_in_pacs(copies.region),
            refused=_count_refused(copies.region),
            faults=sum(finding.region == copies.region for finding in _faults(state)),
            checked=say_check(copies, now),
            late=state.behind,
        )
        for copies in state.regions
    )


def say_check(copies: RegionCopies, now: datetime) -> str:
    """How long ago the region's copy that waits longest was last read; '' before the first reading."""
    return say_age(copies.read_again_since, now) if copies.read_again_since else ""


def list_checks(state: ProtectionState, now: datetime) -> tuple[CheckNote, ...]:
    """Per region, what the reading of every copy says."""
    return tuple(_check_note(copies, now) for copies in state.regions)


def list_open_findings(state: ProtectionState) -> tuple[FindingNote, ...]:
    """What is not as it should be, newest first."""
    return tuple(
        FindingNote(
            kind_label=row.kind_label,
            region=row.region,
            found_at=row.found_at,
            next_step=_say_next(row),
        )
        for row in state.open_findings
    )


def list_behind(number: int) -> BehindPage:
    """A page of the active tenant's studies not yet in both regions; costs the backlog, not the archive."""
    start = (max(number, 1) - 1) * PAGE_SIZE
    waiting = (
        Instance.objects.filter(mirrored_at=None)
        .values("series__study_id")
        .annotate(missing=Count("id"), since=Min("received_at"))
        .order_by("since", "series__study_id")
    )
    found = list(waiting[start : start + PAGE_SIZE + 1])
    studies = Study.objects.in_bulk([row["series__study_id"] for row in found[:PAGE_SIZE]])
    # A study that was purged between the two queries is not among them.
    rows = [row for row in found[:PAGE_SIZE] if row["series__study_id"] in studies]
    rows = tuple(_behind_row(studies[row["series__study_id"]], row) for row in rows)
    return BehindPage(rows, max(number, 1), len(found) > PAGE_SIZE)


def _say_next(row: FindingRow) -> str:
    if row.stuck:
        return _STUCK
    if row.object_id is None and row.kind == Finding.Kind.MISSING:
        return _REGION_EMPTY
    return _NEXT_STEPS[Finding.Kind(row.kind)]


def _faults(state: ProtectionState) -> list[FindingRow]:
    return [finding for finding in state.open_findings if finding.kind != Finding.Kind.LAG]


def _count_not_in_vault(region: int) -> int:
    return Instance.objects.filter(pack__retired_at=None, **{f"pack__in_{region}_at": None}).count()


def _count_not_in_pacs(region: int) -> int:
    return Instance.objects.filter(**{_stored(region): None}).count()


def _count_refused(region: int) -> int:
    refusal = "store_refusal" if region == 1 else "mirror_store_refusal"
    return Instance.objects.filter(**{_stored(region): None}).exclude(**{refusal: ""}).count()


def _stored(region: int) -> str:
    return "stored_at" if region == 1 else "mirror_stored_at"


def _check_note(copies: RegionCopies, now: datetime) -> CheckNote:
    new = ngettext(
        "{count} newer sealed file still to be read again", "{count} newer sealed files still to be read again",
        copies.never_read,
    ).format(count=say_number(copies.never_read)) if copies.never_read else ""  # fmt: skip
    if not copies.read_again_since:
        return CheckNote(copies.region, _("Not read again yet"), new, NONE)
    late = now - copies.read_again_since > timedelta(days=settings.SCRUB_DAYS + 1)
    # To the hour: seconds would be true and mean nothing.
    age = say_duration(max((now - copies.read_again_since).total_seconds(), 3600))
    older, every = _("Every older copy was read within the last {age}"), _("Every copy was read within the last {age}")
    text = (older if new else every).format(age=age)
    return CheckNote(copies.region, text, new, WARN if late else OK)


def _behind_row(study: Study, row: dict) -> BehindRow:
    return BehindRow(
        study_instance_uid=study.study_instance_uid,
        patient_name=display_name(study.patient_name),
        study_date=study.study_date,
        description=study.study_description,
        missing=row["missing"],
        instance_count=study.instance_count,
        since=row["since"],
    )
