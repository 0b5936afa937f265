"""From a secret in a URL to its tenant, before any tenant is active."""

from django.db import models

from tenants.models.tenant import Tenant


class SecretKind(models.TextChoices):
    """What a secret opens."""

    SHARE_LINK = "share-link"
    PATIENT_INVITATION = "patient-invitation"
    MEMBER_INVITATION = "member-invitation"
    API_TOKEN = "api-token"


class SecretRoute(models.Model):
    """SHA-256 of a 256-bit secret, and the tenant behind whose wall the row it belongs to stands.

    Holds no PHI and opens nothing by itself: the row behind the wall decides.
    """

    digest = models.BinaryField(primary_key=True, max_length=32)
    kind = models.CharField(max_length=20, choices=SecretKind)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=SecretKind.values), name="tenants_route_kind")
        ]
