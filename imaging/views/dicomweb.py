"""DICOMweb, the reading half: QIDO-RS and WADO-RS (PS3.18 §10.4, §10.6). Storing is in `imaging.views.stow`."""

import json
import re
import uuid
import zlib
from collections.abc import Callable, Iterator
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from imaging.dicom.dicom_json import NoSuchValue
from imaging.dicom.media_types import MediaType
from imaging.dicom.multipart import closing, part_head
from imaging.dicom.uid import InvalidUID, validate_uid
from imaging.selectors.qido import Found, InvalidQuery, Query, instance_query, series_query, study_query
from imaging.services import metadata, retrieval, searches
from imaging.services.frames import FrameMissing, FramesUnknown
from imaging.services.retrieval import NotAcceptable, Parts, iter_parts
from imaging.services.sealed import NoCopyReadable
from imaging.views.guards import reader
from imaging.views.media import DICOM, bulk_type, file_type, frame_type, require_json

MAX_FRAMES = 1000  # of one request: each costs a look-up, and the URL names them all
_FRAME_LIST = re.compile(r"[0-9]{1,7}(,[0-9]{1,7})*", re.ASCII)
_STATUS = {
    NotAcceptable: 406, FramesUnknown: 406, InvalidQuery: 400, FrameMissing: 404, NoSuchValue: 404, NoCopyReadable: 503,
}  # fmt: skip
View = Callable[..., HttpResponseBase]


