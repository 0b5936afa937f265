"""The first factor, and signing out."""

from django.contrib.auth import login as begin_session
from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from tenants.actors import actor_of
from tenants.decorators import public
from tenants.forms.sign_in import SignInForm
from tenants.services import sign_in
from tenants.views.pages import remember_next


@public
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """E-mail and password; then the second factor."""
    if request.user.is_authenticated:
        return redirect("second_factor")
    form = SignInForm(request, request.POST or None, initial={"next": request.GET.get("next", "")})
    if form.is_valid():
        begin_session(request, form.user)
        remember_next(request, form.cleaned_data["next"])
        return redirect("second_factor")
    if form.was_refused:
        sign_in.record_sign_in_failed(actor_of(request), form.cleaned_data["email"], timezone.now())
    return render(request, "tenants/login.html", {"form": form})


@public
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session on the server."""
    if request.user.is_authenticated:
        sign_in.record_signed_out(actor_of(request), request.user, timezone.now())
    end_session(request)
    return redirect("login")
