"""Reads about webhooks: the page of a practice's owner, and what is due."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from audit.actions import Action
from audit.actor import ActorKind
from audit.models import AuditEvent
from imaging.models import Event, Webhook, WebhookDelivery

LATEST = 50
RESTS_FOR = timedelta(minutes=5)
ERRORS = {
    "unresolved": _("The name is not known"),
    "unreachable": _("Could not be reached"),
    "timeout": _("Did not answer in time"),
    "tls": _("Its certificate is not valid"),
    "broken": _("Answered something that is not HTTP"),
    "refused": _("Answered with an error"),
    "disabled": _("Not sent: the webhook was disabled"),
    "private-address": _("Not sent: the name leads to a private address"),
}


@dataclass(frozen=True)
class WebhookRow:
    """A webhook in the list; `state` is on, off, or given-up (nothing but failures for days)."""

    id: UUID
    url: str
    events: tuple[str, ...]
    created_at: datetime
    created_by: str
    state: str
    disabled_at: datetime | None
    failing: bool


@dataclass(frozen=True)
class DeliveryRow:
    """A message; `state` is taken, waiting, retrying or given-up."""

    id: UUID
    event: str
    created_at: datetime
    delivered_at: datetime | None
    next_try_at: datetime | None
    tries: int
    status: int | None
    error: str
    state: str


def list_webhooks() -> list[WebhookRow]:
    """The practice's webhooks, newest first."""
    rows = list(Webhook.objects.select_related("created_by").order_by("-created_at"))
    return [_row(webhook) for webhook in rows]


def get_webhook(webhook_id: UUID) -> WebhookRow:
    """One webhook; raises `Webhook.DoesNotExist`."""
    return _row(Webhook.objects.select_related("created_by").get(id=webhook_id))


def list_deliveries(webhook_id: UUID) -> list[DeliveryRow]:
    """The latest messages of a webhook, newest first."""
    rows = WebhookDelivery.objects.filter(webhook_id=webhook_id).order_by("-created_at", "id")
    return [_delivery(row) for row in rows[:LATEST]]


def list_due_webhooks(now: datetime) -> list[UUID]:
    """The webhooks with a message to send now, those that waited longest first.

    A message in flight, or about to be tried again, lets the webhook's others wait behind it: an endpoint that is down
    is called by one message, not by all.
    """
    resting = WebhookDelivery.objects.filter(tries__gt=0, next_try_at__gt=now, next_try_at__lte=now + RESTS_FOR)
    due = WebhookDelivery.objects.filter(next_try_at__lte=now, webhook__disabled_at=None)
    waiting = due.exclude(webhook_id__in=resting.values("webhook_id")).order_by("next_try_at")
    return list(dict.fromkeys(waiting.values_list("webhook_id", flat=True)[:1000]))


def _row(webhook: Webhook) -> WebhookRow:
    latest = webhook.deliveries.filter(tries__gt=0).order_by("-created_at").first()
    return WebhookRow(
        id=webhook.id, url=webhook.url, events=tuple(label_of(event) for event in webhook.events),
        created_at=webhook.created_at, created_by=webhook.created_by.name, state=_state_of(webhook),
        disabled_at=webhook.disabled_at, failing=latest is not None and latest.delivered_at is None,
    )  # fmt: skip


def _state_of(webhook: Webhook) -> str:
    if webhook.disabled_at is None:
        return "on"
    events = AuditEvent.objects.filter(action=Action.WEBHOOK_DISABLED.value, subject_id=str(webhook.id))
    latest = events.order_by("-seq").values_list("actor_kind", flat=True).first()
    return "given-up" if latest == ActorKind.SYSTEM.value else "off"


def _delivery(row: WebhookDelivery) -> DeliveryRow:
    error = ERRORS.get(row.last_error, _("Not sent: the address is refused") if row.last_error else "")
    return DeliveryRow(
        id=row.id, event=label_of(row.event), created_at=row.created_at, delivered_at=row.delivered_at,
        next_try_at=row.next_try_at, tries=row.tries, status=row.last_status, error=error, state=_delivery_state(row),
    )  # fmt: skip


def _delivery_state(row: WebhookDelivery) -> str:
    if row.delivered_at:
        return "taken"
    if row.next_try_at is None:
        return "given-up"
    return "retrying" if row.last_error else "waiting"


def label_of(event: str) -> str:
    """What an event is called on the page."""
    return str(Event(event).label) if event in Event.values else _("Test message")
