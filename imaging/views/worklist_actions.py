"""What is done with rows of the worklist, and with the worklist itself."""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from audit.actions import Action, Outcome
from audit.services import record
from imaging.access import StudyNotFound
from imaging.forms.sharing import ShareForm
from imaging.forms.worklist import FilterForm, MarkForm, SettingsForm, SharedStudiesForm, StudiesForm, WorklistForm
from imaging.models import Priority
from imaging.selectors.worklist_settings import Settings
from imaging.services import sharing, triage
from imaging.services.retention import ReasonMissing
from imaging.services.searches import list_chosen
from imaging.services.triage import Noted
from imaging.services.worklist_settings import TooManyFilters, change_settings, remove_filter, save_filter
from imaging.views.refusals import refusals_answered
from imaging.views.worklist import remember
from tenants.actors import actor_of
from tenants.baas.access import NoAgreementInForce, find_gate_reason
from tenants.decorators import member, not_found_for
from tenants.models import Role


@member()
@require_POST
@refusals_answered
def worklist_marks(request: HttpRequest) -> HttpResponse:
    """Note something about studies; JSON of what undoes it for each, and of those that are not there any more."""
    form = MarkForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"reason": _first_error(form)}, status=400)
    try:
        noted = _note(request, form.uids, form.cleaned_data)
    except triage.NoSuchMember:
        return JsonResponse({"reason": _("That person does not work here any more.")}, status=400)
    except ReasonMissing:
        return JsonResponse({"reason": _("A hold needs a reason.")}, status=400)
    return JsonResponse({"undo": noted.before, "missing": noted.missing})


def _note(request: HttpRequest, uids: list[str], given: dict[str, object]) -> Noted:
    actor, now = actor_of(request), timezone.now()
    notes: dict[str, Callable[[], Noted]] = {
        "read": lambda: triage.mark_read(actor, uids, True, now),
        "unread": lambda: triage.mark_read(actor, uids, False, now),
        "priority": lambda: triage.prioritise(actor, uids, Priority(given["priority"]), now),
        "assign": lambda: triage.assign(actor, uids, given["user"], now),
        "hold": lambda: triage.hold(actor, uids, given["reason"], now),
        "lift": lambda: triage.lift(actor, uids, now),
    }
    return notes[given["action"]]()


@member()
@require_POST
@refusals_answered
def worklist_settings(request: HttpRequest) -> HttpResponse:
    """Keep how the list looks; `usual` takes everything back."""
    form = SettingsForm(request.POST)
    if "usual" in request.POST:
        change_settings(actor_of(request), **vars(Settings()))
    elif form.is_valid():
        change_settings(actor_of(request), **form.cleaned_data)
    return redirect("worklist", request.tenant.slug)


@member()
@require_POST
@refusals_answered
def worklist_filters(request: HttpRequest) -> HttpResponse:
    """Keep the search that the page shows under a name."""
    form, search = FilterForm(request.POST), WorklistForm(request.POST)
    if not form.is_valid() or not search.is_valid() or not search.kept():
        messages.error(request, _("A saved filter needs a name and something to look for."))
        return redirect("worklist", request.tenant.slug)
    try:
        save_filter(actor_of(request), wanted=search.kept(), **form.cleaned_data, now=timezone.now())
        remember(request, search)
        messages.success(request, _("The filter was saved."))
    except TooManyFilters:
        messages.error(request, _("You have as many filters as there is room for. Remove one first."))
    return redirect("worklist", request.tenant.slug)


@member()
@require_POST
@refusals_answered
def worklist_filter_remove(request: HttpRequest, filter_id: UUID) -> HttpResponse:
    """Remove a saved filter."""
    remove_filter(actor_of(request), filter_id, timezone.now())
    messages.success(request, _("The filter was removed."))
    return redirect("worklist", request.tenant.slug)


@require_POST
@member(Role.OWNER, Role.UPLOADER)
@not_found_for(StudyNotFound)
def worklist_shares(request: HttpRequest) -> HttpResponse:
    """Ask for the recipient of several studies; then make one link for each, and show them with their codes, once."""
    chosen = SharedStudiesForm(request.POST)
    if not chosen.is_valid():
        messages.error(request, _first_error(chosen))
        return redirect("worklist", request.tenant.slug)
    form = ShareForm(request.POST if "recipient_name" in request.POST else None)
    context = {
        "tenant": request.tenant, "membership": request.membership, "nav": "worklist", "form": form,
        "gate_reason": find_gate_reason(request.tenant.id),
        "studies": list_chosen(actor_of(request), chosen.uids, timezone.now()),
    }  # fmt: skip
    if not form.is_valid():
        return render(request, "imaging/worklist_share.html", context)
    try:
        made, missing = _share_each(request, chosen.uids, dict(form.cleaned_data))
    except NoAgreementInForce as refusal:
        record(Action.GATE_REFUSED, actor_of(request), outcome=Outcome.DENIED)
        return render(request, "imaging/worklist_share.html", context | {"gate_reason": refusal.reason}, status=403)
    links = [(row, *made[row.study_instance_uid]) for row in context["studies"] if row.study_instance_uid in made]
    return render(request, "imaging/worklist_shared.html", context | {"links": links, "missing": missing})


def _share_each(
    request: HttpRequest, uids: list[str], answers: dict[str, object]
) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Address and code of each study's link, and the studies that are not there any more."""
    mail, made, missing = answers.pop("send_mail"), {}, []
    for uid in sorted(uids):
        try:
            issued = sharing.create_link(actor_of(request), uid, **answers, now=timezone.now())
        except StudyNotFound:
            missing.append(uid)
            continue
        url = settings.ORIGIN + reverse("share_open", args=[issued.secret])
        if mail:
            sharing.mail_link(issued.link_id, url)
        made[uid] = (url, issued.code)
    return made, missing


def _first_error(form: StudiesForm) -> str:
    return next(str(error) for errors in form.errors.values() for error in errors)
