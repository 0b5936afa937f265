"""The upload page, and tus 1.0 for its parcels: core, creation, expiration, termination, checksum.

An upload belongs to whoever began it. Bodies are read in pieces and handed on, outside of any transaction.
"""

import errno
from collections.abc import Callable, Iterator
from functools import wraps
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from audit.actions import Action, Outcome
from audit.services import record
from imaging.access import StudyNotFound
from imaging.forms.tus import BadHeader, Checksum, read_checksum, read_creation, read_number, write_metadata
from imaging.models import Upload, UploadedFile
from imaging.selectors.refusals import say_refusal
from imaging.selectors.uploads import BatchStudy, UploadNotFound, get_upload, list_lines
from imaging.services import uploads as service
from imaging.services.intake import VaultUnavailable
from imaging.views.bodies import body_reader
from tenants.actors import actor_of
from tenants.baas.access import NoAgreementInForce, find_gate_reason
from tenants.decorators import member
from tenants.models import Role
from tenants.scoping import tenant_scope

VERSION = "1.0.0"
PIECE = 1 << 20
CHECKSUM_MISMATCH = 460  # tus 1.0, checksum extension

View = Callable[..., HttpResponse]
uploader = member(Role.OWNER, Role.UPLOADER, scoped=False)


@member(Role.OWNER, Role.UPLOADER)
@require_GET
def upload(request: HttpRequest) -> HttpResponse:
    """The page that takes files and folders in."""
    context = {
        "tenant": request.tenant,
        "membership": request.membership,
        "nav": "upload",
        "uploads_url": reverse("uploads", args=[request.tenant.slug]),
        "gate_reason": find_gate_reason(request.tenant.id),
    }
    return render(request, "imaging/upload.html", context)


