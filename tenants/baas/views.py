"""Agreements: the vendor's list, and the practice's own page."""

from collections.abc import Callable
from datetime import UTC
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.actors import actor_of
from tenants.baas import services
from tenants.baas.access import find_gate_reason
from tenants.baas.forms import AgreementForm, PracticeForm, SignersForm
from tenants.baas.models import Agreement
from tenants.baas.selectors import list_agreements, list_agreements_of, list_uncovered_tenants
from tenants.decorators import member, vendor_admin
from tenants.models import Role
from tenants.services.practices import open_practice
from tenants.services.tenants import NoFreePort
from tenants.views.pages import render_page


@vendor_admin
@require_http_methods(["GET", "HEAD", "POST"])
def vendor_agreements(request: HttpRequest) -> HttpResponse:
    """Every agreement, the most urgent first; the form drafts one."""
    form = AgreementForm(request.POST or None)
    if not form.is_valid():
        return _list(request, form)
    services.draft_agreement(actor_of(request), **form.cleaned_data, now=timezone.now())
    messages.success(request, _("A draft with {name} was made.").format(name=form.cleaned_data["tenant"].name))
    return redirect("vendor_agreements")


@vendor_admin
@require_POST
def agreement_send(request: HttpRequest, agreement_id: UUID) -> HttpResponse:
    """Note that the draft went out for signature."""
    return _move(request, _("The agreement is noted as sent."), services.send_agreement, agreement_id)


@vendor_admin
@require_POST
def agreement_execute(request: HttpRequest, agreement_id: UUID) -> HttpResponse:
    """Note both signatures."""
    form = SignersForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Name who signed for each side."))
        return redirect("vendor_agreements")
    signers = form.cleaned_data.values()
    return _move(request, _("The agreement is executed."), services.execute_agreement, agreement_id, *signers)


@vendor_admin
@require_POST
def agreement_terminate(request: HttpRequest, agreement_id: UUID) -> HttpResponse:
    """End an agreement now."""
    return _move(request, _("The agreement is terminated."), services.terminate_agreement, agreement_id)


@vendor_admin
@require_http_methods(["GET", "HEAD", "POST"])
def vendor_create_tenant(request: HttpRequest) -> HttpResponse:
    """Open a practice and invite its first owner."""
    form = PracticeForm(request.POST or None)
    if form.is_valid():
        try:
            tenant = open_practice(actor_of(request), request.user, **form.cleaned_data, now=timezone.now())
        except NoFreePort:
            form.add_error(None, _("This cell has no room for another practice."))
        else:
            messages.success(
                request,
                _("{tenant} was opened, and its first owner invited. It still needs an agreement.").format(
                    tenant=tenant.name
                ),
            )
            return redirect("vendor_agreements")
    return render_page(request, "baas/create_tenant.html", "vendor", {"form": form})


@member(Role.OWNER)
@require_safe
def tenant_agreement(request: HttpRequest) -> HttpResponse:
    """The practice's own agreements, and what their state means."""
    today = timezone.localdate(timezone=UTC)
    agreements = list_agreements_of(request.tenant, today)
    context = {
        "agreements": agreements,
        "current": next((row for row in agreements if row.state in ("in-force", "ends-soon")), None),
        "gate_reason": find_gate_reason(request.tenant.id, today),
    }
    return render_page(request, "baas/tenant_agreement.html", "agreement", context)


def _list(request: HttpRequest, form: AgreementForm) -> HttpResponse:
    today = timezone.localdate(timezone=UTC)
    agreements = list_agreements(today)
    context = {
        "form": form,
        "signers": SignersForm(initial={"vendor_signer": request.user.name}),
        "agreements": agreements,
        "uncovered": list_uncovered_tenants(),
        "in_force": sum(row.state in ("in-force", "ends-soon") for row in agreements),
        "ends_soon": sum(row.state == "ends-soon" for row in agreements),
        "unsigned": sum(row.state in ("drafted", "sent") for row in agreements),
    }
    return render_page(request, "baas/vendor_agreements.html", "vendor", context)


def _move(
    request: HttpRequest, done: str, service: Callable[..., Agreement], agreement_id: UUID, *arguments: str
) -> HttpResponse:
    try:
        service(actor_of(request), agreement_id, *arguments, now=timezone.now())
    except Agreement.DoesNotExist:
        raise Http404 from None
    except services.IllegalTransition:
        messages.error(request, _("Someone else changed this agreement meanwhile. See where it stands now."))
    else:
        messages.success(request, done)
    return redirect("vendor_agreements")
