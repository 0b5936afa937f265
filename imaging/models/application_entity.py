"""Devices of the practice that send by DICOM over TLS."""

from django.conf import settings
from django.db import models

from tenants.scoping import TenantModel


class ApplicationEntity(TenantModel):
    """A device that may send: who it says it is (calling AE title), and the certificate that proves it.

    Which practice is meant, the called AE title says (`Tenant.ae_title`).
    """

    name = models.CharField(max_length=100)  # what the practice calls it
    ae_title = models.CharField(max_length=16)  # calling AE title
    certificate = models.TextField()  # PEM, of the client
    fingerprint = models.BinaryField(max_length=32)  # SHA-256 over the certificate's DER
    expires_at = models.DateTimeField()  # of the certificate
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["tenant", "ae_title", "fingerprint"],
                condition=models.Q(revoked_at=None),
                name="imaging_applicationentity_once",
            ),
        ]