def dicomweb(view: View) -> View:
    """A guarded read of the DICOMweb service; what the client got wrong, or no vault can give, becomes a status."""

    @reader
    @require_safe
    @wraps(view)
    def inner(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
        try:
            _require_uids(kwargs)
            response = view(request, **kwargs)
        except tuple(_STATUS) as error:
            response = HttpResponse(status=_STATUS[type(error)])
        response["Cache-Control"] = "private, no-store"
        return response

    return inner


@dicomweb
def search_for_studies(request: HttpRequest) -> HttpResponseBase:
    """QIDO-RS `/studies`: members and tokens only."""
    require_json(request.headers.get("Accept"))
    query = study_query(dict(request.GET.lists()))
    return _found(searches.search_for_studies(request.actor, query, _root(request)), query)


@dicomweb
def search_for_series(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """QIDO-RS `/studies/{study}/series`."""
    require_json(request.headers.get("Accept"))
    query = series_query(dict(request.GET.lists()))
    return _found(searches.search_for_series(request.actor, study_instance_uid, query, _root(request)), query)


@dicomweb
def search_for_instances(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str | None = None
) -> HttpResponseBase:
    """QIDO-RS `/studies/{study}/instances` and `/studies/{study}/series/{series}/instances`."""
    require_json(request.headers.get("Accept"))
    query = instance_query(dict(request.GET.lists()))
    found = searches.search_for_instances(request.actor, study_instance_uid, series_instance_uid, query, _root(request))
    return _found(found, query)


@dicomweb
def retrieve_study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """WADO-RS `/studies/{study}`: every original file."""
    choose_type = file_type(request.headers.get("Accept"))
    return _multipart(retrieval.retrieve_study(request.actor, study_instance_uid, choose_type))


@dicomweb
def retrieve_series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """WADO-RS `/studies/{study}/series/{series}`: its original files."""
    choose_type = file_type(request.headers.get("Accept"))
    return _multipart(retrieval.retrieve_series(request.actor, study_instance_uid, series_instance_uid, choose_type))


@dicomweb
def retrieve_instance(request: HttpRequest, **uids: str) -> HttpResponseBase:
    """WADO-RS `…/instances/{instance}`: the original file."""
    choose_type = file_type(request.headers.get("Accept"))
    return _multipart(retrieval.retrieve_instance(request.actor, *uids.values(), choose_type))


@dicomweb
def retrieve_study_metadata(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """WADO-RS `/studies/{study}/metadata`."""
    media_type = require_json(request.headers.get("Accept"))
    pieces = metadata.retrieve_study_metadata(request.actor, study_instance_uid, _root(request))
    return _json_stream(request, media_type, pieces)


@dicomweb
def retrieve_series_metadata(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str
) -> HttpResponseBase:
    """WADO-RS `/studies/{study}/series/{series}/metadata`."""
    media_type = require_json(request.headers.get("Accept"))
    pieces = metadata.retrieve_series_metadata(request.actor, study_instance_uid, series_instance_uid, _root(request))
    return _json_stream(request, media_type, pieces)


@dicomweb
def retrieve_instance_metadata(request: HttpRequest, **uids: str) -> HttpResponseBase:
    """WADO-RS `…/instances/{instance}/metadata`."""
    media_type = require_json(request.headers.get("Accept"))
    pieces = metadata.retrieve_instance_metadata(request.actor, *uids.values(), _root(request))
    return _json_stream(request, media_type, pieces)


@dicomweb
def retrieve_frames(request: HttpRequest, frame_list: str, **uids: str) -> HttpResponseBase:
    """WADO-RS `…/instances/{instance}/frames/{list}`: frames as they are stored."""
    numbers = [int(number) for number in frame_list.split(",")] if _FRAME_LIST.fullmatch(frame_list) else []
    if not 0 < len(numbers) <= MAX_FRAMES:
        return HttpResponse(status=400)
    choose_type = frame_type(request.headers.get("Accept"))
    return _multipart(retrieval.retrieve_frames(request.actor, *uids.values(), numbers, choose_type))


@dicomweb
def retrieve_bulk_data(request: HttpRequest, tag_path: str, **uids: str) -> HttpResponseBase:
    """What a `BulkDataURI` in our metadata points to (PS3.18 §10.4.1.1.5)."""
    media_type = bulk_type(request.headers.get("Accept"))
    value = metadata.retrieve_bulk_data(request.actor, *uids.values(), tag_path)
    if media_type.params:
        return _multipart(Parts([(MediaType(media_type.params["type"]), len(value))], iter([value])))
    return HttpResponse(value, content_type=media_type.type)


@dicomweb
def retrieve_thumbnail(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """The series' thumbnail; 404 while it is not drawn."""
    thumbnail = retrieval.retrieve_thumbnail(request.actor, study_instance_uid, series_instance_uid)
    if thumbnail is None:
        return HttpResponse(status=404)
    return HttpResponse(thumbnail, content_type="image/webp")


def _require_uids(arguments: dict[str, str]) -> None:
    """What cannot be a UID names nothing we hold; the routes of `imaging.urls.intake` take any text."""
    try:
        for name, value in arguments.items():
            if name.endswith("_uid"):
                validate_uid(value)
    except InvalidUID:
        raise Http404 from None


def _root(request: HttpRequest) -> str:
    return request.build_absolute_uri(f"/t/{request.tenant.slug}/dicomweb")


def _found(found: Found, query: Query) -> HttpResponse:
    response = HttpResponse(
        json.dumps(found.objects, ensure_ascii=False, separators=(",", ":")), content_type="application/dicom+json"
    )
    warnings = []
    if query.unsupported:
        warnings.append('299 collimate "Parameters that are not supported were ignored."')
    if found.more:
        warnings.append('299 collimate "There are additional results that can be requested."')
    if warnings:
        response["Warning"] = ", ".join(warnings)
    return response


def _multipart(parts: Parts) -> StreamingHttpResponse:
    boundary = uuid.uuid4().hex
    heads = [part_head(boundary, str(media_type)) for media_type, _ in parts.heads]
    end = closing(boundary)
    kind = parts.heads[0][0].type if parts.heads else DICOM
    response = StreamingHttpResponse(
        iter_parts(parts, lambda media_type: part_head(boundary, str(media_type)), end),
        content_type=str(MediaType("multipart/related", {"type": kind, "boundary": boundary})),
    )
    response["Content-Length"] = sum(map(len, heads)) + sum(length for _, length in parts.heads) + len(end)
    return response


def _json_stream(request: HttpRequest, media_type: MediaType, pieces: Iterator[bytes]) -> StreamingHttpResponse:
    gzip = re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", request.headers.get("Accept-Encoding", ""))
    response = StreamingHttpResponse(_gzipped(pieces) if gzip else pieces, content_type=media_type.type)
    response["Vary"] = "Accept-Encoding"
    if gzip:
        response["Content-Encoding"] = "gzip"
    return response


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    # Headers of one series repeat each other: a fiftieth of the bytes is left.
    packer = zlib.compressobj(level=3, wbits=31)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
