"""The suite's ground: one private PostgreSQL and Valkey for the whole run, one database per worker, state of its own.

Workers of pytest-xdist are started by the controller, which starts the servers once and hands the addresses down in
the environment; each worker clones the migrated template database.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import django
import psycopg
import pytest
from django.conf import settings
from django.db import connections

REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO))
pytest_plugins = ["tests.cast", "tests.imaging.regions", "tests.e2e.stack", "tests.e2e.browser"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not os.environ.get("COLLIMATE_FULL"):
        skip = pytest.mark.skip(reason="a large trial: infra/test --full")
        for item in items:
            if "full" in item.keywords:
                item.add_marker(skip)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    # Workers must read the settings only after this file has pointed them at their own database.
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def _start_servers() -> None:
    from infra.local.postgres import start_postgres
    from infra.local.valkey import start_valkey

    root = Path(tempfile.mkdtemp(prefix="collimate-test-"))
    root.chmod(0o711)  # PostgreSQL runs as a user of its own when we are root
    postgres = start_postgres(root / "postgres", durable=False)
    valkey = start_valkey(root / "valkey")
    atexit.register(_stop_servers, root, [postgres, valkey])
    urls = postgres.create_database("template_collimate")
    os.environ |= {
        "COLLIMATE_TEST_ROOT": str(root),
        "COLLIMATE_TEST_SUPERUSER": postgres.superuser_dsn,
        "COLLIMATE_TEST_OWNER_URL": urls.owner,
        "COLLIMATE_TEST_APP_URL": urls.app,
        "COLLIMATE_TEST_REDIS": valkey.url,
    }
    _migrate_template(urls.owner)


def _stop_servers(root: Path, servers: list) -> None:
    for server in servers:
        server.stop()
    shutil.rmtree(root, ignore_errors=True)


def _migrate_template(owner_url: str) -> None:
    env = os.environ | {"DATABASE_URL": owner_url, "DATABASE_OWNER_URL": owner_url, "COLLIMATE_SECRET_KEY": "test"}
    command = [sys.executable, str(REPO / "manage.py"), "migrate", "--database", "owner", "-v", "0", "--skip-checks"]
    subprocess.run(command, env=env, check=True, cwd=REPO)


def _point_settings_at_this_worker() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    database = f"test_{worker}"
    var = Path(os.environ["COLLIMATE_TEST_ROOT"]) / worker
    (var / "static").mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        # Playwright leaves an event loop running in the worker that drove it; our tests and code are synchronous.
        "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
        "COLLIMATE_SECRET_KEY": "a-key-for-tests-only-a-key-for-tests-only",
        "COLLIMATE_VAR": str(var),
        "COLLIMATE_MAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
        "DATABASE_URL": os.environ["COLLIMATE_TEST_APP_URL"].replace("template_collimate", database),
        "DATABASE_OWNER_URL": os.environ["COLLIMATE_TEST_OWNER_URL"].replace("template_collimate", database),
        "REDIS_URL": _own_valkey_database(os.environ["COLLIMATE_TEST_REDIS"], worker),
    }


def _own_valkey_database(url: str, worker: str) -> str:
    """Of the one server's sixteen: what a test of one worker clears, it clears for no other."""
    number = int(worker.removeprefix("gw")) + 1 if worker.startswith("gw") else 0
    return urlsplit(url)._replace(path=f"/{number}").geturl()


# At import, because pytest-django reads the settings before any `pytest_configure` of ours could run.
if "COLLIMATE_TEST_SUPERUSER" not in os.environ:
    if settings.configured:
        # Read from a shell that sourced a stack's environment: fixtures would empty that stack's vaults and keyrings.
        pytest.exit("This shell has the settings of a stack. Unset DJANGO_SETTINGS_MODULE, or use infra/test.", 4)
    _start_servers()
_point_settings_at_this_worker()
django.setup()


@pytest.fixture(scope="session")
def django_db_setup() -> Iterator[None]:
    """This worker's database, cloned from the migrated template; the tests connect as the app role, never as owner."""
    _clone_database()
    yield


@pytest.fixture
def live_db(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    """A database whose transactions really commit, for threads and other processes; cloned afresh afterwards."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
    _clone_database()


def _clone_database() -> None:
    from infra.local.roles import drop_database, ensure_database

    superuser, name = os.environ["COLLIMATE_TEST_SUPERUSER"], f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    # Two clones of one template at once fail: the advisory lock makes workers take turns.
    with psycopg.connect(superuser, autocommit=True) as turn:
        turn.execute("SELECT pg_advisory_lock(1)")
        drop_database(superuser, name)
        ensure_database(superuser, name, template="template_collimate")
