"""Bearer tokens for DICOMweb clients."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.scoping import TenantModel


class AccessToken(TenantModel):
    """A digest of a secret that acts for one member of the tenant, within scopes, until it expires."""

    class Scope(models.TextChoices):
        READ = "read"
        STORE = "store"

    digest = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
