"""Addresses of the practice's own systems that are told what happened, and what was told them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scoping import TenantModel


class Event(models.TextChoices):
    """What can be told; the value is the `type` of the message and never changes."""

    STUDY_RECEIVED = "study.received", _("A study was received")
    STUDY_MIRRORED = "study.mirrored", _("A study is in both regions")
    SHARE_OPENED = "share.opened", _("A share link was opened")


class Webhook(TenantModel):
    """An address that is told of some events. Its signing secret is derived, and stands in no row."""

    url = models.URLField(max_length=500)
    events = ArrayField(models.CharField(max_length=30, choices=Event))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)  # by a person, or because it failed for days


class WebhookDelivery(TenantModel):
    """One message to one address: tried until it is taken or too old. `content` holds UIDs and counts only."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False)
    event = models.CharField(max_length=30, choices=Event)
    content = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)  # None: taken, or given up
    delivered_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)  # of HTTP; None when there was no answer
    last_error = models.CharField(max_length=40, blank=True)  # a code of ours

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(delivered_at=None) | models.Q(next_try_at=None),
                name="imaging_webhookdelivery_taken_or_due",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "next_try_at"],
                condition=models.Q(next_try_at__isnull=False),
                name="imaging_webhookdelivery_due",
            ),
            models.Index(fields=["tenant", "webhook", "-created_at"], name="imaging_webhookdelivery_latest"),
        ]
