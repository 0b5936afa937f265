"""Resumable uploads (tus 1.0): bytes lie sealed, one object per request, until the upload is whole; then they
are taken in as files.

An upload is worked on by one request at a time, under a session-level advisory lock that PostgreSQL drops with
a dead process (behind PgBouncer that needs session pooling). Completion is idempotent: what was taken in before
a crash answers "already here" the second time.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID, uuid4

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import Error, connection

from audit.actions import Action
from audit.actor import Actor, ActorKind
from audit.services import record_viewing
from imaging.access import StudyNotFound
from imaging.adapters.vault import VaultUnavailable
from imaging.crypto.pack import write_directory
from imaging.dicom.text import clean
from imaging.models import Upload, UploadedFile, UploadSegment
from imaging.selectors.uploads import BatchStudy, get_upload, list_batch_studies, list_stuck, list_untidy
from imaging.services import intake
from imaging.services.active_region import active_region
from imaging.services.bundles import Bundle
from imaging.services.intake import IncomingFile, Receipt, prepare_keys, require_may_store
from imaging.services.regions import get_vault
from imaging.services.sealed import NoCopyReadable, RegionsAway, SealedObject, Truncated
from tenants.baas.access import NoAgreementInForce
from tenants.models import User
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

LIFETIME = timedelta(hours=settings.UPLOAD_EXPIRES_HOURS)
# How long an upload that is whole but could not be taken in is kept beyond its lifetime.
RESCUE = timedelta(days=7)


class UploadTooLarge(Exception):
    """More bytes than an upload, or this one, may have."""


class OffsetDiffers(Exception):
    """The request goes on at another offset than the upload has come to."""


class UploadBusy(Exception):
    """Another request is at work on the upload."""


class ChecksumDiffers(Exception):
    """The bytes of the request are not those the sender computed the checksum of; they were discarded."""


def create_upload(
    actor: Actor, tenant_id: UUID, *, length: int, filename: str, kind: str, batch: UUID, now: datetime
) -> Upload:
    """An upload of `length` bytes; one of none is complete at once.

    Raises
    ------
    StudyNotFound, NoAgreementInForce, UploadTooLarge
    """
    require_may_store(actor, tenant_id, now)
    if length > settings.UPLOAD_MAX_BYTES:
        raise UploadTooLarge
    with tenant_scope(tenant_id):
        upload = Upload.objects.create(
            created_by_id=int(actor.id), batch=batch, kind=kind, filename=clean(filename), length=length,
            created_at=now, expires_at=now + LIFETIME,
        )  # fmt: skip
    if not length:
        finish_upload(actor, tenant_id, upload.id, now)
    return upload


def append(
    actor: Actor, tenant_id: UUID, upload_id: UUID, offset: int, chunks: Iterable[bytes], now: datetime,
    verify: Callable[[], bool] | None = None,
) -> Upload:  # fmt: skip
    """Keep the bytes that come, up to where `chunks` ends; at the last byte the upload is taken in before returning.

    `verify` is asked once all bytes were read; if it says no, they are discarded.

    Raises
    ------
    StudyNotFound, NoAgreementInForce, UploadNotFound, UploadBusy, OffsetDiffers, UploadTooLarge, ChecksumDiffers,
    VaultUnavailable
    """
    require_may_store(actor, tenant_id, now)
    with _exclusive(upload_id):
        with tenant_scope(tenant_id):
            upload = get_upload(actor, upload_id, now)
        if upload.offset != offset:
            raise OffsetDiffers
        _keep(actor, upload, chunks, verify, now)
        if upload.offset == upload.length and not upload.completed_at:
            complete_upload(actor, upload, now)
    return upload


def finish_upload(actor: Actor, tenant_id: UUID, upload_id: UUID, now: datetime) -> Upload:
    """The upload, taken in if it is whole and nobody else is at it; whatever keeps it from that, it stays as it is.

    Raises
    ------
    UploadNotFound
    """
    with tenant_scope(tenant_id):
        upload = get_upload(actor, upload_id, now)
    _try_to_complete(actor, upload, now)
    return upload


def complete_upload(actor: Actor, upload: Upload, now: datetime) -> None:
    """Take in what the segments hold, keep the lines of the result, let the segments go. Needs the upload's lock.

    Raises
    ------
    StudyNotFound, NoAgreementInForce, VaultUnavailable
        Also when only some files could not be stored: then all of it is tried again later.
    """
    receipts = intake.receive(actor, upload.tenant_id, _incoming(upload), now)
    _require_stored(receipts)
    with tenant_scope(upload.tenant_id):
        position = UploadedFile.objects.filter(upload=upload).count()
        UploadedFile.objects.bulk_create(_lines(upload, receipts, position), batch_size=1000)
        upload.completed_at = now
        upload.save(update_fields=["completed_at"])
    with suppress(VaultUnavailable):
        _drop_segments(upload)


def terminate(actor: Actor, tenant_id: UUID, upload_id: UUID, now: datetime) -> None:
    """Forget the upload. What was taken in from it stays.

    Raises
    ------
    UploadNotFound, UploadBusy, VaultUnavailable
    """
    with _exclusive(upload_id):
        with tenant_scope(tenant_id):
            upload = get_upload(actor, upload_id, now)
        _forget(upload)


def finish_stuck_uploads(tenant_id: UUID, now: datetime) -> int:
    """Take in uploads that are whole but whose request died, and drop left-over segments; how many were finished."""
    with tenant_scope(tenant_id):
        stuck, untidy = list(list_stuck()), list(list_untidy())
    for upload in untidy:
        with suppress(VaultUnavailable, UploadBusy), _exclusive(upload.id):
            _drop_segments(upload)
    return sum(_finish_for_creator(upload, now) for upload in stuck)


def expire_uploads(tenant_id: UUID, now: datetime) -> int:
    """Forget uploads past their time; how many. What is whole but not yet taken in gets its last chances first."""
    finish_stuck_uploads(tenant_id, now)
    with tenant_scope(tenant_id):
        expired = list(Upload.objects.filter(expires_at__lte=now))
    return sum(_expire(upload, now) for upload in expired)


def _expire(upload: Upload, now: datetime) -> bool:
    with suppress(UploadBusy, VaultUnavailable, Upload.DoesNotExist), _exclusive(upload.id):
        with tenant_scope(upload.tenant_id):
            # Its sender may have gone on since it was listed.
            upload.refresh_from_db()
        if _is_over(upload, now):
            _forget(upload)
            return True
    return False


def _is_over(upload: Upload, now: datetime) -> bool:
    waits = upload.offset == upload.length and not upload.completed_at
    return upload.expires_at + (RESCUE if waits else timedelta(0)) <= now


def _finish_for_creator(upload: Upload, now: datetime) -> bool:
    creator = User.objects.get(id=upload.created_by_id)
    try:
        _try_to_complete(Actor(ActorKind.USER, str(creator.pk), creator.email), upload, now)
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        # A fault of ours with one upload must not keep the others waiting; it stays as it is, and is seen here.
        logger.error("Upload %s could not be taken in: %s", upload.id, type(error).__name__)
    return upload.completed_at is not None


def _try_to_complete(actor: Actor, upload: Upload, now: datetime) -> None:
    if upload.offset != upload.length or upload.completed_at:
        return
    hindrances = (UploadBusy, VaultUnavailable, NoAgreementInForce, StudyNotFound, Upload.DoesNotExist)
    with suppress(*hindrances), _exclusive(upload.id):
        with tenant_scope(upload.tenant_id):
            upload.refresh_from_db()
        if not upload.completed_at:
            complete_upload(actor, upload, now)


@contextmanager
def _exclusive(upload_id: UUID) -> Iterator[None]:
    key = int.from_bytes(upload_id.bytes[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if not cursor.fetchone()[0]:
            raise UploadBusy
    try:
        yield
    finally:
        # A connection that broke has given the lock back already.
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _keep(
    actor: Actor, upload: Upload, chunks: Iterable[bytes], verify: Callable[[], bool] | None, now: datetime
) -> None:
    """Take what comes in at once where that can be done in one pass; else seal it as a segment, for later."""
    chunks = _at_most(chunks, upload.length - upload.offset)
    first = next(chunks, None)
    if first is None:
        if verify and not verify():
            raise ChecksumDiffers
        return
    prepare_keys(upload.tenant_id)
    chunks = chain((first,), chunks)
    if verify or _has_segments(upload):
        _keep_segment(upload, _verified(chunks, verify), now)
    elif upload.kind == Upload.Kind.BUNDLE:
        _take_bundle(actor, upload, Bundle(chunks, is_rest=upload.offset > 0), now)
    elif upload.offset == 0:
        _take_file(actor, upload, chunks, now)
    elif _has_lines(upload):
        # Refused by its first bytes: what follows is read over.
        _settle(upload, [], sum(map(len, chunks)), now)
    else:
        _keep_segment(upload, chunks, now)


def _keep_segment(upload: Upload, chunks: Iterable[bytes], now: datetime) -> None:
    object_id = uuid4()
    # Its last bytes are ours (FORMAT.md §7): no sender passes a segment off as a pack.
    tail = write_directory([])
    size = get_vault(active_region()).seal(upload.tenant_id, object_id, chain(chunks, (tail,))) - len(tail)
    _name_segment(upload, object_id, size, now)


def _name_segment(upload: Upload, object_id: UUID, size: int, now: datetime) -> None:
    """Move the offset past what was sealed, or leave nothing of it."""
    try:
        _advance(upload, object_id, size, now)
    except OffsetDiffers:
        for region in settings.REGIONS:
            with suppress(VaultUnavailable):
                get_vault(region).delete(upload.tenant_id, object_id)
        raise


def _take_file(actor: Actor, upload: Upload, chunks: Iterable[bytes], now: datetime) -> None:
    """The whole of a file in one request: it is sealed once, as the pack it stays. A broken line leaves a segment."""
    answer = intake.receive_file(actor, upload.tenant_id, IncomingFile(upload.filename, chunks, upload.length), now)
    if isinstance(answer, intake.LineBroke):
        if answer.size:
            _name_segment(upload, answer.object_id, answer.size, now)
    else:
        _settle(upload, [answer], answer.size, now)


def _take_bundle(actor: Actor, upload: Upload, bundle: Bundle, now: datetime) -> None:
    """Files of a bundle as they come. After a broken line the sender goes on from the file that it broke in."""
    receipts = intake.receive(actor, upload.tenant_id, bundle, now)
    _require_stored(receipts)
    if upload.offset + bundle.received == upload.length:
        _settle(upload, receipts, bundle.received, now)
    else:
        _settle(upload, receipts[: bundle.whole], bundle.boundary, now)


def _settle(upload: Upload, receipts: list[Receipt], size: int, now: datetime) -> None:
    """Move the offset by `size` bytes that have been taken in, and keep what became of them."""
    with tenant_scope(upload.tenant_id):
        row = _lock(upload)
        position = UploadedFile.objects.filter(upload=row).count()
        UploadedFile.objects.bulk_create(_lines(upload, receipts, position), batch_size=1000)
        upload.offset += size
        upload.expires_at = now + LIFETIME
        upload.completed_at = now if upload.offset == upload.length else None
        upload.save(update_fields=["offset", "expires_at", "completed_at"])


def _has_segments(upload: Upload) -> bool:
    with tenant_scope(upload.tenant_id):
        return UploadSegment.objects.filter(upload=upload).exists()


def _has_lines(upload: Upload) -> bool:
    with tenant_scope(upload.tenant_id):
        return UploadedFile.objects.filter(upload=upload).exists()


def _require_stored(receipts: list[Receipt]) -> None:
    if any(receipt.reason == intake.STORAGE_UNAVAILABLE.code for receipt in receipts):
        raise VaultUnavailable("some files of the upload could not be stored")


def _lock(upload: Upload) -> Upload:
    """The upload's row; raises `OffsetDiffers` if it has moved on."""
    rows = Upload.objects.select_for_update().filter(id=upload.id, offset=upload.offset, completed_at=None)
    if (row := rows.first()) is None:
        raise OffsetDiffers
    return row


