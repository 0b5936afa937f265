"""Accepting an invitation."""

from django.contrib import messages
from django.contrib.auth import login as begin_session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tenants.actors import actor_of
from tenants.decorators import public
from tenants.forms.sign_in import JoinForm
from tenants.models import User
from tenants.services import people

BACKEND = "django.contrib.auth.backends.ModelBackend"


@public
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """The link of the mail. Opening it spends nothing: mail scanners open links; only the form does."""
    offer = people.find_offer(secret, timezone.now())
    if offer is None:
        return _gone(request)
    if request.user.is_authenticated and request.user.email != offer.email:
        return render(request, "tenants/join_other.html", {"offer": offer}, status=403)
    try:
        return _join_existing(request, secret, offer) if offer.has_account else _join_new(request, secret, offer)
    except people.InvitationInvalid:
        return _gone(request)


def _join_new(request: HttpRequest, secret: str, offer: people.Offer) -> HttpResponse:
    person = User(email=offer.email, name=offer.name)
    form = JoinForm(person, request.POST or None, initial={"name": offer.name})
    if not form.is_valid():
        return render(request, "tenants/join.html", {"offer": offer, "form": form})
    chosen = {name: form.cleaned_data[name] for name in ("name", "password")}
    user = people.join_as_new(actor_of(request), secret, **chosen, now=timezone.now())
    begin_session(request, user, backend=BACKEND)
    return redirect("second_factor")


def _join_existing(request: HttpRequest, secret: str, offer: people.Offer) -> HttpResponse:
    if request.method != "POST":
        return render(request, "tenants/join_existing.html", {"offer": offer})
    if not request.user.is_authenticated or not request.user.is_verified():
        request.session["next"] = request.path
        return redirect("second_factor")
    try:
        membership = people.join_as_existing(actor_of(request), request.user, secret, timezone.now())
    except people.AlreadyMember:
        messages.info(request, _("You work for {tenant_name} already.").format(tenant_name=offer.tenant_name))
        return redirect("choose_tenant")
    messages.success(request, _("Welcome to {tenant_name}.").format(tenant_name=offer.tenant_name))
    return redirect("worklist", membership.tenant.slug)


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "tenants/join_gone.html", status=404)
