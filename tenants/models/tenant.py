"""A practice: the wall around everything it keeps."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Tenant(models.Model):
    """A dental practice, an orthopaedic practice or an imaging centre, with its retention policy."""

    class Kind(models.TextChoices):
        DENTAL = "dental", _("Dental practice")
        ORTHOPAEDIC = "orthopaedic", _("Orthopaedic practice")
        IMAGING_CENTRE = "imaging-centre", _("Imaging centre")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True, max_length=40)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Kind)
    time_zone = models.CharField(max_length=64, default="America/New_York")
    # What recipients and patients are written to in, of whom nothing is known.
    language = models.CharField(max_length=10, default="en")
    # When an owner put the first steps away; None: they are shown while any is left.
    first_steps_hidden_at = models.DateTimeField(null=True)
    # compliance.md A12: adult 10 years, minor until 7 years after majority satisfies every sourced dental rule.
    retention_years = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    minor_years_after_majority = models.PositiveSmallIntegerField(default=7, validators=[MaxValueValidator(100)])
    purge_grace_days = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    # In how many regions an image is durable before its upload is acknowledged.
    acknowledge_in = models.PositiveSmallIntegerField(default=1)
    # How devices call the practice in DICOM associations; None: the door is shut to it.
    ae_title = models.CharField(max_length=16, unique=True, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["dental", "orthopaedic", "imaging-centre"]), name="tenants_tenant_kind"
            ),
            models.CheckConstraint(condition=models.Q(acknowledge_in__in=[1, 2]), name="tenants_tenant_acknowledge_in"),
        ]

    def __str__(self) -> str:
        return self.name
