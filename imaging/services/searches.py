"""Looking for studies, and what is written down about it: which fields were searched, never for what."""

from dataclasses import dataclass
from datetime import datetime

from audit.actions import Action
from audit.actor import Actor
from audit.services import record, record_viewing
from imaging import access
from imaging.selectors import qido
from imaging.selectors.qido import Found, Query
from imaging.selectors.retention import HeldRow, OrderRow, TombstoneRow, list_held, list_orders, list_tombstones
from imaging.selectors.worklist import Position, WorklistFilter, WorklistPage, list_worklist
from tenants.models import Role


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


def search_worklist(actor: Actor, wanted: WorklistFilter, position: Position | None) -> WorklistPage:
    """A page of the practice's studies, for any member; raises `StudyNotFound`."""
    access.require_role(actor)
    page = list_worklist(wanted, position)
    _record_search(actor, wanted.names, len(page.rows))
    return page


def search_for_studies(actor: Actor, query: Query, root: str) -> Found:
    """QIDO-RS for studies, for any member; raises `StudyNotFound` for anyone else, and `InvalidQuery`."""
    access.require_role(actor)
    found = qido.search_studies(query, root)
    _record_search(actor, sorted(query.keys), len(found.objects))
    return found


def search_for_series(actor: Actor, study_uid: str, query: Query, root: str) -> Found:
    """QIDO-RS for the series of a study.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    InvalidQuery
    """
    study = access.study_to_view(actor, study_uid)
    found = qido.search_series(study, query, root)
    record_viewing(Action.STUDY_VIEWED, actor, study_instance_uid=study_uid)
    return found


def search_for_instances(actor: Actor, study_uid: str, series_uid: str | None, query: Query, root: str) -> Found:
    """QIDO-RS for the instances of a series, or of the whole study; raises as `search_for_series`."""
    study = access.study_to_view(actor, study_uid)
    series = access.series_to_view(actor, study_uid, series_uid) if series_uid else None
    found = qido.search_instances(study, series, query, root)
    record_viewing(Action.METADATA_VIEWED, actor, study_instance_uid=study_uid, series_instance_uid=series_uid or "")
    return found


def _record_search(actor: Actor, fields: list[str], rows: int) -> None:
    record(Action.STUDIES_SEARCHED, actor, details={"fields": fields, "rows": rows})
