"""The scrub: every sealed object of both regions is read again within `SCRUB_DAYS`, and what is faulty is healed.

What a run finds is judged before anything is touched: a region that has lost a fifth of what was read is not a region
with faulty copies but one that is not mounted, and must not be filled up behind the mount point.
"""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from audit.actions import Action, Outcome
from audit.actor import SYSTEM
from audit.services import record
from imaging.adapters.keys import KeyDestroyed
from imaging.adapters.vault import VaultUnavailable
from imaging.models import Finding, VaultObject
from imaging.services.copies import Fault, alone, find_fault, find_sealed
from imaging.services.healing import heal_open, report_finding
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

RUNS_PER_DAY = 24
_IN_TIME = 0.8  # aim at reading everything within this part of SCRUB_DAYS, so that a day without runs does no harm
_OVERDUE = 0.9  # past this part, an object is read whatever the budget says
_AT_REST = 0.5  # and within this part of it, nothing is read a second time
_LEAST_ABSENT, _ABSENT_PART = 10, 0.2
_FAILED_IN_A_ROW = 3
_REPORTED_EVERY = 200


@dataclass(frozen=True)
class ScrubReport:
    """What a run did; `size` in bytes of plaintext read. `stopped` is '' or says why the run ended early."""

    region: int
    checked: int = 0
    size: int = 0
    faults: dict[UUID, Fault] | None = None
    healed: int = 0
    unreadable: tuple[UUID, ...] = ()  # the vault failed on these: nothing was learnt about them
    stopped: str = ""  # busy | unavailable | keys-destroyed | region-looks-empty

    @property
    def found(self) -> int:
        """How many copies were faulty."""
        return len(self.faults or {})


def scrub_tenant(tenant_id: UUID, now: datetime) -> list[ScrubReport]:
    """One of the day's runs, in each region."""
    return [scrub(tenant_id, region, now, budget_of(tenant_id, region, now)) for region in settings.REGIONS]


def budget_of(tenant_id: UUID, region: int, now: datetime) -> int:
    """How many bytes an hourly run must read so that everything is read within `SCRUB_DAYS`."""
    term = timedelta(days=settings.SCRUB_DAYS)
    with tenant_scope(tenant_id):
        here = VaultObject.objects.filter(retired_at=None, **{f"in_{region}_at__isnull": False})
        proven_at = Coalesce(f"scrubbed_{region}_at", f"in_{region}_at")
        overdue = here.annotate(proven_at=proven_at).filter(proven_at__lt=now - _OVERDUE * term)
        share = _size_of(here) / (settings.SCRUB_DAYS * RUNS_PER_DAY * _IN_TIME)
        return max(math.ceil(share), _size_of(overdue))


def scrub(tenant_id: UUID, region: int, now: datetime, budget_bytes: int) -> ScrubReport:
    """Read again what was not read for longest, up to `budget_bytes` but one object at least, and heal what is faulty.

    Each object's time is noted once it was read, so a killed run is continued by the next.
    """
    with alone("scrub", tenant_id, region) as free:
        if not free:
            return ScrubReport(region, stopped="busy")
        reading = Reading(tenant_id, region, now)
        reading.read_all(_list_due(tenant_id, region, now, budget_bytes))
        return reading.conclude()


