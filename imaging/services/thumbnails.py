"""A series' thumbnail: its middle image, drawn by a child process with limits, sealed like everything else."""

import logging
from contextlib import suppress
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from imaging.adapters.renderer import RenderFailed, render_thumbnail
from imaging.models import Instance, Series, VaultObject
from imaging.pipeline import Step, enqueue
from imaging.selectors.pictures import find_middle_image
from imaging.services.active_region import active_region
from imaging.services.frames import FrameMissing, FramesUnknown, frame_ranges
from imaging.services.originals import sealed_file
from imaging.services.regions import get_vault
from imaging.services.vault_objects import SeriesGone, announce, put_in_service
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

MAX_FRAME_BYTES = 512 * 1024 * 1024
MAX_DEFLATED_BYTES = 64 * 1024 * 1024


def draw_thumbnail(tenant_id: UUID, series_id: UUID) -> None:
    """Draw the series' thumbnail from its middle image, unless nothing came since it was last drawn.

    What cannot be drawn is noted as tried: the page then shows the modality instead.
    """
    with tenant_scope(tenant_id):
        series = Series.objects.filter(id=series_id, thumbnail_instances__lt=F("instance_count")).first()
        instance = series and find_middle_image(series)
    if series is None:
        return
    thumbnail = _try_draw(instance) if instance else None
    if thumbnail:
        with suppress(SeriesGone):
            _keep(tenant_id, series, thumbnail)
    else:
        _note_tried(tenant_id, series)


def _try_draw(instance: Instance) -> bytes | None:
    try:
        return render_thumbnail(*_read_middle_frame(instance))
    except (RenderFailed, FrameMissing, FramesUnknown) as error:
        logger.info("No thumbnail of instance %s: %s", instance.id, error)
        return None


def _read_middle_frame(instance: Instance) -> tuple[bytes, str, bytes]:
    """The data set's header, its transfer syntax and one frame's bytes. A deflated file is given whole instead."""
    file = sealed_file(instance)
    if instance.deflated:
        if instance.size > MAX_DEFLATED_BYTES:
            raise RenderFailed("deflated and too large")
        return file.read(0, instance.size), "", b""
    ranges = frame_ranges(instance, instance.number_of_frames // 2 + 1)
    if sum(length for _, length in ranges) > MAX_FRAME_BYTES:
        raise RenderFailed("frame too large")
    frame = b"".join(file.iter_extents(ranges))
    return file.read(0, instance.header_end), instance.transfer_syntax_uid, frame


def _keep(tenant_id: UUID, series: Series, thumbnail: bytes) -> None:
    region = active_region()
    object_id = announce(tenant_id, series.id, VaultObject.Kind.THUMBNAIL, region, timezone.now())
    get_vault(region).seal(tenant_id, object_id, [thumbnail])
    with tenant_scope(tenant_id):
        # Locked: another worker may have drawn meanwhile, and its picture must not be left behind unnamed.
        current = Series.objects.select_for_update(of=("self",)).filter(id=series.id).first()
        if current and put_in_service(object_id, len(thumbnail), replaces=current.thumbnail, now=timezone.now()):
            current.thumbnail, current.thumbnail_instances = object_id, series.instance_count
            current.save(update_fields=["thumbnail", "thumbnail_instances"])
            enqueue(Step.MIRROR, tenant_id, series.id)
            return
    # The series was purged meanwhile: what we have just sealed must not outlive it.
    get_vault(region).delete(tenant_id, object_id)


def _note_tried(tenant_id: UUID, series: Series) -> None:
    with tenant_scope(tenant_id):
        Series.objects.filter(id=series.id).update(thumbnail_instances=series.instance_count)
