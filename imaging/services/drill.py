"""A restore drill: brings a sample of a practice back from one region alone, and says what that took.

45 CFR 164.308(a)(7)(ii)(D) asks for contingency plans that are tested; a backup that was never restored is a hope.
"""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from audit.actions import Action, Outcome
from audit.actor import SYSTEM, Actor
from audit.services import record
from imaging.models import Drill
from imaging.selectors.drills import next_drill_due
from imaging.services.drill_compare import Difference
from imaging.services.drill_report import keep_report, mirror_reports, write_report
from imaging.services.drill_restore import Restore, restore_sample
from imaging.services.drill_sample import Sample, choose_sample
from tenants.scoping import tenant_scope
from tenants.selectors import get_tenant

logger = logging.getLogger(__name__)
RANDOM_STUDIES = 10


def log_difference(difference: Difference) -> None:
    """Name the instance in the log: an id of ours, no patient."""
    logger.error("Restore drill: instance %s: not so: %s", difference.instance_id, difference.check.value)


def run_drill(
    tenant_id: UUID,
    now: datetime,
    *,
    actor: Actor = SYSTEM,
    random_studies: int = RANDOM_STUDIES,
    source_region: int = 2,
    seed: int | None = None,
    on_difference: Callable[[Difference], object] = log_difference,
) -> Drill:
    """Restore the five largest studies and some at random from `source_region`, compare, and write the signed report.

    A drill passes when nothing differs and something was there to compare, unless the practice keeps nothing.

    Raises
    ------
    ScratchFailed, ScratchFull, ScratchIsProduction
        Nothing could be restored into; the drill is kept as failed.
    NodeUnavailable
        The scratch Orthanc went away; likewise.
    SigningKeyUnreadable, VaultUnavailable
        The drill is kept with its result, and has no report.
    """
    tenant = get_tenant(tenant_id)
    with tenant_scope(tenant_id):
        drill = Drill.objects.create(started_at=now)
    try:
        sample = choose_sample(tenant_id, source_region, random_studies, _seed(seed))
        restore = restore_sample(tenant, sample, source_region)
    except BaseException as error:  # a drill that is told to stop is no drill either
        _give_up(actor, drill, now, error)
        raise
    for difference in restore.differences:
        on_difference(difference)
    _finish(actor, drill, sample, restore, source_region)
    pdf = write_report(actor, tenant, drill, sample, restore, source_region, next_drill_due(tenant_id))
    _attach(drill, keep_report(tenant_id, pdf))
    mirror_reports(tenant_id)
    return drill


def _seed(seed: int | None) -> int:
    return secrets.randbits(32) if seed is None else seed


def _finish(actor: Actor, drill: Drill, sample: Sample, restore: Restore, source_region: int) -> None:
    drill.studies, drill.instances, drill.size = len(sample.study_instance_uids), len(sample.rows), sample.size
    drill.differences = len(restore.differences)
    drill.rpo_seconds, drill.rto_seconds = sample.rpo_seconds(drill.started_at), restore.rto_seconds
    drill.finished_at = drill.started_at + timedelta(seconds=restore.rto_seconds)
    drill.passed = not restore.differences and bool(sample.rows or not sample.holdings.instances)
    details = {
        "region": source_region, "passed": drill.passed, "studies": drill.studies, "instances": drill.instances,
        "size": drill.size, "differences": drill.differences, "not_there": sample.not_there.instances,
        "rpo_seconds": drill.rpo_seconds, "rto_seconds": drill.rto_seconds,
        "estimate_seconds": restore.estimate_seconds(sample), "seed": sample.seed,
    }  # fmt: skip
    outcome = Outcome.DONE if drill.passed else Outcome.FAILED
    with tenant_scope(drill.tenant_id):
        drill.save()
        record(Action.DRILL_DONE, actor, subject_id=drill.id, outcome=outcome, details=details, now=drill.finished_at)


def _give_up(actor: Actor, drill: Drill, now: datetime, error: BaseException) -> None:
    drill.finished_at = now
    details = {"passed": False, "error": type(error).__name__}
    with tenant_scope(drill.tenant_id):
        drill.save(update_fields=["finished_at"])
        record(Action.DRILL_DONE, actor, subject_id=drill.id, outcome=Outcome.FAILED, details=details, now=now)


def _attach(drill: Drill, report: UUID) -> None:
    drill.report = report
    with tenant_scope(drill.tenant_id):
        drill.save(update_fields=["report"])
