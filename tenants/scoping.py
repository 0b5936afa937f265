"""Fail-closed tenancy: models whose rows cannot be reached without an active tenant.

Two walls: the manager raises without a scope, and PostgreSQL's row-level security (`audit.wall`) shows no rows
to a transaction that names no tenant. Every tenant model's migration calls `tenant_wall` on its table.
"""

import uuid

from django.db import models

from audit.scope import (
    NoActiveTenant,
    TenantMismatch,
    active_tenant_id,
    find_active_tenant_id,
    tenant_scope,
    tenant_scope_of,
)
from audit.wall import composite_foreign_key, tenant_wall

__all__ = [
    "NoActiveTenant",
    "TenantMismatch",
    "TenantModel",
    "active_tenant_id",
    "composite_foreign_key",
    "find_active_tenant_id",
    "tenant_scope",
    "tenant_scope_of",
    "tenant_wall",
]


class TenantQuerySetManager(models.Manager):
    """Rows of the active tenant; raises `NoActiveTenant` outside a scope."""

    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().filter(tenant_id=active_tenant_id())


class TenantModel(models.Model):
    """A row that belongs to exactly one tenant, taken from the active scope."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(
        "tenants.Tenant", on_delete=models.PROTECT, default=active_tenant_id, editable=False, related_name="+"
    )

    objects = TenantQuerySetManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
        default_manager_name = "objects"
        constraints = [
            # The target of composite foreign keys.
            models.UniqueConstraint(fields=["tenant", "id"], name="%(app_label)s_%(class)s_tenant_id"),
        ]
