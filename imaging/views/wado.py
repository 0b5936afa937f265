"""WADO-RS: retrieving files, their header data, frames and bulk data (PS3.18 §10.4)."""

import re

from django.http import HttpRequest, HttpResponseBase

from imaging.dicom.media_types import MediaType
from imaging.dicom.presentation import InvalidParameter
from imaging.services import metadata, pixel_data, retrieval
from imaging.services.answers import Parts, cut
from imaging.services.conditions import NotModified, entity_tag
from imaging.views.conditional import conditions_of
from imaging.views.dicomweb import dicomweb, json_stream, respond
from imaging.views.media import accept_of, bulk_type, file_type, frame_type, require_json

MAX_FRAMES = 1000  # of one request: each costs a look-up, and the URL names them all
PIXEL_DATA = "7FE00010"
_FRAME_LIST = re.compile(r"[0-9]{1,7}(,[0-9]{1,7})*", re.ASCII)


@dicomweb
def retrieve_study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """WADO-RS `/studies/{study}`: every file."""
    choose_type = file_type(accept_of(request), single=False)
    return respond(retrieval.retrieve_study(request.actor, study_instance_uid, choose_type))


@dicomweb
def retrieve_series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """WADO-RS `/studies/{study}/series/{series}`: its files."""
    choose_type = file_type(accept_of(request), single=False)
    return respond(retrieval.retrieve_series(request.actor, study_instance_uid, series_instance_uid, choose_type))


@dicomweb
def retrieve_instance(request: HttpRequest, **uids: str) -> HttpResponseBase:
    """WADO-RS `…/instances/{instance}`: the file, as it was stored unless another transfer syntax is named."""
    choose_type = file_type(accept_of(request), single=True)
    parts = retrieval.retrieve_instance(request.actor, *uids.values(), choose_type, conditions_of(request))
    return respond(parts)


@dicomweb
def retrieve_study_metadata(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """WADO-RS `/studies/{study}/metadata`."""
    media_type = require_json(accept_of(request))
    found = metadata.retrieve_study_metadata(request.actor, study_instance_uid, request.dicomweb_root)
    return json_stream(request, media_type, found.pieces, found.packed, conditions_of(request))


@dicomweb
def retrieve_series_metadata(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str
) -> HttpResponseBase:
    """WADO-RS `/studies/{study}/series/{series}/metadata`."""
    media_type = require_json(accept_of(request))
    found = metadata.retrieve_series_metadata(
        request.actor, study_instance_uid, series_instance_uid, request.dicomweb_root
    )
    return json_stream(request, media_type, found.pieces, found.packed, conditions_of(request))


@dicomweb
def retrieve_instance_metadata(request: HttpRequest, **uids: str) -> HttpResponseBase:
    """WADO-RS `…/instances/{instance}/metadata`."""
    media_type = require_json(accept_of(request))
    found = metadata.retrieve_instance_metadata(request.actor, *uids.values(), request.dicomweb_root)
    return json_stream(request, media_type, found.pieces, found.packed, conditions_of(request))


@dicomweb
def retrieve_frames(request: HttpRequest, frame_list: str, **uids: str) -> HttpResponseBase:
    """WADO-RS `…/instances/{instance}/frames/{list}`: frames as they are stored, or transcoded."""
    numbers = parse_frame_list(frame_list, MAX_FRAMES)
    choose_type = frame_type(accept_of(request), single=len(numbers) == 1)
    parts = retrieval.retrieve_frames(request.actor, *uids.values(), numbers, choose_type, conditions_of(request))
    return respond(parts)


@dicomweb
def retrieve_bulk_data(request: HttpRequest, tag_path: str, **uids: str) -> HttpResponseBase:
    """What a `BulkDataURI` in our metadata points to, and Pixel Data, to which none does (PS3.18 §10.4.1.1.5)."""
    accept, conditions = accept_of(request), conditions_of(request)
    if tag_path.upper() == PIXEL_DATA:

        def is_single(possible: bool) -> bool:
            return not bulk_type(accept, single=possible).params

        return respond(pixel_data.retrieve_pixel_data(request.actor, *uids.values(), is_single, conditions))
    media_type = bulk_type(accept)
    value = metadata.retrieve_bulk_data(request.actor, *uids.values(), tag_path)
    etag = entity_tag(request.tenant.id, value, str(media_type))
    if conditions.has_already(etag):
        raise NotModified(etag)
    if media_type.params:
        return respond(Parts([(MediaType(media_type.params["type"]), len(value))], iter([value]), etag=etag))
    extent = conditions.extent(etag, len(value))
    return respond(Parts([(media_type, len(value))], cut(iter([value]), extent), True, etag, extent))


def parse_frame_list(text: str, most: int) -> list[int]:
    """Frame numbers as they stand in a URL, at most so many; raises `InvalidParameter`."""
    numbers = [int(number) for number in text.split(",")] if _FRAME_LIST.fullmatch(text) else []
    if not 0 < len(numbers) <= most:
        raise InvalidParameter("frames", f"1 to {most} frame numbers with commas between them")
    return numbers
