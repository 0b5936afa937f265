"""Packing: small packs of a series become large ones, and its manifest is written.

A merge seals a new pack, proves it wherever the old ones were, and only then moves the instances over, in one
transaction; the old packs are retired and removed later. Killed anywhere, it leaves the old packs in service.
"""

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.db.models import QuerySet
from django.utils import timezone

from imaging.adapters.vault import Batch, VaultUnavailable
from imaging.crypto.pack import Member, write_directory
from imaging.models import Finding, Instance, Series, VaultObject
from imaging.pipeline import SETTLE_SECONDS, Step
from imaging.services import webhook_outbox
from imaging.services.active_region import active_region, other_region
from imaging.services.intake import copy_now
from imaging.services.manifests import write_series_manifest
from imaging.services.originals import iter_original
from imaging.services.regions import get_vault
from imaging.services.sealed import SealedObject
from imaging.services.spool import PACK_BYTES
from imaging.services.steps import alone
from imaging.services.vault_objects import SeriesGone, announce, put_in_service, retire
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)


class ResealIncomplete(Exception):
    """Some of a practice still lies under its old data keys; the next run goes on."""


SMALL_PACK_BYTES = 64 << 20
ENOUGH_SMALL_PACKS = 4


def pack_series(tenant_id: UUID, series_id: UUID, now: datetime) -> int:
    """Merge the small packs of a series that has settled, then write its manifest; returns how many packs were made.

    Raises
    ------
    NoCopyReadable, DigestDiffers, VaultUnavailable
        What was there stays in service.
    """
    with alone(Step.PACK, series_id) as free:
        if not free or not _has_settled(tenant_id, series_id, now):
            return 0
        webhook_outbox.announce_study(tenant_id, series_id, now)  # before the manifest, by which the step is done
        made = 0
        with suppress(SeriesGone):
            made = sum(merge_packs(tenant_id, series_id, packs, now) for packs in _list_mergeable(tenant_id, series_id))
            write_series_manifest(tenant_id, series_id, now)
    return made


def reseal_tenant(tenant_id: UUID, since: datetime) -> int:
    """Seal every object of the practice that is older than `since` anew, under new data keys and ids; returns how many.

    May be killed and run again with the same `since`: what is done is not done twice.

    Raises
    ------
    ResealIncomplete
        Some series could not be read or were busy; the others are done.
    """
    with tenant_scope(tenant_id):
        old = VaultObject.objects.filter(created_at__lt=since, retired_at=None)
        series_ids = list(Series.objects.filter(id__in=old.values("series_id")).values_list("id", flat=True))
    done, failed = 0, []
    for series_id in series_ids:
        try:
            done += _reseal_series(tenant_id, series_id, since, timezone.now())
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:
            # One damaged pack must not keep the rest under a key that is known.
            logger.error("Series %s could not be sealed anew: %s", series_id, type(error).__name__)
            failed.append(series_id)
    if failed:
        raise ResealIncomplete(f"{len(failed)} series could not be sealed anew")
    return done


def merge_packs(tenant_id: UUID, series_id: UUID, packs: list[VaultObject], now: datetime) -> bool:
    """Make one pack of several; False if the study was purged meanwhile.

    Raises
    ------
    NoCopyReadable, DigestDiffers, VaultUnavailable
    """
    home = active_region()
    regions = [region for region in (1, 2) if region == home or any(getattr(each, f"in_{region}_at") for each in packs)]
    with tenant_scope(tenant_id):
        members = list(_members(packs))
    object_id = announce(tenant_id, series_id, VaultObject.Kind.PACK, home, now)
    if other_region(home) in regions:
        get_vault(other_region(home)).exists(tenant_id, object_id)  # raises before anything is sealed if it is away
    try:
        with get_vault(home).batch() as batch:
            size, offsets = _seal_members(batch, tenant_id, object_id, members)
        get_vault(home).verify(tenant_id, object_id)
        if other_region(home) in regions:
            copy_now(get_vault(home), get_vault(other_region(home)), tenant_id, object_id)
    except BaseException:
        # The sweeper asks again all the while: what is left behind each time would fill the disk within a day.
        for region in regions:
            with suppress(VaultUnavailable):
                get_vault(region).delete(tenant_id, object_id)
        raise
    if _move(tenant_id, series_id, object_id, packs, members, offsets, size, regions, now):
        return True
    for region in regions:
        get_vault(region).delete(tenant_id, object_id)
    return False


def _members(packs: list[VaultObject]) -> QuerySet[Instance]:
    rows = Instance.objects.select_related("series__study").filter(pack__in=packs).defer("fragments")
    return rows.order_by("instance_number", "sop_instance_uid")


def _seal_members(
    batch: Batch, tenant_id: UUID, object_id: UUID, members: list[Instance]
) -> tuple[int, dict[UUID, int]]:
    """Seal the members' files and their directory; the object's plaintext size, and where each member begins."""
    sealing, listed = batch.begin(tenant_id, object_id), []
    try:
        for each in members:
            listed.append(_member(each, sealing.size))
            for piece in iter_original(each):
                sealing.write(piece)
        sealing.write(write_directory(listed))
        size = sealing.finish()
    except BaseException:
        sealing.abandon()
        raise
    return size, {member.instance_id: member.offset for member in listed}


