"""The audit trail: append-only, hash-chained per tenant, without foreign keys, so nothing can take it along."""

from datetime import UTC
from uuid import UUID

from django.db import models

from audit.actions import Action, Outcome
from audit.actor import ActorKind
from audit.scope import active_tenant_id

# Events that belong to the vendor and to no practice are chained under this id.
PLATFORM = UUID(int=0)


class WalledManager(models.Manager):
    """Events of the active tenant; raises outside a scope."""

    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().filter(tenant_id=active_tenant_id())


class AuditEvent(models.Model):
    """One thing that happened. The app's database role may insert and read, never change or delete."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField()
    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    action = models.CharField(max_length=40, choices=Action)
    outcome = models.CharField(max_length=10, choices=Outcome)
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor_id = models.CharField(max_length=40, blank=True)
    actor_label = models.CharField(max_length=254, blank=True)
    address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    study_instance_uid = models.CharField(max_length=64, blank=True)
    series_instance_uid = models.CharField(max_length=64, blank=True)
    subject_id = models.CharField(max_length=40, blank=True)
    details = models.JSONField(default=dict)
    previous_digest = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32)

    objects = WalledManager()

    class Meta:
        ordering = ["seq"]
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "seq"], name="audit_event_gapless"),
            models.CheckConstraint(condition=models.Q(outcome__in=Outcome.values), name="audit_event_outcome"),
        ]
        indexes = [
            models.Index(fields=["tenant_id", "study_instance_uid", "-seq"], name="audit_event_study"),
            models.Index(fields=["tenant_id", "actor_id", "series_instance_uid", "-at"], name="audit_event_actor"),
        ]

    def content(self) -> dict[str, object]:
        """What the digest covers: everything but the digests and the primary key."""
        fields = {name: getattr(self, name) for name in CONTENT_FIELDS}
        return fields | {
            "tenant_id": str(self.tenant_id),
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
        }


CONTENT_FIELDS = (
    "seq", "action", "outcome", "actor_kind", "actor_id", "actor_label", "address", "user_agent",
    "study_instance_uid", "series_instance_uid", "subject_id", "details",
)  # fmt: skip


class AuditHead(models.Model):
    """The last event of a tenant's chain; locked while the next is appended, so the chain has no fork or gap.

    Stands before the wall (it names no one and nothing), so that a check can list the chains there are.
    """

    tenant_id = models.UUIDField(primary_key=True)
    seq = models.PositiveBigIntegerField(default=0)
    digest = models.BinaryField(max_length=32)
