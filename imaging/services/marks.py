"""Keeping what readers measured, drew and chose: new instances in the study, through the same intake as all others.

Nothing that is stored is ever altered. A later save is a new version, and its report says which one it replaces.
Owners and uploaders may save, as they may bring images in; whoever may look at the study may read.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from audit.actions import Action
from audit.actor import Actor
from audit.services import record
from imaging import access
from imaging.dicom.marks.model import Author, Moment, Predecessor, Submitted
from imaging.models import Outcome, Study
from imaging.selectors.marks import find_document, find_first_image
from imaging.services.intake import IncomingFile, Receipt, receive, require_may_store
from imaging.services.mark_images import MarkedImages, UnknownImage, resolve
from imaging.services.originals import read_header
from tenants.scoping import tenant_scope
from tenants.selectors import get_tenant, list_members

__all__ = ["NothingToSave", "NotStored", "Saved", "UnknownImage", "save_marks"]


class NothingToSave(Exception):
    """No mark, no key image, no view, and nothing that it replaces."""


class NotStored(Exception):
    """The intake took not all of it."""


@dataclass(frozen=True)
class Saved:
    """A version: the SOP Instance UIDs of what was made, the report's first if there is one."""

    sop_instance_uids: tuple[str, ...]
    at: datetime


@dataclass(frozen=True)
class _Source:
    """Rows and bytes that the new objects are made from."""

    study: Study
    images: MarkedImages
    header: bytes
    transfer_syntax_uid: str
    author: Author
    replaces: Predecessor | None


def save_marks(actor: Actor, tenant_id: UUID, study_instance_uid: str, submitted: Submitted, now: datetime) -> Saved:
    """Keep them as SR, KOS and presentation states, each in a series of its own.

    Raises
    ------
    StudyNotFound, NoAgreementInForce
    UnknownImage
        A reference to what is no image of this study, or a point outside its image.
    NothingToSave
    NotStored
    NoCopyReadable, VaultUnavailable
    """
    require_may_store(actor, tenant_id, now)
    with tenant_scope(tenant_id):
        source = _gather(actor, tenant_id, study_instance_uid, submitted)
    files = _write(source, now)
    receipts = receive(actor, tenant_id, _incoming(files), now, study_instance_uid)
    if not all(receipt.outcome == Outcome.STORED for receipt in receipts):
        raise NotStored
    with tenant_scope(tenant_id):
        _record(actor, source, receipts, now)
    return Saved(tuple(receipt.sop_instance_uid for receipt in receipts), now)


def _gather(actor: Actor, tenant_id: UUID, study_instance_uid: str, submitted: Submitted) -> _Source:
    study = access.study_to_view(actor, study_instance_uid)
    images = resolve(study, submitted)
    markings = images.markings
    if not (markings.marks or markings.key_images or markings.views or submitted.replaces):
        raise NothingToSave
    first = images.first or find_first_image(study)
    if first is None:
        raise UnknownImage
    replaces = _predecessor(study, submitted.replaces)
    author = _author(actor, tenant_id)
    return _Source(study, images, read_header(first), first.transfer_syntax_uid, author, replaces)


def _predecessor(study: Study, sop_instance_uid: str) -> Predecessor | None:
    if not sop_instance_uid:
        return None
    found = find_document(study, sop_instance_uid)
    if found is None:
        raise UnknownImage
    return Predecessor(found.series.series_instance_uid, found.sop_class_uid, found.sop_instance_uid)


def _author(actor: Actor, tenant_id: UUID) -> Author:
    tenant = get_tenant(tenant_id)
    member = list_members(tenant).filter(user_id=int(actor.id)).first()
    if member is None:
        raise access.StudyNotFound
    return Author(member.user.name, member.user.email, tenant.name)


def _write(source: _Source, now: datetime) -> list[bytes]:
    # Only saving needs highdicom: 20 MB that a process which never saves need not hold.
    from imaging.dicom.marks.writing import write_files

    markings = replace(source.images.markings, replaces=source.replaces)
    return write_files(
        source.header, source.transfer_syntax_uid, source.study.study_instance_uid, source.author,
        Moment(timezone.localtime(now)), markings, source.images.pictures, source.images.geometries,
    )  # fmt: skip


def _incoming(files: Iterable[bytes]) -> Iterable[IncomingFile]:
    return (IncomingFile(f"marks {number}", [file], len(file)) for number, file in enumerate(files, 1))


def _record(actor: Actor, source: _Source, receipts: list[Receipt], now: datetime) -> None:
    markings = source.images.markings
    details = {
        "objects": len(receipts), "marks": len(markings.marks), "views": len(markings.views),
        "key_images": len(markings.key_images.images) if markings.key_images else 0,
    }  # fmt: skip
    record(
        Action.MARKS_SAVED, actor, study_instance_uid=source.study.study_instance_uid,
        subject_id=receipts[0].sop_instance_uid[:40], details=details, now=now,
    )  # fmt: skip
