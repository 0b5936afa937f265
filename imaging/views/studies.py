"""The page of one study."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from imaging.services.openings import check_state, open_history, open_study_page
from imaging.views.refusals import refusals_answered
from tenants.actors import actor_of
from tenants.decorators import member
from tenants.models import Role


@member()
@require_safe
@refusals_answered
def study(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """The study: patient, series, how far it has come, and what may be done with it."""
    opened = open_study_page(actor_of(request), study_instance_uid, request.tenant, timezone.now())
    return render(request, "imaging/study.html", _context(request) | vars(opened))


@member()
@require_safe
@refusals_answered
def study_state(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """The state track alone, for the page that waits for it."""
    state = check_state(actor_of(request), study_instance_uid)
    return render(request, "imaging/_study_state.html", {"state": state})


@member(Role.OWNER, Role.UPLOADER)
@require_safe
@refusals_answered
def study_history(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """Who did what with the study, newest first."""
    page, history = open_history(actor_of(request), study_instance_uid, _page_number(request))
    return render(request, "imaging/history.html", _context(request) | {"study": page, "page": history})


def _context(request: HttpRequest) -> dict[str, object]:
    role = request.membership.role
    return {
        "nav": "worklist",
        "tenant": request.tenant,
        "membership": request.membership,
        "may_change": role in (Role.OWNER, Role.UPLOADER),
        "may_rule": role == Role.OWNER,
    }


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1
