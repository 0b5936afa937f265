"""The practice's audit trail, for its owners. Here because `audit` imports no other app."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST, require_safe

from tenants.actors import actor_of
from tenants.decorators import member
from tenants.forms.trail import StudyFilterForm, TrailFilterForm
from tenants.models import Role
from tenants.services import trail
from tenants.views.csv import as_csv
from tenants.views.pages import render_page


@member(Role.OWNER)
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Events, newest first, with filters."""
    form, wanted = _wanted(request)
    before, after = _number(request, "before"), _number(request, "after")
    page = trail.read_trail(actor_of(request), wanted, timezone.now(), before=before, after=after)
    context = {
        "form": form,
        "page": page,
        "study_instance_uid": wanted.study_instance_uid,
        "filtered": bool(wanted.names()),
        "newer_url": page.newer and _turn(request, after=page.newer),
        "older_url": page.older and _turn(request, before=page.older),
        "check": _last_check(request),
        "query": request.GET.urlencode(),
    }
    return render_page(request, "audit/trail.html", "audit", context)


@member(Role.OWNER)
@require_POST
def audit_study(request: HttpRequest) -> HttpResponse:
    """Show one study's events only, or every study's again; the UID stays in the session."""
    form = StudyFilterForm(request.POST)
    if form.is_valid():
        request.session[_key("study", request)] = form.cleaned_data["study_instance_uid"]
    return redirect("audit", request.tenant.slug)


@member(Role.OWNER)
@require_POST
def audit_check(request: HttpRequest) -> HttpResponse:
    """Walk the whole chain now."""
    now = timezone.now()
    check = trail.check_trail(actor_of(request), now)
    broken = check.alteration
    request.session[_key("check", request)] = {
        "at": now.isoformat(),
        "events": check.events,
        "seq": broken and broken.seq,
        "problem": broken and broken.problem,
    }
    return redirect("audit", request.tenant.slug)


@member(Role.OWNER, scoped=False)
@require_safe
def audit_export(request: HttpRequest) -> StreamingHttpResponse:
    """The filtered trail as CSV, streamed."""
    _, wanted = _wanted(request)
    events = trail.export_trail(actor_of(request), request.tenant.id, wanted, timezone.now())
    response = StreamingHttpResponse(_encode(as_csv(events)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{request.tenant.slug}.csv"'
    return response


def _wanted(request: HttpRequest) -> tuple[TrailFilterForm, trail.TrailFilter]:
    form = TrailFilterForm(request.GET)
    form.is_valid()
    return form, form.wanted(request.tenant, request.session.get(_key("study", request), ""))


def _encode(lines: Iterator[str]) -> Iterator[bytes]:
    return (line.encode() for line in lines)


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _turn(request: HttpRequest, **to: int) -> str:
    kept = {name: value for name, value in request.GET.items() if name not in ("before", "after")}
    return "?" + urlencode(kept | to)


def _last_check(request: HttpRequest) -> dict[str, object] | None:
    check = request.session.get(_key("check", request))
    return check and check | {"at": _when(check["at"])}


def _when(text: str) -> datetime | None:
    return parse_datetime(text)


def _key(what: str, request: HttpRequest) -> str:
    # Per practice: an owner of two must not carry one's study into the other's trail.
    return f"audit_{what}_{request.tenant.slug}"
