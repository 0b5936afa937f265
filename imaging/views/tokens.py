"""Bearer tokens: a member makes and ends their own; an owner sees and ends everyone's."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from imaging.access import StudyNotFound
from imaging.forms.tokens import TokenForm
from imaging.models import AccessToken
from imaging.selectors.tokens import list_tokens
from imaging.services.tokens import create_own_token, revoke_token
from tenants.actors import actor_of
from tenants.decorators import member, not_found_for
from tenants.models import Role


@require_http_methods(["GET", "HEAD", "POST"])
@member()
@not_found_for(StudyNotFound)
def tokens(request: HttpRequest) -> HttpResponse:
    """The list; the form makes a token and shows it, once."""
    form = TokenForm(request.POST or None, role=Role(request.membership.role))
    context: dict[str, object] = {}
    if request.method == "POST" and form.is_valid():
        context = _create(request, form.cleaned_data)
        form = TokenForm(role=Role(request.membership.role))
    return render(request, "imaging/connections/tokens.html", _context(request, form) | context)


@require_POST
@member()
@not_found_for(StudyNotFound, AccessToken.DoesNotExist)
def token_revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End a token."""
    revoke_token(actor_of(request), token_id, timezone.now())
    messages.success(request, _("The token is revoked. Its next request is refused."))
    return redirect("tokens", request.tenant.slug)


def _create(request: HttpRequest, wanted: dict[str, object]) -> dict[str, object]:
    secret = create_own_token(actor_of(request), request.user, **wanted, now=timezone.now())
    readable = AccessToken.Scope.READ in wanted["scopes"]
    path = reverse("api_studies") if readable else reverse("api_token")
    return {"secret": secret, "secret_name": wanted["name"], "example_url": settings.ORIGIN + path}


def _context(request: HttpRequest, form: TokenForm) -> dict[str, object]:
    is_owner = request.membership.role == Role.OWNER
    return {
        "nav": "connections",
        "tab": "tokens",
        "tenant": request.tenant,
        "membership": request.membership,
        "form": form,
        "is_owner": is_owner,
        "tokens": list_tokens(timezone.now(), None if is_owner else request.user.pk),
        "dicomweb_url": settings.ORIGIN + reverse("stow", args=[request.tenant.slug]),
    }
