"""Writing and reading a series' manifest (`imaging.dicom.manifest`)."""

import json
import logging
from datetime import datetime
from itertools import groupby
from uuid import UUID

from imaging.dicom.dicom_json import to_dicom_json
from imaging.dicom.manifest import ROOT, Manifest, NotAManifest, read_manifest, write_manifest
from imaging.dicom.part10 import split_part10
from imaging.models import Instance, Series, VaultObject
from imaging.pipeline import Step, enqueue
from imaging.selectors.instances import list_instances_with_fragments
from imaging.services.active_region import active_region
from imaging.services.frames import unpack_fragments
from imaging.services.originals import read_header
from imaging.services.regions import get_vault
from imaging.services.sealed import NoCopyReadable, SealedObject
from imaging.services.vault_objects import announce, put_in_service
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

_STUDY = (
    "study_instance_uid", "patient_id", "issuer_of_patient_id", "patient_name", "patient_birth_date", "patient_sex",
    "study_date", "study_time", "study_description", "study_id", "accession_number", "referring_physician_name",
    "institution_name", "received_at",
)  # fmt: skip
_SERIES = (
    "series_instance_uid", "modality", "series_number", "series_description", "body_part_examined", "laterality",
)  # fmt: skip
_INSTANCE = (
    "sop_instance_uid", "sop_class_uid", "transfer_syntax_uid", "instance_number", "size", "crc32", "pack_offset",
    "header_end",
)  # fmt: skip


def write_series_manifest(tenant_id: UUID, series_id: UUID, now: datetime) -> bool:
    """Write the series' manifest if it is not the newest already; whether one was written.

    Raises
    ------
    NoCopyReadable, Truncated, VaultUnavailable
    """
    with tenant_scope(tenant_id):
        series = Series.objects.select_related("study").filter(id=series_id).first()
        instances = list_instances_with_fragments(series) if series else []
    if series is None or series.manifest_instances == len(instances):
        return False
    previous = find_manifest(series)
    texts = _json_texts(series, instances, previous.texts() if previous else {})
    content = write_manifest(_index(series, instances, previous.number + 1 if previous else 1), texts)
    return _keep(series, content, len(instances), now)


def find_manifest(series: Series) -> Manifest | None:
    """The series' manifest, None while there is none that can be read."""
    if series.manifest is None:
        return None
    try:
        return read_manifest(SealedObject(series.tenant_id, series.manifest).read_all())
    except (NotAManifest, NoCopyReadable):
        # It says nothing that the packs do not say: whoever asks does without.
        logger.warning("The manifest of series %s cannot be read.", series.id)
        return None


def find_whole_manifest(series: Series) -> Manifest | None:
    """The series' manifest, if it tells of every instance that the series has."""
    return find_manifest(series) if series.manifest_instances == series.instance_count else None


def _keep(series: Series, content: bytes, count: int, now: datetime) -> bool:
    region = active_region()
    object_id = announce(series.tenant_id, series.id, VaultObject.Kind.MANIFEST, region, now)
    get_vault(region).seal(series.tenant_id, object_id, [content])
    with tenant_scope(series.tenant_id):
        current = Series.objects.select_for_update(of=("self",)).filter(id=series.id).first()
        if current and put_in_service(object_id, len(content), replaces=current.manifest, now=now):
            current.manifest, current.manifest_instances = object_id, count
            current.save(update_fields=["manifest", "manifest_instances"])
            enqueue(Step.MIRROR, series.tenant_id, series.id)
            return True
    # Purged meanwhile: what was just sealed must not outlive the series.
    get_vault(region).delete(series.tenant_id, object_id)
    return False


def _json_texts(series: Series, instances: list[Instance], known: dict[str, bytes]) -> list[bytes]:
    fresh = {each.id: each for each in instances if str(each.id) not in known}
    headers = _read_headers(list(fresh.values()))
    return [known.get(str(each.id)) or _json_text(series, each, headers[each.id]) for each in instances]


def _read_headers(instances: list[Instance]) -> dict[UUID, bytes]:
    """The data set before Pixel Data of each, opening every pack once."""
    headers = {each.id: read_header(each) for each in instances if each.deflated}
    plain = sorted((each for each in instances if not each.deflated), key=lambda each: (each.pack_id, each.pack_offset))
    for pack_id, members in groupby(plain, key=lambda each: each.pack_id):
        headers |= _read_pack_headers(pack_id, list(members))
    return headers


def _read_pack_headers(pack_id: UUID, members: list[Instance]) -> dict[UUID, bytes]:
    lengths = [each.size if each.header_end is None else each.header_end for each in members]
    pieces = SealedObject(members[0].tenant_id, pack_id).iter_extents(
        (each.pack_offset, length) for each, length in zip(members, lengths, strict=True)
    )
    return {each.id: split_part10(_take(pieces, length))[1] for each, length in zip(members, lengths, strict=True)}


def _take(pieces: object, length: int) -> bytes:
    """The next extent: pieces of a stream never belong to two."""
    taken = b""
    while len(taken) < length:
        taken += next(pieces)
    return taken


def _json_text(series: Series, instance: Instance, header: bytes) -> bytes:
    address = (
        f"{ROOT}studies/{series.study.study_instance_uid}/series/{series.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}/bulkdata"
    )
    converted = to_dicom_json(header, instance.transfer_syntax_uid, lambda tag_path: f"{address}/{tag_path}")
    return json.dumps(converted, ensure_ascii=False, separators=(",", ":")).encode()


def _index(series: Series, instances: list[Instance], number: int) -> dict[str, object]:
    return {
        "number": number,
        "study": {name: _plain(getattr(series.study, name)) for name in _STUDY},
        "series": {name: _plain(getattr(series, name)) for name in _SERIES},
        "instances": [_entry(each) for each in instances],
    }


def _entry(instance: Instance) -> dict[str, object]:
    return {
        "id": str(instance.id), "pack": str(instance.pack_id), "digest": bytes(instance.digest).hex(),
        "received_at": instance.received_at.isoformat(), "frames": _frames(instance),
        **{name: getattr(instance, name) for name in _INSTANCE},
    }  # fmt: skip


def _frames(instance: Instance) -> dict[str, object] | None:
    if instance.fragments is not None:
        return {"fragments": unpack_fragments(bytes(instance.fragments))}
    if not instance.number_of_frames or instance.deflated or instance.frame_length is None:
        return None
    return {
        "offset": instance.value_offset, "length": instance.frame_length, "count": instance.number_of_frames,
    }  # fmt: skip


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value
