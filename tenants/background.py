"""Tasks that know their tenant: the id is an argument of every task, its scope is opened before the body runs.

An import of ORM rows into a task message is impossible: messages carry ids only.
"""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from celery import Task, shared_task

from tenants.scoping import tenant_scope


class TenantMissing(Exception):
    """A tenant task was called without a tenant."""


def tenant_task(
    *, name: str, time_limit: int, scoped: bool = False, **options: object
) -> Callable[[Callable[..., object]], Task]:
    """A Celery task whose first argument is the tenant's id.

    Parameters
    ----------
    time_limit
        Seconds after which the worker kills it; a soft limit 10 % earlier lets it clean up.
    scoped
        Run the whole body in the tenant's scope, one transaction. Long tasks leave it off and open short scopes.
    """

    def decorate(body: Callable[..., object]) -> Task:
        @shared_task(name=name, time_limit=time_limit, soft_time_limit=int(time_limit * 0.9), **options)
        @wraps(body)
        def run(tenant_id: str, *args: object) -> object:
            if not tenant_id:
                raise TenantMissing(name)
            if not scoped:
                return body(UUID(tenant_id), *args)
            with tenant_scope(UUID(tenant_id)):
                return body(UUID(tenant_id), *args)

        return run

    return decorate
