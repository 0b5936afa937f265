"""A link that lets someone without an account see one study."""

from django.conf import settings
from django.db import models

from imaging.models.study import Study
from tenants.scoping import TenantModel


class ShareLink(TenantModel):
    """An opaque secret for one study and one recipient; the secret and its code are kept as digests only."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="share_links", db_constraint=False)
    digest = models.BinaryField(max_length=32, unique=True)
    code_hash = models.CharField(max_length=200)  # Argon2id of the code told by another channel
    recipient_name = models.CharField(max_length=200)
    recipient_email = models.EmailField()
    note = models.CharField(max_length=500, blank=True)
    may_download = models.BooleanField(default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    failed_tries = models.PositiveSmallIntegerField(default=0)
    locked_at = models.DateTimeField(null=True)
    first_redeemed_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="imaging_sharelink_expires"
            ),
        ]
