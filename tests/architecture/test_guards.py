"""Every URL carries a guard, and every task a time limit and a queue that is served."""

from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

GUARDS = {"public", "signed-in", "vendor-admin", "member", "reader", "dicomweb", "secret", "grant", "api"}
# Anyone may ask for these: they show no tenant's rows.
PUBLIC = {
    "home", "healthz", "readyz", "metrics", "emergency", "login", "login_code", "logout", "join",
    "second_factor", "leave",
    "reset_request", "reset_password", "reset_open",
    "api_schema", "api_docs",
}  # fmt: skip
def list_routes(patterns: list, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from list_routes(pattern.url_patterns, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern), pattern


ROUTES = list(list_routes(get_resolver().url_patterns))


@pytest.mark.parametrize(("route", "pattern"), ROUTES, ids=[route or "/" for route, _ in ROUTES])
def test_every_url_carries_exactly_one_known_guard(route: str, pattern: URLPattern) -> None:
    guard = getattr(pattern.callback, "guard", None)

    assert guard in GUARDS, f"{route} has no guard"
    if guard == "public":
        assert pattern.name in PUBLIC, f"{route} is public without being on the list"


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