def _at_most(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    for chunk in chunks:
        limit -= len(chunk)
        if limit < 0:
            raise UploadTooLarge
        if chunk:
            yield chunk


def _verified(chunks: Iterable[bytes], verify: Callable[[], bool] | None) -> Iterator[bytes]:
    yield from chunks
    # Raised while the seal is still open: nothing of the segment remains.
    if verify and not verify():
        raise ChecksumDiffers


def _advance(upload: Upload, object_id: UUID, size: int, now: datetime) -> None:
    with tenant_scope(upload.tenant_id):
        _lock(upload)
        UploadSegment.objects.create(id=object_id, upload=upload, position=upload.offset, length=size)
        upload.offset += size
        upload.expires_at = now + LIFETIME
        upload.save(update_fields=["offset", "expires_at"])


def _incoming(upload: Upload) -> Iterable[IncomingFile]:
    chunks = _plaintext(upload)
    if upload.kind == Upload.Kind.BUNDLE:
        with tenant_scope(upload.tenant_id):
            begins_later = not UploadSegment.objects.filter(upload=upload, position=0).exists()
        return Bundle(chunks, is_rest=begins_later)
    return iter([IncomingFile(upload.filename, chunks)])


def _plaintext(upload: Upload) -> Iterator[bytes]:
    with tenant_scope(upload.tenant_id):
        segments = list(UploadSegment.objects.filter(upload=upload).order_by("position").values_list("id", "length"))
    try:
        for segment, length in segments:
            yield from SealedObject(upload.tenant_id, segment).iter_extents([(0, length)])
    except RegionsAway as error:
        raise VaultUnavailable("the segments of an upload are out of reach") from error
    except (NoCopyReadable, Truncated):
        # What is left counts as cut off: its files are refused, and the sender is told which.
        logger.exception("A segment of an upload cannot be opened.")


def _lines(upload: Upload, receipts: list[Receipt], start: int) -> list[UploadedFile]:
    names = ("name", "size", "outcome", "reason", "message", "study_instance_uid")
    return [
        UploadedFile(upload=upload, position=position, **{name: getattr(receipt, name) for name in names})
        for position, receipt in enumerate(receipts, start)
    ]


def _drop_segments(upload: Upload) -> None:
    """The sealed objects first: a row without its object is found again, an object without its row is not."""
    with tenant_scope(upload.tenant_id):
        segments = list(UploadSegment.objects.filter(upload=upload).values_list("id", flat=True))
    for region in settings.REGIONS:
        for segment in segments:
            get_vault(region).delete(upload.tenant_id, segment)
    with tenant_scope(upload.tenant_id):
        UploadSegment.objects.filter(id__in=segments).delete()


def _forget(upload: Upload) -> None:
    _drop_segments(upload)
    with tenant_scope(upload.tenant_id):
        Upload.objects.filter(id=upload.id).delete()


def follow_batch(actor: Actor, batch: UUID, now: datetime) -> list[BatchStudy]:
    """How far the studies of everything the actor dropped together have come, with an event for the names it shows.

    Raises
    ------
    UploadNotFound
    """
    studies = list_batch_studies(actor, batch)
    record_viewing(Action.UPLOAD_FOLLOWED, actor, study_instance_uid="", now=now)
    return studies
