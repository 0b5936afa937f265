"""WADO-RS: retrieving what was stored, its header data, frames and bulk data (PS3.18 §10.4)."""

import re

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from imaging.dicom.media_types import MediaType
from imaging.services import metadata, retrieval
from imaging.services.retrieval import Parts
from imaging.views.dicomweb import dicomweb, json_stream, multipart
from imaging.views.media import bulk_type, file_type, frame_type, require_json

MAX_FRAMES = 1000  # of one request: each costs a look-up, and the URL names them all
_FRAME_LIST = re.compile(r"[0-9]{1,7}(,[0-9]{1,7})*", re.ASCII)


@dicomweb
def retrieve_study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """WADO-RS `/studies/{study}`: every original file."""
    choose_type = file_type(request.headers.get("Accept"))
    return multipart(retrieval.retrieve_study(request.actor, study_instance_uid, choose_type))


@dicomweb
def retrieve_series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """WADO-RS `/studies/{study}/series/{series}`: its original files."""
    choose_type = file_type(request.headers.get("Accept"))
    return multipart(retrieval.retrieve_series(request.actor, study_instance_uid, series_instance_uid, choose_type))


@dicomweb
def retrieve_instance(request: HttpRequest, **uids: str) -> HttpResponseBase:
    """WADO-RS `…/instances/{instance}`: the original file."""
    choose_type = file_type(request.headers.get("Accept"))
    return multipart(retrieval.retrieve_instance(request.actor, *uids.values(), choose_type))


@dicomweb
def retrieve_study_metadata(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """WADO-RS `/studies/{study}/metadata`."""
    media_type = require_json(request.headers.get("Accept"))
    pieces = metadata.retrieve_study_metadata(request.actor, study_instance_uid, request.dicomweb_root)
    return json_stream(request, media_type, pieces)


@dicomweb
def retrieve_series_metadata(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str
) -> HttpResponseBase:
    """WADO-RS `/studies/{study}/series/{series}/metadata`."""
    media_type = require_json(request.headers.get("Accept"))
    pieces = metadata.retrieve_series_metadata(
        request.actor, study_instance_uid, series_instance_uid, request.dicomweb_root
    )
    return json_stream(request, media_type, pieces)


@dicomweb
def retrieve_instance_metadata(request: HttpRequest, **uids: str) -> HttpResponseBase:
    """WADO-RS `…/instances/{instance}/metadata`."""
    media_type = require_json(request.headers.get("Accept"))
    pieces = metadata.retrieve_instance_metadata(request.actor, *uids.values(), request.dicomweb_root)
    return json_stream(request, media_type, pieces)


@dicomweb
def retrieve_frames(request: HttpRequest, frame_list: str, **uids: str) -> HttpResponseBase:
    """WADO-RS `…/instances/{instance}/frames/{list}`: frames as they are stored."""
    numbers = [int(number) for number in frame_list.split(",")] if _FRAME_LIST.fullmatch(frame_list) else []
    if not 0 < len(numbers) <= MAX_FRAMES:
        return HttpResponse(status=400)
    choose_type = frame_type(request.headers.get("Accept"))
    return multipart(retrieval.retrieve_frames(request.actor, *uids.values(), numbers, choose_type))


@dicomweb
def retrieve_bulk_data(request: HttpRequest, tag_path: str, **uids: str) -> HttpResponseBase:
    """What a `BulkDataURI` in our metadata points to (PS3.18 §10.4.1.1.5)."""
    media_type = bulk_type(request.headers.get("Accept"))
    value = metadata.retrieve_bulk_data(request.actor, *uids.values(), tag_path)
    if media_type.params:
        return multipart(Parts([(MediaType(media_type.params["type"]), len(value))], iter([value])))
    return HttpResponse(value, content_type=media_type.type)


@dicomweb
def retrieve_thumbnail(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """The series' thumbnail; 404 while it is not drawn."""
    thumbnail = retrieval.retrieve_thumbnail(request.actor, study_instance_uid, series_instance_uid)
    if thumbnail is None:
        return HttpResponse(status=404)
    return HttpResponse(thumbnail, content_type="image/webp")
