"""Webhooks: the owner's page of addresses that are told what happens."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from imaging.access import StudyNotFound
from imaging.forms.webhooks import WebhookForm
from imaging.models import Webhook
from imaging.services import webhooks
from tenants.actors import actor_of
from tenants.baas.access import NoAgreementInForce, find_gate_reason
from tenants.decorators import member, not_found_for
from tenants.models import Role


@require_http_methods(["GET", "HEAD", "POST"])
@member(Role.OWNER)
@not_found_for(StudyNotFound)
def show_webhooks(request: HttpRequest) -> HttpResponse:
    """The practice's webhooks; add one."""
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (added := _add(request, form)):
        secret = webhooks.reveal_secret(actor_of(request), added.id)
        messages.success(request, _("The webhook is added. Its receiver checks messages with the secret below."))
        return _show_one(request, added.id, secret)
    context = _context(request) | {"rows": webhooks.show_webhooks(actor_of(request)), "form": form}
    return render(request, "imaging/connections/webhooks.html", context)


@require_safe
@member(Role.OWNER)
@not_found_for(StudyNotFound, Webhook.DoesNotExist)
def show_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """One webhook and what it was told lately."""
    return _show_one(request, webhook_id)


@require_POST
@member(Role.OWNER)
@not_found_for(StudyNotFound, Webhook.DoesNotExist)
def show_secret(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """The same with the signing secret. By POST: nothing fetches it in passing."""
    return _show_one(request, webhook_id, webhooks.reveal_secret(actor_of(request), webhook_id))


@require_POST
@member(Role.OWNER)
@not_found_for(StudyNotFound, Webhook.DoesNotExist)
def send_test(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Send a message that tells of nothing."""
    try:
        webhooks.send_test(actor_of(request), webhook_id, timezone.now())
        messages.success(request, _("A test message is on its way. Reload to see how it went."))
    except webhooks.WebhookDisabled:
        messages.error(request, _("The webhook is disabled. Enable it first."))
    except NoAgreementInForce as refusal:
        messages.error(request, refusal.reason)
    return redirect("webhook", request.tenant.slug, webhook_id)


@require_POST
@member(Role.OWNER)
@not_found_for(StudyNotFound, Webhook.DoesNotExist)
def disable_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Tell it nothing more."""
    return _change(request, webhooks.disable_webhook, webhook_id, _("Disabled. It is told nothing more."))


@require_POST
@member(Role.OWNER)
@not_found_for(StudyNotFound, Webhook.DoesNotExist)
def enable_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Tell it again."""
    return _change(request, webhooks.enable_webhook, webhook_id, _("Enabled. It is told what happens from now on."))


@require_POST
@member(Role.OWNER)
@not_found_for(StudyNotFound, Webhook.DoesNotExist)
def remove_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Forget it."""
    webhooks.remove_webhook(actor_of(request), webhook_id, timezone.now())
    messages.success(request, _("The webhook is removed."))
    return redirect("webhooks", request.tenant.slug)


def _add(request: HttpRequest, form: WebhookForm) -> Webhook | None:
    try:
        return webhooks.add_webhook(actor_of(request), **form.cleaned_data, now=timezone.now())
    except webhooks.AddressRefused as refusal:
        form.add_error("url", refusal.reason)
    except webhooks.TooManyWebhooks:
        form.add_error(
            None,
            _("A practice has at most {count} webhooks. Remove one first.").format(
                count=webhooks.MOST_WEBHOOKS
            ),
        )
    return None


def _change(request: HttpRequest, change: Callable[..., None], webhook_id: UUID, done: str) -> HttpResponse:
    change(actor_of(request), webhook_id, timezone.now())
    messages.success(request, done)
    return redirect("webhook", request.tenant.slug, webhook_id)


def _show_one(request: HttpRequest, webhook_id: UUID, secret: str = "") -> HttpResponse:
    webhook, deliveries = webhooks.show_webhook(actor_of(request), webhook_id)
    context = _context(request) | {"webhook": webhook, "deliveries": deliveries, "secret": secret}
    return render(request, "imaging/connections/webhooks_one.html", context)


def _context(request: HttpRequest) -> dict[str, object]:
    return {
        "nav": "connections",
        "tab": "webhooks",
        "tenant": request.tenant,
        "membership": request.membership,
        "gate": find_gate_reason(request.tenant.id),
    }
