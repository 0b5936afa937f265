"""How safe the practice's images are: one page for every member, decisions for the owner."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from imaging.access import StudyNotFound
from imaging.forms.protection import AcknowledgementForm
from imaging.services import brake, protection
from imaging.services.sealed import NoCopyReadable
from tenants.actors import actor_of
from tenants.decorators import member, not_found_for
from tenants.models import Role


@member()
@require_safe
@not_found_for(StudyNotFound)
def show_protection(request: HttpRequest) -> HttpResponse:
    """Where each copy is, when it was last checked, and what happens if something happens."""
    page = protection.show_protection(actor_of(request), request.tenant, _page_number(request), timezone.now())
    context = {
        "nav": "protection",
        "tenant": request.tenant,
        "membership": request.membership,
        "may_decide": request.membership.role == Role.OWNER,
    }
    return render(request, "imaging/protection/page.html", context | vars(page))


@require_POST
@member(Role.OWNER)
@not_found_for(StudyNotFound)
def set_acknowledgement(request: HttpRequest) -> HttpResponse:
    """When an upload counts as done."""
    form = AcknowledgementForm(request.POST)
    if form.is_valid():
        regions = form.cleaned_data["regions"]
        protection.set_acknowledgement(actor_of(request), request.tenant.id, regions, timezone.now())
        messages.success(request, _("Saved. It holds from the next upload on."))
    else:
        messages.error(request, _("Choose one region or both."))
    return redirect("protection", request.tenant.slug)


@require_POST
@member(Role.OWNER)
@not_found_for(StudyNotFound)
def release_brake(request: HttpRequest) -> HttpResponse:
    """Let copying and removing go on."""
    if brake.release(actor_of(request), request.tenant.id, timezone.now()):
        messages.success(request, _("Copying and removing go on."))
    else:
        messages.info(request, _("They were going on already."))
    return redirect("protection", request.tenant.slug)


@member(scoped=False)
@require_safe
def drill_report(request: HttpRequest, drill_id: UUID) -> HttpResponse:
    """The signed report of a restore drill. Outside the scope: a vault is not asked within a transaction."""
    try:
        report = protection.read_drill_report(actor_of(request), request.tenant.id, drill_id, timezone.now())
    except (StudyNotFound, protection.NoSuchReport):
        raise Http404 from None
    except NoCopyReadable:
        return render(request, "500.html", status=503)
    response = HttpResponse(report.content, content_type="application/pdf")
    # As a file: the content security policy lets no browser show it inside a page of ours.
    response["Content-Disposition"] = f'attachment; filename="{report.filename}"'
    return response


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1
