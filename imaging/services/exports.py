"""Printing and exporting: a disclosure, so it needs what a download needs, and is in the trail before a byte leaves.

A PDF is made outside of any transaction, one image after the other, by the sandboxed decoder. `PIXELS` bounds what all
its images have together, and so the memory it takes: about 40 MB for a hundred images.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.actor import Actor
from audit.services import record
from imaging import access
from imaging.adapters.renderer import RenderFailed, SandboxBusy
from imaging.adapters.sheets import A4, LETTER, Cell, Furniture, build_sheets, room_of
from imaging.dicom.presentation import InvalidParameter, Presentation
from imaging.models import Instance, Study
from imaging.selectors.names import display_name
from imaging.services.answers import NotAcceptable
from imaging.services.export_order import ExportImage, ExportOrder
from imaging.services.frames import FrameMissing, FramesUnknown
from imaging.services.rendering import draw_frame, require_drawable
from imaging.services.sealed import NoCopyReadable, Truncated
from tenants.models import Tenant

PIXELS = 120_000_000
MAX_EDGE = 2400
_DOTS = 220 / 72  # per point: what a good printer shows
_PIECE = 64 * 1024
_FAILURES = (
    RenderFailed, SandboxBusy, NotAcceptable, FramesUnknown, FrameMissing, InvalidParameter, NoCopyReadable, Truncated,
)  # fmt: skip
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Export:
    """What was ordered and is now in the trail: the words of every page, and the images with how they are shown."""

    furniture: Furniture
    order: ExportOrder
    images: Sequence[tuple[ExportImage, Instance]]
    paper: tuple[float, float]

    def chunks(self) -> Iterator[bytes]:
        """The PDF; needs no scope and no database."""
        pages = [(landscape, self._cells(cells)) for landscape, cells in _lay(self.order, self.images)]
        document = build_sheets(self.furniture, pages, self.paper)
        yield from (document[at : at + _PIECE] for at in range(0, len(document), _PIECE))

    def _cells(self, cells: list[tuple[tuple[float, ...], ExportImage, Instance]]) -> list[Cell]:
        return [
            Cell(
                box, partial(_draw, instance, image, self._edge(box)), image.label, image.rotate, image.flip,
                [(mark.points, mark.text) for mark in image.marks],
            )
            for box, image, instance in cells
        ]  # fmt: skip

    def _edge(self, box: tuple[float, ...]) -> int:
        """Pixels that are worth having in a place of that size, and that all images together can have."""
        room = max(room_of(self.paper, landscape=False))
        return int(min(MAX_EDGE, max(box[2:]) * room * _DOTS, math.sqrt(PIXELS / len(self.images))))


def require_taker(actor: Actor, study_instance_uid: str) -> None:
    """Raise as `order_export` unless the actor may take images away: asked before what they sent is read."""
    access.study_to_download(actor, study_instance_uid)


def order_export(
    actor: Actor, study_instance_uid: str, order: ExportOrder, tenant: Tenant, now: datetime
) -> Export:
    """Check that the actor may take the images away, and record that they do.

    Raises
    ------
    StudyNotFound
        Also where one of the images is not in the study.
    NoAgreementInForce
    NotAcceptable
        One of the images cannot be drawn at all.
    FrameMissing
    FramesUnknown
    """
    study = access.study_to_download(actor, study_instance_uid)
    known: dict[tuple[str, str], Instance] = {}
    for image in order.images:
        key = image.series, image.instance
        if key not in known:
            known[key] = access.instance_to_view(actor, study_instance_uid, *key)
        require_drawable(known[key], image.frame)
    images = [(image, known[image.series, image.instance]) for image in order.images]
    details = {"as": order.kind, "images": len(images), "identity": order.identity}
    record(Action.IMAGES_EXPORTED, actor, study_instance_uid=study_instance_uid, details=details, now=now)
    return Export(_furniture(actor, study, order, tenant, now), order, images, _paper(tenant))


def _furniture(actor: Actor, study: Study, order: ExportOrder, tenant: Tenant, now: datetime) -> Furniture:
    at = localtime(now, ZoneInfo(tenant.time_zone))
    hidden = Furniture(
        name=_("Identity hidden"), details="", practice="", printed="", notice=_("Not for diagnosis"),
        page=_("Page {page} of {count}"), failed=_("This image could not be drawn."),
    )  # fmt: skip
    if not order.identity:
        return hidden
    when = f"{date_format(at, 'DATE_FORMAT')}, {at:%H:%M} {at.tzname()}"
    printed = _("Printed by {who}, {when}").format(who=actor.label, when=when)
    return replace(
        hidden, name=display_name(study.patient_name), details=_details(study), practice=tenant.name, printed=printed
    )


def _details(study: Study) -> str:
    born, taken = study.patient_birth_date, study.study_date
    return "  ·  ".join(filter(None, (
        study.patient_id and _("ID {id}").format(id=study.patient_id),
        born and _("Born {date}").format(date=date_format(born, "DATE_FORMAT")),
        taken and _("Study of {date}").format(date=date_format(taken, "DATE_FORMAT")),
        study.study_description,
    )))  # fmt: skip


def _paper(tenant: Tenant) -> tuple[float, float]:
    return LETTER if tenant.time_zone.startswith(("America/", "US/")) else A4


def _lay(
    order: ExportOrder, images: Sequence[tuple[ExportImage, Instance]]
) -> Iterator[tuple[bool, list[tuple[tuple[float, ...], ExportImage, Instance]]]]:
    """Pages: whether each lies on its side, and its images with their places in fractions of it."""
    if order.mount:
        across, down = order.mount
        yield across > down, [(_in_mount(order, image), image, instance) for image, instance in images]
        return
    count = order.columns * order.rows
    for start in range(0, len(images), count):
        page = images[start : start + count]
        boxes = [_in_grid(order, place) for place in range(len(page))]
        yield _lies(order, page), [(box, *each) for box, each in zip(boxes, page, strict=True)]


def _lies(order: ExportOrder, page: Sequence[tuple[ExportImage, Instance]]) -> bool:
    image, instance = page[0]
    across, down = instance.columns, instance.rows
    if image.rotate % 180:
        across, down = down, across
    return across * order.columns > 1.15 * down * order.rows


def _in_grid(order: ExportOrder, place: int) -> tuple[float, ...]:
    row, column = divmod(place, order.columns)
    gap = 0.012 if order.columns * order.rows > 1 else 0.0
    width, height = 1 / order.columns, 1 / order.rows
    return column * width + gap / 2, row * height + gap / 2, width - gap, height - gap


def _in_mount(order: ExportOrder, image: ExportImage) -> tuple[float, ...]:
    """The mount's own shape is kept: as large as the page allows, in its middle."""
    across, down = order.mount
    landscape = across > down
    width, height = room_of(A4, landscape)  # both papers have nearly the same shape
    scale = min(width / across, height / down)
    left, top = (1 - across * scale / width) / 2, (1 - down * scale / height) / 2
    x, y, wide, high = image.box
    return left + x * scale / width, top + y * scale / height, wide * scale / width, high * scale / height


def _draw(instance: Instance, image: ExportImage, edge: int) -> bytes | None:
    how = Presentation("image/jpeg", window=image.window, quality=88, edge=max(64, edge), invert=image.invert)
    try:
        return draw_frame(instance, image.frame, how)
    except _FAILURES as failure:
        # Its neighbours are worth having, and its place says that it is missing.
        logger.warning("an image of an export was not drawn: %s", type(failure).__name__)
        return None
