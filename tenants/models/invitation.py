"""An invitation by mail to work in a tenant."""

from django.conf import settings
from django.db import models

from tenants.models.membership import Role
from tenants.scoping import TenantModel


class Invitation(TenantModel):
    """Someone may join under this address and role, once, until it expires. The secret is kept as a digest."""

    email = models.EmailField()
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=10, choices=Role)
    digest = models.BinaryField(max_length=32, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="tenants_invitation_role"),
        ]
