"""Who may change something through DICOMweb: the member behind a bearer token, or behind a session of their own."""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from audit.actions import Action, Outcome
from audit.actor import Actor
from audit.services import record
from imaging.models import AccessToken
from imaging.views.guards import find_bearer
from tenants.actors import actor_of
from tenants.decorators import find_sign_in_step, require_membership
from tenants.models import Role, Tenant
from tenants.scoping import tenant_scope


def find_writer(
    request: HttpRequest, slug: str, tenant: Tenant | None, scope: AccessToken.Scope
) -> Actor | HttpResponse:
    """The member behind a token with the scope, or behind a session; otherwise the answer they get.

    The view is exempt from the middleware's CSRF check, as a bearer token needs none; a session is checked here.

    Raises
    ------
    Http404
        Signed in, and no owner or uploader of the practice.
    """
    if request.headers.get("Authorization", "").startswith("Bearer "):
        return (tenant and _find_bearer(request, tenant, scope)) or _unauthorised()
    if find_sign_in_step(request):
        return _unauthorised()
    if forged := _find_forgery(request):
        return forged
    require_membership(request, slug, (Role.OWNER, Role.UPLOADER))
    return actor_of(request)


def record_denied(request: HttpRequest, tenant: Tenant, actor: Actor, action: Action) -> None:
    """An event for what was refused, in a scope of its own."""
    with tenant_scope(tenant.id):
        details = {"view": request.resolver_match.view_name or "", "method": request.method}
        record(action, actor, outcome=Outcome.DENIED, details=details)


def _find_bearer(request: HttpRequest, tenant: Tenant, scope: AccessToken.Scope) -> Actor | None:
    with tenant_scope(tenant.id):
        return find_bearer(request, scope)


def _unauthorised() -> HttpResponse:
    return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="collimate"'})


def _find_forgery(request: HttpRequest) -> HttpResponse | None:
    return CsrfViewMiddleware(lambda _: HttpResponse()).process_view(request, find_writer, (), {})
