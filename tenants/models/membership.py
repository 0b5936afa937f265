"""Who works where, as what."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.tenant import Tenant


class Role(models.TextChoices):
    """What a member may do: an owner everything, an uploader take in and share, a viewer look."""

    OWNER = "owner", _("Owner")
    UPLOADER = "uploader", _("Uploader")
    VIEWER = "viewer", _("Viewer")


class Membership(models.Model):
    """One person's role in one tenant. Read before any tenant is active (sign-in), so it stands before the wall."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "tenant"], name="tenants_membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="tenants_membership_role"),
        ]
