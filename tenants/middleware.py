"""Limits of a session, each reader's language and clock, and headers of private answers."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from tenants.readers import CHOICE, find_choice, find_language, find_own_zone, is_for_programs
from tenants.services.reading import choose_language

Handler = Callable[[HttpRequest], HttpResponse]


class SessionLimitsMiddleware:
    """Ends a session that idled too long or is too old (45 CFR 164.312(a)(2)(iii)), on the server's side.

    Counts for everyone with a session: staff, redeemed share links, patients.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.session.session_key:
            self._end_or_touch(request)
        return self.get_response(request)

    def _end_or_touch(self, request: HttpRequest) -> None:
        now = int(time.time())
        began = request.session.setdefault("began_at", now)
        seen = request.session.get("seen_at", now)
        if now - seen > settings.SESSION_IDLE_SECONDS or now - began > settings.SESSION_ABSOLUTE_SECONDS:
            logout(request)
        elif now - seen >= 30 or "seen_at" not in request.session:
            # Not on every request: a viewer's hundred frames a second would write the row as often.
            request.session["seen_at"] = now


class ReadersMiddleware:
    """Answers people in their own language and on their own clock; guards then enter the practice's clock.

    In place of Django's LocaleMiddleware, which knows no choice kept with a person's account. What programs read stays
    in English and UTC.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_for_programs(request.path_info):
            return self.get_response(request)
        if choice := find_choice(request):
            return self._remember(request, choice)
        language = find_language(request)
        with translation.override(language), timezone.override(find_own_zone(request)):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response

    def _remember(self, request: HttpRequest, language: str) -> HttpResponse:
        """Keep the choice in this browser and with the account, and go on to the page without it in the address."""
        if request.user.is_authenticated and not settings.EMERGENCY:
            choose_language(request.user, language)
        query = request.GET.copy()
        del query[CHOICE]
        response = HttpResponseRedirect(request.path + (f"?{query.urlencode()}" if query else ""))
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, language, max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE, httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite=settings.LANGUAGE_COOKIE_SAMESITE,
        )  # fmt: skip
        return response


class PrivateResponsesMiddleware:
    """Nothing a tenant shows is kept by a cache or indexed by a robot."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response
