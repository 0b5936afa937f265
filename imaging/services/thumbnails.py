"""A series' thumbnail: its middle image, drawn by a child process with limits, sealed like everything else."""

import logging
import uuid
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from imaging.adapters.renderer import RenderFailed, render_thumbnail
from imaging.models import Instance, Series, VaultObject
from imaging.pipeline import Step, enqueue
from imaging.services.frames import FrameMissing, FramesUnknown, frame_ranges
from imaging.services.regions import get_vault
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
        instance = series and _find_middle_image(series)
    if series is None:
        return
    thumbnail = _try_draw(instance) if instance else None
    old = _keep(tenant_id, series, thumbnail) if thumbnail else _note_tried(tenant_id, series)
    if old:
        for region in (1, 2):
            get_vault(region).delete(tenant_id, old)


def _find_middle_image(series: Series) -> Instance | None:
    images = Instance.objects.filter(series=series, number_of_frames__gt=0).order_by("instance_number", "id")
    count = images.count()
    return images[count // 2] if count else None


def _try_draw(instance: Instance) -> bytes | None:
    try:
        return render_thumbnail(*_read_middle_frame(instance))
    except (RenderFailed, FrameMissing, FramesUnknown) as error:
        logger.info("No thumbnail of instance %s: %s", instance.id, error)
        return None


def _read_middle_frame(instance: Instance) -> tuple[bytes, str, bytes]:
    """The data set's header, its transfer syntax and one frame's bytes. A deflated file is given whole instead."""
    with get_vault(1).open(instance.tenant_id, instance.id) as reader:
        if instance.deflated:
            if reader.size > MAX_DEFLATED_BYTES:
                raise RenderFailed("deflated and too large")
            return reader.read(0, reader.size), "", b""
        ranges = frame_ranges(instance, instance.number_of_frames // 2 + 1)
        if sum(length for _, length in ranges) > MAX_FRAME_BYTES:
            raise RenderFailed("frame too large")
        header = reader.read(0, instance.header_end)
        frame = b"".join(reader.read(offset, length) for offset, length in ranges)
    return header, instance.transfer_syntax_uid, frame


def _keep(tenant_id: UUID, series: Series, thumbnail: bytes) -> UUID | None:
    object_id = uuid.uuid4()
    get_vault(1).seal(tenant_id, object_id, [thumbnail])
    with tenant_scope(tenant_id):
        # Read again, locked: another worker may have drawn meanwhile, and its picture must not be left behind unnamed.
        current = Series.objects.select_for_update(of=("self",)).filter(id=series.id).first()
        if current is None:
            # The series was purged meanwhile: what we have just sealed must not outlive it.
            return object_id
        VaultObject.objects.create(
            id=object_id, series_id=series.id, kind=VaultObject.Kind.THUMBNAIL, size=len(thumbnail), home_region=1,
            created_at=timezone.now(), in_1_at=timezone.now(),
        )  # fmt: skip
        VaultObject.objects.filter(id=current.thumbnail).delete()
        Series.objects.filter(id=series.id).update(
            thumbnail=object_id, thumbnail_instances=series.instance_count
        )
        enqueue(Step.MIRROR, tenant_id, series.id)
    return current.thumbnail


def _note_tried(tenant_id: UUID, series: Series) -> None:
    with tenant_scope(tenant_id):
        Series.objects.filter(id=series.id).update(thumbnail_instances=series.instance_count)
