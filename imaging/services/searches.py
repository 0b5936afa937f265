"""Looking for studies, and what is written down about it: which fields were searched, never for what."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from audit.actions import Action
from audit.actor import Actor, ActorKind
from audit.services import record, record_viewing
from imaging import access
from imaging.models import Study
from imaging.selectors import qido
from imaging.selectors.qido import Found, Level, Query, Within
from imaging.selectors.retention import HeldRow, OrderRow, TombstoneRow, list_held, list_orders, list_tombstones
from imaging.selectors.worklist import Position, WorklistFilter, WorklistPage, list_worklist
from imaging.services.unindexed import add_unindexed
from tenants.models import Role


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


def search_worklist(actor: Actor, wanted: WorklistFilter, position: Position | None) -> WorklistPage:
    """A page of the practice's studies, for any member; raises `StudyNotFound`."""
    access.require_role(actor)
    page = list_worklist(wanted, position)
    _record_search(actor, wanted.names, len(page.rows))
    return page


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
