"""Pixel Data as bulk data, for clients that ask for it by its tag instead of by frames (PS3.18 §10.4.1.1.5)."""

from collections.abc import Callable

from audit.actions import Action
from audit.actor import Actor
from audit.services import record_viewing
from imaging import access
from imaging.dicom.dicom_json import NoSuchValue
from imaging.dicom.media_types import MediaType
from imaging.dicom.transfer_syntaxes import EXPLICIT_BIG, VIDEO
from imaging.models import Instance
from imaging.services.answers import NotAcceptable, Parts, begun, cut
from imaging.services.conditions import ANYTHING, Conditions, NotModified, entity_tag
from imaging.services.originals import iter_inflated, read_deflated_layout, sealed_file
from imaging.services.transcoding import little_frames, transcoded_frames
from imaging.services.video_stream import iter_video, video_extents

MAX_PARTS = 1000
_OCTETS = MediaType("application/octet-stream")


def retrieve_pixel_data(
    actor: Actor,
    study_uid: str,
    series_uid: str,
    sop_uid: str,
    is_single: Callable[[bool], bool],
    conditions: Conditions = ANYTHING,
) -> Parts:
    """The value of Pixel Data: native words little-endian, a part for each encapsulated frame, or a video's stream.

    `is_single` tells, from whether a body without parts is possible, whether the client wants one, or raises
    `NotAcceptable`. Raises as `retrieval.retrieve_frames`, and `NoSuchValue` for an object without pixels.
    """
    instance = access.instance_to_view(actor, study_uid, series_uid, sop_uid)
    if not instance.number_of_frames:
        raise NoSuchValue("7FE00010")
    is_video = instance.transfer_syntax_uid in VIDEO
    single = is_single(is_video or not instance.encapsulated)
    etag = entity_tag(instance.tenant_id, instance.digest, "pixel data", single)
    if conditions.has_already(etag):
        _record_frames(actor, study_uid, series_uid)
        raise NotModified(etag)
    if is_video:
        parts = _video(instance, single, etag, conditions if single else ANYTHING)
    elif instance.encapsulated:
        parts = _encapsulated_value(instance, etag)
    else:
        parts = _native_value(instance, single, etag, conditions if single else ANYTHING)
    _record_frames(actor, study_uid, series_uid)
    return parts


def _encapsulated_value(instance: Instance, etag: str) -> Parts:
    if instance.number_of_frames > MAX_PARTS:
        raise NotAcceptable("There are too many frames for one answer: ask for them by number.")
    lengths, pieces = transcoded_frames(instance, range(1, instance.number_of_frames + 1), instance.transfer_syntax_uid)
    media_type = MediaType(_OCTETS.type, {"transfer-syntax": instance.transfer_syntax_uid})
    return Parts([(media_type, length) for length in lengths], begun(pieces), etag=etag)


def _video(instance: Instance, single: bool, etag: str, conditions: Conditions) -> Parts:
    """As one body, so that a browser plays it while it comes and goes to any place in it."""
    extents = video_extents(instance)
    length = sum(size for _, size in extents)
    extent = conditions.extent(etag, length)
    pieces = iter_video(instance, extents, extent or (0, length))
    return Parts([(_OCTETS, length)], begun(pieces), single, etag, extent)


def _native_value(instance: Instance, single: bool, etag: str, conditions: Conditions) -> Parts:
    if instance.transfer_syntax_uid == EXPLICIT_BIG:
        return _big_endian_value(instance, single, etag, conditions)
    length = instance.value_length
    extent = conditions.extent(etag, length)
    if instance.deflated:
        layout = read_deflated_layout(instance)
        pieces = cut(iter_inflated(instance, layout, layout.value_start, length), extent)
    else:
        start, wanted = extent or (0, length)
        pieces = sealed_file(instance).iter_extents([(instance.value_offset + start, wanted)])
    return Parts([(_OCTETS, length)], begun(pieces), single, etag, extent)


def _big_endian_value(instance: Instance, single: bool, etag: str, conditions: Conditions) -> Parts:
    lengths, pieces = little_frames(instance, range(1, instance.number_of_frames + 1))
    extent = conditions.extent(etag, sum(lengths))
    return Parts([(_OCTETS, sum(lengths))], begun(cut(pieces, extent)), single, etag, extent)


def _record_frames(actor: Actor, study_uid: str, series_uid: str) -> None:
    record_viewing(Action.FRAMES_VIEWED, actor, study_instance_uid=study_uid, series_instance_uid=series_uid)
