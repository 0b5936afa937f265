"""One's own account, and where one works."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from tenants.actors import actor_of
from tenants.decorators import signed_in
from tenants.forms.reading import ReadingForm
from tenants.forms.sign_in import ChangePasswordForm, CurrentPasswordForm
from tenants.readers import find_language
from tenants.selectors import list_memberships_of
from tenants.services import reading, sign_in
from tenants.services import second_factor as factors
from tenants.views.pages import render_page


@signed_in
@require_safe
def choose_tenant(request: HttpRequest) -> HttpResponse:
    """The practices the person works for; straight on when there is nothing to choose."""
    memberships = list(list_memberships_of(request.user))
    if not memberships and request.user.is_vendor_admin:
        return redirect("vendor_agreements")
    if len(memberships) == 1 and not request.user.is_vendor_admin:
        return redirect("worklist", memberships[0].tenant.slug)
    return render_page(request, "tenants/choose_tenant.html", "tenant", {"memberships": memberships})


@signed_in
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Name, address, password, second factor."""
    return _show(request)


@signed_in
@require_POST
def change_reading(request: HttpRequest) -> HttpResponse:
    """Another language or clock, from the next page on."""
    form = ReadingForm(request.POST)
    if not form.is_valid():
        return _show(request, reading_form=form)
    reading.choose_reading(request.user, **form.cleaned_data)
    with translation.override(find_language(request)):
        messages.success(request, _("Saved."))
    return redirect("account")


@signed_in
@sensitive_post_parameters()
@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    """A new password; every other session of the person ends, this one gets a fresh key."""
    form = ChangePasswordForm(request, request.POST)
    if not form.is_valid():
        return _show(request, password_form=form)
    sign_in.change_password(actor_of(request), request.user, form.cleaned_data["password"], timezone.now())
    update_session_auth_hash(request, request.user)
    messages.success(request, _("Your password was changed. Your other sessions have ended."))
    return redirect("account")


@signed_in
@sensitive_post_parameters()
@require_POST
def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Ten fresh recovery codes, shown in this answer and never again."""
    form = CurrentPasswordForm(request, request.POST, prefix="codes")
    if not form.is_valid():
        return _show(request, codes_form=form)
    codes = factors.issue_recovery_codes(actor_of(request), request.user, timezone.now())
    return render(request, "tenants/recovery_codes.html", {"codes": codes})


@signed_in
@sensitive_post_parameters()
@require_POST
def begin_replacement(request: HttpRequest) -> HttpResponse:
    """After the password: a fresh key for another authenticator."""
    form = CurrentPasswordForm(request, request.POST, prefix="device")
    if not form.is_valid():
        return _show(request, device_form=form)
    request.session["enrolment_key"] = factors.new_authenticator_key()
    return redirect("replace_second_factor")


def _show(request: HttpRequest, **forms: object) -> HttpResponse:
    own = {"language": request.user.language, "time_zone": request.user.time_zone}
    context = {
        "reading_form": ReadingForm(initial=own),
        "password_form": ChangePasswordForm(request),
        "codes_form": CurrentPasswordForm(request, prefix="codes"),
        "device_form": CurrentPasswordForm(request, prefix="device"),
        "codes_left": factors.count_recovery_codes(request.user),
    }
    return render_page(request, "tenants/account.html", "account", context | forms)
