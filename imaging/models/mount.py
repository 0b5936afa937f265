"""How a practice laid the films of one study into a mount."""

from django.conf import settings
from django.db import models

from imaging.models.study import Study
from tenants.scoping import TenantModel


class Mount(TenantModel):
    """The template and, of each film in it, where it lies and how it is turned; one for a study.

    `films` is a list of `{"position", "series", "instance", "rotate", "flip"}`: names of ours and UIDs, no texts.
    """

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="mount", db_constraint=False)
    template = models.CharField(max_length=40)
    films = models.JSONField(default=list)
    revision = models.PositiveIntegerField(default=1)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()
