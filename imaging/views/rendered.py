"""Rendered images and thumbnails (PS3.18 §10.4.1.1.3, §10.4.1.1.4)."""

from django.http import HttpRequest, HttpResponseBase

from imaging.dicom.presentation import (
    DEFAULT_QUALITY,
    Presentation,
    Viewport,
    parse_quality,
    parse_viewport,
    parse_window,
)
from imaging.services import rendering, thumbnail_pictures
from imaging.services.answers import Parts
from imaging.services.rendering import Wanted
from imaging.views.conditional import conditions_of
from imaging.views.dicomweb import dicomweb, respond
from imaging.views.media import PDF, accept_of, rendered_type, thumbnail_type
from imaging.views.wado import parse_frame_list

MAX_FRAMES = 100  # of one request, each drawn
_IGNORED = ("annotation", "iccprofile")


@dicomweb
def render_study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """`/studies/{study}/rendered`: one picture that stands for it, or as multipart one for each of its instances."""
    return shown(request, rendering.render_many(request.actor, study_instance_uid, None, _wanted(request)))


@dicomweb
def render_series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """`…/series/{series}/rendered`, as `render_study`."""
    parts = rendering.render_many(request.actor, study_instance_uid, series_instance_uid, _wanted(request))
    return shown(request, parts)


@dicomweb
def render_instance(request: HttpRequest, **uids: str) -> HttpResponseBase:
    """`…/instances/{instance}/rendered`: its first frame, all moving (image/gif), or as multipart one for each."""
    return shown(request, rendering.render_instance(request.actor, *uids.values(), _wanted(request)))


@dicomweb
def render_frames(request: HttpRequest, frame_list: str, **uids: str) -> HttpResponseBase:
    """`…/frames/{list}/rendered`."""
    numbers = parse_frame_list(frame_list, MAX_FRAMES)
    return shown(request, rendering.render_frames(request.actor, *uids.values(), numbers, _wanted(request)))


@dicomweb
def retrieve_thumbnail(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str | None = None
) -> HttpResponseBase:
    """`…/thumbnail` of a study or a series."""
    accept = accept_of(request)
    parts = thumbnail_pictures.retrieve_thumbnail(
        request.actor, study_instance_uid, series_instance_uid,
        lambda stored: thumbnail_type(accept, stored=stored), _viewport(request, regions=False), conditions_of(request),
    )  # fmt: skip
    return shown(request, parts)


@dicomweb
def retrieve_instance_thumbnail(request: HttpRequest, frame_list: str = "", **uids: str) -> HttpResponseBase:
    """`…/thumbnail` of an instance or of its frame."""
    accept = accept_of(request)
    numbers = parse_frame_list(frame_list, 1) if frame_list else [None]
    parts = thumbnail_pictures.retrieve_instance_thumbnail(
        request.actor, *uids.values(), numbers[0],
        lambda stored: thumbnail_type(accept, stored=stored), _viewport(request, regions=False), conditions_of(request),
    )  # fmt: skip
    return shown(request, parts)


def _wanted(request: HttpRequest) -> Wanted:
    window = request.GET.get("window")
    quality = request.GET.get("quality")
    how = Presentation(
        window=parse_window(window) if window is not None else None,
        viewport=_viewport(request),
        quality=DEFAULT_QUALITY if quality is None else parse_quality(quality),
    )
    return Wanted(how, rendered_type(accept_of(request)), conditions_of(request))


def _viewport(request: HttpRequest, *, regions: bool = True) -> Viewport | None:
    text = request.GET.get("viewport")
    return None if text is None else parse_viewport(text, regions=regions)


def shown(request: HttpRequest, parts: Parts, ignored: tuple[str, ...] = _IGNORED) -> HttpResponseBase:
    """The pictures, with a warning about parameters that made no difference."""
    response = respond(parts)
    response["Vary"] = "Accept"
    if names := [name for name in ignored if name in request.GET]:
        response["Warning"] = f'299 collimate "Parameters that are not supported were ignored: {", ".join(names)}."'
    if parts.heads and parts.heads[0][0].type == PDF:
        # A document of strangers: never shown as a page of ours.
        response["Content-Disposition"] = 'attachment; filename="document.pdf"'
        response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
