"""WADO-URI for old viewers (PS3.18 §9): one object by query parameters."""

import re

from django.http import HttpRequest, HttpResponseBase

from imaging.dicom.media_types import MediaType, choose
from imaging.dicom.presentation import (
    DEFAULT_QUALITY,
    InvalidParameter,
    Presentation,
    Viewport,
    Window,
    make_window,
    parse_edge,
    parse_number,
    parse_quality,
    parse_region,
)
from imaging.dicom.transfer_syntaxes import EXPLICIT_LITTLE
from imaging.services import rendering, retrieval
from imaging.services.answers import Choice, ChooseType, NotAcceptable, Parts
from imaging.services.rendering import RENDERED, Wanted
from imaging.views.conditional import conditions_of
from imaging.views.dicomweb import dicomweb, respond
from imaging.views.media import DICOM
from imaging.views.rendered import shown
from tenants.decorators import guard

_UIDS = {"study_instance_uid": "studyUID", "series_instance_uid": "seriesUID", "sop_instance_uid": "objectUID"}
_NO_UID = "0"  # names nothing, and lets the guard decide before anyone is told what is missing
_OFFERED = tuple(MediaType(each) for each in (*RENDERED, DICOM))
_REFUSED = ("anonymize", "presentationUID", "presentationSeriesUID")
_IGNORED = ("annotation", "charset")


@guard("reader")
def retrieve(request: HttpRequest, slug: str) -> HttpResponseBase:
    """`/wado?requestType=WADO&studyUID=…&seriesUID=…&objectUID=…`.

    The study's UID is handed to the guard as if it stood in the path: a guest's grant is for one study.
    """
    return _retrieve(request, slug=slug, **{name: request.GET.get(key) or _NO_UID for name, key in _UIDS.items()})


@dicomweb
def _retrieve(request: HttpRequest, **uids: str) -> HttpResponseBase:
    _require_sound(request)
    kind = _content_type(request)
    if kind == DICOM:
        return respond(retrieval.retrieve_instance(
            request.actor, *uids.values(), _file_type(request.GET.get("transferSyntax", "")), conditions_of(request)
        ))  # fmt: skip
    return shown(request, _render(request, kind, uids), _IGNORED)


def _render(request: HttpRequest, kind: str, uids: dict[str, str]) -> Parts:
    choice = Choice(MediaType(kind), single=True)
    wanted = Wanted(_presentation(request), lambda _types, _single: choice, conditions_of(request))
    if number := request.GET.get("frameNumber"):
        return rendering.render_frames(request.actor, *uids.values(), [_frame_number(number)], wanted)
    return rendering.render_instance(request.actor, *uids.values(), wanted)


def _frame_number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,7}", text, re.ASCII):
        raise InvalidParameter("frameNumber", "a whole number from 1")
    return int(text)


def _require_sound(request: HttpRequest) -> None:
    """What is missing or would change the meaning of the answer if it were ignored is refused (PS3.18 §9.1.2)."""
    if request.GET.get("requestType") != "WADO":
        raise InvalidParameter("requestType", "WADO")
    for name in _UIDS.values():
        if not request.GET.get(name):
            raise InvalidParameter(name, "is missing")
    for name in _REFUSED:
        if name in request.GET:
            raise InvalidParameter(name, "is not supported")


def _content_type(request: HttpRequest) -> str:
    """PS3.18 §9.1.2.1.5: what is listed in `contentType`, else a JPEG."""
    chosen = choose(request.GET.get("contentType"), _OFFERED)
    if chosen is None:
        raise NotAcceptable(available=_OFFERED)
    return chosen.type


def _presentation(request: HttpRequest) -> Presentation:
    quality = request.GET.get("imageQuality")
    return Presentation(
        window=_window(request),
        viewport=_viewport(request),
        quality=DEFAULT_QUALITY if quality is None else parse_quality(quality, "imageQuality"),
    )


def _window(request: HttpRequest) -> Window | None:
    center, width = request.GET.get("windowCenter"), request.GET.get("windowWidth")
    if center is None and width is None:
        return None
    if center is None or width is None:
        raise InvalidParameter("windowCenter", "comes with windowWidth")
    return make_window(parse_number(center, "windowCenter"), parse_number(width, "windowWidth"), name="windowWidth")


def _viewport(request: HttpRequest) -> Viewport | None:
    rows, columns = ((parse_edge(request.GET[name], name) if name in request.GET else None)
                     for name in ("rows", "columns"))  # fmt: skip
    if "region" in request.GET:
        return parse_region(request.GET["region"], columns, rows)
    return Viewport(columns, rows) if rows or columns else None


def _file_type(wanted: str) -> ChooseType:
    """As stored where nothing is named or the very same; Explicit VR Little Endian where that is."""

    def choose_type(transfer_syntax_uid: str) -> Choice:
        if wanted not in ("", "*", transfer_syntax_uid, EXPLICIT_LITTLE):
            offered = [MediaType(DICOM, {"transfer-syntax": uid}) for uid in (transfer_syntax_uid, EXPLICIT_LITTLE)]
            raise NotAcceptable("The object is not given in this transfer syntax.", offered)
        given = EXPLICIT_LITTLE if wanted == EXPLICIT_LITTLE else transfer_syntax_uid
        return Choice(MediaType(DICOM, {"transfer-syntax": given}), single=True)

    return choose_type
