"""Webhooks: which of a practice's own systems are told what. Owners decide; each decision is in the trail."""

from datetime import datetime
from uuid import UUID

from django.conf import settings

from audit.actions import Action
from audit.actor import SYSTEM, Actor
from audit.services import record
from imaging.access import require_role
from imaging.adapters.webhook_address import AddressRefused, parse_target
from imaging.models import Event, Webhook, WebhookDelivery
from imaging.pipeline import enqueue_deliveries
from imaging.selectors.webhooks import DeliveryRow, WebhookRow, list_deliveries, list_webhooks
from imaging.selectors.webhooks import get_webhook as get_row
from imaging.services import webhook_messages
from tenants.baas.access import require_agreement
from tenants.models import Role
from tenants.scoping import active_tenant_id

MOST_WEBHOOKS = 10

__all__ = [
    "MOST_WEBHOOKS", "AddressRefused", "TooManyWebhooks", "WebhookDisabled", "add_webhook", "disable_failing",
    "disable_webhook", "enable_webhook", "remove_webhook", "reveal_secret", "send_test", "show_webhook",
    "show_webhooks",
]  # fmt: skip


class TooManyWebhooks(Exception):
    """The practice has as many webhooks as it may."""


class WebhookDisabled(Exception):
    """Nothing is sent to a webhook that is disabled."""


def show_webhooks(actor: Actor) -> list[WebhookRow]:
    """The practice's webhooks, for an owner; raises `StudyNotFound`."""
    require_role(actor, Role.OWNER)
    return list_webhooks()


def show_webhook(actor: Actor, webhook_id: UUID) -> tuple[WebhookRow, list[DeliveryRow]]:
    """One webhook and its latest messages, for an owner; raises as `disable_webhook`."""
    require_role(actor, Role.OWNER)
    return get_row(webhook_id), list_deliveries(webhook_id)


def add_webhook(actor: Actor, url: str, events: list[str], now: datetime) -> Webhook:
    """A new address that is told of `events` (values of `Event`) from now on.

    Raises
    ------
    StudyNotFound
    AddressRefused
    TooManyWebhooks
    ValueError
        No event, or an unknown one.
    """
    require_role(actor, Role.OWNER)
    if not events or not set(events) <= set(Event.values):
        raise ValueError("events")
    parse_target(url, local=settings.DEMO or settings.DEBUG)
    if Webhook.objects.count() >= MOST_WEBHOOKS:
        raise TooManyWebhooks
    chosen = sorted(set(events))
    webhook = Webhook.objects.create(url=url, events=chosen, created_by_id=int(actor.id), created_at=now)
    record(Action.WEBHOOK_ADDED, actor, subject_id=webhook.id, details={"events": chosen}, now=now)
    return webhook


def disable_webhook(actor: Actor, webhook_id: UUID, now: datetime) -> None:
    """Tell it nothing more; what still waits for it is dropped.

    Raises
    ------
    StudyNotFound
    Webhook.DoesNotExist
    """
    require_role(actor, Role.OWNER)
    _disable(actor, _lock_webhook(webhook_id), now)


def disable_failing(webhook_id: UUID, now: datetime) -> None:
    """Give up on an address that failed for days; the page says so. Runs in the tenant's scope."""
    _disable(SYSTEM, _lock_webhook(webhook_id), now)


def enable_webhook(actor: Actor, webhook_id: UUID, now: datetime) -> None:
    """Tell it again, of what happens from now on; raises as `disable_webhook`."""
    require_role(actor, Role.OWNER)
    webhook = _lock_webhook(webhook_id)
    if webhook.disabled_at is not None:
        # Its age begins anew: neither the past nor the old failures count.
        webhook.disabled_at, webhook.created_at = None, now
        webhook.save(update_fields=["disabled_at", "created_at"])
        webhook.deliveries.filter(delivered_at=None).delete()
        details = {"events": webhook.events, "again": True}
        record(Action.WEBHOOK_ADDED, actor, subject_id=webhook.id, details=details, now=now)


def remove_webhook(actor: Actor, webhook_id: UUID, now: datetime) -> None:
    """Forget the address and everything it was told; raises as `disable_webhook`."""
    require_role(actor, Role.OWNER)
    webhook = _lock_webhook(webhook_id)
    record(Action.WEBHOOK_DISABLED, actor, subject_id=webhook.id, details={"removed": True}, now=now)
    webhook.delete()


def send_test(actor: Actor, webhook_id: UUID, now: datetime) -> None:
    """Have a worker send a message that tells of nothing.

    Raises
    ------
    StudyNotFound
    Webhook.DoesNotExist
    WebhookDisabled
    NoAgreementInForce
        Nothing would be sent until there is one.
    """
    require_role(actor, Role.OWNER)
    webhook = _lock_webhook(webhook_id)
    require_agreement(active_tenant_id())
    if webhook.disabled_at:
        raise WebhookDisabled
    WebhookDelivery.objects.create(webhook=webhook, event=webhook_messages.TEST, created_at=now, next_try_at=now)
    enqueue_deliveries(active_tenant_id())


def reveal_secret(actor: Actor, webhook_id: UUID) -> str:
    """The signing secret, `whsec_…`; raises as `disable_webhook`."""
    require_role(actor, Role.OWNER)
    return webhook_messages.secret_of(Webhook.objects.get(id=webhook_id).id)


def _disable(actor: Actor, webhook: Webhook, now: datetime) -> None:
    if webhook.disabled_at is None:
        webhook.disabled_at = now
        webhook.save(update_fields=["disabled_at"])
        webhook.deliveries.filter(next_try_at__isnull=False).update(next_try_at=None, last_error="disabled")
        record(Action.WEBHOOK_DISABLED, actor, subject_id=webhook.id, now=now)


def _lock_webhook(webhook_id: UUID) -> Webhook:
    return Webhook.objects.select_for_update().get(id=webhook_id)
