"""Retention: the practice's policy, legal holds, and purges that two people must want."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from imaging.access import StudyNotFound
from imaging.forms.retention import HoldForm, PolicyForm
from imaging.services import retention
from imaging.services.searches import list_decisions
from tenants.actors import actor_of
from tenants.decorators import member, not_found_for
from tenants.models import Role, Tenant

REFUSALS = {
    retention.StudyHeld: _("A legal hold stands in the way."),
    retention.NotTheSecondPerson: _("A second person must approve: you asked for this purge yourself."),
    retention.WrongState: _("Someone else has changed this meanwhile. Look again."),
}


@require_http_methods(["GET", "POST"])
@member(Role.OWNER, Role.UPLOADER)
@not_found_for(StudyNotFound)
def show_retention(request: HttpRequest) -> HttpResponse:
    """Show what has ended and what is held; an owner changes the policy."""
    form = PolicyForm(request.POST or None, initial=_policy_initial(request.tenant))
    if request.method == "POST" and form.is_valid():
        retention.change_policy(actor_of(request), request.tenant, **form.cleaned_data, now=timezone.now())
        messages.success(request, _("The policy was changed."))
        return redirect("retention", request.tenant.slug)
    context = {
        "tenant": request.tenant, "membership": request.membership, "nav": "retention", "form": form,
    }  # fmt: skip
    context |= vars(list_decisions(actor_of(request), timezone.now()))
    return render(request, "imaging/retention.html", context)


@require_POST
@member(Role.OWNER)
@not_found_for(StudyNotFound)
def place_hold(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """Keep a study whatever its age."""
    form = HoldForm(request.POST)
    if form.is_valid():
        retention.place_hold(actor_of(request), study_instance_uid, form.cleaned_data["reason"], timezone.now())
        messages.success(request, _("The study is held. It cannot be purged."))
    else:
        messages.error(request, _("A hold needs a reason."))
    return redirect("study", request.tenant.slug, study_instance_uid)


@require_POST
@member(Role.OWNER)
@not_found_for(StudyNotFound)
def lift_hold(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """Let a study age again."""
    retention.lift_hold(actor_of(request), study_instance_uid, timezone.now())
    messages.success(request, _("The hold was lifted."))
    return redirect("study", request.tenant.slug, study_instance_uid)


@require_POST
@member(Role.OWNER, Role.UPLOADER)
@not_found_for(StudyNotFound)
def request_purge(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """The first yes."""
    return _decide(
        request, retention.request_purge, study_instance_uid, _("Asked for. An owner other than you must approve.")
    )


@require_POST
@member(Role.OWNER)
@not_found_for(StudyNotFound)
def approve_purge(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """The second yes."""
    return _decide(
        request, retention.approve_purge, study_instance_uid, _("Approved. The purge follows the grace time.")
    )


@require_POST
@member(Role.OWNER, Role.UPLOADER)
@not_found_for(StudyNotFound)
def reject_purge(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """No."""
    return _decide(request, retention.reject_purge, study_instance_uid, _("The study stays for now."))


def _decide(request: HttpRequest, decision: Callable[..., None], study_instance_uid: str, done: str) -> HttpResponse:
    try:
        decision(actor_of(request), study_instance_uid, timezone.now())
        messages.success(request, done)
    except tuple(REFUSALS) as refusal:
        messages.error(request, REFUSALS[type(refusal)])
    return redirect("retention", request.tenant.slug)


def _policy_initial(tenant: Tenant) -> dict[str, int]:
    return {
        "years": tenant.retention_years,
        "minor_years": tenant.minor_years_after_majority,
        "grace_days": tenant.purge_grace_days,
    }
