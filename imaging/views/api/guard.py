"""The one guard of the API: a live token, its rate, its scope, its practice's scope around the view.

There is no session here: a browser's cookie opens nothing, so no other site can ride on it. What access refuses
becomes the same 404 for all, with an event in the trail of the token's practice.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, MethodNotAllowed, NotAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.actions import Action, Outcome
from audit.services import record
from imaging.models import AccessToken
from imaging.services.tokens import LiveToken, find_token
from imaging.views.api.bodies import Negotiation, SmallJSON
from imaging.views.api.problems import ScopeMissing, answer_problem
from imaging.views.api.rates import TokenRate
from imaging.views.guards import run_as
from tenants.actors import origin_of
from tenants.decorators import guard
from tenants.scoping import tenant_scope

Scope = AccessToken.Scope
CHALLENGE = 'Bearer realm="collimate"'
_READING = ("GET", "HEAD")


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer <token>` (RFC 6750 §2.1). `request.auth` is the token; there is no user."""

    def authenticate(self, request: Request) -> tuple[None, LiveToken] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = find_token(secret.strip(), **origin_of(request))
        if token is None:
            raise AuthenticationFailed("The token is unknown, revoked or expired, or its member has left.")
        return None, token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class Resource(APIView):
    """One address. `scopes` says by method what the token needs (None: any live token will do)."""

    scopes: ClassVar[Mapping[str, AccessToken.Scope | None]] = {}
    only_reads: ClassVar[bool] = False  # a POST here asks, and changes nothing
    authentication_classes = (BearerToken,)
    permission_classes = ()
    throttle_classes = (TokenRate,)
    parser_classes = (SmallJSON,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = Negotiation
    http_method_names = ("get", "head", "post", "delete")

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Guard, call, answer. The method runs in the token's practice; all that comes before it, outside."""
        self.args, self.kwargs, self.headers = args, kwargs, self.default_response_headers
        self.request = request = self.initialize_request(request, *args, **kwargs)
        try:
            self.initial(request, *args, **kwargs)
            method = self._method()
            response = run_as(request, request.auth.tenant, request.auth.actor, method, *args, **kwargs)
        except Exception as error:
            response = self.handle_exception(error)
        self.response: Response = self.finalize_response(request, response, *args, **kwargs)
        return self.response

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Everything that can be refused before the method runs. The rate comes before what writes to the trail."""
        self.format_kwarg = None
        self.perform_authentication(request)
        if request.auth is None:
            raise NotAuthenticated("This API wants a bearer token.")
        self.check_throttles(request)
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return answer_problem

    def rate_of(self, method: str) -> str:
        """Which of the two rates a request counts to."""
        return "read" if method in _READING or self.only_reads else "write"

    def _method(self) -> Callable[..., Response]:
        name = self.request.method
        known = "GET" if name == "HEAD" else name
        if known not in self.scopes:
            raise MethodNotAllowed(name)
        self._require_scope(self.scopes[known])
        return getattr(self, known.lower())

    def _require_scope(self, scope: AccessToken.Scope | None) -> None:
        token: LiveToken = self.request.auth
        if scope is None or token.may(scope):
            return
        with tenant_scope(token.tenant.id):
            view = self.request.resolver_match.view_name or ""
            details = {"view": view, "method": self.request.method, "scope": str(scope)}
            record(Action.ACCESS_DENIED, token.actor, outcome=Outcome.DENIED, details=details)
        raise ScopeMissing


def api(resource: type[Resource]) -> Callable[..., HttpResponse]:
    """Guard of every route of the API.

    Raises
    ------
    ImproperlyConfigured
        A method of the resource has no entry in its scopes.
    """
    methods = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(resource, name)}
    if methods != set(resource.scopes):
        raise ImproperlyConfigured(f"{resource.__name__} has methods without a scope, or scopes without a method.")
    return guard("api")(resource.as_view())
