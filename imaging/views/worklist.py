"""The worklist."""

import hashlib
from functools import partial
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from imaging.forms.worklist import WorklistForm
from imaging.selectors.first_steps import FirstSteps, find_first_steps
from imaging.selectors.worklist import Position, WorklistFilter, WorklistPage
from imaging.selectors.worklist_rows import WorklistRow
from imaging.selectors.worklist_settings import Settings, get_settings, list_filters
from imaging.services.searches import follow_worklist, search_worklist
from imaging.views.refusals import refusals_answered
from tenants.actors import actor_of
from tenants.baas.access import find_gate_reason
from tenants.decorators import member
from tenants.models import Role
from tenants.selectors import list_members

_SESSION_KEY = "worklist"
_COLUMNS = {
    "preview": _("Preview"), "born": _("Born"), "modality": _("Study"), "accession": _("Accession"),
    "referrer": _("Referred by"), "date": _("Date"), "received": _("Received"), "images": _("Images"),
    "assigned": _("Assigned"), "state": _("State"),
}  # fmt: skip


@member()
@require_http_methods(["GET", "HEAD", "POST"])
@refusals_answered
def worklist(request: HttpRequest) -> HttpResponse:
    """The latest studies; a POST keeps what to look for in the session, so that no name is ever in a URL."""
    if request.method == "POST":
        form = WorklistForm(_posted(request))
        if form.is_valid():
            remember(request, form)
            return redirect("worklist", request.tenant.slug)
    else:
        form = _remembered(request)
    wanted = form.filter() if form.is_valid() else WorklistFilter()
    settings = get_settings(request.user.pk)
    page = search_worklist(
        actor_of(request), wanted, _position(request.GET), timezone.now(), oldest_first=settings.oldest_first
    )
    context = results_context(request, wanted, page, settings) | _page_context(request, form, settings)
    return render(request, "imaging/worklist.html", context)


@member()
@require_POST
@refusals_answered
def worklist_rows(request: HttpRequest) -> HttpResponse:
    """The results alone, for the page that types or watches: 204 if the caller has this `version`.

    With `settled` the search stands still: it is kept in the session, and is an event of its own in the trail.
    """
    form = WorklistForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=400)
    wanted, settings = form.filter(), get_settings(request.user.pk)
    settled = "settled" in request.POST
    find = search_worklist if settled else follow_worklist
    page = find(
        actor_of(request), wanted, _position(request.POST), timezone.now(), oldest_first=settings.oldest_first
    )
    if settled:
        remember(request, form)
    context = results_context(request, wanted, page, settings)
    if not page.rows:
        context["gate_reason"] = find_gate_reason(request.tenant.id)
    if request.POST.get("version") == context["version"]:
        return HttpResponse(status=204)
    return render(request, "imaging/_worklist_results.html", context)


def remember(request: HttpRequest, form: WorklistForm) -> None:
    """Keep what was looked for, for the page's next time."""
    searches, kept = request.session.get(_SESSION_KEY, {}), form.kept()
    if searches.get(request.tenant.slug, {}) != kept:
        request.session[_SESSION_KEY] = searches | {request.tenant.slug: kept}


def results_context(
    request: HttpRequest, wanted: WorklistFilter, page: WorklistPage, settings: Settings
) -> dict[str, object]:
    """What the results show; `version` changes with anything of it."""
    path = reverse("worklist", args=[request.tenant.slug])
    rows = [row.version for row in page.rows]
    shown = repr((rows, page.previous, page.next, page.partial, settings, wanted))
    return {
        "tenant": request.tenant,
        "membership": request.membership,
        "rows": page.rows,
        "body": partial(_draw, page.rows, path, settings),  # called by the template, if it comes to that
        "partial": page.partial,
        "searching": bool(wanted.names),
        "settings": settings,
        "previous_url": f"{path}?before={page.previous}" if page.previous else "",
        "next_url": f"{path}?after={page.next}" if page.next else "",
        "version": hashlib.sha256(shown.encode()).hexdigest()[:24],
    }


def _draw(rows: tuple[WorklistRow, ...], path: str, settings: Settings) -> str:
    """The rows as HTML: drawn with every keystroke, so by Jinja2 (ADR 0013)."""
    context = {"rows": rows, "list_url": path, "settings": settings, "icons": static("img/icons.svg")}
    return SafeString(render_to_string("worklist_rows.html", context, using="jinja2"))


def _first_steps(request: HttpRequest, *, agreed: bool) -> FirstSteps | None:
    """What is left of the first steps, for whoever can take them all."""
    if request.membership.role != Role.OWNER:
        return None
    return find_first_steps(request.tenant, agreed=agreed, now=timezone.now())


def _page_context(request: HttpRequest, form: WorklistForm, settings: Settings) -> dict[str, object]:
    filters = list_filters(request.user.pk)
    kept = form.kept() if form.is_valid() else {}
    may_change = request.membership.role in (Role.OWNER, Role.UPLOADER)
    gate_reason = find_gate_reason(request.tenant.id)
    return {
        "nav": "worklist",
        "form": form,
        "gate_reason": gate_reason,
        "first_steps": _first_steps(request, agreed=not gate_reason),
        "may_change": may_change,
        "may_rule": request.membership.role == Role.OWNER,
        "members": list_members(request.tenant) if may_change else [],
        "filters": [(each, each.wanted == kept) for each in filters],
        "any_tab": any(each.pinned for each in filters),
        "is_all": not kept,
        "columns": [(name, label, name in settings.columns) for name, label in _COLUMNS.items()],
    }


def _posted(request: HttpRequest) -> dict[str, str]:
    """The form, one of the saved searches, or an empty form."""
    if "clear" in request.POST:
        return {}
    if wanted := request.POST.get("filter"):
        return next((each.wanted for each in list_filters(request.user.pk) if str(each.id) == wanted), {})
    return request.POST


def _remembered(request: HttpRequest) -> WorklistForm:
    return WorklistForm(request.session.get(_SESSION_KEY, {}).get(request.tenant.slug, {}))


def _position(given: dict[str, str]) -> Position | None:
    for name in ("after", "before"):
        try:
            return Position(UUID(given[name]), backwards=name == "before")
        except (KeyError, ValueError):
            continue
    return None
