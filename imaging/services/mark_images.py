"""The images that marks are about: found in the study, or the marks are refused."""

from dataclasses import dataclass, replace

from imaging.dicom.marks.codes import quantity_of
from imaging.dicom.marks.model import ImageRef, KeyImages, Mark, Markings, Submitted, View
from imaging.dicom.marks.pictures import Geometry, Picture, read_geometry
from imaging.models import Instance, Study
from imaging.selectors.marks import find_images, list_images_of
from imaging.services.originals import read_header

_TOLERANCE = 0.01  # of a pixel: a point on the very edge, written and read as a 32-bit number


class UnknownImage(Exception):
    """No image of this study, no frame of the image, or a point outside of it."""


@dataclass(frozen=True)
class MarkedImages:
    """The markings with their references filled in, and what writing them needs."""

    markings: Markings
    pictures: dict[str, Picture]
    geometries: dict[str, Geometry]
    first: Instance | None


def resolve(study: Study, submitted: Submitted) -> MarkedImages:
    """Find every image that is referred to; raises `UnknownImage`."""
    views, of_series = _views(study, submitted)
    markings = submitted.markings
    named = [mark.image for mark in markings.marks]
    named += markings.key_images.images if markings.key_images else ()
    named += [image for view in markings.views for image in view.images]
    rows = of_series | find_images(study, {image.sop_instance_uid for image in named})
    filled = Markings(
        tuple(_mark(mark, rows) for mark in markings.marks),
        _key_images(markings.key_images, rows),
        tuple(replace(view, images=tuple(_filled(each, rows) for each in view.images)) for view in views),
    )
    pictures = {uid: _picture(row) for uid, row in rows.items()}
    return MarkedImages(filled, pictures, _geometries(filled, pictures, rows), next(iter(rows.values()), None))


def _views(study: Study, submitted: Submitted) -> tuple[list[View], dict[str, Instance]]:
    """The views, those of a whole series with all its images."""
    views, rows = [], {}
    for view, series in zip(submitted.markings.views, submitted.whole_series, strict=True):
        if series:
            found = {row.sop_instance_uid: row for row in list_images_of(study, series)}
            if not found:
                raise UnknownImage
            rows |= found
            view = replace(view, images=tuple(ImageRef("", "", uid, 1) for uid in found))
        views.append(view)
    return views, rows


def _filled(image: ImageRef, rows: dict[str, Instance]) -> ImageRef:
    row = rows.get(image.sop_instance_uid)
    if row is None or (image.frame or 1) > row.number_of_frames:
        raise UnknownImage
    frame = image.frame if row.number_of_frames > 1 else None
    return ImageRef(row.series.series_instance_uid, row.sop_class_uid, row.sop_instance_uid, frame)


def _mark(mark: Mark, rows: dict[str, Instance]) -> Mark:
    image = _filled(mark.image, rows)
    row = rows[image.sop_instance_uid]
    for x, y in mark.points:
        if not (-_TOLERANCE <= x <= row.columns + _TOLERANCE and -_TOLERANCE <= y <= row.rows + _TOLERANCE):
            raise UnknownImage
    points = tuple((min(max(x, 0), row.columns), min(max(y, 0), row.rows)) for x, y in mark.points)
    quantity = row.series.modality if quantity_of(row.series.modality) else ""
    return replace(mark, image=image, points=points, quantity=quantity)


def _key_images(chosen: KeyImages | None, rows: dict[str, Instance]) -> KeyImages | None:
    if chosen is None:
        return None
    return replace(chosen, images=tuple(dict.fromkeys(_filled(image, rows) for image in chosen.images)))


def _picture(row: Instance) -> Picture:
    ref = ImageRef(row.series.series_instance_uid, row.sop_class_uid, row.sop_instance_uid)
    return Picture(ref, row.rows, row.columns, row.photometric_interpretation)


def _geometries(markings: Markings, pictures: dict[str, Picture], rows: dict[str, Instance]) -> dict[str, Geometry]:
    """Of one image for each presentation state: the others of its sort are taken to be scaled alike."""
    found: dict[str, Geometry] = {}
    for view in markings.views:
        firsts = {pictures[image.sop_instance_uid].alike: image.sop_instance_uid for image in reversed(view.images)}
        for uid in firsts.values():
            if uid not in found:
                found[uid] = read_geometry(read_header(rows[uid]), rows[uid].transfer_syntax_uid)
    return found
