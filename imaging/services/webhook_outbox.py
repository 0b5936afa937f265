"""The outbox: what happened is written down for each address that wants to know, in the transaction that made it so.

Sending is another matter (`imaging.services.webhook_deliveries`). A row's id follows from what it tells of, so telling
it twice writes it once. An event that is not true yet (a study on its way to the other region) is written when it is
foreseeable, and waits: whatever is killed meanwhile, the row is there.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.db.models import QuerySet

from imaging.models import Event, Instance, ShareLink, Study, Webhook, WebhookDelivery
from imaging.pipeline import SETTLE_SECONDS, enqueue_deliveries
from tenants.scoping import active_tenant_id, tenant_scope

TOLD_FOR = timedelta(days=7)  # less than `webhook_deliveries.KEPT_FOR`: what was told and forgotten is not told again
FORESEEN = timedelta(seconds=30)


def announce_study(tenant_id: UUID, series_id: UUID, now: datetime) -> None:
    """Tell that the series' study was received, if none of its series is still coming in.

    Called by the step that packs a settled series, before anything that marks the step as done: the sweeper asks for
    it until it is. Each intake that settles is one event; its time of receipt tells it from the next.
    """
    since = now - TOLD_FOR
    with tenant_scope(tenant_id):
        settled = Study.objects.filter(last_received_at__lte=now - timedelta(seconds=SETTLE_SECONDS))
        study = settled.filter(series__id=series_id, last_received_at__gt=since).first()
        if study is None:
            return
        told = Webhook.objects.filter(created_at__lte=study.last_received_at)
        content: dict[str, object] = {"study_instance_uid": study.study_instance_uid}
        key = f"{study.id} {study.last_received_at.isoformat()}"
        _write(Event.STUDY_RECEIVED, key, content | {"instances": study.instance_count}, now, now, told)
        _write(Event.STUDY_MIRRORED, key, content, now, now + FORESEEN, told)


def hasten_mirrored(tenant_id: UUID, series_id: UUID, now: datetime) -> None:
    """Look now whether the study is in both regions, instead of in a while."""
    with tenant_scope(tenant_id):
        uids = Study.objects.filter(series__id=series_id).values_list("study_instance_uid", flat=True)
        waiting = WebhookDelivery.objects.filter(event=Event.STUDY_MIRRORED, tries=0, next_try_at__gt=now)
        if waiting.filter(content__study_instance_uid__in=list(uids)).update(next_try_at=now):
            enqueue_deliveries(tenant_id)


def announce_opened(link: ShareLink, now: datetime) -> None:
    """Tell that a share link was opened with its code. Runs in the tenant's scope."""
    study = link.study
    content = {"study_instance_uid": study.study_instance_uid, "instances": study.instance_count, "share": str(link.id)}
    _write(Event.SHARE_OPENED, f"{link.id} {now.isoformat()}", content, now, now)


def is_true(delivery: WebhookDelivery) -> bool:
    """Whether what the row tells of has happened; completes the row's content, unsaved, when it has.

    Runs in the tenant's scope.
    """
    if delivery.event != Event.STUDY_MIRRORED or "instances" in delivery.content:
        return True
    instances = Instance.objects.filter(series__study__study_instance_uid=delivery.content["study_instance_uid"])
    if instances.filter(mirrored_at=None).exists():
        return False
    delivery.content["instances"] = instances.count()
    return True


def _write(
    event: str, key: str, content: dict[str, object], now: datetime, due: datetime,
    told: QuerySet[Webhook] | None = None,
) -> None:  # fmt: skip
    webhooks = (Webhook.objects.all() if told is None else told).filter(disabled_at=None, events__contains=[event])
    rows = [
        WebhookDelivery(
            id=uuid5(webhook.id, f"{event} {key}"), webhook=webhook, event=event, content=content, created_at=now,
            next_try_at=due,
        )
        for webhook in webhooks
    ]  # fmt: skip
    if rows:
        WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)
        enqueue_deliveries(active_tenant_id())