def _member(instance: Instance, offset: int) -> Member:
    series = instance.series
    return Member(
        instance_id=instance.id, offset=offset, size=instance.size, digest=bytes(instance.digest), crc32=instance.crc32,
        study_instance_uid=series.study.study_instance_uid, series_instance_uid=series.series_instance_uid,
        sop_instance_uid=instance.sop_instance_uid, received_at=instance.received_at,
    )  # fmt: skip


def _move(
    tenant_id: UUID, series_id: UUID, object_id: UUID, packs: list[VaultObject], members: list[Instance],
    offsets: dict[UUID, int], size: int, regions: list[int], now: datetime,
) -> bool:  # fmt: skip
    with tenant_scope(tenant_id):
        series = Series.objects.select_for_update(of=("self",)).filter(id=series_id).first()
        if series is None or not put_in_service(object_id, size, replaces=None, now=now, member_count=len(members)):
            return False
        for each in members:
            each.pack_id, each.pack_offset = object_id, offsets[each.id]
        Instance.objects.bulk_update(members, ["pack", "pack_offset"], batch_size=500)
        VaultObject.objects.filter(id=object_id).update(**{f"in_{region}_at": now for region in regions})
        # The merge has read them all: no step will come back for those whose old pack still waited.
        Instance.objects.filter(pack_id=object_id, sealed_at=None).update(sealed_at=now)
        if len(regions) > 1:
            Instance.objects.filter(pack_id=object_id, mirrored_at=None).update(mirrored_at=now)
        retire([each.id for each in packs], now)
        # Its offsets are no longer true.
        Series.objects.filter(id=series_id).update(manifest_instances=0)
    return True


def _has_settled(tenant_id: UUID, series_id: UUID, now: datetime) -> bool:
    with tenant_scope(tenant_id):
        since = now - timedelta(seconds=SETTLE_SECONDS)
        return Series.objects.filter(id=series_id, last_received_at__lte=since).exists()


def _list_mergeable(tenant_id: UUID, series_id: UUID) -> Iterator[list[VaultObject]]:
    with tenant_scope(tenant_id):
        faulty = Finding.objects.filter(healed_at=None, object_id__isnull=False).values("object_id")
        small = list(
            _packs(series_id).exclude(id__in=faulty).filter(size__lt=SMALL_PACK_BYTES).order_by("created_at", "id")
        )
    if len(small) < ENOUGH_SMALL_PACKS:
        return
    for group in _grouped(small):
        if len(group) > 1:
            yield group


def _packs(series_id: UUID) -> QuerySet[VaultObject]:
    return VaultObject.objects.filter(series_id=series_id, kind=VaultObject.Kind.PACK, retired_at=None)


def _grouped(packs: list[VaultObject]) -> Iterator[list[VaultObject]]:
    group, size = [], 0
    for pack in packs:
        if group and size + pack.size > PACK_BYTES:
            yield group
            group, size = [], 0
        group.append(pack)
        size += pack.size
    yield group


def _reseal_series(tenant_id: UUID, series_id: UUID, since: datetime, now: datetime) -> int:
    with alone(Step.PACK, series_id) as free, suppress(SeriesGone):
        if not free:
            raise ResealIncomplete("a worker is at it")
        with tenant_scope(tenant_id):
            packs = list(_packs(series_id).filter(created_at__lt=since).order_by("created_at", "id"))
            pictures = VaultObject.objects.filter(
                series_id=series_id, kind=VaultObject.Kind.THUMBNAIL, retired_at=None, created_at__lt=since
            )
            thumbnails = list(pictures.values_list("id", flat=True))
            # Written anew in any case: the old one's data key may be known too.
            Series.objects.filter(id=series_id).update(manifest_instances=0)
        done = sum(merge_packs(tenant_id, series_id, group, now) for group in _grouped(packs) if group)
        done += sum(_reseal_thumbnail(tenant_id, series_id, thumbnail, now) for thumbnail in thumbnails)
        return done + write_series_manifest(tenant_id, series_id, now)
    return 0


def _reseal_thumbnail(tenant_id: UUID, series_id: UUID, thumbnail: UUID, now: datetime) -> int:
    content = SealedObject(tenant_id, thumbnail).read_all()
    home = active_region()
    object_id = announce(tenant_id, series_id, VaultObject.Kind.THUMBNAIL, home, now)
    get_vault(home).seal(tenant_id, object_id, [content])
    with tenant_scope(tenant_id):
        current = Series.objects.select_for_update(of=("self",)).filter(id=series_id, thumbnail=thumbnail)
        if current.exists() and put_in_service(object_id, len(content), replaces=thumbnail, now=now):
            current.update(thumbnail=object_id)
            return 1
    get_vault(home).delete(tenant_id, object_id)
    return 0
