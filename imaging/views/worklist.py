"""The worklist."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from imaging.forms.worklist import WorklistForm
from imaging.selectors.worklist import Position, WorklistFilter, WorklistPage
from imaging.services.searches import search_worklist
from imaging.views.refusals import refusals_answered
from tenants.actors import actor_of
from tenants.baas.access import find_gate_reason
from tenants.decorators import member

_SESSION_KEY = "worklist"


@member()
@require_http_methods(["GET", "HEAD", "POST"])
@refusals_answered
def worklist(request: HttpRequest) -> HttpResponse:
    """The latest studies; a POST keeps what to look for in the session, so that no name is ever in a URL."""
    if request.method == "POST":
        form = WorklistForm({} if "clear" in request.POST else request.POST)
        if form.is_valid():
            _remember(request, form.data)
            return redirect("worklist", request.tenant.slug)
    else:
        form = _remembered(request)
    wanted = form.filter() if form.is_valid() else WorklistFilter()
    page = search_worklist(actor_of(request), wanted, _position(request))
    return render(request, "imaging/worklist.html", _context(request, form, wanted, page))


def _context(request: HttpRequest, form: WorklistForm, wanted: WorklistFilter, page: WorklistPage) -> dict[str, object]:
    path = reverse("worklist", args=[request.tenant.slug])
    return {
        "nav": "worklist",
        "tenant": request.tenant,
        "membership": request.membership,
        "form": form,
        "searching": bool(wanted.names),
        "rows": page.rows,
        "gate_reason": find_gate_reason(request.tenant.id),
        "previous_url": f"{path}?before={page.previous}" if page.previous else "",
        "next_url": f"{path}?after={page.next}" if page.next else "",
    }


def _remember(request: HttpRequest, data: dict[str, str]) -> None:
    kept = {name: data[name] for name in WorklistForm.base_fields if data.get(name)}
    request.session[_SESSION_KEY] = request.session.get(_SESSION_KEY, {}) | {request.tenant.slug: kept}


def _remembered(request: HttpRequest) -> WorklistForm:
    return WorklistForm(request.session.get(_SESSION_KEY, {}).get(request.tenant.slug, {}))


def _position(request: HttpRequest) -> Position | None:
    for name in ("after", "before"):
        try:
            return Position(UUID(request.GET[name]), backwards=name == "before")
        except (KeyError, ValueError):
            continue
    return None
