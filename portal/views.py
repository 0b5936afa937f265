"""Pages of no app: where to go first, and what went wrong."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenants.decorators import public
from tenants.views.pages import find_page_before


@public
def home(request: HttpRequest) -> HttpResponse:
    """The front door: the login, or the place of whoever is signed in."""
    return redirect("choose_tenant" if request.user.is_authenticated else "login")


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was open too long, or came from elsewhere."""
    return render(
        request,
        "403.html",
        {
            "why": _("This form was open for too long. Go back, reload the page and try again."),
            "back": find_page_before(request),
        },
        status=403,
    )
