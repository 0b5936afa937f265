"""Business associate agreements between the vendor and a practice (45 CFR 164.502(e), 164.504(e))."""

import uuid
from datetime import date

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant


class Status(models.TextChoices):
    """Where an agreement stands. Whether it is in force also depends on the day."""

    DRAFTED = "drafted", _("Drafted")
    SENT = "sent", _("Sent for signature")
    EXECUTED = "executed", _("Executed")
    TERMINATED = "terminated", _("Terminated")


class Agreement(models.Model):
    """One agreement. Stands before the tenant wall: the vendor's administrator sees all, and it holds no PHI."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="agreements")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFTED)
    effective_on = models.DateField()
    expires_on = models.DateField()
    practice_signer = models.CharField(max_length=200, blank=True)
    vendor_signer = models.CharField(max_length=200, blank=True)
    executed_at = models.DateTimeField(null=True)
    terminated_at = models.DateTimeField(null=True)
    reminded_for = models.PositiveSmallIntegerField(null=True)  # days before expiry of the last reminder sent
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["tenant__name", "-effective_on"]
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=Status.values), name="baas_agreement_status"),
            models.CheckConstraint(
                condition=models.Q(expires_on__gt=models.F("effective_on")), name="baas_agreement_ends_after_it_begins"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="executed") | models.Q(executed_at__isnull=False, practice_signer__gt=""),
                name="baas_agreement_executed_is_signed",
            ),
        ]

    def is_in_force(self, today: date) -> bool:
        """Executed, and `today` lies in [effective, expiry] (compliance.md BAA-01)."""
        return self.status == Status.EXECUTED and self.effective_on <= today <= self.expires_on
