"""Which region serves, who wanted it so, and what became of keys. Failover concerns every practice at once."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from imaging.models.vault_object import REGION
from tenants.scoping import TenantModel


class RegionState(models.Model):
    """The one row (id 1) that says which region is read first and takes new images."""

    active_region = models.PositiveSmallIntegerField(default=1, validators=REGION)
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="imaging_regionstate_one_row"),
            models.CheckConstraint(condition=models.Q(active_region__in=[1, 2]), name="imaging_regionstate_region"),
        ]


class FailoverOrder(models.Model):
    """Two people of the vendor want the portal to serve from another region."""

    to_region = models.PositiveSmallIntegerField(validators=REGION)
    reason = models.CharField(max_length=300)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    carried_out_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(to_region__in=[1, 2]), name="imaging_failoverorder_region"),
            models.CheckConstraint(
                condition=models.Q(approved_by=None) | ~models.Q(approved_by=models.F("requested_by")),
                name="imaging_failoverorder_two_people",
            ),
            models.CheckConstraint(
                condition=models.Q(carried_out_at=None) | models.Q(approved_by__isnull=False),
                name="imaging_failoverorder_approved_first",
            ),
        ]


class KeyRotation(TenantModel):
    """A new version of a practice's key, and how far the data keys have been wrapped anew."""

    class Reason(models.TextChoices):
        SCHEDULED = "scheduled", _("Scheduled")
        COMPROMISED = "compromised", _("Compromised")

    reason = models.CharField(max_length=12, choices=Reason)
    key_id = models.UUIDField()  # the new version
    started_at = models.DateTimeField()
    rewrapped = models.PositiveIntegerField(default=0)  # data keys, both regions together
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(reason__in=["scheduled", "compromised"]), name="imaging_keyrotation_reason"
            ),
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(finished_at=None), name="imaging_keyrotation_one_at_a_time"
            ),
        ]


class KeyDestruction(TenantModel):
    """Crypto-shredding of a practice: wanted by two people of the vendor, and the record of what it made unreadable."""

    reason = models.CharField(max_length=300)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    carried_out_at = models.DateTimeField(null=True)
    key_ids = models.JSONField(default=list)  # every version that was destroyed
    object_count = models.PositiveIntegerField(default=0)
    objects_digest = models.BinaryField(max_length=32, default=b"")  # SHA-256 over the sorted object ids

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(approved_by=None) | ~models.Q(approved_by=models.F("requested_by")),
                name="imaging_keydestruction_two_people",
            ),
            models.CheckConstraint(
                condition=models.Q(carried_out_at=None) | models.Q(approved_by__isnull=False),
                name="imaging_keydestruction_approved_first",
            ),
        ]
