"""Header data of images as DICOM JSON (PS3.18 §10.4.1.1.2), built from the first bytes of each file as it streams.

No pixel data is opened, and nothing is kept between requests: each costs one look into the vault per instance.
"""

import json
from collections.abc import Iterator

from audit.actions import Action
from audit.actor import Actor
from audit.services import record_viewing
from imaging import access
from imaging.dicom.dicom_json import get_bulk_value, to_dicom_json
from imaging.dicom.part10 import parse_header
from imaging.models import Instance, Series, Study
from imaging.selectors.instances import list_instances_of_series, list_instances_of_study
from imaging.services.originals import read_header
from imaging.services.retrieval import begun


def retrieve_study_metadata(actor: Actor, study_uid: str, root: str) -> Iterator[bytes]:
    """A JSON array with one object per instance of the study; `root` is the address of the DICOMweb service.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    NoCopyReadable
    """
    study = access.study_to_view(actor, study_uid)
    located = [(_url(root, instance.series, study), instance) for instance in list_instances_of_study(study)]
    return _give(actor, study_uid, "", located)


def retrieve_series_metadata(actor: Actor, study_uid: str, series_uid: str, root: str) -> Iterator[bytes]:
    """A JSON array with one object per instance of the series; raises as `retrieve_study_metadata`."""
    series = access.series_to_view(actor, study_uid, series_uid)
    url = _url(root, series, series.study)
    located = [(url, instance) for instance in list_instances_of_series(series)]
    return _give(actor, study_uid, series_uid, located)


def retrieve_instance_metadata(
    actor: Actor, study_uid: str, series_uid: str, sop_uid: str, root: str
) -> Iterator[bytes]:
    """A JSON array with the instance's one object; raises as `retrieve_study_metadata`."""
    instance = access.instance_to_view(actor, study_uid, series_uid, sop_uid)
    url = _url(root, instance.series, instance.series.study)
    return _give(actor, study_uid, series_uid, [(url, instance)])


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


def _give(actor: Actor, study_uid: str, series_uid: str, located: list[tuple[str, Instance]]) -> Iterator[bytes]:
    pieces = begun(_iter_json(located))
    _record(actor, study_uid, series_uid)
    return pieces


def _record(actor: Actor, study_uid: str, series_uid: str) -> None:
    record_viewing(Action.METADATA_VIEWED, actor, study_instance_uid=study_uid, series_instance_uid=series_uid)


def _iter_json(located: list[tuple[str, Instance]]) -> Iterator[bytes]:
    separator = b"["
    for series_url, instance in located:
        yield separator + _json_of(f"{series_url}/instances/{instance.sop_instance_uid}", instance)
        separator = b",\n"
    yield b"]" if located else b"[]"


def _json_of(url: str, instance: Instance) -> bytes:
    converted = to_dicom_json(
        read_header(instance), instance.transfer_syntax_uid, lambda tag_path: f"{url}/bulkdata/{tag_path}"
    )
    return json.dumps(converted, ensure_ascii=False, separators=(",", ":")).encode()


def _url(root: str, series: Series, study: Study) -> str:
    return f"{root}/studies/{study.study_instance_uid}/series/{series.series_instance_uid}"
