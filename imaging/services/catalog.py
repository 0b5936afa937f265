"""The index: studies, series and instances, registered in batches once their sealed bytes are durable.

A transaction locks the studies of its batch in the order of their UIDs and only then inserts instances, in the
order of theirs, so that no two batches ever wait for each other.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from audit.actions import Action, Outcome
from audit.actor import Actor
from audit.services import record
from imaging import pipeline
from imaging.dicom.attributes import Attributes
from imaging.dicom.gate import Passed
from imaging.dicom.transfer_syntaxes import DEFLATED
from imaging.models import Finding, Instance, Series, Study, VaultObject
from imaging.services.frames import pack_fragments
from imaging.services.search_terms import add_terms, fold_texts, known_terms
from tenants.scoping import active_tenant_id

_DIGEST_SHOWN = 16  # hexadecimal digits of a digest in the trail
_TRIES = 5


@dataclass(frozen=True)
class Arrival:
    """A file that passed the gate and lies sealed in a pack; `digest` is BLAKE3, `crc32` zlib's."""

    instance_id: UUID
    pack_id: UUID
    pack_offset: int
    size: int
    digest: bytes
    crc32: int
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    attributes: Attributes
    pixels: dict[str, object]  # fields of Instance


@dataclass(frozen=True)
class NewPack:
    """A pack that is durable in `home_region`; `copied_at` says when the other region's copy proved good."""

    id: UUID
    size: int
    member_count: int
    home_region: int
    copied_at: datetime | None = None

    def verified(self, region: int) -> datetime | None:
        """When its copy in a region was opened, all of it; its own is read back by the step that follows."""
        return None if region == self.home_region else self.copied_at


@dataclass(frozen=True)
class Registered:
    """What became of an arrival: it is `stored`, or was `already_here`, or neither: other bytes are here."""

    stored: bool = False
    already_here: bool = False
    rescued: bool = False  # already here, and its bytes lie in the new pack from now on
    patient_differs: bool = False


def describe(passed: Passed) -> dict[str, object]:
    """The fields of Instance that tell where its header ends and its pixels lie."""
    found: dict[str, object] = {
        "header_end": passed.header_end,
        "deflated": passed.transfer_syntax_uid == DEFLATED,
    }
    if (pixels := passed.pixels) is None:
        return found
    names = (
        "rows", "columns", "samples_per_pixel", "bits_allocated", "number_of_frames", "photometric_interpretation",
        "encapsulated", "value_offset", "value_length", "frame_length",
    )  # fmt: skip
    found |= {name: getattr(pixels, name) for name in names}
    return found | {"fragments": None if pixels.fragments is None else pack_fragments(pixels.fragments)}


def register(
    actor: Actor, arrivals: Sequence[Arrival], packs: Sequence[NewPack], now: datetime, gone: Collection[UUID] = ()
) -> list[Registered]:
    """Index the arrivals and their packs, audit, and ask for the steps that follow; answers in the arrivals' order.

    What is here already, but not in the region of the new packs (or in a pack of `gone`), lies in the new one from
    now on. Runs in the tenant's scope.
    """
    studies = _lock_studies(arrivals, now)
    series = _get_or_create_series(arrivals, studies, now)
    stored = _insert(_fresh(arrivals), packs, series, now)
    holders = _find_instances(arrivals)
    rescued = _rescue([each for each in arrivals if each.instance_id not in stored], packs, gone, now)
    answers = [_judge(each, holders, stored | rescued.keys(), studies) for each in arrivals]
    answers = [
        Registered(already_here=True, rescued=True) if each.instance_id in rescued else answer
        for each, answer in zip(arrivals, answers, strict=True)
    ]
    _count([each for each in arrivals if each.instance_id in stored], studies, series, now)
    _record(actor, arrivals, answers, holders, now)
    for key in sorted({_series_key(each) for each in arrivals if each.instance_id in stored}):
        pipeline.enqueue_after_intake(active_tenant_id(), series[key].id)
    for series_id in set(rescued.values()):
        pipeline.enqueue_after_intake(active_tenant_id(), series_id)
    return answers


def _rescue(
    arrivals: Sequence[Arrival], packs: Sequence[NewPack], gone: Collection[UUID], now: datetime
) -> dict[UUID, UUID]:
    """Put instances that lack good bytes where the same bytes came to; the arrivals that serve, and their series."""
    known, rescued = {pack.id: pack for pack in packs}, {}
    for home in {pack.home_region for pack in packs}:
        faulty = Finding.objects.filter(region=home, healed_at=None, object_id__isnull=False).values("object_id")
        elsewhere = Q(**{f"pack__in_{home}_at": None}) & ~Q(pack__home_region=home)
        lacking = Instance.objects.filter(elsewhere | Q(pack__in=list(gone)) | Q(pack__in=faulty))
        lacking = lacking.filter(sop_instance_uid__in=[each.sop_instance_uid for each in arrivals])
        rows = {row.sop_instance_uid: row for row in lacking.select_related("series").select_for_update(of=("self",))}
        for each in arrivals:
            row, pack = rows.get(each.sop_instance_uid), known[each.pack_id]
            if row and pack.home_region == home and bytes(row.digest) == each.digest and row.pack_id != pack.id:
                VaultObject.objects.bulk_create([_new_object(pack, row.series, now)], ignore_conflicts=True)
                left, row.pack_id, row.pack_offset = row.pack_id, pack.id, each.pack_offset
                row.sealed_at, row.mirrored_at = None, pack.copied_at
                row.save(update_fields=["pack", "pack_offset", "sealed_at", "mirrored_at"])
                VaultObject.objects.filter(id=left, members=None, retired_at=None).update(retired_at=now)
                rescued[each.instance_id] = row.series_id
                del rows[each.sop_instance_uid]
    return rescued


