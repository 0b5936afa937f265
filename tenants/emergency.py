"""Emergency mode: a portal process that only shows, to people who have said why (45 CFR 164.312(a)(2)(ii)).

It runs where the usual portal cannot: in region 2 on a restored or replicated database, or on an office's own copy.
What were changed there would be lost when the usual portal returns, so nothing is: every unsafe method is refused
here, before any view. Only the trail and the sessions grow.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

LIMIT_SECONDS = 60 * 60
STARTED_AT = timezone.now()
READ_ONLY = "This is the read-only emergency portal: nothing can be changed or taken in here."
SIGN_IN_FIRST = "This is the read-only emergency portal: sign in at /emergency/ with a browser, and give a reason."
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# A search of the worklist is sent by POST so that no name is in a URL; it changes nothing but the session.
MAY_POST = frozenset({"emergency", "logout", "worklist", "worklist_rows"})
FOR_ANYONE = frozenset({"emergency", "logout", "healthz", "readyz"})
_OPENED_AT = "emergency_opened_at"

Handler = Callable[[HttpRequest], HttpResponse]


class EmergencyMiddleware:
    """Ends emergency sessions after an hour; in emergency mode also refuses what changes and who gave no reason."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Also outside the mode: both portals may share a database, and so the sessions.
        if request.session.session_key and is_over(request):
            logout(request)
        refusal = _find_refusal(request) if settings.EMERGENCY else None
        return refusal or self.get_response(request)


def mark_opened(request: HttpRequest) -> None:
    """From here on the session may look for an hour."""
    request.session[_OPENED_AT] = int(time.time())


def is_opened(request: HttpRequest) -> bool:
    """Whether both factors and a reason opened this session."""
    return _OPENED_AT in request.session and request.user.is_authenticated and request.user.is_verified()


def is_over(request: HttpRequest) -> bool:
    """Whether this is an emergency session whose hour has passed."""
    opened_at = request.session.get(_OPENED_AT)
    return opened_at is not None and time.time() - opened_at > LIMIT_SECONDS


def find_ends_at(request: HttpRequest) -> datetime | None:
    """When the emergency session ends."""
    opened_at = request.session.get(_OPENED_AT) if hasattr(request, "session") else None
    return datetime.fromtimestamp(opened_at + LIMIT_SECONDS, UTC) if opened_at else None


def _find_refusal(request: HttpRequest) -> HttpResponse | None:
    view = _view_name(request)
    if request.method not in SAFE_METHODS and not (request.method == "POST" and view in MAY_POST):
        return _refuse_change(request)
    if view in FOR_ANYONE:
        return None
    # A token acts for a program, which can give no reason.
    if is_opened(request) and not request.headers.get("Authorization"):
        return None
    return _ask_to_sign_in(request)


def _view_name(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


def _refuse_change(request: HttpRequest) -> HttpResponse:
    if _is_program(request):
        return JsonResponse({"reason": READ_ONLY}, status=503)
    return render(request, "tenants/emergency_refused.html", {"opened": is_opened(request)}, status=503)


def _ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    if _is_program(request):
        return JsonResponse({"reason": SIGN_IN_FIRST}, status=401)
    # From the usual login on to what was wanted before it.
    of_practice = request.path_info.startswith("/t/")
    wanted = request.get_full_path() if of_practice else request.GET.get("next", "")
    query = f"?{urlencode({'next': wanted}, safe='/')}" if wanted else ""
    return redirect(reverse("emergency") + query)


def _is_program(request: HttpRequest) -> bool:
    """Whether a script or another program asks: it gets JSON, a person in a browser a page."""
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate" or request.headers.get("Authorization"):
        return True
    path = request.path_info
    return "/dicomweb/" in path or "/uploads/" in path or path.startswith("/api/")
