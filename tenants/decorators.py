"""Guards of tenant pages. Every URL carries exactly one guard; the architecture test counts them.

A guard finds the tenant by its slug, the member and their role, opens the tenant's scope and only then calls the
view. Not yours and not there are the same 404, and both are in the trail of the tenant that was asked for.
"""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from audit.actions import Action, Outcome
from audit.services import record
from tenants.actors import actor_of
from tenants.models import Membership, Role
from tenants.readers import enter_clock
from tenants.scoping import tenant_scope
from tenants.selectors import find_membership, find_tenant

View = Callable[..., HttpResponse]


def guard(name: str) -> Callable[[View], View]:
    """Mark a view as guarded by `name`; the architecture test demands one mark per URL."""

    def mark(view: View) -> View:
        view.guard = name  # type: ignore[attr-defined]
        return view

    return mark


def public(view: View) -> View:
    """Anyone may call this; it shows no tenant's rows."""
    return guard("public")(view)


def signed_in(view: View) -> View:
    """Someone signed in with both factors."""

    @guard("signed-in")
    @wraps(view)
    def inner(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return find_sign_in_step(request) or view(request, *args, **kwargs)

    return inner


def vendor_admin(view: View) -> View:
    """The vendor's administrator of agreements, signed in with both factors; for anyone else the page is not there."""

    @guard("vendor-admin")
    @wraps(view)
    def inner(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if step := find_sign_in_step(request):
            return step
        if not request.user.is_vendor_admin:
            raise Http404
        return view(request, *args, **kwargs)

    return inner


def member(*roles: Role, scoped: bool = True) -> Callable[[View], View]:
    """A member of the tenant in the URL with one of `roles` (any, when none is named).

    The view gets `request.membership` and `request.tenant`, and runs inside the tenant's scope. With
    `scoped=False` it runs outside: for views that stream a body for minutes and open short scopes themselves.
    """

    def decorate(view: View) -> View:
        @guard("member")
        @wraps(view)
        def inner(request: HttpRequest, slug: str, *args: object, **kwargs: object) -> HttpResponse:
            if step := find_sign_in_step(request):
                return step
            request.membership = require_membership(request, slug, roles)
            request.tenant = request.membership.tenant
            enter_clock(request, request.tenant)
            if not scoped:
                return view(request, *args, **kwargs)
            return _in_scope(request, view, *args, **kwargs)

        return inner

    return decorate


def not_found_for(*refusals: type[Exception]) -> Callable[[View], View]:
    """Answer a domain's refusals as 404, below `member`, so that the scope is rolled back and the denial recorded."""

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except refusals:
                raise Http404 from None

        return inner

    return decorate


def _in_scope(request: HttpRequest, view: View, *args: object, **kwargs: object) -> HttpResponse:
    try:
        with tenant_scope(request.tenant.id):
            return view(request, *args, **kwargs)
    except Http404:
        _record_denied(request, request.tenant.id)
        raise


def find_sign_in_step(request: HttpRequest) -> HttpResponse | None:
    """Where someone not yet fully signed in must go first: the login or the enrolment of a second factor."""
    if not request.user.is_authenticated:
        if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate" or request.method != "GET":
            return HttpResponse(status=401)
        return redirect_to_login(request.get_full_path(), "login")
    if not request.user.is_verified():
        return redirect("second_factor")
    return None


def require_membership(request: HttpRequest, slug: str, roles: tuple[Role, ...]) -> Membership:
    """The caller's membership in the tenant, with one of the roles.

    Raises
    ------
    Http404
        No such tenant, not a member of it, or not in that role.
    """
    membership = find_membership(request.user, slug)
    if membership is not None and (not roles or membership.role in roles):
        return membership
    if tenant := find_tenant(slug):
        _record_denied(request, tenant.id)
    raise Http404


def _record_denied(request: HttpRequest, tenant_id: object) -> None:
    # In a scope of its own: the view's was rolled back with what it had begun.
    with tenant_scope(tenant_id):
        record(
            Action.ACCESS_DENIED,
            actor_of(request),
            outcome=Outcome.DENIED,
            details={"view": request.resolver_match.view_name or "", "method": request.method},
        )