def _lock_studies(arrivals: Sequence[Arrival], now: datetime) -> dict[str, Study]:
    wanted = {each.study_instance_uid: each for each in reversed(arrivals)}
    found: dict[str, Study] = {}
    # A purge may take a row away between the two statements: then it is made anew.
    for _ in range(_TRIES):
        fresh = [_new_study(wanted[uid], now) for uid in sorted(wanted.keys() - found.keys())]
        Study.objects.bulk_create(fresh, ignore_conflicts=True)
        locked = Study.objects.select_for_update().filter(study_instance_uid__in=list(wanted))
        found = {study.study_instance_uid: study for study in locked.order_by("study_instance_uid")}
        if found.keys() == wanted.keys():
            return found
    raise RuntimeError("studies vanish as fast as they are made")


def _new_study(first: Arrival, now: datetime) -> Study:
    names = (
        "patient_id", "issuer_of_patient_id", "patient_name", "patient_birth_date", "patient_sex", "study_date",
        "study_time", "study_description", "study_id", "accession_number", "referring_physician_name",
        "institution_name", "timezone_offset",
    )  # fmt: skip
    values = _fitting(Study, {name: getattr(first.attributes, name) for name in names})
    return Study(study_instance_uid=first.study_instance_uid, received_at=now, last_received_at=now, **values)


def _fitting(model: type[Study] | type[Series], values: dict[str, object]) -> dict[str, object]:
    """The values, texts cut to their columns: an overlong one must not keep an examination out."""
    lengths = {name: model._meta.get_field(name).max_length for name in values}
    return {name: value[: lengths[name]] if isinstance(value, str) else value for name, value in values.items()}


SeriesKey = tuple[str, str]


def _series_key(each: Arrival) -> SeriesKey:
    return each.study_instance_uid, each.series_instance_uid


def _get_or_create_series(
    arrivals: Sequence[Arrival], studies: dict[str, Study], now: datetime
) -> dict[SeriesKey, Series]:
    """The series of the batch. Whoever holds the study's lock is alone with them."""
    wanted = {_series_key(each): each for each in reversed(arrivals)}
    uids = {study.id: uid for uid, study in studies.items()}
    rows = Series.objects.filter(study__in=studies.values(), series_instance_uid__in=[key[1] for key in wanted])
    found = {(uids[row.study_id], row.series_instance_uid): row for row in rows}
    fresh = {key: _new_series(wanted[key], studies[key[0]], now) for key in wanted.keys() - found.keys()}
    Series.objects.bulk_create(fresh.values())
    return found | fresh


def _new_series(first: Arrival, study: Study, now: datetime) -> Series:
    names = (
        "modality", "series_number", "series_description", "body_part_examined", "laterality", "series_date",
        "performed_date", "performed_time", "request_attributes",
    )  # fmt: skip
    values = _fitting(Series, {name: getattr(first.attributes, name) for name in names})
    return Series(study=study, series_instance_uid=first.series_instance_uid, last_received_at=now, **values)


