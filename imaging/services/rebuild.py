"""The index from a vault alone: every pack that no row names is read, judged by the gate and registered.

Nothing in a vault is deleted or overwritten. What was purged stays purged: an object that a tombstone names is not
taken in again. Where two packs hold the same instance, the larger pack wins and the other is retired once its bytes
have proved to be the same; where they hold different bytes under one UID, the first stays and the other is reported.
"""

import hashlib
import logging
from collections.abc import Container
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.conf import settings

from audit.actions import Action
from audit.actor import SYSTEM
from audit.services import record
from imaging.adapters.vault import VaultUnavailable
from imaging.crypto.layout import SealBroken
from imaging.crypto.pack import DirectoryMissing, Member, read_directory
from imaging.crypto.stream import SealedReader
from imaging.dicom.attributes import read_attributes
from imaging.dicom.gate import Refused
from imaging.dicom.manifest import NotAManifest, read_manifest
from imaging.models import Drill, Instance, Series, Study, Tombstone, UploadSegment, VaultObject
from imaging.services.catalog import Arrival, NewPack, Registered, register
from imaging.services.regions import get_vault
from imaging.services.sealed import UNREADABLE
from imaging.services.spool import IncomingFile, Stream
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

_MOST_MANIFEST_BYTES = 1 << 26


@dataclass(frozen=True)
class RebuildReport:
    """What a vault gave: rows made, members that other bytes stood in the way of, objects that could not be read."""

    studies: int = 0
    series: int = 0
    instances: int = 0
    conflicts: int = 0
    duplicates: int = 0
    unreadable: tuple[UUID, ...] = field(default=())


@dataclass(frozen=True)
class _Found:
    """A pack that no row names."""

    id: UUID
    size: int
    members: tuple[Member, ...]


def rebuild_index(tenant_id: UUID, region: int, now: datetime, studies: Container[str] | None = None) -> RebuildReport:
    """Register every instance that the region's vault holds and the index lacks, of `studies` alone if they are given.

    On an empty database that is all of them; otherwise it adopts what the index does not know.

    Raises
    ------
    VaultUnavailable
    """
    found, others, unreadable = _find_packs(tenant_id, region, studies)
    before = _count(tenant_id)
    conflicts = duplicates = 0
    for pack in found:
        try:
            answers = _adopt(tenant_id, region, pack, studies, now)
        except VaultUnavailable:
            raise
        except (*UNREADABLE, Refused) as error:
            logger.error("Pack %s cannot be taken into the index: %s", pack.id, type(error).__name__)
            unreadable.append(pack.id)
            continue
        conflicts += sum(not answer.stored and not answer.already_here for answer in answers)
        duplicates += sum(answer.already_here for answer in answers)
    for object_id in others:
        _retire_manifest(tenant_id, region, object_id, now)
    after = _count(tenant_id)
    report = RebuildReport(*(new - old for new, old in zip(after, before, strict=True)), conflicts, duplicates)
    report = replace(report, unreadable=tuple(unreadable))
    with tenant_scope(tenant_id):
        record(Action.INDEX_REBUILT, SYSTEM, details=_details(report, region), now=now)
    return report


def adopt_unknown(tenant_id: UUID, region: int, now: datetime) -> RebuildReport:
    """Take into the index what the region's vault holds and the index does not know; raises as `rebuild_index`."""
    return rebuild_index(tenant_id, region, now)


def _details(report: RebuildReport, region: int) -> dict[str, object]:
    names = ("studies", "series", "instances", "conflicts", "duplicates")
    return {"region": region, "unreadable": len(report.unreadable)} | {name: getattr(report, name) for name in names}


def _count(tenant_id: UUID) -> tuple[int, int, int]:
    with tenant_scope(tenant_id):
        return Study.objects.count(), Series.objects.count(), Instance.objects.count()


def _find_packs(
    tenant_id: UUID, region: int, studies: Container[str] | None
) -> tuple[list[_Found], list[UUID], list[UUID]]:
    """The unknown packs in the order to take them in, objects of other kinds, and the objects that cannot be read."""
    found, others, unreadable = [], [], []
    known, purged = _list_known(tenant_id), _list_purged(tenant_id)
    for object_id in get_vault(region).list_objects(tenant_id):
        if object_id in known:
            continue
        try:
            pack = _look_into(tenant_id, region, object_id)
        except VaultUnavailable:
            raise
        except UNREADABLE as error:
            logger.error("Object %s cannot be read: %s", object_id, type(error).__name__)
            unreadable.append(object_id)
            continue
        if pack is None:
            others.append(object_id)
        elif all(_is_purged(tenant_id, each, purged) for each in pack.members):
            continue
        elif studies is None or any(each.study_instance_uid in studies for each in pack.members):
            found.append(pack)
    return sorted(found, key=_in_order), others, unreadable


def _in_order(pack: _Found) -> tuple[datetime, int]:
    """As the images came: a study's attributes are those of its first. Of two packs with the same first, the larger."""
    return min(member.received_at for member in pack.members), -len(pack.members)


