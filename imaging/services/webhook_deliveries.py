"""Delivering: each message is claimed, sent and noted, at least once, until it is taken or too old.

A claim pushes the row's next try into the future and commits; only then is anything sent, outside any transaction.
Killed in between, the row comes due again and goes out under the same `webhook-id`. Endpoints are called side by side,
each by one message at a time: one that hangs holds up itself, and at most `PER_TENANT` of the places.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Min
from django.utils import timezone

from imaging.adapters.webhook import TOTAL_SECONDS, EndpointFailed, post
from imaging.models import Event, Study, WebhookDelivery
from imaging.selectors.webhooks import list_due_webhooks
from imaging.services.webhook_messages import write_message
from imaging.services.webhook_outbox import is_true
from imaging.services.webhooks import disable_failing
from tenants.baas.access import find_gate_reason
from tenants.scoping import tenant_scope
from tenants.selectors import get_tenant

logger = logging.getLogger(__name__)
PLACES = 8
PER_TENANT = 2
CLAIMING_SECONDS = 15  # after which a run takes on nothing more: other work waits for the worker
LEASE = timedelta(seconds=60)  # longer than any try lasts
NOT_YET = timedelta(seconds=30)
TRIED_FOR = timedelta(days=3)
KEPT_FOR = timedelta(days=30)
FAILING_FOR = timedelta(days=5)
FAILING_TRIES = 5
BACKOFF = [10, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200]  # seconds after each try; the last repeats
_MOST_PASSED_OVER = 100


@dataclass(frozen=True)
class Lane:
    """One webhook's messages, which go out one after the other."""

    tenant_id: UUID
    webhook_id: UUID


@dataclass(frozen=True)
class Claimed:
    """A message ready to go; whoever holds it has until the lease ends."""

    lane: Lane
    delivery_id: UUID
    tries: int
    url: str
    body: bytes
    headers: dict[str, str]


def deliver_due(tenant_ids: Iterable[UUID], now: datetime | None = None) -> int:
    """Send what is due of these tenants; returns how many messages were taken. `now` is for tests."""
    lanes, taken = _list_lanes(tenant_ids, now or timezone.now()), 0
    flying: dict[Future[int], Claimed] = {}
    until = time.monotonic() + CLAIMING_SECONDS
    pool = ThreadPoolExecutor(PLACES, thread_name_prefix="webhook")
    try:
        while _fill(pool, lanes, flying, until, now) or flying:
            done, _ = wait(flying, timeout=TOTAL_SECONDS * 2, return_when=FIRST_COMPLETED)
            if not done:
                break  # a name server that hangs: the leases end
            for future in done:
                taken += _land(future, flying.pop(future), lanes, now or timezone.now())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return taken


def claim_next(lane: Lane, now: datetime) -> Claimed | None:
    """Take the webhook's first due message that is true by now, with its try counted and its lease begun."""
    tenant = get_tenant(lane.tenant_id)
    with tenant_scope(lane.tenant_id):
        due = WebhookDelivery.objects.filter(webhook_id=lane.webhook_id, next_try_at__lte=now)
        locked = due.select_for_update(skip_locked=True, of=("self",)).select_related("webhook")
        for delivery in locked.order_by("next_try_at", "created_at")[:_MOST_PASSED_OVER]:
            if delivery.webhook.disabled_at is None and _is_ready(delivery, now):
                delivery.tries, delivery.next_try_at = delivery.tries + 1, now + LEASE
                delivery.save()
                body, headers = write_message(delivery, tenant, now)
                return Claimed(lane, delivery.id, delivery.tries, delivery.webhook.url, body, headers)
    return None


def note(claimed: Claimed, status: int | None, error: str, now: datetime) -> bool:
    """Write down how a try ended; whether the message was taken."""
    taken = status is not None and 200 <= status < 300
    with tenant_scope(claimed.lane.tenant_id):
        row = WebhookDelivery.objects.select_for_update().filter(id=claimed.delivery_id, delivered_at=None).first()
        if row is None:
            return taken
        row.last_status, row.last_error = status, error if status is None else "" if taken else "refused"
        if taken:
            row.delivered_at, row.next_try_at = now, None
        elif row.next_try_at is not None:  # None: the webhook was disabled while we were calling
            row.next_try_at = _next_try(row, now)
        row.save()
        if not taken and row.tries >= FAILING_TRIES and _has_failed_for_days(row.webhook_id, now):
            disable_failing(row.webhook_id, now)
    return taken


