"""The frame of every DICOMweb read: its guard, its statuses and its headers (PS3.18 §8)."""

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
from imaging.selectors.qido import InvalidQuery
from imaging.services.frames import FrameMissing, FramesUnknown
from imaging.services.retrieval import NotAcceptable, Parts, iter_parts
from imaging.services.sealed import NoCopyReadable
from imaging.views.guards import reader
from imaging.views.media import DICOM

_STATUS = {
    NotAcceptable: 406, FramesUnknown: 406, InvalidQuery: 400, FrameMissing: 404, NoSuchValue: 404, NoCopyReadable: 503,
}  # fmt: skip
View = Callable[..., HttpResponseBase]


def dicomweb(view: View) -> View:
    """A guarded read of the DICOMweb service; what the client got wrong, or no vault can give, becomes a status.

    The view finds the address of the tenant's service in `request.dicomweb_root`.
    """

    @reader
    @require_safe
    @wraps(view)
    def inner(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
        request.dicomweb_root = request.build_absolute_uri(f"/t/{request.tenant.slug}/dicomweb")
        try:
            _require_uids(kwargs)
            response = view(request, **kwargs)
        except tuple(_STATUS) as error:
            response = HttpResponse(status=_STATUS[type(error)])
        response["Cache-Control"] = "private, no-store"
        return response

    return inner


def multipart(parts: Parts) -> StreamingHttpResponse:
    """The parts as a `multipart/related` body of known length."""
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


def json_stream(request: HttpRequest, media_type: MediaType, pieces: Iterator[bytes]) -> StreamingHttpResponse:
    """A JSON body in pieces, packed for clients that take gzip."""
    gzip = re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", request.headers.get("Accept-Encoding", ""))
    response = StreamingHttpResponse(_gzipped(pieces) if gzip else pieces, content_type=media_type.type)
    response["Vary"] = "Accept-Encoding"
    if gzip:
        response["Content-Encoding"] = "gzip"
    return response


def _require_uids(arguments: dict[str, str]) -> None:
    """What cannot be a UID names nothing we hold; the routes of `imaging.urls.intake` take any text."""
    try:
        for name, value in arguments.items():
            if name.endswith("_uid"):
                validate_uid(value)
    except InvalidUID:
        raise Http404 from None


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    # Headers of one series repeat each other: a fiftieth of the bytes is left.
    packer = zlib.compressobj(level=3, wbits=31)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
