"""The one door for images: access first, then the audit event, then a stream.

Everything is loaded and authorised before a stream is returned, and its first piece has been read, so that an
unreadable object is an error with a status. What runs later only moves bytes: it needs no database and no scope.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from audit.actions import Action
from audit.actor import Actor
from audit.services import record, record_viewing
from imaging import access
from imaging.dicom.media_types import MediaType
from imaging.models import Instance, Series, Study
from imaging.selectors.instances import list_instances_of_series, list_instances_of_study
from imaging.services.frame_stream import frame_stream
from imaging.services.originals import iter_original
from imaging.services.sealed import SealedObject, Truncated

ChooseType = Callable[[str], MediaType]


class NotAcceptable(Exception):
    """The client accepts none of the encodings we hold, and we do not transcode."""


@dataclass(frozen=True)
class Parts:
    """Body parts in order: each one's media type and length in bytes, and one stream of all their bytes.

    No piece of the stream belongs to two parts.
    """

    heads: list[tuple[MediaType, int]]
    pieces: Iterator[bytes]


def retrieve_frames(
    actor: Actor, study_uid: str, series_uid: str, sop_uid: str, numbers: list[int], choose_type: ChooseType
) -> Parts:
    """Frames of an instance as they are stored, by their numbers from 1 (PS3.18 §10.4.1.1.6).

    `choose_type` gives the media type for a transfer syntax, or raises `NotAcceptable`.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    NotAcceptable
    FrameMissing
    FramesUnknown
    NoCopyReadable
    """
    instance = access.instance_to_view(actor, study_uid, series_uid, sop_uid)
    media_type = choose_type(instance.transfer_syntax_uid)
    lengths, pieces = frame_stream(instance, numbers)
    pieces = begun(pieces)
    record_viewing(Action.FRAMES_VIEWED, actor, study_instance_uid=study_uid, series_instance_uid=series_uid)
    return Parts([(media_type, length) for length in lengths], pieces)


def retrieve_study(actor: Actor, study_uid: str, choose_type: ChooseType) -> Parts:
    """Every original file of a study; raises as `retrieve_instance`."""
    study = access.study_to_download(actor, study_uid)
    return _give_originals(actor, study, list_instances_of_study(study), choose_type)


def retrieve_series(actor: Actor, study_uid: str, series_uid: str, choose_type: ChooseType) -> Parts:
    """Every original file of a series; raises as `retrieve_instance`."""
    access.study_to_download(actor, study_uid)
    series = access.series_to_view(actor, study_uid, series_uid)
    return _give_originals(actor, series.study, list_instances_of_series(series), choose_type, series)


def retrieve_instance(actor: Actor, study_uid: str, series_uid: str, sop_uid: str, choose_type: ChooseType) -> Parts:
    """The original Part 10 file, in the transfer syntax it came in.

    Raises
    ------
    StudyNotFound
        Also for a link that lets its holder look but not download.
    NoAgreementInForce
    NotAcceptable
    NoCopyReadable
    """
    study = access.study_to_download(actor, study_uid)
    instance = access.instance_to_view(actor, study_uid, series_uid, sop_uid)
    return _give_originals(actor, study, [instance], choose_type, instance.series)


def retrieve_thumbnail(actor: Actor, study_uid: str, series_uid: str) -> bytes | None:
    """The series' thumbnail as WebP, None while there is none; raises as `retrieve_frames`."""
    series = access.series_to_view(actor, study_uid, series_uid)
    if series.thumbnail is None:
        return None
    thumbnail = SealedObject(series.tenant_id, series.thumbnail).read_all()
    record_viewing(Action.THUMBNAIL_VIEWED, actor, study_instance_uid=study_uid, series_instance_uid=series_uid)
    return thumbnail


def begun(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces, the first of them read already; raises what reading it raises."""
    pieces = iter(pieces)
    return chain((next(pieces, b""),), pieces)


def iter_parts(parts: Parts, head_of: Callable[[MediaType], bytes], end: bytes) -> Iterator[bytes]:
    """Each part's head and bytes, then `end`; raises `Truncated` where the stream gives less than was announced."""
    for media_type, length in parts.heads:
        yield head_of(media_type)
        while length > 0:
            piece = next(parts.pieces, b"")
            if not piece:
                raise Truncated
            length -= len(piece)
            yield piece
    # The last file's digest is judged behind its last byte.
    if next(parts.pieces, b""):
        raise Truncated
    yield end


def _give_originals(
    actor: Actor, study: Study, instances: list[Instance], choose_type: ChooseType, series: Series | None = None
) -> Parts:
    heads = [(choose_type(instance.transfer_syntax_uid), instance.size) for instance in instances]
    pieces = begun(chain.from_iterable(map(iter_original, instances)))
    record(
        Action.INSTANCES_RETRIEVED,
        actor,
        study_instance_uid=study.study_instance_uid,
        series_instance_uid=series.series_instance_uid if series else "",
        details={"instances": len(instances), "bytes": sum(length for _, length in heads)},
    )
    return Parts(heads, pieces)
