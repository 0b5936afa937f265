"""The end of a study: an order that two people must want, and what is left afterwards."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from imaging.models.study import Study
from tenants.scoping import TenantModel


class PurgeStatus(models.TextChoices):
    """Where an order stands."""

    MARKED = "marked", _("Retention ended")
    REQUESTED = "requested", _("Purge requested")
    APPROVED = "approved", _("Purge approved")


class PurgeOrder(TenantModel):
    """A study whose retention has ended, and who wants it gone. Deleted with the study; the tombstone stays."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="purge_order", db_constraint=False)
    status = models.CharField(max_length=10, choices=PurgeStatus, default=PurgeStatus.MARKED)
    retention_ended_on = models.DateField()
    marked_at = models.DateTimeField()
    grace_ends_at = models.DateTimeField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(condition=models.Q(status__in=PurgeStatus.values), name="imaging_purgeorder_status"),
            models.CheckConstraint(
                condition=models.Q(approved_by=None) | ~models.Q(approved_by=models.F("requested_by")),
                name="imaging_purgeorder_two_people",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="approved")
                | models.Q(requested_by__isnull=False, approved_by__isnull=False, approved_at__isnull=False),
                name="imaging_purgeorder_approved_by_two",
            ),
        ]


class Tombstone(TenantModel):
    """What is left of a purged study: no PHI, and what is still to be removed from where.

    Written in the same transaction that takes the study's rows away. `objects` names the sealed objects; each of
    the four times says when a copy was gone. A worker works through the list until all are set.
    """

    study_digest = models.BinaryField(max_length=32)  # SHA-256 of tenant and Study Instance UID
    study_instance_uid = models.CharField(max_length=64, blank=True)  # needed to delete from the nodes; then emptied
    sealed_objects = models.JSONField(default=list)
    instance_count = models.PositiveIntegerField()
    rule = models.CharField(max_length=200)
    requested_by_id = models.BigIntegerField()
    approved_by_id = models.BigIntegerField()
    purged_at = models.DateTimeField()
    keys_destroyed_at = models.DateTimeField(null=True)
    vault_1_at = models.DateTimeField(null=True)
    vault_2_at = models.DateTimeField(null=True)
    node_1_at = models.DateTimeField(null=True)
    node_2_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
