"""Reads about uploads: one's own, their lines, and how far the studies of a batch have come."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from audit.actor import Actor, ActorKind
from imaging.models import Outcome, Series, Study, Upload, UploadedFile
from imaging.selectors.names import display_name


class UploadNotFound(Exception):
    """There is no such upload for this actor, or its time is over."""


@dataclass(frozen=True)
class BatchStudy:
    """A study that files of a batch went into; the numbers count instances of the whole study."""

    study_instance_uid: str
    title: str
    subtitle: str
    instances: int
    in_pacs: int
    sealed: int
    mirrored: int
    thumbnail_series: str | None  # a Series Instance UID


def get_upload(actor: Actor, upload_id: UUID, now: datetime) -> Upload:
    """The actor's own upload; raises `UploadNotFound`."""
    if actor.kind is ActorKind.USER:
        own = Upload.objects.filter(id=upload_id, created_by_id=actor.id, expires_at__gte=now)
        if upload := own.first():
            return upload
    raise UploadNotFound


def list_incomplete() -> QuerySet[Upload]:
    """Uploads of the active tenant that were not taken in yet."""
    return Upload.objects.filter(completed_at=None)


def list_stuck() -> QuerySet[Upload]:
    """Uploads that are whole and were not taken in yet."""
    return list_incomplete().filter(offset=F("length"))


def list_untidy() -> QuerySet[Upload]:
    """Uploads that were taken in and whose segments are still there."""
    return Upload.objects.filter(completed_at__isnull=False, segments__isnull=False).distinct()


def list_lines(upload: Upload) -> QuerySet[UploadedFile]:
    """What became of each file of the upload, in its order."""
    return UploadedFile.objects.filter(upload=upload)


def list_batch_studies(actor: Actor, batch: UUID) -> list[BatchStudy]:
    """The studies that the actor's uploads of the batch went into, by UID; raises `UploadNotFound`."""
    if not Upload.objects.filter(batch=batch, created_by_id=actor.id).exists():
        raise UploadNotFound
    lines = UploadedFile.objects.filter(upload__batch=batch, upload__created_by_id=actor.id)
    uids = lines.exclude(outcome=Outcome.REFUSED).values("study_instance_uid")
    drawn = Series.objects.filter(study=OuterRef("pk"), thumbnail__isnull=False).order_by("series_number", "id")
    # What the node will not take has come as far as it can.
    refused = Q(series__instances__store_refusal__gt="")
    rows = (
        Study.objects.filter(study_instance_uid__in=uids)
        .annotate(
            in_pacs=_instances(Q(series__instances__stored_at__isnull=False) | refused),
            sealed=_instances(Q(series__instances__sealed_at__isnull=False)),
            mirrored=_instances(Q(series__instances__mirrored_at__isnull=False)),
            thumbnail_series=Subquery(drawn.values("series_instance_uid")[:1]),
        )
        .order_by("study_instance_uid")
    )
    return [_batch_study(row) for row in rows]


def _instances(condition: Q) -> Count:
    return Count("series__instances", filter=condition)


def _batch_study(row: Study) -> BatchStudy:
    day = f"{row.study_date:%-d %b %Y}" if row.study_date else ""
    texts = (row.modalities.replace("\\", ", "), day, row.study_description)
    return BatchStudy(
        study_instance_uid=row.study_instance_uid,
        title=display_name(row.patient_name),
        subtitle=" · ".join(filter(None, texts)),
        instances=row.instance_count,
        in_pacs=row.in_pacs,
        sealed=row.sealed,
        mirrored=row.mirrored,
        thumbnail_series=row.thumbnail_series,
    )
