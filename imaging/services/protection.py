"""The protection page: how safe a practice's images are, and what its owner decides about it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from audit.actions import Action, Outcome
from audit.actor import Actor
from audit.services import record
from imaging import access
from imaging.models import KeyDestruction
from imaging.selectors import protection, protection_drills
from imaging.selectors.drills import Holdings, count_holdings
from imaging.selectors.protection import BehindPage, CheckNote, FindingNote
from imaging.selectors.protection_drills import OfficeNote, Practice
from imaging.selectors.protection_picture import BAD, NONE, OK, WARN, Entry, Picture, Place, RegionCopy, draw
from imaging.selectors.protection_state import ProtectionState, get_protection_state
from imaging.selectors.protection_verdict import Verdict, judge
from imaging.selectors.protection_words import say_age, say_count, say_size
from imaging.services.active_region import active_region
from imaging.services.backup_status import BackupStatus, find_backup_status
from imaging.services.sealed import SealedObject
from tenants.models import Role, Tenant
from tenants.scoping import tenant_scope
from tenants.selectors import get_tenant

_SHREDDED = _("The keys were destroyed"), _("Nobody can read the images any more, as two people of the vendor ordered.")


class NoSuchReport(Exception):
    """There is no such drill, or it has no report."""


@dataclass(frozen=True)
class ProtectionPage:
    """Everything the page shows."""

    verdict: Verdict
    picture: Picture
    holdings: Holdings
    size: str
    regions: tuple[RegionCopy, ...]
    state: ProtectionState
    lag_images: str
    lag_size: str
    lag_age: str
    behind: BehindPage
    checks: tuple[CheckNote, ...]
    findings: tuple[FindingNote, ...]
    practice: Practice
    estimate: str
    office: OfficeNote | None
    backup: BackupStatus | None
    backup_age: str
    backup_state: str
    backup_stopped: bool


@dataclass(frozen=True)
class DrillReport:
    """A signed PDF and the name to keep it under."""

    filename: str
    content: bytes


def show_protection(actor: Actor, tenant: Tenant, page: int, now: datetime) -> ProtectionPage:
    """How safe the practice's images are, for any member; raises `StudyNotFound`. Names patients, so it is recorded."""
    with tenant_scope(tenant.id):
        access.require_role(actor)
        state = get_protection_state(tenant.id, now)
        holdings = count_holdings()
        behind = protection.list_behind(page)
        practice = protection_drills.get_practice(tenant.id, now)
        regions = protection.list_region_copies(state, holdings.instances, active_region(), now)
        office = protection_drills.find_office_copy(now)
        if behind.rows:
            details = {"fields": ["not-in-both-regions"], "rows": len(behind.rows)}
            record(Action.STUDIES_SEARCHED, actor, details=details, now=now)
        checks = protection.list_checks(state, now)
        destroyed = KeyDestruction.objects.filter(carried_out_at__isnull=False).exists()
    failed = bool(practice.latest and not practice.latest.passed)
    backup = find_backup_status()
    database = _database_place(backup, now)
    return ProtectionPage(
        verdict=Verdict(BAD, *_SHREDDED) if destroyed else judge(state, holdings.instances, practice.overdue, failed),
        picture=draw(regions, holdings.size, _office_place(office), database),
        holdings=holdings,
        size=say_size(holdings.size),
        regions=regions,
        state=state,
        lag_images=say_count(state.lag.count),
        lag_size=say_size(state.lag.size),
        lag_age=say_age(state.lag.since, now) if state.lag.since else "",
        behind=behind,
        checks=checks,
        findings=protection.list_open_findings(state),
        practice=practice,
        estimate=protection_drills.estimate_restore(practice, holdings),
        office=office,
        backup=backup,
        backup_age=say_age(backup.until, now) if backup and backup.until else "",
        backup_state=database.state,
        backup_stopped=backup is not None and backup.has_stopped(now),
    )


def set_acknowledgement(actor: Actor, tenant_id: UUID, regions: int, now: datetime) -> None:
    """In how many regions, 1 or 2, an image is sealed before its upload is acknowledged. For an owner.

    Raises
    ------
    StudyNotFound
    ValueError
    """
    if regions not in (1, 2):
        raise ValueError("An upload is acknowledged in one region or in both.")
    with tenant_scope(tenant_id):
        access.require_role(actor, Role.OWNER)
        details = {"acknowledge_in": regions, "before": get_tenant(tenant_id).acknowledge_in}
        Tenant.objects.filter(id=tenant_id).update(acknowledge_in=regions)
        record(Action.PROTECTION_CHANGED, actor, subject_id=tenant_id, details=details, now=now)


def read_drill_report(actor: Actor, tenant_id: UUID, drill_id: UUID, now: datetime) -> DrillReport:
    """The report of a drill, for any member; recorded before it is read.

    Raises
    ------
    StudyNotFound
    NoSuchReport
    NoCopyReadable
    """
    with tenant_scope(tenant_id):
        access.require_role(actor)
        found = protection_drills.find_report(drill_id)
        if found:
            record(Action.DRILL_REPORT_VIEWED, actor, subject_id=drill_id, now=now)
        else:
            details = {"view": "drill_report"}
            record(Action.ACCESS_DENIED, actor, outcome=Outcome.DENIED, details=details, now=now)
    if found is None:
        raise NoSuchReport
    report, day = found
    return DrillReport(f"restore-drill-{day:%Y-%m-%d}.pdf", SealedObject(tenant_id, report).read_all())


def _office_place(copy: OfficeNote | None) -> Place:
    if copy is None:
        return Place(_("Office copy"), _("Not made yet"), NONE)
    return Place(_("Office copy"), copy.images, OK, (Entry(_("Made"), copy.age, OK, 0),))


def _database_place(backup: BackupStatus | None, now: datetime) -> Place:
    if backup is None:
        return Place(_("Database"), _("Not set up"), NONE)
    if backup.until is None:
        return Place(_("Database"), _("No backup yet"), WARN)
    state = backup.state(now)
    return Place(_("Database"), _("Backed up"), state, (Entry(_("Made"), say_age(backup.until, now), state, 0),))
