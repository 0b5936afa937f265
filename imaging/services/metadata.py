"""Header data of images as DICOM JSON (PS3.18 §10.4.1.1.2): a series' from its manifest, anything newer from the files.

No pixel data is opened. Without a manifest that tells of all its instances, a series costs one look into the vault per
instance.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

from audit.actions import Action
from audit.actor import Actor
from audit.services import record_viewing
from imaging import access
from imaging.dicom.dicom_json import get_bulk_value, to_dicom_json
from imaging.dicom.manifest import Manifest
from imaging.dicom.part10 import parse_header
from imaging.models import Instance, Series
from imaging.selectors.instances import list_instances_of_series, list_series
from imaging.services.manifests import find_whole_manifest
from imaging.services.originals import read_header
from imaging.services.retrieval import begun

_MOST_REMEMBERED = 10_000
_with_bulk_data: dict[UUID, bool] = {}  # by the manifest's id


@dataclass(frozen=True)
class Metadata:
    """A JSON array with one object per instance, in pieces; `packed` is the same as a gzip member, if it lies so."""

    pieces: Iterator[bytes]
    packed: bytes | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self.pieces


def retrieve_study_metadata(actor: Actor, study_uid: str, root: str) -> Metadata:
    """What the headers of the study's instances say; `root` is the address of the DICOMweb service.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    NoCopyReadable
    """
    series = list_series(access.study_to_view(actor, study_uid))
    if len(series) == 1 and (manifest := find_whole_manifest(series[0])):
        return _give_manifest(actor, study_uid, "", series[0], manifest, root)
    return _give(actor, study_uid, "", chain.from_iterable(_objects_of(each, root) for each in series))


def retrieve_series_metadata(actor: Actor, study_uid: str, series_uid: str, root: str) -> Metadata:
    """What the headers of the series' instances say; raises as `retrieve_study_metadata`."""
    series = access.series_to_view(actor, study_uid, series_uid)
    if series.instance_count and (manifest := find_whole_manifest(series)):
        return _give_manifest(actor, study_uid, series_uid, series, manifest, root)
    return _give(actor, study_uid, series_uid, _objects_of(series, root))


def retrieve_instance_metadata(actor: Actor, study_uid: str, series_uid: str, sop_uid: str, root: str) -> Metadata:
    """What the instance's header says; raises as `retrieve_study_metadata`."""
    instance = access.instance_to_view(actor, study_uid, series_uid, sop_uid)
    return _give(actor, study_uid, series_uid, _objects_from_files(instance.series, [instance], root))


def retrieve_bulk_data(actor: Actor, study_uid: str, series_uid: str, sop_uid: str, tag_path: str) -> bytes:
    """The binary value that a `BulkDataURI` of ours names, as it stands in the file.

    Raises
    ------
    NoSuchValue
    StudyNotFound
    NoAgreementInForce
    NoCopyReadable
    """
    instance = access.instance_to_view(actor, study_uid, series_uid, sop_uid)
    value = get_bulk_value(parse_header(read_header(instance), instance.transfer_syntax_uid), tag_path)
    _record(actor, study_uid, series_uid)
    return value


def _give_manifest(
    actor: Actor, study_uid: str, series_uid: str, series: Series, manifest: Manifest, root: str
) -> Metadata:
    _record(actor, study_uid, series_uid)
    pieces = manifest.iter_metadata(root)
    return Metadata(pieces, None if _has_bulk_data(series, manifest) else manifest.metadata)


def _has_bulk_data(series: Series, manifest: Manifest) -> bool:
    """Addresses of values differ from place to place; then what lies packed cannot be given as it lies."""
    # A sealed object never changes, so what was found once holds.
    if (known := _with_bulk_data.get(series.manifest)) is None:
        if len(_with_bulk_data) >= _MOST_REMEMBERED:
            _with_bulk_data.clear()
        known = _with_bulk_data[series.manifest] = manifest.has_bulk_data
    return known


def _give(actor: Actor, study_uid: str, series_uid: str, objects: Iterable[Iterable[bytes]]) -> Metadata:
    """A JSON array of what each of `objects` yields: one JSON object or several, with commas between them."""
    pieces = begun(_iter_array(objects))
    _record(actor, study_uid, series_uid)
    return Metadata(pieces)


def _record(actor: Actor, study_uid: str, series_uid: str) -> None:
    record_viewing(Action.METADATA_VIEWED, actor, study_instance_uid=study_uid, series_instance_uid=series_uid)


def _iter_array(objects: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    separator = b"["
    for pieces in objects:
        yield separator
        yield from pieces
        separator = b",\n"
    yield b"]" if separator != b"[" else b"[]"


def _objects_of(series: Series, root: str) -> Iterator[Iterable[bytes]]:
    # Rows are read before anything is streamed: what runs later needs no scope.
    if series.instance_count and (manifest := find_whole_manifest(series)):
        return iter([_without_brackets(manifest.iter_metadata(root))])
    return _objects_from_files(series, list_instances_of_series(series), root)


def _objects_from_files(series: Series, instances: list[Instance], root: str) -> Iterator[Iterable[bytes]]:
    url = f"{root}/studies/{series.study.study_instance_uid}/series/{series.series_instance_uid}/instances"
    return ([_json_of(f"{url}/{each.sop_instance_uid}", each)] for each in instances)


def _without_brackets(pieces: Iterator[bytes]) -> Iterator[bytes]:
    kept = next(pieces)[1:]
    for piece in pieces:
        yield kept
        kept = piece
    yield kept[:-1]


def _json_of(url: str, instance: Instance) -> bytes:
    converted = to_dicom_json(
        read_header(instance), instance.transfer_syntax_uid, lambda tag_path: f"{url}/bulkdata/{tag_path}"
    )
    return json.dumps(converted, ensure_ascii=False, separators=(",", ":")).encode()
