"""A new password for someone who forgot theirs: a link by mail, and still the second factor afterwards."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlsafe_base64_decode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from tenants.actors import actor_of
from tenants.decorators import public
from tenants.forms.sign_in import NewPasswordForm, ResetForm
from tenants.services import sign_in


@public
@require_http_methods(["GET", "HEAD", "POST"])
def reset_request(request: HttpRequest) -> HttpResponse:
    """Ask for a link; the answer is the same for an unknown address."""
    form = ResetForm(request.POST or None)
    if not form.is_valid():
        return render(request, "tenants/reset_request.html", {"form": form})
    try:
        sign_in.request_password_reset(form.cleaned_data["email"])
    except sign_in.BrokerAway:
        form.add_error(None, _("Mail cannot be sent at the moment. Try again in a few minutes."))
        return render(request, "tenants/reset_request.html", {"form": form}, status=503)
    return render(request, "tenants/reset_sent.html")


@public
@require_safe
def reset_open(request: HttpRequest, user: str, token: str) -> HttpResponse:
    """The link of the mail: moves its secret out of the address. Opening it spends nothing."""
    user_id = _read_id(user)
    if sign_in.find_user_of_reset_link(user_id, token) is None:
        return render(request, "tenants/reset_gone.html", status=404)
    request.session["reset"] = [user_id, token]
    return redirect("reset_password")


@public
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def reset_password(request: HttpRequest) -> HttpResponse:
    """Choose the new password."""
    user_id, token = request.session.get("reset", (0, ""))
    user = sign_in.find_user_of_reset_link(user_id, token)
    if user is None:
        return render(request, "tenants/reset_gone.html", status=404)
    form = NewPasswordForm(user, request.POST or None)
    if not form.is_valid():
        return render(request, "tenants/reset_password.html", {"form": form, "email": user.email})
    try:
        sign_in.reset_password(actor_of(request), user_id, token, form.cleaned_data["password"], timezone.now())
    except sign_in.ResetLinkInvalid:
        return render(request, "tenants/reset_gone.html", status=404)
    del request.session["reset"]
    messages.success(request, _("Your password was changed. Sign in with the new one."))
    return redirect("login")


def _read_id(encoded: str) -> int:
    try:
        return int(urlsafe_base64_decode(encoded).decode("ascii"))
    except ValueError:
        return 0
