"""The steps that follow an upload, and how they are asked for.

A step is one Celery task per series; its message holds ids only. Each is idempotent, its state is a column, and the
sweeper asks again for what sat too long: a lost message or a broker that is away delays work and loses none.
"""

import logging
from functools import partial
from uuid import UUID

from celery import current_app
from django.db import models, transaction

logger = logging.getLogger(__name__)


class Step(models.TextChoices):
    """What workers do; the value is the task's name after `imaging.`."""

    VERIFY_SEAL = "verify_seal"  # read back from the vault that took it in
    STORE = "store"  # into the tenant's Orthanc of region 1
    DRAW_THUMBNAIL = "draw_thumbnail"
    PACK = "pack"  # merge small packs, write the manifest
    MIRROR = "mirror"  # ciphertext to the other region's vault
    STORE_MIRROR = "store_mirror"  # into the tenant's Orthanc of region 2
    FINISH_PURGE = "finish_purge"


QUEUES = {
    Step.VERIFY_SEAL: "pipeline",
    Step.STORE: "pipeline",
    Step.PACK: "thumbnails",
    Step.DRAW_THUMBNAIL: "thumbnails",
    Step.MIRROR: "mirror",
    Step.STORE_MIRROR: "mirror",
    Step.FINISH_PURGE: "housekeeping",
}
SWEPT_EXPIRES_SECONDS = 15
SETTLE_SECONDS = 5
AFTER_INTAKE = (Step.DRAW_THUMBNAIL, Step.VERIFY_SEAL, Step.STORE, Step.MIRROR)


def route_step(name: str, *args: object, **options: object) -> dict[str, str] | None:
    """Celery's router: each step to its queue, everything else to the default queue."""
    steps = {f"imaging.{step.value}": queue for step, queue in QUEUES.items()}
    return {"queue": steps[name]} if name in steps else None


def enqueue(step: Step, tenant_id: UUID, subject_id: UUID) -> None:
    """Ask for a step of a series (or of a tombstone, for the purge) once the transaction has committed."""
    transaction.on_commit(partial(_send, step, str(tenant_id), str(subject_id)))


def enqueue_after_intake(tenant_id: UUID, series_id: UUID) -> None:
    """Ask for every step that a series with new instances needs."""
    for step in AFTER_INTAKE:
        enqueue(step, tenant_id, series_id)
    # Later: most series are still coming in.
    transaction.on_commit(partial(_send, Step.PACK, str(tenant_id), str(series_id), countdown=SETTLE_SECONDS))


def request_again(step: Step, tenant_id: UUID, subject_id: UUID) -> None:
    """Ask for a step that sat too long. The message expires before the next sweep would repeat it."""
    _send(step, str(tenant_id), str(subject_id), expires=SWEPT_EXPIRES_SECONDS)


def enqueue_deliveries(tenant_id: UUID) -> None:
    """Ask for what the tenant's webhooks are to be told, once the transaction has committed; beat asks too."""
    transaction.on_commit(partial(_send_task, "deliver_webhooks", [str(tenant_id)], expires=SWEPT_EXPIRES_SECONDS))


def _send(step: Step, tenant_id: str, subject_id: str, **options: object) -> None:
    _send_task(step.value, [tenant_id, subject_id], **options)


def _send_task(name: str, arguments: list[str], **options: object) -> None:
    try:
        current_app.send_task(f"imaging.{name}", arguments, retry=False, **options)
    except Exception as error:
        # Away, full or read-only: what was acknowledged is durable and indexed, and whoever sent it must be told so;
        # the sweeper asks again when the broker is back.
        logger.warning("The broker failed (%s); step %s waits for the sweeper.", type(error).__name__, name)
