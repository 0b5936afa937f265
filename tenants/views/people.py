"""The practice's people, for its owners."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from tenants.actors import actor_of
from tenants.decorators import member
from tenants.forms.people import InvitationForm, RoleForm
from tenants.models import Invitation, Membership, Role
from tenants.selectors import list_invitations, list_members
from tenants.services import people as service
from tenants.views.pages import render_page

REFUSALS = {
    service.LastOwner: _("A practice keeps at least one owner. Make someone else an owner first."),
    service.OwnMembership: _("You cannot change your own role or remove yourself. Another owner can."),
}


@member(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """Members and open invitations; the form invites."""
    form = InvitationForm(request.POST or None)
    if form.is_valid():
        try:
            service.invite_member(
                actor_of(request), request.user, request.tenant, **form.cleaned_data, now=timezone.now()
            )
        except service.AlreadyMember:
            form.add_error("email", _("This person works here already."))
        else:
            messages.success(
                request, _("The invitation to {email} is on its way.").format(email=form.cleaned_data["email"])
            )
            return redirect("people", request.tenant.slug)
    return render_page(request, "tenants/people.html", "people", _context(request, form))


@member(Role.OWNER)
@require_POST
def member_role(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Give a member another role."""
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Http404
    try:
        role = form.cleaned_data["role"]
        changed = service.change_role(actor_of(request), request.tenant, membership_id, role, timezone.now())
    except Membership.DoesNotExist:
        raise Http404 from None
    except (service.LastOwner, service.OwnMembership) as refusal:
        messages.error(request, REFUSALS[type(refusal)])
    else:
        messages.success(
            request,
            _("{person} is now {role}.").format(person=changed.user.name, role=changed.get_role_display().lower()),
        )
    return redirect("people", request.tenant.slug)


@member(Role.OWNER)
@require_POST
def member_remove(request: HttpRequest, membership_id: int) -> HttpResponse:
    """End a membership."""
    try:
        service.remove_member(actor_of(request), request.tenant, membership_id, timezone.now())
    except Membership.DoesNotExist:
        raise Http404 from None
    except (service.LastOwner, service.OwnMembership) as refusal:
        messages.error(request, REFUSALS[type(refusal)])
    else:
        messages.success(request, _("The member was removed. Their access has ended."))
    return redirect("people", request.tenant.slug)


@member(Role.OWNER)
@require_POST
def invitation_resend(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Send a fresh link."""
    try:
        invitation = service.resend_invitation(
            actor_of(request), request.user, request.tenant, invitation_id, timezone.now()
        )
    except Invitation.DoesNotExist:
        raise Http404 from None
    messages.success(
        request, _("A new link is on its way to {email}. The old one no longer works.").format(email=invitation.email)
    )
    return redirect("people", request.tenant.slug)


@member(Role.OWNER)
@require_POST
def invitation_revoke(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Take an invitation back."""
    try:
        service.revoke_invitation(actor_of(request), request.tenant, invitation_id, timezone.now())
    except Invitation.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("The invitation was revoked."))
    return redirect("people", request.tenant.slug)


def _context(request: HttpRequest, form: InvitationForm) -> dict[str, object]:
    return {
        "form": form,
        "members": list(list_members(request.tenant)),
        "invitations": list(list_invitations()),
        "roles": Role.choices,
        "now": timezone.now(),
    }