def tus(view: View) -> View:
    """The protocol's frame: its version both ways, refusals as its statuses."""

    @wraps(view)
    def inner(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.method == "POST":
            request.method = request.headers.get("X-HTTP-Method-Override", "POST").upper()
        if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
            response = _refuse(412, "This is not tus 1.0.0.")
        else:
            response = _answer(view, request, *args, **kwargs)
        response["Tus-Resumable"] = response["Tus-Version"] = VERSION
        return response

    return inner


def _answer(view: View, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
    try:
        return view(request, *args, **kwargs)
    except (UploadNotFound, StudyNotFound):
        _record_denied(request, Action.ACCESS_DENIED)
        return _refuse(404, _("There is no such upload."))
    except NoAgreementInForce as refusal:
        _record_denied(request, Action.GATE_REFUSED)
        return _refuse(403, refusal.reason)
    except service.UploadTooLarge:
        return _refuse(413, _("Larger than this archive accepts."))
    except service.OffsetDiffers:
        return _refuse(409, _("The upload has come to another offset."))
    except service.UploadBusy:
        return _refuse(423, _("Another request is at work on this upload."))
    except service.ChecksumDiffers:
        return _refuse(CHECKSUM_MISMATCH, _("The checksum does not match."))
    except BadHeader as error:
        return _refuse(400, str(error))
    except VaultUnavailable as error:
        full = getattr(error.__cause__, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        return _refuse(507 if full else 503, _("Could not be stored durably; try again."))


def _refuse(status: int, reason: str) -> HttpResponse:
    return JsonResponse({"reason": reason}, status=status)


def _record_denied(request: HttpRequest, action: Action) -> None:
    with tenant_scope(request.tenant.id):
        details = {"view": request.resolver_match.view_name or "", "method": request.method}
        record(action, actor_of(request), outcome=Outcome.DENIED, details=details)


@uploader
@tus
def uploads(request: HttpRequest) -> HttpResponse:
    """What the server can do (OPTIONS), and a new upload (POST; tus 1.0, creation)."""
    if request.method == "OPTIONS":
        return _describe()
    if request.method != "POST":
        return _not_allowed("OPTIONS, POST")
    wanted = read_creation(request.headers)
    created = service.create_upload(
        actor_of(request), request.tenant.id, length=wanted.length, filename=wanted.filename, kind=wanted.kind,
        batch=wanted.batch, now=timezone.now(),
    )  # fmt: skip
    response = HttpResponse(status=201)
    response["Location"] = reverse("upload_resource", args=[request.tenant.slug, created.id])
    return _with_expiry(response, created)


def _describe() -> HttpResponse:
    response = HttpResponse(status=204)
    response["Tus-Max-Size"] = str(settings.UPLOAD_MAX_BYTES)
    response["Tus-Extension"] = "creation,expiration,termination,checksum"
    response["Tus-Checksum-Algorithm"] = "sha1,sha256"
    return response


@uploader
@tus
def upload_resource(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """One upload: how far it is (HEAD), more of it (PATCH), an end to it (DELETE)."""
    answers = {"OPTIONS": _options, "HEAD": _head, "PATCH": _patch, "DELETE": _delete}
    answer = answers.get(request.method)
    return answer(request, upload_id) if answer else _not_allowed(", ".join(answers))


def _options(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    return _describe()


def _head(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    now = timezone.now()
    actor = actor_of(request)
    service.require_may_store(actor, request.tenant.id, now)
    with tenant_scope(request.tenant.id):
        found = get_upload(actor, upload_id, now)
    response = HttpResponse()
    response["Upload-Length"] = str(found.length)
    response["Upload-Metadata"] = write_metadata(found.filename, found.kind, found.batch)
    response["Cache-Control"] = "no-store"
    return _with_expiry(_with_offset(response, found), found)


def _patch(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    if request.content_type != "application/offset+octet-stream":
        return _refuse(415, "The body must be application/offset+octet-stream.")
    offset = read_number(request.headers, "Upload-Offset")
    checksum = read_checksum(request.headers)
    chunks = checksum.watch(_received(request)) if checksum else _received(request)
    changed = service.append(
        actor_of(request), request.tenant.id, upload_id, offset, chunks, timezone.now(), _verifier(checksum)
    )
    return _with_expiry(_with_offset(HttpResponse(status=204), changed), changed)


def _verifier(checksum: Checksum | None) -> Callable[[], bool] | None:
    return checksum.matches if checksum else None


def _received(request: HttpRequest) -> Iterator[bytes]:
    """The body as far as it comes: what arrived before the line broke is kept, which is what resuming is for."""
    read = body_reader(request)
    try:
        while piece := read(PIECE):
            yield piece
    except UnreadablePostError:
        return


def _delete(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    service.terminate(actor_of(request), request.tenant.id, upload_id, timezone.now())
    return HttpResponse(status=204)


def _not_allowed(allowed: str) -> HttpResponse:
    response = _refuse(405, "There is no such request here.")
    response["Allow"] = allowed
    return response


def _with_offset(response: HttpResponse, found: Upload) -> HttpResponse:
    response["Upload-Offset"] = str(found.offset)
    return response


def _with_expiry(response: HttpResponse, found: Upload) -> HttpResponse:
    response["Upload-Expires"] = http_date(found.expires_at.timestamp())
    return response


@uploader
@require_GET
def upload_result(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """What became of each file; finishes what a died request left whole but not taken in."""
    try:
        found = service.finish_upload(actor_of(request), request.tenant.id, upload_id, timezone.now())
    except UploadNotFound:
        _record_denied(request, Action.ACCESS_DENIED)
        raise Http404 from None
    if not found.completed_at:
        return JsonResponse({"state": "processing", "files": []})
    with tenant_scope(request.tenant.id):
        files = [_line(request.tenant.slug, line) for line in list_lines(found)]
    return JsonResponse({"state": "done", "files": files})


def _line(slug: str, line: UploadedFile) -> dict[str, object]:
    uid = line.study_instance_uid if line.outcome != "refused" else ""
    return {
        "name": line.name, "size": line.size, "outcome": line.outcome, "reason": line.reason,
        "message": say_refusal(line.message),
        "study_instance_uid": uid, "study_url": reverse("study", args=[slug, uid]) if uid else "",
    }  # fmt: skip


@member(Role.OWNER, Role.UPLOADER)
@require_GET
def upload_batch(request: HttpRequest, batch: UUID) -> HttpResponse:
    """How far the studies of everything dropped together have come."""
    try:
        studies = service.follow_batch(actor_of(request), batch, timezone.now())
    except UploadNotFound:
        raise Http404 from None
    return JsonResponse({"studies": [_study(request.tenant.slug, study) for study in studies]})


def _study(slug: str, study: BatchStudy) -> dict[str, object]:
    numbers = ("study_instance_uid", "title", "subtitle", "instances", "in_pacs", "sealed", "mirrored")
    return {name: getattr(study, name) for name in numbers} | {
        "url": reverse("study", args=[slug, study.study_instance_uid]),
        "thumbnail_url": _thumbnail_url(slug, study),
    }


def _thumbnail_url(slug: str, study: BatchStudy) -> str:
    if not study.thumbnail_series:
        return ""
    base = reverse("stow", args=[slug, study.study_instance_uid])
    return f"{base}/series/{study.thumbnail_series}/thumbnail"
