"""What people note about studies: how urgent, who takes care, who has looked; and how they want them listed."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from imaging.models.study import Study
from tenants.scoping import TenantModel


class Priority(models.TextChoices):
    """How soon a study wants to be read. Without a row of `Triage` it is routine."""

    ROUTINE = "routine", _("Routine")
    URGENT = "urgent", _("Urgent")
    STAT = "stat", _("Stat")


class Triage(TenantModel):
    """How urgent a study is, and which member of the practice takes care of it. Gone with the study."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="triage", db_constraint=False)
    study_date = models.DateField(null=True)  # as the study's, which never changes
    priority = models.CharField(max_length=10, choices=Priority, default=Priority.ROUTINE)
    assigned_to = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(condition=models.Q(priority__in=Priority.values), name="imaging_triage_priority"),
        ]
        indexes = [
            models.Index(
                models.F("tenant"),
                models.F(column),
                models.F("study_date").desc(nulls_last=True),
                models.F("study").desc(),
                name=f"imaging_triage_{short}",
            )
            for column, short in {"assigned_to": "assigned", "priority": "urgency"}.items()
        ]


class Reading(TenantModel):
    """When a member last looked at a study; None once they marked it as unread again."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="readings", db_constraint=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    read_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "study", "user"], name="imaging_reading_once"),
        ]


class SavedFilter(TenantModel):
    """A search that somebody named, for themselves or (`shared`) for the practice; `pinned` ones are tabs."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    wanted = models.JSONField(default=dict)  # what the worklist's form holds
    shared = models.BooleanField(default=False)
    pinned = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "owner", "name"], name="imaging_savedfilter_name"),
        ]


class WorklistSettings(TenantModel):
    """How somebody wants their worklist: which columns, how dense, in which order."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    columns = models.JSONField(default=list)
    density = models.CharField(max_length=10, default="normal")
    order = models.CharField(max_length=10, default="latest")

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "user"], name="imaging_worklistsettings_once"),
        ]
