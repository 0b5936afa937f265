"""Background steps: each task is one domain call; messages hold ids only."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from imaging.pipeline import request_again
from imaging.selectors.pipeline import list_stuck
from imaging.services import (
    brake,
    drill_report,
    key_rotation,
    lag,
    packing,
    purge,
    retention,
    scrub,
    steps,
    thumbnails,
    uploads,
    vault_objects,
    webhook_deliveries,
)
from imaging.services.regions import discard_abandoned
from tenants.background import tenant_task
from tenants.scoping import tenant_scope
from tenants.selectors import list_tenants

logger = logging.getLogger(__name__)

STUCK_AFTER = timedelta(seconds=20)
SWEEP_LIMIT = 50


@tenant_task(name="imaging.verify_seal", time_limit=1800)
def verify_seal(tenant_id: UUID, series_id: str) -> None:
    steps.verify_seal(tenant_id, UUID(series_id))


@tenant_task(name="imaging.store", time_limit=1800, throws=(steps.NodeUnavailable,))
def store(tenant_id: UUID, series_id: str) -> None:
    steps.store(tenant_id, UUID(series_id))


@tenant_task(name="imaging.draw_thumbnail", time_limit=120)
def draw_thumbnail(tenant_id: UUID, series_id: str) -> None:
    thumbnails.draw_thumbnail(tenant_id, UUID(series_id))


@tenant_task(name="imaging.pack", time_limit=1800)
def pack(tenant_id: UUID, series_id: str) -> None:
    packing.pack_series(tenant_id, UUID(series_id), timezone.now())


@tenant_task(name="imaging.mirror", time_limit=1800)
def mirror(tenant_id: UUID, series_id: str) -> None:
    steps.mirror(tenant_id, UUID(series_id))


@tenant_task(name="imaging.store_mirror", time_limit=1800, throws=(steps.NodeUnavailable,))
def store_mirror(tenant_id: UUID, series_id: str) -> None:
    steps.store_mirror(tenant_id, UUID(series_id))


@tenant_task(name="imaging.finish_purge", time_limit=1800)
def finish_purge(tenant_id: UUID, tombstone_id: str) -> None:
    purge.finish_purge(tenant_id, UUID(tombstone_id))


@shared_task(name="imaging.sweep_stuck", time_limit=300, soft_time_limit=270)
def sweep_stuck() -> None:
    """Ask again for every step that sat too long, in every tenant; finish uploads whose process died."""
    # All messages first: taking in a large upload may use up the task's time.
    _for_each_tenant(_request_stuck_steps)
    _for_each_tenant(uploads.finish_stuck_uploads)


@shared_task(name="imaging.expire_uploads", time_limit=600, soft_time_limit=540)
def expire_uploads() -> None:
    """Remove what was begun and never finished."""
    _for_each_tenant(uploads.expire_uploads)
    _for_each_tenant(vault_objects.remove_retired)
    _for_each_tenant(purge.repeat_deletions)
    _for_each_tenant(webhook_deliveries.remove_old)
    discard_abandoned()


@shared_task(name="imaging.scrub_all", time_limit=3500, soft_time_limit=3400)
def scrub_all() -> None:
    """Read again what was not read for longest; heal what is faulty."""
    _for_each_tenant(scrub.scrub_tenant)
    _for_each_tenant(_mirror_drill_reports)


@shared_task(name="imaging.watch_all", time_limit=300, soft_time_limit=270)
def watch_all() -> None:
    """How far the other region is behind, and whether too much changes at once."""
    _for_each_tenant(lag.watch_lag)
    _for_each_tenant(brake.watch_changes)


@shared_task(name="imaging.deliver_webhooks", time_limit=120, soft_time_limit=100)
def deliver_webhooks(tenant_id: str = "") -> None:
    """Tell what is due: one tenant's right after it happened, everyone's every half minute."""
    tenant_ids = [UUID(tenant_id)] if tenant_id else [tenant.id for tenant in list_tenants()]
    webhook_deliveries.deliver_due(tenant_ids)


@tenant_task(name="imaging.rotate_keys", time_limit=3500)
def rotate_keys(tenant_id: UUID) -> None:
    key_rotation.rotate(tenant_id, key_rotation.Reason.SCHEDULED, timezone.now())


@shared_task(name="imaging.rotate_due_keys", time_limit=3500, soft_time_limit=3400)
def rotate_due_keys() -> None:
    """Begin or go on with every rotation that is due; one that was cut off goes on with the next run."""
    _for_each_tenant(key_rotation.rotate_if_due)


@shared_task(name="imaging.mark_ended_retention", time_limit=1800, soft_time_limit=1700)
def mark_ended_retention() -> None:
    """Mark the studies whose retention has ended. Nothing is removed by this."""
    _for_each_tenant(retention.mark_ended_retention)


@shared_task(name="imaging.purge_approved", time_limit=1800, soft_time_limit=1700)
def purge_approved() -> None:
    """Purge what two people wanted gone and whose grace period is over."""
    _for_each_tenant(purge.purge_approved)


def _mirror_drill_reports(tenant_id: UUID, now: datetime) -> None:
    """A report that was written while a region was away."""
    drill_report.mirror_reports(tenant_id)


def _request_stuck_steps(tenant_id: UUID, now: datetime) -> None:
    with tenant_scope(tenant_id):
        stuck = list_stuck(now - STUCK_AFTER, SWEEP_LIMIT)
    for found in stuck:
        request_again(found.step, tenant_id, found.subject_id)


def _for_each_tenant(work: Callable[[UUID, datetime], object]) -> None:
    """What fails for one practice must not keep the others waiting; the next run tries again."""
    for tenant in list_tenants():
        try:
            work(tenant.id, timezone.now())
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:
            logger.error("%s failed for tenant %s: %s", work.__name__, tenant.id, type(error).__name__)
