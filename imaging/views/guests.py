"""The receiver's side, without an account: a referring office with a share link, a patient with an invitation.

`/s/<token>` and `/records/<token>` show a form and spend nothing. The right code moves the browser to an address
without a secret, `/s/open/<id>/` or `/records/open/<id>/`, which works only in that browser's session.
"""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from audit.actions import Action, Outcome
from audit.actor import ActorKind
from audit.services import record
from imaging.forms.sharing import CodeForm, ProofForm
from imaging.models import PatientInvitation, ShareLink
from imaging.selectors.disclosures import list_disclosures
from imaging.selectors.shares import get_guest_study
from imaging.services import patients, sharing
from imaging.services.guest_links import LinkNotFound, WrongCode
from imaging.services.sealed import NoCopyReadable
from imaging.services.visits import Visit, begin_visit
from imaging.views.downloads import answer_download
from imaging.views.guards import add_grant, drop_grant, find_grant, run_as
from imaging.views.viewer import render_viewer
from tenants.actors import actor_of
from tenants.baas.access import NoAgreementInForce
from tenants.decorators import guard
from tenants.models import SecretKind
from tenants.readers import enter_clock
from tenants.scoping import tenant_scope
from tenants.secrets import find_tenant_of_secret
from tenants.selectors import get_tenant

View = Callable[..., HttpResponseBase]
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
            enter_clock(request, request.tenant)
            try:
                with tenant_scope(tenant_id):
                    return _without_path_in_referrer(view(request, token))
            except LinkNotFound:
                return _refuse(request, tenant_id, Action.ACCESS_DENIED)
            except NoAgreementInForce:
                return _refuse(request, tenant_id, Action.GATE_REFUSED)

        return inner

    return decorate


def _refuse(request: HttpRequest, tenant_id: UUID, action: Action) -> HttpResponse:
    """A link that ended, or a shut gate: written down, as the scope it happened in was rolled back."""
    with tenant_scope(tenant_id):
        details = {"view": request.resolver_match.view_name or "", "method": request.method}
        record(action, actor_of(request), outcome=Outcome.DENIED, details=details)
    return _gone(request)


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
            except (Http404, NoAgreementInForce):
                return _gone(request)
            except NoCopyReadable:
                return render(request, "500.html", status=503)

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
        except WrongCode as wrong:
            return _wrong(request, form, wrong, "imaging/share_open.html")
        return _enter(request, ActorKind.SHARE, link, link.recipient_email)
    link = sharing.open_link(actor_of(request), token, timezone.now())
    return _ask(request, ActorKind.SHARE, link.id, form)


@require_http_methods(["GET", "HEAD", "POST"])
@by_secret(SecretKind.PATIENT_INVITATION)
def open_records(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for birth date and code; the right ones open the patient's study."""
    form = ProofForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            proof = patients.verify_patient(actor_of(request), token, **form.cleaned_data, now=timezone.now())
        except WrongCode as wrong:
            return _wrong(request, form, wrong, "imaging/patient_open.html")
        return _enter(request, ActorKind.PATIENT, proof)
    invitation = patients.open_invitation(actor_of(request), token, timezone.now())
    return _ask(request, ActorKind.PATIENT, invitation.id, form)


def _enter(
    request: HttpRequest, kind: ActorKind, opened: ShareLink | PatientInvitation, label: str = ""
) -> HttpResponse:
    add_grant(request, kind, opened.id, opened.tenant_id, opened.study.study_instance_uid, label)
    return redirect(NAMES[kind], opened.id)


def _ask(request: HttpRequest, kind: ActorKind, opened_id: UUID, form: CodeForm | ProofForm) -> HttpResponse:
    # Who taps the link in the mail again, in the browser that redeemed it, goes straight in.
    if request.method == "GET" and find_grant(request, kind, opened_id):
        return redirect(NAMES[kind], opened_id)
    status = 422 if form.is_bound else 200
    template = f"imaging/{NAMES[kind]}_open.html"
    return render(request, template, {"practice": request.tenant.name, "form": form}, status=status)


def _show_study(request: HttpRequest, grant_id: UUID, study_instance_uid: str) -> HttpResponse:
    visit = begin_visit(request.actor, study_instance_uid, timezone.now())
    name = NAMES[request.actor.kind]
    context = {
        "practice": request.tenant.name, "slug": request.tenant.slug, "study": get_guest_study(visit.study),
        "is_patient": name == "patient", "viewer_url": reverse(f"{name}_viewer", args=[grant_id]),
        "leave_url": reverse("leave", args=[grant_id]), "download_url": _download_url(visit, name, grant_id),
        "dicomweb_root": _dicomweb_root(request), "expires_at": visit.expires_at,
        "disclosures": list_disclosures(study_instance_uid) if name == "patient" else [],
    }  # fmt: skip
    return render(request, "imaging/guest_study.html", context)


def _show_viewer(request: HttpRequest, grant_id: UUID, study_instance_uid: str) -> HttpResponse:
    visit = begin_visit(request.actor, study_instance_uid, timezone.now())
    name = NAMES[request.actor.kind]
    return render_viewer(
        request, study=visit.study, dicomweb_root=_dicomweb_root(request), back_url=reverse(name, args=[grant_id]),
        download_url=_download_url(visit, name, grant_id),
    )  # fmt: skip


def _download(request: HttpRequest, grant_id: UUID, study_instance_uid: str) -> HttpResponseBase:
    return answer_download(request, request.actor, study_instance_uid)


show_share = require_safe(by_grant(ActorKind.SHARE)(_show_study))
show_share_viewer = require_safe(by_grant(ActorKind.SHARE)(_show_viewer))
show_records = require_safe(by_grant(ActorKind.PATIENT)(_show_study))
show_records_viewer = require_safe(by_grant(ActorKind.PATIENT)(_show_viewer))
# GET alone: a HEAD would stand in the history as a download.
download_share = require_GET(by_grant(ActorKind.SHARE)(_download))
download_records = require_GET(by_grant(ActorKind.PATIENT)(_download))


@require_POST
@guard("public")
def leave(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Close the images in this browser: a shared tablet is handed on."""
    drop_grant(request, grant_id)
    return render(request, "imaging/guest_left.html")


def _dicomweb_root(request: HttpRequest) -> str:
    return f"/t/{request.tenant.slug}/dicomweb"


def _without_path_in_referrer(response: HttpResponse) -> HttpResponse:
    # The address holds the secret, and servers log whence a request came. Not `no-referrer`: browsers would then post
    # the form with `Origin: null`, which the CSRF check refuses.
    response["Referrer-Policy"] = "strict-origin"
    return response


def _download_url(visit: Visit, name: str, grant_id: UUID) -> str:
    return reverse(f"{name}_download", args=[grant_id]) if visit.may_download else ""


def _wrong(request: HttpRequest, form: CodeForm | ProofForm, wrong: WrongCode, template: str) -> HttpResponse:
    if wrong.left <= 0:
        return _gone(request)
    tries = ngettext("{count} try left.", "{count} tries left.", wrong.left).format(count=wrong.left)
    by_code, by_both = _("The code is not right."), _("Birth date and code do not match.")
    form.add_error(None, f"{by_both if 'birth_date' in form.fields else by_code} {tries}")
    return render(request, template, {"practice": request.tenant.name, "form": form}, status=422)


def _gone(request: HttpRequest) -> HttpResponse:
    # One answer for unknown, revoked, expired and locked: a stranger learns nothing, a recipient what to do. Not on the
    # practice's clock either, which would tell that there was such a link.
    with timezone.override(None):
        return render(request, "imaging/link_gone.html", status=404)
