"""What watches over the bytes: findings, brakes, drills and copies for the office."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from imaging.models.vault_object import REGION
from tenants.scoping import TenantModel


class Finding(TenantModel):
    """Something wrong with a copy, or with the time it takes to make one. Open until `healed_at`."""

    class Kind(models.TextChoices):
        MISSING = "missing", _("Copy missing")
        DAMAGED = "damaged", _("Copy damaged")
        KEY_MISSING = "key-missing", _("Key missing")
        LAG = "lag", _("Second region behind")

    kind = models.CharField(max_length=12, choices=Kind)
    region = models.PositiveSmallIntegerField(validators=REGION)
    object_id = models.UUIDField(null=True)  # the sealed object; None for a lag
    found_at = models.DateTimeField()
    healed_at = models.DateTimeField(null=True)
    details = models.JSONField(default=dict)  # counts, codes and ids: no PHI

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(kind__in=["missing", "damaged", "key-missing", "lag"]), name="imaging_finding_kind"
            ),
            models.UniqueConstraint(
                fields=["tenant", "region", "kind", "object_id"],
                condition=models.Q(healed_at=None),
                nulls_distinct=False,
                name="imaging_finding_open_once",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-found_at"], name="imaging_finding_latest")]


class Brake(TenantModel):
    """Replication and purges of a practice stand still because too much changed at once. On until `released_at`."""

    tripped_at = models.DateTimeField()
    changed = models.PositiveIntegerField()  # objects deleted or rewritten within the hour
    usual = models.PositiveIntegerField()  # and how many were usual
    released_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(released_at=None), name="imaging_brake_one_at_a_time"
            ),
        ]


class Drill(TenantModel):
    """A restore that was tried: what came back, how long it took, and what a loss at that moment would have cost."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    studies = models.PositiveIntegerField(default=0)
    instances = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)  # bytes of Part 10 files compared
    differences = models.PositiveIntegerField(default=0)
    rpo_seconds = models.PositiveIntegerField(null=True)
    rto_seconds = models.PositiveIntegerField(null=True)
    passed = models.BooleanField(default=False)
    report = models.UUIDField(null=True)  # the sealed object that holds the signed PDF

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "-started_at"], name="imaging_drill_latest")]


class OfficeCopy(TenantModel):
    """A copy of the practice on a disk of its own, made by `manage.py snapshot`."""

    finished_at = models.DateTimeField()
    instances = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField()  # bytes of ciphertext in the copy
    added = models.PositiveIntegerField()  # sealed objects that this run added

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "-finished_at"], name="imaging_officecopy_latest")]
