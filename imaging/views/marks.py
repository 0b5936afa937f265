"""What readers measured, drew and chose in a study: read by whoever may look, kept by those who may bring images in."""

from collections.abc import Iterable

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from audit.actions import Action
from imaging.access import StudyNotFound
from imaging.dicom.marks.model import ImageRef, Mark, Submitted, View
from imaging.forms.marks import MOST_BYTES, BadMarks, read_marks
from imaging.models import AccessToken
from imaging.services.intake import STORAGE_UNAVAILABLE, VaultUnavailable
from imaging.services.mark_versions import Version, Versions, list_versions
from imaging.services.marks import NothingToSave, NotStored, Saved, UnknownImage, save_marks
from imaging.services.sealed import NoCopyReadable
from imaging.views.bodies import body_reader
from imaging.views.guards import reader
from imaging.views.writers import find_writer, record_denied
from tenants.baas.access import NoAgreementInForce
from tenants.decorators import guard
from tenants.selectors import find_tenant


@csrf_exempt
@guard("dicomweb")
def study_marks(request: HttpRequest, slug: str, study_instance_uid: str) -> HttpResponse:
    """GET gives every version, POST keeps a new one; each behind its own guard.

    Exempt from the middleware's CSRF check, as a bearer token needs none; a session is checked in `find_writer`.
    """
    if request.method == "POST":
        return _save(request, slug, study_instance_uid)
    if request.method in ("GET", "HEAD"):
        return _read(request, slug, study_instance_uid=study_instance_uid)
    return HttpResponse(status=405, headers={"Allow": "GET, HEAD, POST"})


@reader
def _read(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    try:
        versions = list_versions(request.actor, study_instance_uid)
    except NoCopyReadable:
        return _refuse(503, STORAGE_UNAVAILABLE.message)
    response = JsonResponse(_versions(versions))
    response["Cache-Control"] = "no-store"
    return response


def _save(request: HttpRequest, slug: str, study_instance_uid: str) -> HttpResponse:
    tenant = find_tenant(slug)
    actor = find_writer(request, slug, tenant, AccessToken.Scope.STORE)
    if isinstance(actor, HttpResponse):
        return actor
    try:
        return JsonResponse(_saved(save_marks(actor, tenant.id, study_instance_uid, _body(request), timezone.now())))
    except StudyNotFound:
        record_denied(request, tenant, actor, Action.ACCESS_DENIED)
        raise Http404 from None
    except NoAgreementInForce as refusal:
        record_denied(request, tenant, actor, Action.GATE_REFUSED)
        return _refuse(403, refusal.reason)
    except (BadMarks, NothingToSave, UnknownImage, NotStored, NoCopyReadable, VaultUnavailable) as error:
        return _explain(error)


def _body(request: HttpRequest) -> Submitted:
    """The request's body, no more of it than may be; raises `BadMarks`."""
    read, pieces, left = body_reader(request), [], MOST_BYTES + 1
    while left and (piece := read(min(left, 1 << 16))):
        pieces.append(piece)
        left -= len(piece)
    return read_marks(b"".join(pieces))


def _explain(error: Exception) -> HttpResponse:
    if isinstance(error, BadMarks):
        return _refuse(400, str(error))
    if isinstance(error, NothingToSave):
        return _refuse(400, _("There is nothing to save."))
    if isinstance(error, UnknownImage):
        return _refuse(409, _("Something is about an image that is not in this study."))
    return _refuse(503, STORAGE_UNAVAILABLE.message)


def _refuse(status: int, reason: str) -> HttpResponse:
    return JsonResponse({"reason": reason}, status=status)


def _saved(saved: Saved) -> dict[str, object]:
    return {"id": saved.sop_instance_uids[0], "instances": list(saved.sop_instance_uids), "at": saved.at.isoformat()}


def _versions(found: Versions) -> dict[str, object]:
    return {
        "versions": [_version(each) for each in found.versions],
        "more": found.more,
        "may_save": found.may_save,
    }


def _version(each: Version) -> dict[str, object]:
    return {
        "id": each.id,
        "author": each.author,
        "at": each.at,
        "title": each.title,
        "ours": each.ours,
        "replaces": list(each.replaces),
        "marks": [_mark(mark) for mark in each.marks],
        "key_images": _images(each.key_images),
        "key_note": each.key_note,
        "views": [_view(view) for view in each.views],
        "left_out": each.left_out,
    }


def _mark(mark: Mark) -> dict[str, object]:
    return {
        "kind": mark.kind,
        "image": _image(mark.image),
        "points": mark.points,
        "values": [vars(value) for value in mark.values],
        "label": mark.label,
        "tracking_uid": mark.tracking_uid,
    }


def _view(view: View) -> dict[str, object]:
    return {
        "images": _images(view.images),
        "window": view.window,
        "inverted": view.inverted,
        "rotation": view.rotation,
        "flipped": view.flipped,
        "area": view.area,
    }


def _images(images: Iterable[ImageRef]) -> list[dict[str, object]]:
    return [_image(image) for image in images]


def _image(image: ImageRef) -> dict[str, object]:
    return {"series": image.series_instance_uid, "sop": image.sop_instance_uid, "frame": image.frame or 1}