def _fresh(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """The first arrival of each instance that is not indexed, by UID."""
    known = set(_find_instances(arrivals))
    first = {each.sop_instance_uid: each for each in reversed(arrivals)}
    return [first[uid] for uid in sorted(first.keys() - known)]


def _find_instances(arrivals: Sequence[Arrival]) -> dict[str, bytes]:
    """The digests of those that are indexed, by SOP Instance UID, in whatever study."""
    rows = Instance.objects.filter(sop_instance_uid__in={each.sop_instance_uid for each in arrivals})
    return {uid: bytes(digest) for uid, digest in rows.values_list("sop_instance_uid", "digest")}


def _insert(
    fresh: list[Arrival], packs: Sequence[NewPack], series: dict[SeriesKey, Series], now: datetime
) -> set[UUID]:
    """Insert, and return the ids that made it: another batch may have brought a UID in another study."""
    homes = {each.pack_id: series[_series_key(each)] for each in fresh}
    known = {pack.id: pack for pack in packs}
    objects = [_new_object(known[pack_id], homes[pack_id], now) for pack_id in homes]
    VaultObject.objects.bulk_create(objects, ignore_conflicts=True)
    rows = [_new_instance(each, known[each.pack_id], series[_series_key(each)], now) for each in fresh]
    Instance.objects.bulk_create(rows, ignore_conflicts=True)
    stored = dict(Instance.objects.filter(id__in=[row.id for row in rows]).values_list("id", "pack_id"))
    VaultObject.objects.filter(id__in=homes.keys() - set(stored.values()), members=None).delete()
    return set(stored)


def _new_object(pack: NewPack, series: Series, now: datetime) -> VaultObject:
    return VaultObject(
        id=pack.id, series=series, kind=VaultObject.Kind.PACK, size=pack.size, member_count=pack.member_count,
        home_region=pack.home_region, created_at=now, in_1_at=pack.verified(1), in_2_at=pack.verified(2),
    )  # fmt: skip


def _new_instance(each: Arrival, pack: NewPack, series: Series, now: datetime) -> Instance:
    return Instance(
        id=each.instance_id, series=series, sop_instance_uid=each.sop_instance_uid, sop_class_uid=each.sop_class_uid,
        transfer_syntax_uid=each.transfer_syntax_uid, instance_number=each.attributes.instance_number,
        pack_id=each.pack_id, pack_offset=each.pack_offset, size=each.size, digest=each.digest, crc32=each.crc32,
        received_at=now, mirrored_at=pack.copied_at, **each.pixels,
    )  # fmt: skip


def _judge(each: Arrival, holders: dict[str, bytes], stored: set[UUID], studies: dict[str, Study]) -> Registered:
    if each.instance_id in stored:
        return Registered(stored=True, patient_differs=_patient_differs(each, studies[each.study_instance_uid]))
    return Registered(already_here=holders.get(each.sop_instance_uid) == each.digest)


def _patient_differs(each: Arrival, study: Study) -> bool:
    ours, theirs = _fitting(Study, {"patient_id": each.attributes.patient_id})["patient_id"], study.patient_id
    return ours != theirs or each.attributes.patient_birth_date != study.patient_birth_date


def _count(stored: list[Arrival], studies: dict[str, Study], series: dict[SeriesKey, Series], now: datetime) -> None:
    for each in stored:
        for row in (studies[each.study_instance_uid], series[_series_key(each)]):
            row.instance_count += 1
            row.size += each.size
            row.last_received_at = now
    _drop_empty(series.values(), studies.values())
    _save_series([row for row in series.values() if row.instance_count])
    _save_studies([study for study in studies.values() if study.last_received_at == now and study.instance_count])


def _drop_empty(series: Sequence[Series], studies: Sequence[Study]) -> None:
    """Take back the rows made for arrivals that were refused."""
    if empty := [row.id for row in series if not row.instance_count]:
        Series.objects.filter(id__in=empty).delete()
    if empty := [study.id for study in studies if not study.instance_count]:
        Study.objects.filter(id__in=empty).delete()


def _save_series(series: list[Series]) -> None:
    Series.objects.bulk_update(series, ["instance_count", "size", "last_received_at"])


def _save_studies(studies: list[Study]) -> None:
    modalities = defaultdict(list)
    for study_id, modality in Series.objects.filter(study__in=studies).values_list("study_id", "modality"):
        modalities[study_id].append(modality)
    known = [known_terms(study) for study in studies]
    for study in studies:
        study.series_count = len(modalities[study.id])
        study.modalities = _joined(modalities[study.id])
        fold_texts(study)
    names = [
        "instance_count", "size", "last_received_at", "series_count", "modalities", "search_text", "patient_name_key",
        "referrer_name_key",
    ]  # fmt: skip
    Study.objects.bulk_update(studies, names)
    add_terms(zip(studies, known, strict=True))


def _joined(modalities: list[str]) -> str:
    """The distinct modalities, as many as the column holds whole."""
    joined = "\\".join(sorted(set(filter(None, modalities))))
    limit = Study._meta.get_field("modalities").max_length
    return joined if len(joined) <= limit else joined[:limit].rpartition("\\")[0]


def _record(
    actor: Actor,
    arrivals: Sequence[Arrival],
    answers: list[Registered],
    holders: dict[str, bytes],
    now: datetime,
) -> None:
    pairs = list(zip(arrivals, answers, strict=True))
    counts = Counter(_series_key(each) for each, answer in pairs if answer.stored)
    for (study, series), count in counts.items():
        record(
            Action.INSTANCES_RECEIVED, actor, study_instance_uid=study, series_instance_uid=series,
            details={"count": count}, now=now,
        )  # fmt: skip
    for each in [each for each, answer in pairs if not answer.stored and not answer.already_here]:
        _record_conflict(actor, each, holders.get(each.sop_instance_uid, b""), now)


def _record_conflict(actor: Actor, refused: Arrival, kept: bytes, now: datetime) -> None:
    digests = {"kept": kept.hex()[:_DIGEST_SHOWN], "refused": refused.digest.hex()[:_DIGEST_SHOWN]}
    record(
        Action.INSTANCE_CONFLICT, actor, study_instance_uid=refused.study_instance_uid,
        series_instance_uid=refused.series_instance_uid, outcome=Outcome.DENIED, details=digests, now=now,
    )  # fmt: skip
