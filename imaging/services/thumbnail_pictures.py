"""Thumbnails at every level (PS3.18 §10.4.1.1.4): the one that lies sealed where it fits, else drawn on request."""

from collections.abc import Callable

from audit.actions import Action
from audit.actor import Actor
from imaging import access
from imaging.dicom.presentation import Presentation, Viewport
from imaging.models import Series
from imaging.selectors.pictures import find_middle_image
from imaging.services.answers import Choice, Parts
from imaging.services.conditions import ANYTHING, Conditions, NotModified, entity_tag
from imaging.services.rendering import (
    Wanted,
    give_pictures,
    record_picture,
    require_image,
    require_series,
    whole_part,
)
from imaging.services.sealed import SealedObject

EDGE = 320  # pixels of the stored ones, and of drawn ones unless a viewport says otherwise
STORED = "image/webp"
ChooseThumbnail = Callable[[bool], Choice]  # from whether a WebP lies ready


def retrieve_thumbnail(
    actor: Actor,
    study_uid: str,
    series_uid: str | None,
    choose: ChooseThumbnail,
    viewport: Viewport | None = None,
    conditions: Conditions = ANYTHING,
) -> Parts:
    """A small picture of the image that stands for a study or series.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    NotAcceptable
    NotModified
    RangeNotSatisfiable
    FramesUnknown
    NoCopyReadable
    RenderFailed
    SandboxBusy
    """
    if series_uid is None:
        series = require_series(access.study_to_view(actor, study_uid))
    else:
        series = access.series_to_view(actor, study_uid, series_uid)
    fits = series.thumbnail is not None and (viewport is None or min(viewport.width, viewport.height) >= EDGE)
    wanted = _wanted(choose(fits), viewport, conditions)
    if fits and wanted.how.media_type == STORED:
        return _give_stored(actor, series, wanted, study_uid)
    image = require_image(find_middle_image(series))
    return give_pictures(actor, image, [image.number_of_frames // 2 + 1], wanted, study_uid, series.series_instance_uid)


def retrieve_instance_thumbnail(
    actor: Actor,
    study_uid: str,
    series_uid: str,
    sop_uid: str,
    number: int | None,
    choose: ChooseThumbnail,
    viewport: Viewport | None = None,
    conditions: Conditions = ANYTHING,
) -> Parts:
    """A small picture of a frame, of the middle one for None; raises as `retrieve_thumbnail`, and `FrameMissing`."""
    instance = access.instance_to_view(actor, study_uid, series_uid, sop_uid)
    frame = instance.number_of_frames // 2 + 1 if number is None else number
    return give_pictures(actor, instance, [frame], _wanted(choose(False), viewport, conditions), study_uid, series_uid)


def _wanted(choice: Choice, viewport: Viewport | None, conditions: Conditions) -> Wanted:
    how = Presentation(choice.media_type.type, viewport=viewport, quality=80, edge=None if viewport else EDGE)
    return Wanted(how, lambda _types, _single: choice, conditions, Action.THUMBNAIL_VIEWED)


def _give_stored(actor: Actor, series: Series, wanted: Wanted, study_uid: str) -> Parts:
    choice = wanted.choose((), True)
    etag = entity_tag(series.tenant_id, series.thumbnail)
    if wanted.conditions.has_already(etag):
        record_picture(actor, wanted, study_uid, series.series_instance_uid)
        raise NotModified(etag)
    parts = whole_part(choice, SealedObject(series.tenant_id, series.thumbnail).read_all(), etag, wanted.conditions)
    record_picture(actor, wanted, study_uid, series.series_instance_uid)
    return parts
