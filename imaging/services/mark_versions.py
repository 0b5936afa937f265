"""Reading marks: the versions that were saved in a study, also those that came with it from elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from audit.actions import Action
from audit.actor import Actor, ActorKind
from audit.services import record_viewing
from imaging import access
from imaging.dicom.marks.model import ImageRef, Mark, ReadDocument, View
from imaging.dicom.marks.reading import read_document
from imaging.models import Instance
from imaging.selectors.marks import MOST_DOCUMENTS, find_images, list_documents
from imaging.selectors.names import display_name
from imaging.services.originals import read_header
from tenants.models import Role


@dataclass(frozen=True)
class Version:
    """What one save kept: marks whose images are in the study, and how much could not be shown.

    `at` is ISO 8601: with a zone when we received it, without one where only the object's own word is there.
    """

    id: str
    author: str
    at: str
    title: str
    ours: bool
    replaces: tuple[str, ...]
    marks: tuple[Mark, ...]
    key_images: tuple[ImageRef, ...]
    key_note: str
    views: tuple[View, ...]
    left_out: int


@dataclass(frozen=True)
class Versions:
    """Newest first; `more` tells that there are older ones, `may_save` whether the reader may add one."""

    versions: tuple[Version, ...]
    more: bool
    may_save: bool


@dataclass(frozen=True)
class _Stored:
    instance: Instance
    document: ReadDocument


def list_versions(actor: Actor, study_instance_uid: str) -> Versions:
    """The versions of a study that the actor may look at.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    NoCopyReadable
    """
    study = access.study_to_view(actor, study_instance_uid)
    instances = list_documents(study)
    stored = [_read(instance) for instance in instances[:MOST_DOCUMENTS]]
    images = find_images(study, _referenced(stored))
    versions = tuple(_version(saved, images) for saved in _saves(stored))
    record_viewing(Action.MARKS_VIEWED, actor, study_instance_uid=study_instance_uid)
    return Versions(versions, len(instances) > MOST_DOCUMENTS, _may_save(actor))


def _read(instance: Instance) -> _Stored:
    return _Stored(instance, read_document(read_header(instance), instance.transfer_syntax_uid))


def _may_save(actor: Actor) -> bool:
    if actor.kind is not ActorKind.USER:
        return False
    try:
        access.require_role(actor, Role.OWNER, Role.UPLOADER)
    except access.StudyNotFound:
        return False
    return True


def _referenced(stored: Iterable[_Stored]) -> set[str]:
    documents = [each.document for each in stored]
    images = [mark.image for document in documents for mark in document.marks]
    images += [image for document in documents if document.key_images for image in document.key_images.images]
    images += [image for document in documents for view in document.views for image in view.images]
    return {image.sop_instance_uid for image in images}


def _saves(stored: list[_Stored]) -> list[list[_Stored]]:
    """What was kept together: our objects by the moment and the person that they name, others one by one."""
    saves: dict[tuple, list[_Stored]] = {}
    for each in stored:
        document = each.document
        key = (document.author, document.written) if document.ours else (each.instance.sop_instance_uid,)
        saves.setdefault(key, []).append(each)
    return list(saves.values())


def _version(saved: list[_Stored], images: dict[str, Instance]) -> Version:
    order = ("report", "key_images", "view")
    saved = sorted(saved, key=lambda each: order.index(each.document.kind))
    first, documents = saved[0], [each.document for each in saved]
    marks = [mark for document in documents for mark in document.marks]
    chosen = [document.key_images for document in documents if document.key_images]
    views = [view for document in documents for view in document.views]
    kept = [_mark(mark, images) for mark in marks if _is_in(mark.image, images)]
    return Version(
        id=first.document.sop_instance_uid,
        author=display_name(first.document.author) if first.document.author else "",
        at=first.instance.received_at.isoformat() if first.document.ours else first.document.written,
        title=first.document.title,
        ours=first.document.ours,
        replaces=first.document.replaces,
        marks=tuple(kept),
        key_images=tuple(_filled(each, images) for keys in chosen for each in keys.images if _is_in(each, images)),
        key_note=next((keys.note for keys in chosen if keys.note), ""),
        views=tuple(filter(None, (_view(view, images) for view in views))),
        left_out=len(marks) - len(kept) + sum(document.not_understood for document in documents),
    )


def _is_in(image: ImageRef, images: dict[str, Instance]) -> bool:
    row = images.get(image.sop_instance_uid)
    return row is not None and (image.frame or 1) <= row.number_of_frames


def _filled(image: ImageRef, images: dict[str, Instance]) -> ImageRef:
    row = images[image.sop_instance_uid]
    return ImageRef(row.series.series_instance_uid, row.sop_class_uid, row.sop_instance_uid, image.frame or 1)


def _mark(mark: Mark, images: dict[str, Instance]) -> Mark:
    return replace(mark, image=_filled(mark.image, images))


def _view(view: View, images: dict[str, Instance]) -> View | None:
    """A view of images of the study, inverted as seen from how they are stored; None if none is here.

    An area that is the whole image is none: a presentation state must name one.
    """
    found = tuple(_filled(image, images) for image in view.images if _is_in(image, images))
    if not found:
        return None
    first = images[found[0].sop_instance_uid]
    stored_inverse = first.photometric_interpretation == "MONOCHROME1"
    area = None if view.area == (0, 0, first.columns, first.rows) else view.area
    return replace(view, images=found, inverted=view.inverted != stored_inverse, area=area)