def remove_old(tenant_id: UUID, now: datetime) -> int:
    """Forget what was told long ago; returns how many rows went."""
    with tenant_scope(tenant_id):
        return WebhookDelivery.objects.filter(created_at__lt=now - KEPT_FOR).delete()[0]


def _list_lanes(tenant_ids: Iterable[UUID], now: datetime) -> deque[Lane]:
    """The lanes with something due, the tenants taking turns; none of a tenant without an agreement in force."""
    per_tenant = []
    for tenant_id in tenant_ids:
        with tenant_scope(tenant_id):
            webhook_ids = list_due_webhooks(now)
            if webhook_ids and not find_gate_reason(tenant_id):
                per_tenant.append([Lane(tenant_id, webhook_id) for webhook_id in webhook_ids])
    longest = max(map(len, per_tenant), default=0)
    return deque(lanes[turn] for turn in range(longest) for lanes in per_tenant if turn < len(lanes))


def _fill(
    pool: ThreadPoolExecutor, lanes: deque[Lane], flying: dict[Future[int], Claimed], until: float,
    now: datetime | None,
) -> bool:  # fmt: skip
    """Give each free place a message; whether anything flies."""
    busy = Counter(claimed.lane.tenant_id for claimed in flying.values())
    for _ in range(len(lanes)):
        if len(flying) >= PLACES or time.monotonic() > until:
            break
        lane = lanes.popleft()
        if busy[lane.tenant_id] >= PER_TENANT:
            lanes.append(lane)
        elif claimed := claim_next(lane, now or timezone.now()):
            busy[lane.tenant_id] += 1
            local = settings.DEMO or settings.DEBUG
            flying[pool.submit(post, claimed.url, claimed.body, claimed.headers, local=local)] = claimed
    return bool(flying)


def _land(future: Future[int], claimed: Claimed, lanes: deque[Lane], now: datetime) -> bool:
    status, error = None, ""
    try:
        status = future.result()
    except EndpointFailed as failure:
        error = failure.code
    except Exception as failure:
        logger.error("Webhook %s failed: %s", claimed.lane.webhook_id, type(failure).__name__)
        error = "broken"
    taken = note(claimed, status, error, now)
    if taken:
        lanes.append(claimed.lane)  # the next of the same; what failed rests until its next try
    return taken


def _is_ready(delivery: WebhookDelivery, now: datetime) -> bool:
    """Whether the row may go out now. What is not true yet is put off; what is about a purged study is dropped."""
    uid = delivery.content.get("study_instance_uid")
    if uid and not Study.objects.filter(study_instance_uid=uid).exists():
        delivery.delete()
        return False
    waited = delivery.event == Event.STUDY_MIRRORED and "instances" not in delivery.content
    if not is_true(delivery):
        # Ever more rarely, while the other region is away.
        delivery.next_try_at = now + max(NOT_YET, min((now - delivery.created_at) / 10, timedelta(minutes=10)))
        delivery.save(update_fields=["next_try_at"])
        return False
    if waited:
        delivery.created_at = now  # it has happened only now
    return True


def _next_try(row: WebhookDelivery, now: datetime) -> datetime | None:
    wait_for = timedelta(seconds=BACKOFF[min(row.tries, len(BACKOFF)) - 1])
    return None if now + wait_for > row.created_at + TRIED_FOR else now + wait_for


def _has_failed_for_days(webhook_id: UUID, now: datetime) -> bool:
    """Whether nothing was taken since a message that is older than `FAILING_FOR`."""
    tried = WebhookDelivery.objects.filter(webhook_id=webhook_id, tries__gt=0)
    latest = tried.filter(delivered_at__isnull=False).order_by("-delivered_at").values_list("delivered_at", flat=True)
    failed = tried.filter(delivered_at=None)
    if success := latest.first():
        failed = failed.filter(created_at__gt=success)
    since = failed.aggregate(since=Min("created_at"))["since"]
    return since is not None and now - since >= FAILING_FOR
