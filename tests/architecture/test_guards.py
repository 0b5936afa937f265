"""Every URL carries a guard, every task a time limit, and nobody but a tenant's people gets past its wall."""

import re
import uuid
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tenants.models import Tenant, User
from tests.cast import sign_in

GUARDS = {"public", "signed-in", "vendor-admin", "member", "reader", "dicomweb", "secret", "grant"}
# Anyone may ask for these: they show no tenant's rows.
PUBLIC = {
    "home", "healthz", "readyz", "login", "login_code", "logout", "join", "second_factor", "leave",
    "reset_request", "reset_password", "reset_open",
}  # fmt: skip
SAMPLES = {
    "slug": "northside",
    "study_instance_uid": "1.2.3.4",
    "series_instance_uid": "1.2.3.4.5",
    "sop_instance_uid": "1.2.3.4.5.6",
    "token": "x" * 43,
    "frames": "1",
    "frame_list": "1",
    "tag_path": "00420011",
}


def list_routes(patterns: list, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from list_routes(pattern.url_patterns, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern), pattern


ROUTES = list(list_routes(get_resolver().url_patterns))


def fill(route: str) -> str:
    """A URL of the route with plausible values in its places."""

    def value(match: re.Match[str]) -> str:
        kind, _, name = match.group(1).rpartition(":")
        return str(uuid.uuid4()) if kind == "uuid" else "1" if kind == "int" else SAMPLES.get(name, "1.2.3.4")

    return "/" + re.sub(r"<([^>]+)>", value, route)


@pytest.mark.parametrize(("route", "pattern"), ROUTES, ids=[route or "/" for route, _ in ROUTES])
def test_every_url_carries_exactly_one_known_guard(route: str, pattern: URLPattern) -> None:
    guard = getattr(pattern.callback, "guard", None)

    assert guard in GUARDS, f"{route} has no guard"
    if guard == "public":
        assert pattern.name in PUBLIC, f"{route} is public without being on the list"


@pytest.mark.parametrize(("route", "pattern"), ROUTES, ids=[route or "/" for route, _ in ROUTES])
@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
def test_strangers_get_404_or_the_login_on_every_url_of_a_tenant(
    route: str, pattern: URLPattern, method: str, northside: Tenant, carol: User, eve: User
) -> None:
    if pattern.callback.guard in ("public", "signed-in"):
        pytest.skip("shows no tenant's rows")
    url = fill(route)

    for client in (sign_in(carol), sign_in(eve)):
        assert getattr(client, method)(url).status_code in (404, 405), url
    assert is_turned_away(getattr(Client(), method)(url)), url


def is_turned_away(response: object) -> bool:
    if response.status_code in (401, 404, 405):
        return True
    return response.status_code == 302 and response["Location"].startswith("/login")


def list_tasks() -> dict[str, object]:
    from portal.celery import app

    app.loader.import_default_modules()
    return {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}


def queue_of(name: str) -> str:
    from portal.celery import app

    return app.amqp.router.route({}, name)["queue"].name


def test_every_task_has_time_limits_and_a_queue_that_a_worker_serves() -> None:
    from infra.local.layout import current_layout
    from infra.local.programs import portal_programs

    served = " ".join(" ".join(program.command) for program in portal_programs(current_layout(), 8000))

    assert list_tasks()
    for name, task in list_tasks().items():
        assert 0 < task.soft_time_limit < task.time_limit, name
        assert queue_of(name) in served, name


def test_every_step_of_the_pipeline_is_a_task_of_its_queue() -> None:
    from imaging.pipeline import QUEUES, Step

    for step in Step:
        assert f"imaging.{step.value}" in list_tasks()
        assert queue_of(f"imaging.{step.value}") == QUEUES[step]


def test_every_beat_entry_is_a_task(settings: object) -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in list_tasks()