def _list_known(tenant_id: UUID) -> set[UUID]:
    with tenant_scope(tenant_id):
        # What was announced and never put in service may be whole, and newer than a restored database.
        known = set(VaultObject.objects.exclude(size=0, retired_at__isnull=False).values_list("id", flat=True))
        known |= set(UploadSegment.objects.values_list("id", flat=True))
        known |= set(Drill.objects.exclude(report=None).values_list("report", flat=True))
        for purged in Tombstone.objects.values_list("sealed_objects", flat=True):
            known |= {UUID(object_id) for object_id in purged}
    return known


def _retire_manifest(tenant_id: UUID, region: int, object_id: UUID, now: datetime) -> None:
    """A manifest that no row names gets one, so that it goes like any that was replaced, or with its study's purge.

    One that is being written has had its row since before the vault had it, and keeps that.
    """
    with get_vault(region).open(tenant_id, object_id) as reader:
        try:
            index = read_manifest(b"".join(reader.iter_all())).index if reader.size <= _MOST_MANIFEST_BYTES else {}
        except NotAManifest:
            return
        size = reader.size
    study, series = (index.get(kind, {}).get(f"{kind}_instance_uid") for kind in ("study", "series"))
    with tenant_scope(tenant_id):
        if row := Series.objects.filter(series_instance_uid=series, study__study_instance_uid=study).first():
            kind = VaultObject.Kind.MANIFEST
            fields = {"series": row, "kind": kind, "size": size, "home_region": region}
            VaultObject.objects.get_or_create(id=object_id, defaults=fields | {"created_at": now, "retired_at": now})


def _list_purged(tenant_id: UUID) -> dict[bytes, datetime]:
    """When a study, by its digest, was last purged."""
    with tenant_scope(tenant_id):
        rows = Tombstone.objects.order_by("purged_at").values_list("study_digest", "purged_at")
        return {bytes(digest): purged_at for digest, purged_at in rows}


def _is_purged(tenant_id: UUID, member: Member, purged: dict[bytes, datetime]) -> bool:
    """Whether it came before its study was purged: what a killed intake left must not bring it back."""
    digest = hashlib.sha256(tenant_id.bytes + member.study_instance_uid.encode()).digest()
    return digest in purged and member.received_at <= purged[digest]


def _look_into(tenant_id: UUID, region: int, object_id: UUID) -> _Found | None:
    with get_vault(region).open(tenant_id, object_id) as reader:
        try:
            members = read_directory(reader)
        except DirectoryMissing:
            return None
        return _Found(object_id, reader.size, tuple(members)) if members else None


def _adopt(
    tenant_id: UUID, region: int, pack: _Found, studies: Container[str] | None, now: datetime
) -> list[Registered]:
    """Register the members of a pack, those that came at the same time together."""
    wanted = [each for each in pack.members if studies is None or each.study_instance_uid in studies]
    with get_vault(region).open(tenant_id, pack.id) as reader:
        read = [(each.received_at, _read(reader, pack.id, each)) for each in wanted]
    new = NewPack(pack.id, pack.size, len(pack.members), region)
    with tenant_scope(tenant_id):
        VaultObject.objects.filter(id=pack.id, size=0, members=None).delete()
    gone = _find_gone(tenant_id, [arrival.sop_instance_uid for _, arrival in read])
    answers: list[Registered] = []
    with tenant_scope(tenant_id):
        for received_at, group in groupby(sorted(read, key=lambda each: each[0]), key=lambda each: each[0]):
            answers += register(SYSTEM, [arrival for _, arrival in group], [new], received_at, gone)
        if not any(answer.stored or answer.rescued for answer in answers):
            _keep_as_retired(new, read[0][1], answers, now)
    return answers


def _find_gone(tenant_id: UUID, sop_instance_uids: list[str]) -> set[UUID]:
    """Of the packs that the index names for these, those that no region holds: it is older than the vaults."""
    with tenant_scope(tenant_id):
        rows = Instance.objects.filter(sop_instance_uid__in=sop_instance_uids)
        named = set(rows.values_list("pack_id", flat=True))
    return {each for each in named if not any(get_vault(region).exists(tenant_id, each) for region in settings.REGIONS)}


def _keep_as_retired(new: NewPack, first: Arrival, answers: list[Registered], now: datetime) -> None:
    """A pack whose every member lies elsewhere too, byte for byte, may go; one with other bytes stays unnamed."""
    if all(answer.already_here for answer in answers):
        series = Series.objects.get(
            series_instance_uid=first.series_instance_uid, study__study_instance_uid=first.study_instance_uid
        )
        VaultObject.objects.create(
            id=new.id, series=series, kind=VaultObject.Kind.PACK, size=new.size, member_count=new.member_count,
            home_region=new.home_region, created_at=now, retired_at=now,
        )  # fmt: skip


def _read(reader: SealedReader, pack_id: UUID, member: Member) -> Arrival:
    """One file of a pack through the gate; raises `SealBroken` where it is not what the directory says."""
    chunks = reader.iter_range(member.offset, member.size)
    stream = Stream(IncomingFile("", chunks), settings.UPLOAD_MAX_BYTES)
    for _ in stream:
        pass
    passed = stream.judge()
    arrival = stream.arrival(passed, read_attributes(passed), pack_id, member.offset)
    if arrival.digest != member.digest or arrival.sop_instance_uid != member.sop_instance_uid:
        raise SealBroken("a pack holds another file than its directory says")
    return replace(arrival, instance_id=member.instance_id)
