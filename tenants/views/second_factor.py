"""The second factor: enrolment, and the code at each sign-in."""

from base64 import b32encode, b64encode

import qrcode
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_otp import login as mark_verified
from django_otp.models import Device
from qrcode.image.svg import SvgPathImage

from tenants.actors import actor_of
from tenants.decorators import public, signed_in
from tenants.forms.sign_in import CodeForm, TotpForm
from tenants.services import second_factor as factors
from tenants.views.pages import go_on

FEW_CODES = 3


@public
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Where whoever has passed only the password must go: enrolment, or the code when enrolled."""
    if not request.user.is_authenticated:
        return redirect("login")
    if request.user.is_verified():
        return go_on(request)
    if factors.has_second_factor(request.user):
        return redirect("login_code")
    request.session.setdefault("enrolment_key", factors.new_authenticator_key())
    return _enrol(request, replace=False)


@public
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """A code from the authenticator or a recovery code, at each sign-in."""
    if not request.user.is_authenticated:
        return redirect("login")
    if request.user.is_verified() or not factors.has_second_factor(request.user):
        return redirect("second_factor")
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            device = factors.verify_code(actor_of(request), request.user, form.cleaned_data["code"], timezone.now())
        except factors.CodeRefused as refusal:
            form.add_error("code", refusal.reason)
        else:
            begin_verified_session(request, device)
            _warn_of_few_codes(request)
            return go_on(request)
    return render(request, "tenants/login_code.html", {"form": form})


@signed_in
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def replace_second_factor(request: HttpRequest) -> HttpResponse:
    """Enrol another authenticator. The account page puts the key into the session, after the password."""
    if "enrolment_key" not in request.session:
        return redirect("account")
    return _enrol(request, replace=True)


def begin_verified_session(request: HttpRequest, device: Device) -> None:
    """From here on the session counts as signed in with both factors, under a fresh key."""
    mark_verified(request, device)
    request.session.pop("enrolment_key", None)
    request.session.cycle_key()


def _enrol(request: HttpRequest, *, replace: bool) -> HttpResponse:
    key = request.session["enrolment_key"]
    form = TotpForm(request.POST or None)
    if form.is_valid():
        code, actor = form.cleaned_data["code"], actor_of(request)
        try:
            device, codes = factors.enrol(actor, request.user, key, code, timezone.now(), replace=replace)
        except factors.CodeRefused as refusal:
            form.add_error("code", refusal.reason)
        except factors.AlreadyEnrolled:
            return redirect("login_code")
        else:
            begin_verified_session(request, device)
            return render(request, "tenants/recovery_codes.html", {"codes": codes})
    context = {
        "form": form,
        "qr": _qr(factors.provisioning_uri(request.user, key)),
        "key": _spell(key),
        "replace": replace,
    }
    return render(request, "tenants/enrol.html", context)


def _warn_of_few_codes(request: HttpRequest) -> None:
    left = factors.count_recovery_codes(request.user)
    if left < FEW_CODES:
        messages.warning(
            request, _("You have {left} recovery codes left. Get new ones on your account page.").format(left=left)
        )


def _qr(text: str) -> str:
    # A data URL: the secret is never at an address of its own.
    image = qrcode.make(text, image_factory=SvgPathImage, border=1)
    return "data:image/svg+xml;base64," + b64encode(image.to_string()).decode()


def _spell(key: str) -> str:
    letters = b32encode(bytes.fromhex(key)).decode()
    return " ".join(letters[at : at + 4] for at in range(0, len(letters), 4))
