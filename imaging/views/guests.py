"""The receiver's side, without an account: a referring office with a share link, a patient with an invitation.

`/s/<token>` and `/records/<token>` show a form and spend nothing. The right code moves the browser to an address
without a secret, `/s/open/<id>/` or `/records/open/<id>/`, which works only in that browser's session.
"""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.actor import ActorKind
from imaging.access import find_live_link, study_to_view
from imaging.forms.sharing import CodeForm, ProofForm
from imaging.selectors.shares import get_guest_study
from imaging.services import patients, sharing
from imaging.services.archive import archive_of
from imaging.views.downloads import download_response
from imaging.views.guards import add_grant, drop_grant, find_grant, run_as
from imaging.views.viewer import render_viewer
from tenants.actors import actor_of
from tenants.decorators import guard
from tenants.models import SecretKind
from tenants.scoping import tenant_scope
from tenants.secrets import find_tenant_of_secret
from tenants.selectors import get_tenant

View = Callable[..., HttpResponse]
NAMES = {ActorKind.SHARE: "share", ActorKind.PATIENT: "patient"}


def by_secret(kind: SecretKind) -> Callable[[View], View]:
    """Guard of a page whose URL holds a secret: opens the scope of the tenant it leads to, or answers 404."""

    def decorate(view: View) -> View:
        @guard("secret")
        @wraps(view)
        def inner(request: HttpRequest, token: str) -> HttpResponse:
            tenant_id = find_tenant_of_secret(token, kind)
            if tenant_id is None:
                return _gone(request)
            request.tenant = get_tenant(tenant_id)
            try:
                with tenant_scope(tenant_id):
                    return view(request, token)
            except sharing.LinkNotFound:
                return _gone(request)

        return inner

    return decorate


def by_grant(kind: ActorKind) -> Callable[[View], View]:
    """Guard of a redeemed page: the browser's session holds the grant, and access reads its row again."""

    def decorate(view: View) -> View:
        @guard("grant")
        @wraps(view)
        def inner(request: HttpRequest, grant_id: UUID) -> HttpResponse:
            found = find_grant(request, kind, grant_id)
            if found is None:
                return _gone(request)
            actor, tenant_id, study_instance_uid = found
            try:
                return run_as(request, get_tenant(tenant_id), actor, view, grant_id, study_instance_uid)
            except Http404:
                return _gone(request)

        return inner

    return decorate


@require_http_methods(["GET", "HEAD", "POST"])
@by_secret(SecretKind.SHARE_LINK)
def open_share(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for the code; the right one redeems the link."""
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            link = sharing.redeem_link(actor_of(request), token, form.cleaned_data["code"], timezone.now())
        except sharing.WrongCode as wrong:
            return _wrong(request, form, wrong, "imaging/share_open.html")
        add_grant(request, ActorKind.SHARE, link.id, link.tenant_id, link.study.study_instance_uid)
        return redirect("share", link.id)
    if request.method != "HEAD":
        sharing.open_link(actor_of(request), token, timezone.now())
    return render(request, "imaging/share_open.html", {"practice": request.tenant.name, "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@by_secret(SecretKind.PATIENT_INVITATION)
def open_records(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for birth date and code; the right ones open the patient's study."""
    form = ProofForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            proof = patients.verify_patient(actor_of(request), token, **form.cleaned_data, now=timezone.now())
        except sharing.WrongCode as wrong:
            return _wrong(request, form, wrong, "imaging/patient_open.html")
        add_grant(request, ActorKind.PATIENT, proof.id, proof.tenant_id, proof.study.study_instance_uid)
        return redirect("patient", proof.id)
    if request.method != "HEAD":
        patients.open_invitation(actor_of(request), token, timezone.now())
    return render(request, "imaging/patient_open.html", {"practice": request.tenant.name, "form": form})


def _show_study(request: HttpRequest, grant_id: UUID, study_instance_uid: str) -> HttpResponse:
    study = study_to_view(request.actor, study_instance_uid)
    name = NAMES[request.actor.kind]
    link = find_live_link(request.actor, timezone.now())
    context = {
        "practice": request.tenant.name, "study": get_guest_study(study), "is_patient": name == "patient",
        "viewer_url": reverse(f"{name}_viewer", args=[grant_id]), "leave_url": reverse("leave", args=[grant_id]),
        "download_url": reverse(f"{name}_download", args=[grant_id]) if link is None or link.may_download else "",
        "dicomweb_root": _dicomweb_root(request), "expires_at": link.expires_at if link else None,
    }  # fmt: skip
    return render(request, "imaging/guest_study.html", context)


def _show_viewer(request: HttpRequest, grant_id: UUID, study_instance_uid: str) -> HttpResponse:
    name = NAMES[request.actor.kind]
    study = study_to_view(request.actor, study_instance_uid)
    link = find_live_link(request.actor, timezone.now())
    return render_viewer(
        request, study=study, dicomweb_root=_dicomweb_root(request), back_url=reverse(name, args=[grant_id]),
        download_url=reverse(f"{name}_download", args=[grant_id]) if link is None or link.may_download else "",
    )  # fmt: skip


def _download(request: HttpRequest, grant_id: UUID, study_instance_uid: str) -> HttpResponse:
    return download_response(archive_of(request.actor, study_instance_uid))


show_share = require_safe(by_grant(ActorKind.SHARE)(_show_study))
show_share_viewer = require_safe(by_grant(ActorKind.SHARE)(_show_viewer))
download_share = require_safe(by_grant(ActorKind.SHARE)(_download))
show_records = require_safe(by_grant(ActorKind.PATIENT)(_show_study))
show_records_viewer = require_safe(by_grant(ActorKind.PATIENT)(_show_viewer))
download_records = require_safe(by_grant(ActorKind.PATIENT)(_download))


@require_POST
@guard("public")
def leave(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Close the images in this browser: a shared tablet is handed on."""
    drop_grant(request, grant_id)
    return render(request, "imaging/guest_left.html")


def _dicomweb_root(request: HttpRequest) -> str:
    return f"/t/{request.tenant.slug}/dicomweb"


def _wrong(request: HttpRequest, form: CodeForm | ProofForm, wrong: sharing.WrongCode, template: str) -> HttpResponse:
    if wrong.left <= 0:
        return _gone(request)
    tries = "1 try" if wrong.left == 1 else f"{wrong.left} tries"
    what = "The code is not right." if "birth_date" not in form.fields else "Birth date and code do not match."
    form.add_error(None, f"{what} {tries} left.")
    return render(request, template, {"practice": request.tenant.name, "form": form}, status=422)


def _gone(request: HttpRequest) -> HttpResponse:
    # One answer for unknown, revoked, expired and locked: a stranger learns nothing, a recipient what to do.
    return render(request, "imaging/link_gone.html", status=404)
