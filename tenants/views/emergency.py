"""The emergency portal's own sign-in, and where to look after it."""

from django.conf import settings
from django.contrib.auth import login as begin_session
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_otp.models import Device

from audit.actor import Actor, ActorKind
from tenants.actors import actor_of, origin_of
from tenants.decorators import public
from tenants.emergency import LIMIT_SECONDS, is_opened, mark_opened
from tenants.forms.emergency import EmergencyForm
from tenants.selectors import list_memberships_of
from tenants.services import sign_in
from tenants.services.emergency import open_emergency
from tenants.services.second_factor import CodeRefused
from tenants.views.pages import remember_next, render_page
from tenants.views.second_factor import begin_verified_session


@public
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def emergency(request: HttpRequest) -> HttpResponse:
    """Both factors and a reason; then a search in each practice the person works for. Elsewhere it is not there."""
    if not settings.EMERGENCY:
        raise Http404
    if is_opened(request):
        return _search(request)
    form = EmergencyForm(request, request.POST or None, initial={"next": request.GET.get("next", "")})
    if form.is_valid() and (device := _open(request, form)):
        begin_session(request, form.user)
        begin_verified_session(request, device)
        mark_opened(request)
        remember_next(request, form.cleaned_data["next"])
        return redirect(request.session.pop("next", "") or "emergency")
    if form.was_refused:
        sign_in.record_sign_in_failed(actor_of(request), form.cleaned_data["email"], timezone.now())
    return render(request, "tenants/emergency.html", {"form": form, "minutes": LIMIT_SECONDS // 60})


def _search(request: HttpRequest) -> HttpResponse:
    context = {"memberships": list(list_memberships_of(request.user))}
    return render_page(request, "tenants/emergency_search.html", "tenant", context)


def _open(request: HttpRequest, form: EmergencyForm) -> Device | None:
    # No session yet: the person is known by the password, and the trail should say who it was.
    actor = Actor(ActorKind.USER, str(form.user.pk), form.user.email, **origin_of(request))
    given = [form.cleaned_data[name] for name in ("code", "reason", "note")]
    try:
        return open_emergency(actor, form.user, *given, timezone.now())
    except CodeRefused as refusal:
        form.add_error("code", refusal.reason)
        return None
