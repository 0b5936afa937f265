"""Regions: the vendor's page with its orders, the practice's list of what a region lacks, and the emergency notice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.models import PLATFORM
from imaging.access import StudyNotFound
from imaging.forms.failover import FailoverForm
from imaging.models import FailoverOrder
from imaging.selectors import failover as selectors
from imaging.services import failover
from tenants.actors import actor_of
from tenants.decorators import member, not_found_for, vendor_admin
from tenants.emergency import STARTED_AT, find_ends_at
from tenants.scoping import find_active_tenant_id
from tenants.selectors import list_memberships_of
from tenants.views.pages import render_page

RUNBOOK = Path(settings.BASE_DIR) / "infra" / "docs" / "failover.md"
REFUSALS = {
    failover.AlreadyServing: _("That region serves already."),
    failover.OrderPending: _("Another order is open. Withdraw it first."),
    failover.OrderClosed: _("Someone else has changed this order meanwhile. See where it stands now."),
    failover.NotTheSecondPerson: _("A second person must approve: you asked for this failover yourself."),
}


@dataclass(frozen=True)
class EmergencyNotice:
    """What every page says in emergency mode. `newest_at` is None when no practice is known, or it has no images."""

    since: datetime
    region: int
    newest_at: datetime | None
    ends_at: datetime | None


@vendor_admin
@require_http_methods(["GET", "HEAD", "POST"])
def vendor_regions(request: HttpRequest) -> HttpResponse:
    """Which region serves, what each lacks, and the orders; the form asks for a switch."""
    serving = selectors.get_serving()
    form = FailoverForm(request.POST or None, initial={"to_region": serving.other})
    if not form.is_valid():
        return _show(request, serving, form)
    wanted = form.cleaned_data.values()
    return _move(request, _("The failover was requested. Another administrator must approve it."),
                 failover.request_failover, *wanted)  # fmt: skip


@vendor_admin
@require_POST
def failover_approve(request: HttpRequest, order_id: int) -> HttpResponse:
    """The second person agrees."""
    done = _("The failover is approved. It can be carried out for 24 hours.")
    return _move(request, done, failover.approve_failover, order_id)


@vendor_admin
@require_POST
def failover_withdraw(request: HttpRequest, order_id: int) -> HttpResponse:
    """Stop an order."""
    return _move(request, _("The order is withdrawn."), failover.withdraw_failover, order_id)


@vendor_admin
@require_safe
def failover_runbook(request: HttpRequest) -> FileResponse:
    """The runbook as plain text, readable without the repository."""
    if not RUNBOOK.is_file():
        raise Http404
    return FileResponse(RUNBOOK.open("rb"), content_type="text/plain; charset=utf-8")


@member()
@not_found_for(StudyNotFound)
@require_safe
def region_missing(request: HttpRequest, region: int) -> HttpResponse:
    """The practice's studies that are not wholly in a region."""
    if region not in selectors.REGIONS:
        raise Http404
    gaps = failover.look_into_region(actor_of(request), region, timezone.now())
    context = {
        "gaps": gaps,
        "region": region,
        "other": 3 - region,
        "limit": selectors.MISSING_LIMIT,
        "serving": selectors.get_serving(),
    }
    return render_page(request, "imaging/failover/missing.html", "protection", context)


def emergency_notice(request: HttpRequest) -> dict[str, EmergencyNotice]:
    """Context processor: `emergency` on every page of a portal in emergency mode, nothing elsewhere."""
    if not settings.EMERGENCY:
        return {}
    notice = EmergencyNotice(
        since=STARTED_AT,
        region=selectors.get_serving().region,
        newest_at=selectors.find_newest_image_at(_tenants_shown(request)),
        ends_at=find_ends_at(request),
    )
    return {"emergency": notice}


def _tenants_shown(request: HttpRequest) -> list[UUID]:
    """The page's practice, or all that the person works for."""
    if active := find_active_tenant_id():
        return [] if active == PLATFORM else [active]
    if tenant := getattr(request, "tenant", None):
        return [tenant.id]
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not user.is_verified():
        return []
    return [row.tenant_id for row in list_memberships_of(user)]


def _show(request: HttpRequest, serving: selectors.Serving, form: FailoverForm) -> HttpResponse:
    now = timezone.now()
    context = {
        "form": form,
        "serving": serving,
        "rows": selectors.list_lags(serving, now),
        "order": selectors.find_open_order(now),
        "history": selectors.list_past_orders(now),
        "has_runbook": RUNBOOK.is_file(),
    }
    return render_page(request, "imaging/failover/regions.html", "regions", context)


def _move(request: HttpRequest, done: str, service: Callable[..., object], *arguments: object) -> HttpResponse:
    try:
        service(actor_of(request), *arguments, timezone.now())
    except (FailoverOrder.DoesNotExist, failover.NotVendorAdmin):
        raise Http404 from None
    except tuple(REFUSALS) as refusal:
        messages.error(request, REFUSALS[type(refusal)])
    else:
        messages.success(request, done)
    return redirect("vendor_regions")
