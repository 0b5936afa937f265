"""Looking for studies, and what is written down about it: which fields were searched, never for what."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from audit.actions import Action
from audit.actor import Actor, ActorKind
from audit.services import record, record_viewing
from imaging import access
from imaging.models import Study
from imaging.selectors import qido
from imaging.selectors.patient_studies import PatientPage, get_patient_page
from imaging.selectors.priors import Prior, list_priors
from imaging.selectors.qido import Found, Level, Query, Within
from imaging.selectors.retention import HeldRow, OrderRow, TombstoneRow, list_held, list_orders, list_tombstones
from imaging.selectors.worklist import Position, WorklistFilter, WorklistPage, find_ids, list_worklist
from imaging.selectors.worklist_plan import Reader
from imaging.selectors.worklist_rows import WorklistRow, list_rows
from imaging.services.unindexed import add_unindexed
from tenants.models import Role
from tenants.scoping import active_tenant_id
from tenants.selectors import find_member


@dataclass(frozen=True)
class Grant:
    """Somebody who searches; a guest with the one study that they were let into."""

    actor: Actor
    study_instance_uid: str = ""


@dataclass(frozen=True)
class Decisions:
    """What the retention page names: studies to decide on, studies held, and what was purged."""

    orders: list[OrderRow]
    held: list[HeldRow]
    tombstones: list[TombstoneRow]


def list_decisions(actor: Actor, now: datetime) -> Decisions:
    """Studies whose retention ended or that are held, for owners and uploaders; raises `StudyNotFound`."""
    access.require_role(actor, Role.OWNER, Role.UPLOADER)
    found = Decisions(list_orders(int(actor.id), now), list_held(), list_tombstones())
    _record_search(actor, ["retention"], len(found.orders) + len(found.held))
    return found


def search_worklist(
    actor: Actor, wanted: WorklistFilter, position: Position | None, now: datetime, *, oldest_first: bool = False
) -> WorklistPage:
    """A page of the practice's studies, for any member; raises `StudyNotFound`."""
    page = _list_for(actor, wanted, position, now, oldest_first)
    _record_search(actor, wanted.names, len(page.rows))
    return page


def search_priors(actor: Actor, study_instance_uid: str) -> tuple[Prior, ...]:
    """The patient's other studies, for members alone: guests were let into one study. Raises `StudyNotFound`."""
    access.require_role(actor)
    study = access.study_to_view(actor, study_instance_uid)
    priors = list_priors(study)
    details = {"fields": ["patient_id"], "rows": len(priors)}
    record(Action.STUDIES_SEARCHED, actor, study_instance_uid=study_instance_uid, details=details)
    return priors


def follow_worklist(
    actor: Actor, wanted: WorklistFilter, position: Position | None, now: datetime, *, oldest_first: bool = False
) -> WorklistPage:
    """As `search_worklist`, while someone types or watches: one event covers a quarter of an hour of looking.

    Once the search stands still, the page asks `search_worklist`, so that each search has an event of its own.
    """
    page = _list_for(actor, wanted, position, now, oldest_first)
    record_viewing(Action.WORKLIST_FOLLOWED, actor, study_instance_uid="", now=now)
    return page


def list_chosen(actor: Actor, uids: Sequence[str], now: datetime) -> tuple[WorklistRow, ...]:
    """Rows of studies that an owner or uploader chose from a list; none of one that is gone. Raises `StudyNotFound`."""
    access.require_role(actor, Role.OWNER, Role.UPLOADER)
    rows = list_rows(find_ids(uids), _reader(actor, now))
    _record_search(actor, ["study_instance_uid"], len(rows))
    return rows


def list_patient_studies(actor: Actor, study_instance_uid: str, now: datetime) -> PatientPage:
    """All studies of a study's patient, for any member; raises `StudyNotFound`."""
    access.require_role(actor)
    study = access.study_to_view(actor, study_instance_uid)
    page = get_patient_page(study, _reader(actor, now))
    details = {"fields": ["patient"], "rows": len(page.rows) + len(page.others)}
    record(Action.STUDIES_SEARCHED, actor, study_instance_uid=study_instance_uid, details=details, now=now)
    return page


def _list_for(
    actor: Actor, wanted: WorklistFilter, position: Position | None, now: datetime, oldest_first: bool
) -> WorklistPage:
    access.require_role(actor)
    return list_worklist(wanted, position, reader=_reader(actor, now), oldest_first=oldest_first)


def _reader(actor: Actor, now: datetime) -> Reader:
    """The member who looks, and which day it is where they work; raises `StudyNotFound`."""
    membership = find_member(active_tenant_id(), int(actor.id))
    if membership is None:
        raise access.StudyNotFound
    today = now.astimezone(ZoneInfo(membership.tenant.time_zone)).date()
    return Reader(membership.user_id, membership.created_at, today)


def search_practice(grants: Sequence[Grant], query: Query, root: str) -> Found:
    """QIDO-RS over everything that is there for a member, or over the studies that guests were let into.

    `grants` are the member alone, or everything that a guest's browser redeemed here, of which some may have ended.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    """
    if grants[0].actor.kind is ActorKind.USER:
        access.require_role(grants[0].actor)
        live, within = list(grants), Within()
    else:
        live, studies = _open(grants)
        within = Within(tuple(study.id for study in studies))
    found = add_unindexed(qido.search(query, root, within), query, root)
    for grant in live:
        _record_search(grant.actor, list(query.keys), len(found.objects))
    return found


def search_study(actor: Actor, study_uid: str, series_uid: str, query: Query, root: str) -> Found:
    """QIDO-RS within a study, or with `series_uid` within one of its series.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    """
    study = access.study_to_view(actor, study_uid)
    series = access.series_to_view(actor, study_uid, series_uid) if series_uid else None
    found = qido.search(query, root, Within((study.id,), series and series.id))
    found = add_unindexed(found, query, root)
    action = Action.STUDY_VIEWED if query.level is Level.SERIES else Action.METADATA_VIEWED
    record_viewing(action, actor, study_instance_uid=study_uid, series_instance_uid=series_uid)
    return found


def _open(grants: Sequence[Grant]) -> tuple[list[Grant], list[Study]]:
    """The grants that still hold, and their studies; raises `StudyNotFound` when none does."""
    opened = []
    for grant in grants:
        with suppress(access.StudyNotFound):
            opened.append((grant, access.study_to_view(grant.actor, grant.study_instance_uid)))
    if not opened:
        raise access.StudyNotFound
    return [grant for grant, _ in opened], [study for _, study in opened]


def _record_search(actor: Actor, fields: list[str], rows: int) -> None:
    record(Action.STUDIES_SEARCHED, actor, details={"fields": fields, "rows": rows})
