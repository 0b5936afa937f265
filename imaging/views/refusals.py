"""What access refuses, as answers to a member's page."""

from collections.abc import Callable
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from audit.actions import Action, Outcome
from audit.services import record
from imaging.access import StudyNotFound
from imaging.services.sealed import NoCopyReadable
from tenants.actors import actor_of
from tenants.baas.access import NoAgreementInForce
from tenants.views.pages import find_page_before

View = Callable[..., HttpResponse]


def refusals_answered(view: View) -> View:
    """Under a guard that opened the tenant's scope: not there is a 404, a shut gate a 403 that says why."""

    @wraps(view)
    def inner(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except StudyNotFound:
            raise Http404 from None
        except NoAgreementInForce as refusal:
            record(Action.GATE_REFUSED, actor_of(request), outcome=Outcome.DENIED)
            return render(request, "403.html", {"why": refusal.reason, "back": find_page_before(request)}, status=403)
        except NoCopyReadable:
            return render(request, "500.html", status=503)

    return inner
