"""Bearer tokens for DICOMweb and for the REST API."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scoping import TenantModel


class AccessToken(TenantModel):
    """A digest of a secret that acts for one member of the tenant, within scopes, until it expires."""

    class Scope(models.TextChoices):
        READ = "read", _("Find and read studies")
        STORE = "store", _("Store studies")
        SHARE = "share", _("Share studies")
        DELETE = "delete", _("Ask for studies to be purged")
        AUDIT = "audit", _("Read the audit trail")
        AGREEMENTS = "agreements", _("Read agreements")

    name = models.CharField(max_length=100, blank=True)  # what the practice calls it; no PHI
    digest = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
