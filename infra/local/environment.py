"""The environment of the stack's processes: addresses and secrets travel as files, never as values."""

import os
import shlex
from dataclasses import dataclass

from infra.local import roles
from infra.local.door import door_environment
from infra.local.layout import REPO, Layout
from infra.local.ports import remembered_port
from infra.local.postgres import Cluster
from infra.local.private_files import ensure_secret, write_private
from infra.local.valkey import Broker

MARK = "COLLIMATE_STACK"  # which stack a process belongs to, so that leftovers can be told from strangers
_GIVEN_AS_FILES = ("COLLIMATE_SECRET_KEY", "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
# glibc would give a decrypted frame's memory back to the kernel after each one: half the CPU of a frame. What is larger
# (argon2's buffer of a sign-in) goes back; two arenas keep threads from hoarding.
WEB_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1024**3), "MALLOC_ARENA_MAX": "2",
}  # fmt: skip


class HalfADatabase(Exception):
    """DATABASE_URL was set without DATABASE_OWNER_URL, or the other way round."""


@dataclass(frozen=True)
class Services:
    """Where database and broker are. `cluster` and `broker` are None when the caller brought their own."""

    database_url: str
    database_owner_url: str
    redis_url: str
    cluster: Cluster | None
    broker: Broker | None


def choose_services(layout: Layout, cluster: Cluster) -> Services:
    """The caller's database and broker where the environment names them, private ones otherwise.

    Raises HalfADatabase.
    """
    given = {name: os.environ.get(name, "") for name in _GIVEN_AS_FILES}
    if bool(given["DATABASE_URL"]) != bool(given["DATABASE_OWNER_URL"]):
        raise HalfADatabase("Set both DATABASE_URL and DATABASE_OWNER_URL, or neither.")
    own_database, own_broker = not given["DATABASE_URL"], not given["REDIS_URL"]
    broker = private_broker(layout) if own_broker else None
    return Services(
        database_url=given["DATABASE_URL"] or _private_url(layout, cluster, roles.APP),
        database_owner_url=given["DATABASE_OWNER_URL"] or _private_url(layout, cluster, roles.OWNER),
        redis_url=broker.url if broker else given["REDIS_URL"],
        cluster=cluster if own_database else None,
        broker=broker,
    )


def private_broker(layout: Layout) -> Broker:
    """The stack's own Valkey, on the port it had last time if that is free."""
    port = remembered_port(layout.run / "ports.json", "valkey")
    return Broker(layout.valkey, port, ensure_secret(layout.secrets / "valkey_password"))


def role_password(layout: Layout, role: str) -> str:
    """The password of a database role of the private server."""
    return ensure_secret(layout.secrets / f"{role}_password")


def write_environment(layout: Layout, services: Services, web_port: int) -> dict[str, str]:
    """Write addresses and secrets under `secrets/` and return the environment of web, workers and `manage.py`.

    `var/env` gets the same and the owner's address, for a shell to source before `manage.py`.
    """
    urls = {"database_url": services.database_url, "redis_url": services.redis_url}
    for name, url in {**urls, "database_owner_url": services.database_owner_url}.items():
        write_private(layout.secrets / name, url)
    ensure_secret(layout.secrets / "secret_key")
    ours = {
        "COLLIMATE_VAR": str(layout.var),
        "COLLIMATE_DEMO": os.environ.get("COLLIMATE_DEMO", "1"),
        "COLLIMATE_ORIGIN": os.environ.get("COLLIMATE_ORIGIN") or f"http://127.0.0.1:{web_port}",
        "COLLIMATE_MAIL_DIR": str(layout.mail),
        "COLLIMATE_SECRET_KEY_FILE": str(layout.secrets / "secret_key"),
        "DATABASE_URL_FILE": str(layout.secrets / "database_url"),
        "REDIS_URL_FILE": str(layout.secrets / "redis_url"),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PYTHONPATH": str(REPO),
        "PYTHONUNBUFFERED": "1",
        **door_environment(layout),
    }
    _write_for_shells(layout, {**ours, **owner_environment(layout)})
    return {**_inherited(), **ours}


def owner_environment(layout: Layout) -> dict[str, str]:
    """What `migrate` needs on top: no long-running process gets it."""
    return {"DATABASE_OWNER_URL_FILE": str(layout.secrets / "database_owner_url")}


def _private_url(layout: Layout, cluster: Cluster, role: str) -> str:
    return roles.socket_url(role, role_password(layout, role), cluster.socket_dir, "collimate")


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _GIVEN_AS_FILES}


def _write_for_shells(layout: Layout, values: dict[str, str]) -> None:
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
    write_private(layout.var / "env", "".join(lines))
