"""The sender's side: create, revoke and unlock links, invite patients."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from audit.actions import Action, Outcome
from audit.services import record
from imaging.access import StudyNotFound
from imaging.forms.sharing import PatientForm, ShareForm
from imaging.models import Study
from imaging.selectors.shares import get_guest_study
from imaging.services import patients, sharing
from imaging.services.guest_links import LinkNotFound
from imaging.services.openings import open_study
from tenants.actors import actor_of
from tenants.baas.access import NoAgreementInForce, find_gate_reason
from tenants.decorators import member, not_found_for
from tenants.models import Role


@require_http_methods(["GET", "HEAD", "POST"])
@member(Role.OWNER, Role.UPLOADER)
@not_found_for(StudyNotFound)
def create_share(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """Ask for the recipient; then show link and code, once."""
    study = open_study(actor_of(request), study_instance_uid)
    form = ShareForm(request.POST or None)
    context = _context(request, study, form)
    if request.method == "POST" and form.is_valid():
        try:
            context |= _issue_share(request, study_instance_uid, dict(form.cleaned_data))
            return render(request, "imaging/share_created.html", context)
        except NoAgreementInForce as refusal:
            return _refuse(request, "imaging/share_create.html", context, refusal)
    return render(request, "imaging/share_create.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Role.OWNER, Role.UPLOADER)
@not_found_for(StudyNotFound)
def invite_patient(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """Ask where the link goes; then show link and desk code, once."""
    study = open_study(actor_of(request), study_instance_uid)
    form = PatientForm(request.POST or None)
    if study.patient_birth_date:
        del form.fields["birth_date"]
    context = _context(request, study, form)
    if request.method == "POST" and form.is_valid():
        try:
            context |= _issue_invitation(request, study_instance_uid, dict(form.cleaned_data))
            return render(request, "imaging/patient_invited.html", context)
        except NoAgreementInForce as refusal:
            return _refuse(request, "imaging/patient_invite.html", context, refusal)
        except patients.BirthDateMissing:
            form.add_error("birth_date", _("The study holds no date of birth. Check it at the desk and enter it here."))
    return render(request, "imaging/patient_invite.html", context)


@require_POST
@member(Role.OWNER, Role.UPLOADER)
@not_found_for(StudyNotFound)
def revoke_share(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """End a link."""
    link = sharing.revoke_link(actor_of(request), link_id, timezone.now())
    messages.success(request, _("The link is revoked. Its next request is refused."))
    return redirect("study", request.tenant.slug, link.study.study_instance_uid)


@require_POST
@member(Role.OWNER, Role.UPLOADER)
@not_found_for(StudyNotFound, LinkNotFound)
def unlock_share(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """A new code for a link that is locked or whose code was mislaid, shown once."""
    link, code = sharing.unlock_link(actor_of(request), link_id, timezone.now())
    context = _context(request, link.study, None) | {"code": code, "recipient_name": link.recipient_name}
    return render(request, "imaging/share_unlocked.html", context)


@require_POST
@member(Role.OWNER, Role.UPLOADER)
@not_found_for(StudyNotFound)
def revoke_patient(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """End a patient's link."""
    invitation = patients.revoke_invitation(actor_of(request), invitation_id, timezone.now())
    messages.success(request, _("The patient's link is revoked."))
    return redirect("study", request.tenant.slug, invitation.study.study_instance_uid)


def _issue_share(request: HttpRequest, study_instance_uid: str, answers: dict[str, object]) -> dict[str, object]:
    mail = answers.pop("send_mail")
    issued = sharing.create_link(actor_of(request), study_instance_uid, **answers, now=timezone.now())
    url = settings.ORIGIN + reverse("share_open", args=[issued.secret])
    if mail:
        sharing.mail_link(issued.link_id, url)
    shown = {name: answers[name] for name in ("recipient_name", "recipient_email", "days", "may_download")}
    return {"url": url, "code": issued.code, "mailed": mail} | shown


def _issue_invitation(request: HttpRequest, study_instance_uid: str, answers: dict[str, object]) -> dict[str, object]:
    mail = answers.pop("send_mail")
    answers.setdefault("birth_date", None)
    issued = patients.invite_patient(actor_of(request), study_instance_uid, **answers, now=timezone.now())
    url = settings.ORIGIN + reverse("patient_open", args=[issued.secret])
    if mail:
        patients.mail_invitation(issued.invitation_id, url)
    return {"url": url, "code": issued.code, "mailed": mail, "email": answers["email"]}


def _refuse(
    request: HttpRequest, template: str, context: dict[str, object], refusal: NoAgreementInForce
) -> HttpResponse:
    record(Action.GATE_REFUSED, actor_of(request), outcome=Outcome.DENIED)
    return render(request, template, context | {"gate_reason": refusal.reason}, status=403)


def _context(request: HttpRequest, study: Study, form: ShareForm | PatientForm | None) -> dict[str, object]:
    return {
        "tenant": request.tenant, "membership": request.membership, "nav": "worklist", "form": form,
        "study": get_guest_study(study), "gate_reason": find_gate_reason(request.tenant.id),
    }  # fmt: skip
