"""The one door for images: access first, then the audit event, then a stream.

Everything is loaded and authorised before a stream is returned, and its first piece has been read, so that an
unreadable object is an error with a status. What runs later only moves bytes: it needs no database and no scope.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from audit.actions import Action
from audit.actor import Actor
from audit.services import record, record_viewing
from imaging import access
from imaging.dicom.media_types import MediaType
from imaging.models import Instance, Series, Study
from imaging.selectors.instances import attach_fragments, list_instances_of_series, list_instances_of_study
from imaging.services.answers import (
    END_OF_PART,
    Choice,
    ChooseType,
    NotAcceptable,
    Parts,
    begun,
    cut,
    iter_parts,
    iter_single,
)
from imaging.services.conditions import ANYTHING, Conditions, NotModified, entity_tag
from imaging.services.originals import iter_original, sealed_file
from imaging.services.transcoding import transcoded_file, transcoded_frames

__all__ = [
    "Choice", "ChooseType", "NotAcceptable", "Parts", "begun", "iter_parts", "iter_single", "retrieve_frames",
    "retrieve_instance", "retrieve_series", "retrieve_study",
]  # fmt: skip


@dataclass(frozen=True)
class _File:
    """One file of an answer: what it is given as, its length if that is known beforehand, and its bytes."""

    media_type: MediaType
    length: int | None
    pieces: Iterator[bytes]


def retrieve_frames(
    actor: Actor,
    study_uid: str,
    series_uid: str,
    sop_uid: str,
    numbers: list[int],
    choose_type: ChooseType,
    conditions: Conditions = ANYTHING,
) -> Parts:
    """Frames of an instance, by their numbers from 1 (PS3.18 §10.4.1.1.6): as stored, or transcoded if so chosen.

    `choose_type` gives the choice for a transfer syntax, or raises `NotAcceptable`.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    NotAcceptable
    NotModified
    RangeNotSatisfiable
    FrameMissing
    FramesUnknown
    NoCopyReadable
    RenderFailed
    SandboxBusy
    """
    instance = access.instance_to_view(actor, study_uid, series_uid, sop_uid)
    choice = choose_type(instance.transfer_syntax_uid)
    etag = entity_tag(instance.tenant_id, instance.digest, "frames", numbers, choice)
    if conditions.has_already(etag):
        _record_frames(actor, study_uid, series_uid)
        raise NotModified(etag)
    lengths, pieces = transcoded_frames(instance, numbers, choice.transfer_syntax_uid)
    parts = _as_parts(choice, lengths, pieces, etag, conditions)
    _record_frames(actor, study_uid, series_uid)
    return parts


def retrieve_study(actor: Actor, study_uid: str, choose_type: ChooseType) -> Parts:
    """Every file of a study; raises as `retrieve_instance`."""
    study = access.study_to_download(actor, study_uid)
    return _give_files(actor, study, list_instances_of_study(study), choose_type)


def retrieve_series(actor: Actor, study_uid: str, series_uid: str, choose_type: ChooseType) -> Parts:
    """Every file of a series; raises as `retrieve_instance`."""
    access.study_to_download(actor, study_uid)
    series = access.series_to_view(actor, study_uid, series_uid)
    return _give_files(actor, series.study, list_instances_of_series(series), choose_type, series)


def retrieve_instance(
    actor: Actor,
    study_uid: str,
    series_uid: str,
    sop_uid: str,
    choose_type: ChooseType,
    conditions: Conditions = ANYTHING,
) -> Parts:
    """The Part 10 file: to the byte as it came in, unless another transfer syntax is chosen.

    Raises
    ------
    StudyNotFound
        Also for a link that lets its holder look but not download.
    NoAgreementInForce
    NotAcceptable
    NotModified
    RangeNotSatisfiable
    NoCopyReadable
    FramesUnknown
    RenderFailed
    SandboxBusy
    """
    study = access.study_to_download(actor, study_uid)
    instance = access.instance_to_view(actor, study_uid, series_uid, sop_uid)
    choice = choose_type(instance.transfer_syntax_uid)
    etag = entity_tag(instance.tenant_id, instance.digest, "file", choice)
    if conditions.has_already(etag):
        _record_files(actor, study, 1, 0, instance.series)
        raise NotModified(etag)
    if choice.single and _is_stored_so(instance, choice):
        parts = _single_original(instance, choice, etag, conditions)
    else:
        parts = _single_file(instance, choice, etag)
    given = parts.extent[1] if parts.extent else parts.heads[0][1]
    _record_files(actor, study, 1, given, instance.series)
    return parts


def _as_parts(
    choice: Choice, lengths: list[int | None], pieces: Iterator[bytes], etag: str, conditions: Conditions
) -> Parts:
    pieces, extent = begun(pieces), None
    if choice.single:
        (length,) = lengths
        if length is None:
            # Only encoding told: the one frame is here, all of it.
            whole = next(pieces)
            length, pieces = len(whole), iter((whole,))
        extent = conditions.extent(etag, length)
        lengths, pieces = [length], cut(pieces, extent)
    return Parts([(choice.media_type, length) for length in lengths], pieces, choice.single, etag, extent)


def _single_original(instance: Instance, choice: Choice, etag: str, conditions: Conditions) -> Parts:
    extent = conditions.extent(etag, instance.size)
    # A range is authenticated chunk by chunk; the digest is that of the whole.
    pieces = sealed_file(instance).iter_extents([extent]) if extent else iter_original(instance)
    return Parts([(choice.media_type, instance.size)], begun(pieces), True, etag, extent)


def _single_file(instance: Instance, choice: Choice, etag: str) -> Parts:
    if _is_stored_so(instance, choice):
        length, pieces = instance.size, iter_original(instance)
    else:
        length, pieces = transcoded_file(instance)
    return Parts([(choice.media_type, length)], begun(pieces), choice.single, etag)


def _give_files(
    actor: Actor, study: Study, instances: list[Instance], choose_type: ChooseType, series: Series | None = None
) -> Parts:
    choices = [choose_type(instance.transfer_syntax_uid) for instance in instances]
    pairs = list(zip(instances, choices, strict=True))
    attach_fragments([each for each, choice in pairs if not _is_stored_so(each, choice)])
    files = [_file_of(instance, choice) for instance, choice in pairs]
    pieces = begun(chain.from_iterable(file.pieces for file in files))
    _record_files(actor, study, len(instances), sum(instance.size for instance in instances), series)
    return Parts([(file.media_type, file.length) for file in files], pieces)


def _is_stored_so(instance: Instance, choice: Choice) -> bool:
    return choice.transfer_syntax_uid == instance.transfer_syntax_uid


def _file_of(instance: Instance, choice: Choice) -> _File:
    if _is_stored_so(instance, choice):
        return _File(choice.media_type, instance.size, iter_original(instance))
    return _File(choice.media_type, None, _iter_transcoded(instance))


def _iter_transcoded(instance: Instance) -> Iterator[bytes]:
    """A transcoded file of a series: nothing of it is read before its turn comes, so its length is not known."""
    length, pieces = transcoded_file(instance)
    for piece in filter(None, pieces):
        length -= len(piece)
        yield piece
    if not length:
        yield END_OF_PART


def _record_frames(actor: Actor, study_uid: str, series_uid: str) -> None:
    record_viewing(Action.FRAMES_VIEWED, actor, study_instance_uid=study_uid, series_instance_uid=series_uid)


def _record_files(actor: Actor, study: Study, count: int, size: int, series: Series | None) -> None:
    record(
        Action.INSTANCES_RETRIEVED,
        actor,
        study_instance_uid=study.study_instance_uid,
        series_instance_uid=series.series_instance_uid if series else "",
        details={"instances": count, "bytes": size},
    )
