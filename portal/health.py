"""Alive and ready."""

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from imaging.services.active_region import active_region
from imaging.services.regions import describe_regions
from tenants.decorators import public


@public
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("alive\n", content_type="text/plain")


@public
def readyz(request: HttpRequest) -> HttpResponse:
    """Database, broker, vaults and nodes. Only what no upload can do without makes it 503: database, active vault."""
    states = {"database": _state(_ask_database), "broker": _state(_ask_broker), **describe_regions()}
    needed = states["database"] == "ok" and states[f"vault-{active_region()}"] == "ok"
    return JsonResponse(states, status=200 if needed else 503)


def _state(ask: Callable[[], object]) -> str:
    try:
        ask()
    except Exception as error:  # whatever a driver throws means the same here
        return type(error).__name__
    return "ok"


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_broker() -> None:
    redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2).ping()
