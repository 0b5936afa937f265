"""What every page of this app needs to be drawn and to go on."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme


def render_page(
    request: HttpRequest, template: str, nav: str, context: dict[str, object] | None = None, status: int = 200
) -> HttpResponse:
    """A signed-in page with its navigation; a member's page also names the practice."""
    common = {
        "nav": nav,
        "tenant": getattr(request, "tenant", None),
        "membership": getattr(request, "membership", None),
    }
    return render(request, template, common | (context or {}), status=status)


def remember_next(request: HttpRequest, target: str) -> None:
    """Keep where the person wanted to go until both factors have passed; elsewhere than here is forgotten."""
    here = {request.get_host()}
    if target and url_has_allowed_host_and_scheme(target, allowed_hosts=here, require_https=request.is_secure()):
        request.session["next"] = target


def go_on(request: HttpRequest) -> HttpResponse:
    """To where the person wanted to go before signing in, or to their own front page."""
    return redirect(request.session.pop("next", "") or "choose_tenant")


def find_page_before(request: HttpRequest) -> str:
    """The page of ours from which the browser came: its path and query, or nothing."""
    before = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(before)
    # A path that holds a secret is never in a referrer of ours: those pages send their origin alone.
    return parts.path + (f"?{parts.query}" if parts.query else "") if parts.netloc else ""
