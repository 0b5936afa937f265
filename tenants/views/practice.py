"""What an owner sets for the whole practice."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tenants.actors import actor_of
from tenants.decorators import member
from tenants.forms.reading import PracticeSettingsForm
from tenants.models import Role
from tenants.services import reading
from tenants.views.pages import render_page


@member(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """The practice's clock and the language of its mails."""
    tenant = request.tenant
    form = PracticeSettingsForm(
        request.POST or None, initial={"language": tenant.language, "time_zone": tenant.time_zone}
    )
    if not form.is_valid():
        return render_page(request, "tenants/settings.html", "settings", {"form": form, "now": timezone.now()})
    reading.change_practice(actor_of(request), tenant, **form.cleaned_data, now=timezone.now())
    messages.success(request, _("Saved."))
    return redirect("practice_settings", tenant.slug)


@member(Role.OWNER)
@require_POST
def hide_first_steps(request: HttpRequest) -> HttpResponse:
    """Put the list of first steps away."""
    reading.hide_first_steps(actor_of(request), request.tenant, timezone.now())
    return redirect("worklist", request.tenant.slug)
