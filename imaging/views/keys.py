"""The vendor's key inventory: age and state of each practice's key, rotation, and destruction that two must want."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from imaging.forms.keys import DestructionForm
from imaging.models import KeyDestruction
from imaging.selectors.keys import get_certificate
from imaging.services import key_destruction as destruction
from imaging.services.key_inventory import find_destruction_refusal, get_practice_keys
from imaging.services.key_rotation import request_rotation
from tenants.actors import actor_of
from tenants.decorators import vendor_admin
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant, list_tenants
from tenants.views.pages import render_page

NAV = "keys"
PER_PAGE = 25
REFUSALS = {
    destruction.NotTheSecondPerson: _("Someone other than whoever asked must approve."),
    destruction.OrderPending: _("There is an order already."),
    destruction.OrderClosed: _("Someone else changed this order meanwhile. See where it stands now."),
}


@vendor_admin
@require_safe
def vendor_keys(request: HttpRequest) -> HttpResponse:
    """Every practice's key."""
    page = Paginator(list_tenants(), PER_PAGE).get_page(request.GET.get("page"))
    rows = [get_practice_keys(tenant, timezone.now()) for tenant in page]
    return render_page(request, "imaging/keys/inventory.html", NAV, {"rows": rows, "page": page})


@vendor_admin
@require_safe
def vendor_practice_keys(request: HttpRequest, slug: str) -> HttpResponse:
    """One practice's key in both regions, and what may be done with it."""
    tenant = _get_tenant(slug)
    return _show(request, tenant, DestructionForm(expected_slug=tenant.slug))


@vendor_admin
@require_POST
def key_rotate(request: HttpRequest, slug: str) -> HttpResponse:
    """Have a worker rotate the key."""
    request_rotation(actor_of(request), _get_tenant(slug).id, timezone.now())
    messages.success(request, _("The rotation is asked for. A worker begins it within a minute."))
    return redirect("vendor_practice_keys", slug)


@vendor_admin
@require_POST
def key_destruction_request(request: HttpRequest, slug: str) -> HttpResponse:
    """The first yes to destroying a practice's keys."""
    tenant = _get_tenant(slug)
    form = DestructionForm(request.POST, expected_slug=tenant.slug)
    if not form.is_valid():
        return _show(request, tenant, form)
    done = _("Asked for. Another administrator must approve it.")
    return _decide(request, done, destruction.request_destruction, tenant, form.cleaned_data["reason"])


@vendor_admin
@require_POST
def key_destruction_approve(request: HttpRequest, slug: str, order_id: UUID) -> HttpResponse:
    """The second yes."""
    done = _("Approved. It is carried out from the command line.")
    return _decide(request, done, destruction.approve_destruction, _get_tenant(slug), order_id)


@vendor_admin
@require_POST
def key_destruction_withdraw(request: HttpRequest, slug: str, order_id: UUID) -> HttpResponse:
    """No."""
    return _decide(request, _("The order is withdrawn."), destruction.withdraw_destruction, _get_tenant(slug), order_id)


@vendor_admin
@require_safe
def key_certificate(request: HttpRequest, slug: str, order_id: UUID) -> HttpResponse:
    """The certificate of a destruction that was carried out."""
    tenant = _get_tenant(slug)
    try:
        with tenant_scope(tenant.id):
            certificate = get_certificate(order_id)
    except KeyDestruction.DoesNotExist:
        raise Http404 from None
    context = {"practice": tenant, "certificate": certificate}
    return render_page(request, "imaging/keys/certificate.html", NAV, context)


def _show(request: HttpRequest, tenant: Tenant, form: DestructionForm) -> HttpResponse:
    now = timezone.now()
    context = {
        "keys": get_practice_keys(tenant, now),
        "refusal": find_destruction_refusal(tenant, now),
        "form": form,
    }
    return render_page(request, "imaging/keys/practice.html", NAV, context)


def _decide(
    request: HttpRequest, done: str, service: Callable[..., object], tenant: Tenant, argument: object
) -> HttpResponse:
    try:
        service(actor_of(request), tenant.id, argument, now=timezone.now())
        messages.success(request, done)
    except KeyDestruction.DoesNotExist:
        raise Http404 from None
    except destruction.DestructionRefused as refusal:
        messages.error(request, str(refusal))
    except tuple(REFUSALS) as refusal:
        messages.error(request, REFUSALS[type(refusal)])
    return redirect("vendor_practice_keys", tenant.slug)


def _get_tenant(slug: str) -> Tenant:
    tenant = find_tenant(slug)
    if tenant is None:
        raise Http404
    return tenant
