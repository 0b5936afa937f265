"""No reader is left with an empty page: what a browser was refused without a word is drawn, with a way on."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenants.views.pages import find_page_before

Handler = Callable[[HttpRequest], HttpResponse]
DRAWN = {400: "400.html", 401: "401.html", 405: "405.html", 413: "413.html", 429: "429.html"}


class DrawnRefusalsMiddleware:
    """Gives a page to people whose browser goes to an address and is refused with an empty body.

    Scripts and other programs (which do not say that they navigate) get the bare status, as before.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not _is_silent(response) or request.headers.get("Sec-Fetch-Mode") != "navigate":
            return response
        status, context = response.status_code, {"back": find_page_before(request)}
        drawn = render(request, DRAWN[status], context, status=status)
        for name, value in response.headers.items():
            if name not in ("Content-Type", "Content-Length"):
                drawn.headers[name] = value
        return drawn


def _is_silent(response: HttpResponse) -> bool:
    return response.status_code in DRAWN and not response.streaming and not response.content
