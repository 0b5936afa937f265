"""The active tenant: a context variable for Python, a transaction-local setting for PostgreSQL's row-level security.

It lives in the lowest app because the audit trail is walled too. Everyone else uses `tenants.scoping`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.db import connection, transaction

_active: ContextVar[UUID | None] = ContextVar("active_tenant", default=None)


class NoActiveTenant(Exception):
    """A tenant's rows were asked for outside any tenant's scope."""


class TenantMismatch(Exception):
    """A scope of one tenant was opened inside another's."""


def active_tenant_id() -> UUID:
    """The active tenant's id.

    Raises
    ------
    NoActiveTenant
    """
    if (tenant_id := _active.get()) is None:
        raise NoActiveTenant
    return tenant_id


def find_active_tenant_id() -> UUID | None:
    """The active tenant's id, or None outside a scope."""
    return _active.get()


@contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """Work on one tenant's rows, in one transaction.

    Nesting the same tenant makes a savepoint; nesting another raises.

    Raises
    ------
    TenantMismatch
    """
    current = _active.get()
    if current not in (None, tenant_id):
        raise TenantMismatch
    token = _active.set(tenant_id)
    goes_on = connection.in_atomic_block  # a transaction around ours outlives the scope, and the setting with it
    try:
        with transaction.atomic():
            _tell_database(str(tenant_id))
            yield
            if current is None and goes_on:
                _tell_database("")
    finally:
        _active.reset(token)


def _tell_database(value: str) -> None:
    # `true`: for this transaction only, so a pooled connection never carries a tenant over.
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant', %s, true)", [value])
