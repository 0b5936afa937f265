"""What is coming in through the browser, and what became of each file."""

from django.conf import settings
from django.db import models

from tenants.scoping import TenantModel


class Upload(TenantModel):
    """One tus upload: a large file, or a bundle of small ones. Its bytes lie sealed in segments until it is whole."""

    class Kind(models.TextChoices):
        FILE = "file"
        BUNDLE = "bundle"

    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    batch = models.UUIDField()  # everything dropped onto the page together
    kind = models.CharField(max_length=10, choices=Kind)
    filename = models.CharField(max_length=1024, blank=True)
    length = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(condition=models.Q(kind__in=["file", "bundle"]), name="imaging_upload_kind"),
            models.CheckConstraint(condition=models.Q(offset__lte=models.F("length")), name="imaging_upload_offset"),
        ]
        indexes = [models.Index(fields=["tenant", "batch"], name="imaging_upload_batch")]


class UploadSegment(TenantModel):
    """The bytes of one PATCH: a sealed object (`id`) of its own, so no nonce is ever used for two plaintexts."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="segments", db_constraint=False)
    position = models.PositiveBigIntegerField()
    length = models.PositiveBigIntegerField()

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "upload", "position"], name="imaging_uploadsegment_position"),
        ]


class Outcome(models.TextChoices):
    """What became of a file."""

    STORED = "stored"
    ALREADY_HERE = "already_here"
    REFUSED = "refused"


class UploadedFile(TenantModel):
    """One line of an upload's result: the file's name, what became of it and why."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="files", db_constraint=False)
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=1024)
    size = models.PositiveBigIntegerField()
    outcome = models.CharField(max_length=12, choices=Outcome)
    reason = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=500, blank=True)
    study_instance_uid = models.CharField(max_length=64, blank=True)

    class Meta(TenantModel.Meta):
        ordering = ["position"]
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(condition=models.Q(outcome__in=Outcome.values), name="imaging_uploadedfile_outcome"),
        ]
