"""Reads about tenants and their storage nodes."""

from uuid import UUID

from django.db.models import QuerySet

from audit.statement import Statement
from tenants.models import StorageNode, Tenant

_FIELDS = [field.attname for field in Tenant._meta.concrete_fields]
_ENTERED = Statement(
    f"SELECT {', '.join(_FIELDS)}, set_config('app.tenant', id::text, true) FROM tenants_tenant WHERE slug = %s"
)


def find_tenant(slug: str) -> Tenant | None:
    """The tenant with that slug, if there is one."""
    return Tenant.objects.filter(slug=slug).first()


def enter_tenant(slug: str) -> Tenant | None:
    """The tenant with that slug, which the database takes for the active one from here on: for `tenant_scope_of`."""
    rows = _ENTERED.rows(slug)
    return Tenant.from_db("default", _FIELDS, rows[0][:-1]) if rows else None


def get_tenant(tenant_id: UUID) -> Tenant:
    """The tenant; raises `Tenant.DoesNotExist`."""
    return Tenant.objects.get(id=tenant_id)


def list_tenants() -> QuerySet[Tenant]:
    """Every tenant, by name."""
    return Tenant.objects.order_by("name")


def get_node(tenant_id: UUID, region: int) -> StorageNode:
    """The tenant's storage node in the region; raises `StorageNode.DoesNotExist`."""
    return StorageNode.objects.get(tenant_id=tenant_id, region=region)


def list_nodes() -> QuerySet[StorageNode]:
    """Every storage node, for the process keeper and the health page."""
    return StorageNode.objects.select_related("tenant").order_by("created_at", "region")
