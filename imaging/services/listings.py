"""What programs read page by page. Each look is in the trail before the page leaves, as a person's is."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from audit.actions import Action
from audit.actor import Actor
from audit.services import record, record_viewing
from imaging import access
from imaging.models import Series, ShareLink, Study, Upload
from imaging.selectors import listings
from imaging.selectors.listings import CursorUnknown, LinkListed, Page, StudyListed
from imaging.selectors.retention import StudyRetention, get_retention
from imaging.selectors.states import StudyState, get_state
from imaging.selectors.uploads import get_upload
from imaging.selectors.worklist import Position, WorklistFilter, list_worklist
from imaging.services.guest_links import link_to_change
from imaging.services.openings import open_study
from tenants.baas.access import find_gate_reason
from tenants.baas.selectors import AgreementRow, list_agreements_of
from tenants.models import Role, Tenant
from tenants.services.trail import TrailFilter

_STAFF = (Role.OWNER, Role.UPLOADER)


@dataclass(frozen=True)
class StudyRead:
    """A study with its series, how far it has come and how long it is kept."""

    study: Study
    series: list[Series]
    state: StudyState
    retention: StudyRetention


@dataclass(frozen=True)
class Agreements:
    """The practice's agreements, and why none is in force, if none is."""

    in_force: bool
    reason: str
    results: list[AgreementRow]


def list_studies(actor: Actor, wanted: WorklistFilter, position: Position | None, limit: int) -> Page:
    """A page of the practice's studies, latest first, for any member.

    Raises
    ------
    StudyNotFound, CursorUnknown
    """
    access.require_role(actor)
    if position and not listings.is_study(position.study_id):
        raise CursorUnknown
    found = list_worklist(wanted, position, limit)
    studies = listings.find_studies([row.id for row in found.rows])
    rows = tuple(StudyListed(studies[row.id], row.state) for row in found.rows if row.id in studies)
    record(Action.STUDIES_SEARCHED, actor, details={"fields": wanted.names, "rows": len(rows)})
    cursors = {"next": _cursor("after", found.next), "previous": _cursor("before", found.previous)}
    return Page(rows, **cursors, partial=found.partial)


def read_study(actor: Actor, study_instance_uid: str, tenant: Tenant) -> StudyRead:
    """One study, for any member; raises `StudyNotFound`."""
    study = open_study(actor, study_instance_uid)
    return StudyRead(study, listings.list_series_of(study), get_state(study), get_retention(study, tenant))


def list_study_events(actor: Actor, study_instance_uid: str, cursor: int | None, limit: int) -> Page:
    """What happened to and around a study, for owners and uploaders; raises `StudyNotFound`."""
    access.require_role(actor, *_STAFF)
    access.study_to_view(actor, study_instance_uid)
    record_viewing(Action.AUDIT_VIEWED, actor, study_instance_uid=study_instance_uid)
    return listings.list_trail(cursor, limit, study_instance_uid=study_instance_uid)


def list_events(actor: Actor, wanted: TrailFilter, cursor: int | None, limit: int, now: datetime) -> Page:
    """The practice's trail, for its owners; raises `StudyNotFound`."""
    access.require_role(actor, Role.OWNER)
    page = listings.list_trail(cursor, limit, **vars(wanted))
    record(Action.AUDIT_VIEWED, actor, details={"events": len(page.rows), "filters": wanted.names()}, now=now)
    return page


def list_shares(actor: Actor, cursor: UUID | None, limit: int, now: datetime) -> Page:
    """The practice's share links, for owners and uploaders.

    Raises
    ------
    StudyNotFound, CursorUnknown
    """
    access.require_role(actor, *_STAFF)
    page = listings.list_links(now, cursor, limit)
    record(Action.STUDIES_SEARCHED, actor, details={"fields": ["shares"], "rows": len(page.rows)}, now=now)
    return page


def list_study_shares(actor: Actor, study_instance_uid: str, cursor: UUID | None, limit: int, now: datetime) -> Page:
    """One study's share links; raises as `list_shares`."""
    access.require_role(actor, *_STAFF)
    return listings.list_links(now, cursor, limit, open_study(actor, study_instance_uid))


def read_share(actor: Actor, link_id: UUID, now: datetime) -> LinkListed:
    """One share link, for owners and uploaders; raises `StudyNotFound`."""
    link = link_to_change(ShareLink, actor, link_id)
    record_viewing(Action.STUDY_VIEWED, actor, study_instance_uid=link.study.study_instance_uid)
    return listings.listed(link, now)


def list_uploads(actor: Actor, cursor: UUID | None, limit: int, now: datetime) -> Page:
    """The member's own uploads; raises `StudyNotFound`, `CursorUnknown`."""
    access.require_role(actor, *_STAFF)
    return listings.list_uploads(int(actor.id), now, cursor, limit)


def read_upload(actor: Actor, upload_id: UUID, now: datetime) -> Upload:
    """One of the member's own uploads; raises `StudyNotFound`, `UploadNotFound`."""
    access.require_role(actor, *_STAFF)
    return get_upload(actor, upload_id, now)


def list_upload_files(actor: Actor, upload_id: UUID, cursor: int | None, limit: int, now: datetime) -> Page:
    """What became of an upload's files; raises as `read_upload`."""
    page = listings.list_files(read_upload(actor, upload_id, now), cursor, limit)
    record_viewing(Action.UPLOAD_FOLLOWED, actor, now=now, study_instance_uid="")
    return page


def list_agreements(actor: Actor, tenant: Tenant, today: date) -> Agreements:
    """The practice's agreements, for its owners; raises `StudyNotFound`."""
    access.require_role(actor, Role.OWNER)
    reason = find_gate_reason(tenant.id, today)
    return Agreements(in_force=not reason, reason=reason, results=list_agreements_of(tenant, today))


def _cursor(direction: str, study_id: UUID | None) -> str:
    return f"{direction}-{study_id}" if study_id else ""
