"""A series of a study."""

from django.db import models

from imaging.models.study import Study
from tenants.scoping import TenantModel


class Series(TenantModel):
    """One series: the unit of background work."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="series", db_constraint=False)
    series_instance_uid = models.CharField(max_length=64)
    modality = models.CharField(max_length=16, blank=True)
    series_number = models.IntegerField(null=True)
    series_description = models.CharField(max_length=1024, blank=True)
    body_part_examined = models.CharField(max_length=64, blank=True)
    laterality = models.CharField(max_length=16, blank=True)
    series_date = models.DateField(null=True)
    performed_date = models.DateField(null=True)  # PerformedProcedureStepStartDate
    performed_time = models.TimeField(null=True)
    # RequestAttributesSequence: per item {"00400009": ScheduledProcedureStepID, "00401001": RequestedProcedureID}
    request_attributes = models.JSONField(default=list)
    instance_count = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    thumbnail = models.UUIDField(null=True)  # the sealed object; None until drawn
    thumbnail_instances = models.PositiveIntegerField(default=0)  # how many instances there were when it was tried
    manifest = models.UUIDField(null=True)  # the sealed object; None until written
    manifest_instances = models.PositiveIntegerField(default=0)  # how many instances it describes
    last_received_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "study", "series_instance_uid"], name="imaging_series_uid"),
        ]
        indexes = [models.Index(fields=["tenant", "series_instance_uid"], name="imaging_series_by_uid")]
