"""Pictures of images (PS3.18 §10.4.1.1.3): drawn by the sandboxed decoder from the frames they need and no others.

What one answer holds is bounded: `MAX_PICTURES` of a study or series, `MAX_ANIMATION_FRAMES` of a moving picture, which
leaves out frames evenly where there are more.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, repeat

from audit.actions import Action
from audit.actor import Actor
from audit.services import record_viewing
from imaging import access
from imaging.adapters.renderer import RenderFailed, SandboxBusy, run
from imaging.dicom.dicom_json import get_bulk_value
from imaging.dicom.media_types import MediaType
from imaging.dicom.part10 import parse_header
from imaging.dicom.presentation import InvalidParameter, Presentation
from imaging.dicom.sandbox import Job
from imaging.models import Instance, Series, Study
from imaging.selectors.pictures import find_middle_image, find_series_with_images, list_images
from imaging.services.answers import Choice, NotAcceptable, Parts, begun, cut
from imaging.services.conditions import ANYTHING, Conditions, NotModified, entity_tag
from imaging.services.frames import FrameMissing, FramesUnknown
from imaging.services.originals import read_header
from imaging.services.sealed import NoCopyReadable, Truncated
from imaging.services.transcoding import BATCH_BYTES, BATCH_FRAMES, decoded_length, is_decodable, sandbox_frames

__all__ = ["RenderFailed", "SandboxBusy", "render_frames", "render_instance", "render_many"]  # views know no adapter
MAX_PICTURES = 100
MAX_ANIMATION_FRAMES = 300
MAX_ANIMATION_BYTES = 512 * 1024 * 1024  # of the stored frames
RENDERED = ("image/jpeg", "image/png", "image/gif")
PDF = "application/pdf"
_ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
_PATIENCE = 60.0
_ENDS = repeat(b"")

ChooseRendered = Callable[[Sequence[str], bool], Choice]  # from media types and whether it is one picture


@dataclass(frozen=True)
class Wanted:
    """What a client wants to see and how: `choose` gives the media type, or raises `NotAcceptable`."""

    how: Presentation
    choose: ChooseRendered
    conditions: Conditions = ANYTHING
    action: Action = Action.RENDERED_VIEWED


def render_instance(actor: Actor, study_uid: str, series_uid: str, sop_uid: str, wanted: Wanted) -> Parts:
    """An instance as one picture (of several frames the first, or all of them moving), or one per frame.

    An encapsulated PDF is given as it is.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    NotAcceptable
        Also for what is no image.
    NotModified
    RangeNotSatisfiable
    InvalidParameter
    FramesUnknown
    NoCopyReadable
    RenderFailed
    SandboxBusy
    """
    instance = access.instance_to_view(actor, study_uid, series_uid, sop_uid)
    if instance.sop_class_uid == _ENCAPSULATED_PDF:
        return _give_pdf(actor, instance, study_uid, series_uid, wanted)
    numbers = list(range(1, instance.number_of_frames + 1))
    return give_pictures(actor, instance, numbers, wanted, study_uid, series_uid, whole=True)


def render_frames(
    actor: Actor, study_uid: str, series_uid: str, sop_uid: str, numbers: list[int], wanted: Wanted
) -> Parts:
    """Frames by their numbers from 1; raises as `render_instance`, and `FrameMissing`."""
    instance = access.instance_to_view(actor, study_uid, series_uid, sop_uid)
    return give_pictures(actor, instance, numbers, wanted, study_uid, series_uid)


def render_many(actor: Actor, study_uid: str, series_uid: str | None, wanted: Wanted) -> Parts:
    """A study or series: the image that stands for it, or one picture for each of at most `MAX_PICTURES` instances.

    Raises as `render_instance`.
    """
    series = access.series_to_view(actor, study_uid, series_uid) if series_uid else None
    study = series.study if series else access.study_to_view(actor, study_uid)
    choice = wanted.choose(RENDERED, True)
    if choice.single:
        image = require_image(find_middle_image(series or require_series(study)))
        numbers = [image.number_of_frames // 2 + 1]
        return give_pictures(actor, image, numbers, wanted, study_uid, series_uid or "")
    images = list_images(study, series, MAX_PICTURES + 1)
    require_image(images[0] if images else None)
    pieces = begun(_iter_images(images[:MAX_PICTURES], replace(wanted.how, media_type=choice.media_type.type)))
    record_picture(actor, wanted, study_uid, series_uid or "")
    heads = [(choice.media_type, None)] * len(images[:MAX_PICTURES])
    return Parts(heads, pieces, is_partial=len(images) > MAX_PICTURES)


def require_series(study: Study) -> Series:
    """The series that stands for the study; raises `NotAcceptable`."""
    series = find_series_with_images(study)
    if series is None:
        raise NotAcceptable("The study holds no image.")
    return series


def require_image(instance: Instance | None) -> Instance:
    """The image that was found; raises `NotAcceptable` where none was."""
    if instance is None:
        raise NotAcceptable("There is no image that could be shown.")
    return instance


def _require_frames(instance: Instance, numbers: Sequence[int]) -> None:
    """Raises `NotAcceptable` for what cannot be drawn, `FrameMissing` for numbers that are none of its."""
    if not instance.number_of_frames:
        raise NotAcceptable("The object is no image.")
    if not is_decodable(instance):
        raise NotAcceptable("Images of this transfer syntax are not decoded here; retrieve the stored frames.")
    decoded_length(instance)
    if not all(1 <= number <= instance.number_of_frames for number in numbers):
        raise FrameMissing


def give_pictures(
    actor: Actor,
    instance: Instance,
    numbers: list[int],
    wanted: Wanted,
    study_uid: str,
    series_uid: str,
    *,
    whole: bool = False,
) -> Parts:
    """Frames of one instance as pictures; `whole` where they are all of them and one may stand for them.

    Raises as `render_instance`.
    """
    _require_frames(instance, numbers)
    choice = wanted.choose(RENDERED, whole or len(numbers) == 1)
    moving = choice.single and choice.media_type.type == "image/gif" and len(numbers) > 1
    if choice.single and not moving:
        numbers = numbers[:1]
    how = replace(wanted.how, media_type=choice.media_type.type)
    etag = entity_tag(instance.tenant_id, bytes(instance.digest), numbers, how.arguments(), choice)
    if wanted.conditions.has_already(etag):
        record_picture(actor, wanted, study_uid, series_uid)
        raise NotModified(etag)
    if choice.single:
        picture = _animate(instance, numbers, how) if moving else _draw(instance, numbers, how)[0]
        parts = whole_part(choice, picture, etag, wanted.conditions)
    else:
        numbers = numbers[:MAX_PICTURES] if whole else numbers
        pieces = begun(chain.from_iterable(zip(_iter_pictures(instance, numbers, how), _ENDS, strict=False)))
        is_partial = len(numbers) < instance.number_of_frames and whole
        parts = Parts([(choice.media_type, None)] * len(numbers), pieces, etag=etag, is_partial=is_partial)
    record_picture(actor, wanted, study_uid, series_uid)
    return parts


def require_drawable(instance: Instance, number: int) -> None:
    """Raise unless that frame, from 1, can be drawn: `NotAcceptable`, `FrameMissing`, `FramesUnknown`."""
    _require_frames(instance, [number])


def draw_frame(instance: Instance, number: int, how: Presentation) -> bytes:
    """One frame as a picture, for a caller who has checked access and written the event; raises as `render_frames`."""
    require_drawable(instance, number)
    return _draw(instance, [number], how, patience=_PATIENCE)[0]


def whole_part(choice: Choice, content: bytes, etag: str, conditions: Conditions) -> Parts:
    """A body of its own, or the wanted range of it; raises `RangeNotSatisfiable`."""
    extent = conditions.extent(etag, len(content))
    return Parts([(choice.media_type, len(content))], cut(iter((content,)), extent), True, etag, extent)


def _iter_pictures(instance: Instance, numbers: list[int], how: Presentation) -> Iterator[bytes]:
    count = max(1, min(BATCH_FRAMES, BATCH_BYTES // max(1, decoded_length(instance))))
    for start in range(0, len(numbers), count):
        yield from _draw(instance, numbers[start : start + count], how, patience=_PATIENCE if start else None)


def _iter_images(images: list[Instance], how: Presentation) -> Iterator[bytes]:
    """A picture and the end of its part for each image; an empty part for one that cannot be drawn."""
    for place, image in enumerate(images):
        try:
            _require_frames(image, [1])
            yield _draw(image, [1], how, patience=_PATIENCE if place else None)[0]
        except (NotAcceptable, RenderFailed, FramesUnknown, NoCopyReadable, Truncated):
            # Its neighbours are still worth looking at; but an answer of nothing would be a lie.
            if len(images) == 1:
                raise
        yield b""


def _draw(instance: Instance, numbers: list[int], how: Presentation, *, patience: float | None = None) -> list[bytes]:
    arguments = {"presentation": how.arguments(), "numbers": numbers}
    job = Job("pictures", instance.transfer_syntax_uid, arguments)
    with _request_to_blame():
        return run(job, read_header(instance), sandbox_frames(instance, numbers), patience=patience)


def _animate(instance: Instance, numbers: list[int], how: Presentation) -> bytes:
    stored = max(1, instance.frame_length or instance.value_length // instance.number_of_frames)
    most = max(1, min(MAX_ANIMATION_FRAMES, MAX_ANIMATION_BYTES // stored))
    stride = -(-len(numbers) // most)
    numbers = numbers[::stride]
    arguments = {"presentation": how.arguments(), "numbers": numbers, "stride": stride}
    job = Job("animation", instance.transfer_syntax_uid, arguments)
    with _request_to_blame():
        (picture,) = run(job, read_header(instance), sandbox_frames(instance, numbers))
    return picture


@contextmanager
def _request_to_blame() -> Iterator[None]:
    """What the sandbox found wrong with the request, not with the image."""
    try:
        yield
    except RenderFailed as failed:
        if str(failed).startswith("NothingToShow"):
            raise InvalidParameter("viewport", "the region holds no pixel of the image") from None
        raise


def _give_pdf(actor: Actor, instance: Instance, study_uid: str, series_uid: str, wanted: Wanted) -> Parts:
    choice = wanted.choose((PDF,), True)
    etag = entity_tag(instance.tenant_id, bytes(instance.digest), choice)
    if wanted.conditions.has_already(etag):
        record_picture(actor, wanted, study_uid, series_uid)
        raise NotModified(etag)
    data_set = parse_header(read_header(instance), instance.transfer_syntax_uid)
    document = get_bulk_value(data_set, "00420011").rstrip(b"\0")
    if not document.startswith(b"%PDF-"):
        raise NotAcceptable("What the object holds is no PDF.")
    if choice.single:
        parts = whole_part(choice, document, etag, wanted.conditions)
    else:
        parts = Parts([(MediaType(PDF), len(document))], iter((document,)), etag=etag)
    record_picture(actor, wanted, study_uid, series_uid)
    return parts


def record_picture(actor: Actor, wanted: Wanted, study_uid: str, series_uid: str) -> None:
    """One event per actor, series and quarter of an hour."""
    record_viewing(wanted.action, actor, study_instance_uid=study_uid, series_instance_uid=series_uid)