class Reading:
    """One run through objects of a region: `read_all`, then `conclude`."""

    def __init__(self, tenant_id: UUID, region: int, now: datetime, refill: bool = False) -> None:
        """With `refill` the region is known to have lost its objects, and what is absent is healed all the same."""
        self._tenant_id, self._region, self._now = tenant_id, region, now
        self._refill = refill
        self._alarmed = not refill and self._has_alarm()
        self._checked = self._size = self._absent = self._failed_in_a_row = 0
        self._faults: dict[UUID, Fault] = {}
        self._unreported: list[UUID] = []
        self._unreadable: list[UUID] = []
        self._stopped = ""

    def read_all(self, object_ids: Iterator[UUID] | list[UUID]) -> None:
        """Read each object to its end, until something is wrong with the region as a whole."""
        for object_id in object_ids:
            self._read(object_id)
            if self._stopped:
                return
            if self._checked % _REPORTED_EVERY == 0:
                self._report()

    def conclude(self, heal: bool = True) -> ScrubReport:
        """Report what was found, and heal it."""
        # While the alarm is on, one is enough: else a small budget would fill the region up little by little.
        if self._alarmed and self._looks_empty(least=1):
            self._stopped = "region-looks-empty"
        if self._stopped == "region-looks-empty":
            self._raise_alarm()
            return self._finish(0)
        self._report()
        if self._checked and not self._stopped:
            self._end_alarm()
        may_heal = heal and not self._alarmed
        return self._finish(heal_open(self._tenant_id, self._region, self._now) if may_heal else 0)

    def _read(self, object_id: UUID) -> None:
        with tenant_scope(self._tenant_id):
            sealed = find_sealed(object_id)
        if sealed is None:
            return
        try:
            fault = find_fault(sealed, self._region)
        except VaultUnavailable:
            self._note_failure(object_id)
        except KeyDestroyed:
            self._stopped = "keys-destroyed"
        else:
            self._failed_in_a_row = 0
            self._checked += 1
            self._size += sealed.size
            self._judge(object_id, fault)

    def _judge(self, object_id: UUID, fault: Fault | None) -> None:
        if fault is None:
            with tenant_scope(self._tenant_id):
                VaultObject.objects.filter(id=object_id).update(**{f"scrubbed_{self._region}_at": self._now})
            return
        self._faults[object_id] = fault
        self._unreported.append(object_id)
        self._absent += fault.is_absence
        if not self._refill and self._looks_empty(_LEAST_ABSENT):
            self._stopped = "region-looks-empty"

    def _looks_empty(self, least: int) -> bool:
        return self._absent >= least and self._absent > _ABSENT_PART * self._checked

    def _note_failure(self, object_id: UUID) -> None:
        """One object that the disk cannot read must not keep the rest from being read."""
        self._unreadable.append(object_id)
        self._failed_in_a_row += 1
        if self._failed_in_a_row == _FAILED_IN_A_ROW:
            self._stopped = "unavailable"

    def _report(self) -> None:
        for object_id in self._unreported:
            report_finding(self._tenant_id, object_id, self._region, self._faults[object_id], self._now)
        self._unreported = []

    def _finish(self, healed: int) -> ScrubReport:
        if self._unreadable:
            logger.error(
                "The vault of region %s failed on %s objects, first %s",
                self._region, len(self._unreadable), self._unreadable[0],
            )  # fmt: skip
        return ScrubReport(
            self._region, self._checked, self._size, self._faults, healed, tuple(self._unreadable), self._stopped
        )

    def _has_alarm(self) -> bool:
        with tenant_scope(self._tenant_id):
            return _region_alarms(self._region).exists()

    def _raise_alarm(self) -> None:
        details = {"checked": self._checked, "absent": self._absent, "why": "region-looks-empty"}
        with tenant_scope(self._tenant_id):
            _, new = Finding.objects.get_or_create(
                kind=Finding.Kind.MISSING, region=self._region, object_id=None, healed_at=None,
                defaults={"found_at": self._now, "details": details},
            )  # fmt: skip
            if new:
                details |= {"region": self._region}
                record(Action.COPY_FAULTY, SYSTEM, outcome=Outcome.FAILED, details=details, now=self._now)
        logger.error(
            "Region %s looks empty: check the mount. %s of %s objects read are absent; nothing was healed.",
            self._region, self._absent, self._checked,
        )  # fmt: skip

    def _end_alarm(self) -> None:
        with tenant_scope(self._tenant_id):
            _region_alarms(self._region).update(healed_at=self._now)
        self._alarmed = False


def _list_due(tenant_id: UUID, region: int, now: datetime, budget_bytes: int) -> list[UUID]:
    read_at = f"scrubbed_{region}_at"
    since = now - _AT_REST * timedelta(days=settings.SCRUB_DAYS)
    chosen: list[UUID] = []
    left = budget_bytes
    with tenant_scope(tenant_id):
        due = VaultObject.objects.filter(
            Q(**{read_at: None}) | Q(**{f"{read_at}__lt": since}) | Q(**{f"{read_at}__gt": now}), retired_at=None
        )
        due = due.filter(**{f"in_{region}_at__isnull": False}).order_by(F(read_at).asc(nulls_first=True), "id")
        for object_id, size in due.values_list("id", "size").iterator():
            if chosen and size > left:
                break
            left -= size
            chosen.append(object_id)
    return chosen


def _region_alarms(region: int) -> QuerySet[Finding]:
    return Finding.objects.filter(kind=Finding.Kind.MISSING, region=region, object_id=None, healed_at=None)


def _size_of(rows: QuerySet[VaultObject]) -> int:
    return rows.aggregate(size=Sum("size"))["size"] or 0
