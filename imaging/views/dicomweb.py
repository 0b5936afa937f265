"""The frame of every DICOMweb read: its guard, its statuses and its headers (PS3.18 §8)."""

import uuid
from collections.abc import Callable, Iterator
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from imaging.dicom.dicom_json import NoSuchValue
from imaging.dicom.media_types import MediaType
from imaging.dicom.multipart import closing, part_head
from imaging.dicom.presentation import InvalidParameter
from imaging.dicom.uid import InvalidUID, validate_uid
from imaging.selectors.qido import InvalidQuery
from imaging.services.answers import NotAcceptable, Parts, iter_parts, iter_single
from imaging.services.conditions import ANYTHING, Conditions, NotModified, RangeNotSatisfiable, entity_tag
from imaging.services.frames import FrameMissing, FramesUnknown
from imaging.services.rendering import RenderFailed, SandboxBusy
from imaging.services.sealed import NoCopyReadable
from imaging.views.conditional import choose_coding, mark_extent, not_modified, pack, range_not_satisfiable
from imaging.views.deletion import refuse_method
from imaging.views.guards import reader
from imaging.views.media import DICOM

_STATUS = {
    FramesUnknown: 406, InvalidQuery: 400, InvalidParameter: 400, FrameMissing: 404, NoSuchValue: 404,
    NoCopyReadable: 503, RenderFailed: 406, SandboxBusy: 503,
}  # fmt: skip
_REASONS = {
    FramesUnknown: "The file does not tell its frames apart.",
    FrameMissing: "The instance has no such frame.",
    SandboxBusy: "Too many images are being decoded; try again in a moment.",
}
_RETRY_SECONDS = 3
View = Callable[..., HttpResponseBase]


def dicomweb(view: View) -> View:
    """A guarded read of the DICOMweb service; what the client got wrong, or no vault can give, becomes a status.

    The view finds the address of the tenant's service in `request.dicomweb_root`.
    """
    return _service(view, "GET", "HEAD")


def dicomweb_options(view: View) -> View:
    """As `dicomweb`, and also for OPTIONS: the service tells what it can do (PS3.18 §8.9)."""
    return _service(view, "GET", "HEAD", "OPTIONS")


def _service(view: View, *methods: str) -> View:
    @reader
    @wraps(view)
    def read(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
        request.dicomweb_root = request.build_absolute_uri(f"/t/{request.tenant.slug}/dicomweb")
        response = answered(view, request, **kwargs)
        response["Cache-Control"] = "private, no-store"
        return response

    # The method is judged before anyone is let in: the same 405 for what is there and what is not, and for scripts
    # without a cookie, who would otherwise be told of CSRF.
    @csrf_exempt
    @wraps(read)
    def inner(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method not in methods:
            return refuse_method(request, ", ".join(methods))
        return read(request, *args, **kwargs)

    return inner


def answered(view: View, request: HttpRequest, **kwargs: str) -> HttpResponseBase:
    """The view's answer, or the status and reason for what it raises."""
    try:
        _require_uids(kwargs)
        return view(request, **kwargs)
    except NotModified as known:
        return not_modified(known.etag)
    except RangeNotSatisfiable as beyond:
        return range_not_satisfiable(beyond.length)
    except NotAcceptable as refused:
        return JsonResponse({"reason": refused.reason, "available": refused.available}, status=406)
    except tuple(_STATUS) as error:
        return _refused(error)


def _refused(error: Exception) -> HttpResponse:
    """Only our own words: what else an error says may quote the image or the query."""
    status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
    if isinstance(error, InvalidParameter):
        reason = str(error)
    elif isinstance(error, RenderFailed):
        reason = f"The image cannot be decoded: {error}."
    else:
        reason = _REASONS.get(type(error), "")
    response = JsonResponse({"reason": reason}, status=status) if reason else HttpResponse(status=status)
    if status == 503:
        response["Retry-After"] = str(_RETRY_SECONDS)
    return response


def respond(parts: Parts) -> HttpResponseBase:
    """The parts as a multipart body, or the single one as the body itself."""
    if not parts.single:
        return multipart(parts)
    ((media_type, length),) = parts.heads
    response = StreamingHttpResponse(iter_single(parts), content_type=str(media_type))
    return mark_extent(response, parts.etag, length, parts.extent)


def multipart(parts: Parts) -> StreamingHttpResponse:
    """The parts as a `multipart/related` body, of known length if all of theirs are."""
    # The same parts get the same boundary, or their entity tag would be a lie.
    boundary = parts.etag.strip('"') or uuid.uuid4().hex
    heads = [part_head(boundary, str(media_type)) for media_type, _ in parts.heads]
    end = closing(boundary)
    kind = parts.heads[0][0].type if parts.heads else DICOM
    response = StreamingHttpResponse(
        iter_parts(parts, lambda media_type: part_head(boundary, str(media_type)), end),
        content_type=str(MediaType("multipart/related", {"type": kind, "boundary": boundary})),
    )
    lengths = [length for _, length in parts.heads]
    if None not in lengths:
        response["Content-Length"] = sum(map(len, heads)) + sum(lengths) + len(end)
    if parts.etag:
        response["ETag"] = parts.etag
    if parts.is_partial:
        response["Warning"] = '299 collimate "There are more images than one answer holds."'
    return response


def json_stream(
    request: HttpRequest,
    media_type: MediaType,
    pieces: Iterator[bytes],
    packed: Iterator[bytes] | bytes | None = None,
    conditions: Conditions = ANYTHING,
) -> HttpResponseBase:
    """A JSON body in pieces, packed for clients that take gzip or br.

    `packed` is the same body as a gzip member that lies ready: it is given as it is where the client takes gzip at
    all, and where it is whole, a client that has it already is told so.
    """
    header = request.headers.get("Accept-Encoding", "")
    coding = (packed is not None and choose_coding(header, ("gzip",))) or choose_coding(header)
    if coding == "gzip" and isinstance(packed, bytes):
        response = _ready_made(request, media_type, packed, conditions)
    else:
        body = packed if coding == "gzip" and packed is not None else pack(coding, pieces) if coding else pieces
        response = StreamingHttpResponse(body, content_type=media_type.type)
    response["Vary"] = "Accept, Accept-Encoding"
    if coding and response.status_code == 200:
        response["Content-Encoding"] = coding
    return response


def _ready_made(request: HttpRequest, media_type: MediaType, packed: bytes, conditions: Conditions) -> HttpResponse:
    etag = entity_tag(request.tenant.id, "json", media_type.type, packed)
    if conditions.has_already(etag):
        return not_modified(etag)
    response = HttpResponse(packed, content_type=media_type.type)
    response["Content-Length"], response["ETag"] = str(len(packed)), etag
    return response


def _require_uids(arguments: dict[str, str]) -> None:
    """What cannot be a UID names nothing we hold; the routes of `imaging.urls.intake` take any text."""
    try:
        for name, value in arguments.items():
            if name.endswith("_uid"):
                validate_uid(value)
    except InvalidUID:
        raise Http404 from None
