"""Background steps: each task is one domain call; messages hold ids only."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from imaging.pipeline import request_again
from imaging.selectors.pipeline import list_stuck
from imaging.services import purge, retention, steps, thumbnails, uploads
from tenants.background import tenant_task
from tenants.scoping import tenant_scope
from tenants.selectors import list_tenants

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
    now = timezone.now()
    for tenant in list_tenants():
        with tenant_scope(tenant.id):
            stuck = list_stuck(now - STUCK_AFTER, SWEEP_LIMIT)
        for found in stuck:
            request_again(found.step, tenant.id, found.subject_id)
        uploads.finish_stuck_uploads(tenant.id, now)


@shared_task(name="imaging.expire_uploads", time_limit=600, soft_time_limit=540)
def expire_uploads() -> None:
    """Remove what was begun and never finished."""
    for tenant in list_tenants():
        uploads.expire_uploads(tenant.id, timezone.now())


@shared_task(name="imaging.mark_ended_retention", time_limit=1800, soft_time_limit=1700)
def mark_ended_retention() -> None:
    """Mark the studies whose retention has ended. Nothing is removed by this."""
    for tenant in list_tenants():
        retention.mark_ended_retention(tenant.id, timezone.now())


@shared_task(name="imaging.purge_approved", time_limit=1800, soft_time_limit=1700)
def purge_approved() -> None:
    """Purge what two people wanted gone and whose grace period is over."""
    for tenant in list_tenants():
        purge.purge_approved(tenant.id, timezone.now())
