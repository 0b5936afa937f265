"""A sealed object of a series, and in which regions it is known to be good."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from imaging.models.series import Series
from tenants.scoping import TenantModel

REGION = [MinValueValidator(1), MaxValueValidator(2)]


class VaultObject(TenantModel):
    """`id` names the sealed object in the vaults: a pack of instances, a manifest or a thumbnail.

    `in_1_at` and `in_2_at` say when the copy of that region was read back and proved equal. A retired object has been
    replaced by another; its bytes stay for a while, because streams and restored databases may still point at them.
    """

    class Kind(models.TextChoices):
        PACK = "pack"
        MANIFEST = "manifest"
        THUMBNAIL = "thumbnail"

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="objects_sealed", db_constraint=False)
    kind = models.CharField(max_length=10, choices=Kind)
    size = models.PositiveBigIntegerField()  # plaintext bytes, a pack's directory included
    member_count = models.PositiveIntegerField(default=0)  # instances in a pack
    home_region = models.PositiveSmallIntegerField(validators=REGION)  # where it was sealed
    created_at = models.DateTimeField()
    in_1_at = models.DateTimeField(null=True)
    in_2_at = models.DateTimeField(null=True)
    scrubbed_1_at = models.DateTimeField(null=True)
    scrubbed_2_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(kind__in=["pack", "manifest", "thumbnail"]), name="imaging_vaultobject_kind"
            ),
            models.CheckConstraint(condition=models.Q(home_region__in=[1, 2]), name="imaging_vaultobject_home"),
        ]
        indexes = [
            models.Index(fields=["tenant", "series", "kind"], name="imaging_vaultobject_series"),
            *(
                models.Index(
                    fields=["tenant", "series"],
                    condition=models.Q(**{f"in_{region}_at": None, "retired_at": None}),
                    name=f"imaging_vaultobject_wait_{region}",
                )
                for region in (1, 2)
            ),
            *(
                models.Index(
                    models.F("tenant"),
                    models.F(f"scrubbed_{region}_at").asc(nulls_first=True),
                    name=f"imaging_vaultobject_scrub_{region}",
                )
                for region in (1, 2)
            ),
            models.Index(
                fields=["tenant", "retired_at"],
                condition=models.Q(retired_at__isnull=False),
                name="imaging_vaultobject_retired",
            ),
        ]
