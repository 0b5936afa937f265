"""The active tenant: a context variable for Python, a transaction-local setting for PostgreSQL's row-level security.

It lives in the lowest app because the audit trail is walled too. Everyone else uses `tenants.scoping`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar
from uuid import UUID

from django.db import connection, transaction

from audit.statement import Statement

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


class Identified(Protocol):
    """A row with the tenant's id."""

    id: UUID


Found = TypeVar("Found", bound=Identified)
_TELL = Statement("SELECT set_config('app.tenant', %s, true)")


@contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """Work on one tenant's rows, in one transaction.

    Nesting the same tenant makes a savepoint; nesting another raises.

    Raises
    ------
    TenantMismatch
    """
    _require_no_other(tenant_id)
    with _transaction(), _activated(tenant_id):
        _tell_database(str(tenant_id))
        yield


@contextmanager
def tenant_scope_of(find: Callable[[], Found | None]) -> Iterator[Found | None]:
    """Work on the rows of the tenant that `find` finds, in one transaction; without a scope when it finds none.

    `find` must itself tell the database which tenant it found (`set_config('app.tenant', …, true)`), in the statement
    that finds it: requests come by the hundred a second.

    Raises
    ------
    TenantMismatch
    """
    with _transaction():
        tenant = find()
        if tenant is None:
            yield None
            return
        _require_no_other(tenant.id)
        with _activated(tenant.id):
            yield tenant


@contextmanager
def _transaction() -> Iterator[None]:
    """A transaction that takes the setting with it; one around ours outlives the scope, and is told that it ended."""
    outermost, goes_on = _active.get() is None, connection.in_atomic_block
    with transaction.atomic():
        yield
        if outermost and goes_on:
            _tell_database("")


@contextmanager
def _activated(tenant_id: UUID) -> Iterator[None]:
    token = _active.set(tenant_id)
    try:
        yield
    finally:
        _active.reset(token)


def _require_no_other(tenant_id: UUID) -> None:
    if _active.get() not in (None, tenant_id):
        raise TenantMismatch


def _tell_database(value: str) -> None:
    # `true`: for this transaction only, so a pooled connection never carries a tenant over.
    _TELL.rows(value)
