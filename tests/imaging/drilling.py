"""Drills for tests: a database cloned from the suite's template and a fake Orthanc, where a test is not about those."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path

import psycopg
import pytest

from imaging.adapters.scratch_database import ScratchDatabase
from imaging.models import Instance, Series, Study, VaultObject
from imaging.services import drill, drill_restore, steps
from infra.local.roles import ensure_database
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.fakes.orthanc import FakeOrthancNode
from tests.imaging.incoming import instance, take_in

SUPERUSER = os.environ["COLLIMATE_TEST_SUPERUSER"]


class ClonedDatabase(ScratchDatabase):
    """Migrated already."""

    def migrate(self) -> None:
        """There is nothing left to do."""


@cache
def clone_template() -> ClonedDatabase:
    """One for all tests of this process; the server goes with the run."""
    name = f"drill_{secrets.token_hex(4)}"
    urls = [os.environ[f"COLLIMATE_TEST_{role}_URL"] for role in ("OWNER", "APP")]
    with psycopg.connect(SUPERUSER, autocommit=True) as turn:
        turn.execute("SELECT pg_advisory_lock(1)")
        ensure_database(SUPERUSER, name, template="template_collimate")
    return ClonedDatabase(*(url.replace("template_collimate", name) for url in urls))


@contextmanager
def clone_database(*_: object) -> Iterator[ScratchDatabase]:
    """In the place of `scratch_database`: seconds faster."""
    database = clone_template()
    try:
        yield database
    finally:
        _empty(database)


def _empty(database: ScratchDatabase) -> None:
    """Row by row, which beats TRUNCATE where there are so few."""
    url = psycopg.conninfo.make_conninfo(
        SUPERUSER, dbname=psycopg.conninfo.conninfo_to_dict(database.app_url)["dbname"]
    )
    with psycopg.connect(url) as connection:
        for model in (Instance, VaultObject, Series, Study, Tenant):
            connection.execute(f"DELETE FROM {model._meta.db_table}")


@pytest.fixture
def unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report at once, for tests that are not about it."""
    monkeypatch.setattr(drill, "write_report", lambda *_: b"%PDF-1.4 unsigned")


@pytest.fixture
def drill_settings(settings: object, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> object:
    """State of drills in a folder of this test's own; one signing key for all."""
    settings.VAR_DIR = tmp_path
    settings.DRILL_SIGNING_KEY = tmp_path_factory.getbasetemp() / "secrets" / "drill-signing.p12"
    settings.DRILL_DATABASE_URL = ""
    settings.DRILL_DAYS = 90
    return settings


@pytest.fixture
def scratch(drill_settings: object, monkeypatch: pytest.MonkeyPatch) -> FakeOrthancNode:
    """Cheap scratch; returns the node, which stays to be looked at."""
    node = FakeOrthancNode()
    monkeypatch.setattr(drill_restore, "scratch_database", clone_database)
    monkeypatch.setattr(drill_restore, "scratch_node", lambda folder: nullcontext(node))
    monkeypatch.setattr(drill_restore, "restore_index", copy_index)
    return node


def copy_index(database: ScratchDatabase, tenant: Tenant, *_: object) -> None:
    """In the place of `restore_index`, as if the rebuild had found everything: the live rows, copied."""
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("SELECT set_config('app.tenant', %s, false)", [str(tenant.id)])
        insert(connection, "tenants_tenant", Tenant.objects.filter(id=tenant.id).values().get())
        with tenant_scope(tenant.id):
            for model in (Study, Series, VaultObject, Instance):
                for row in model.objects.values():
                    insert(connection, model._meta.db_table, row)


def insert(connection: psycopg.Connection, table: str, row: dict[str, object]) -> None:
    columns = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(["%s"] * len(row))
    connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({values})", list(row.values()))


def keep_studies(tenant: Tenant, user: User, counts: list[int], *, mirrored: bool = True) -> list[Study]:
    """Studies of so many images each, in both regions' vaults when `mirrored`; ordered by UID."""
    files = {
        f"{study}-{number}.dcm": instance(number, study=study)
        for study, count in enumerate(counts, 1)
        for number in range(1, count + 1)
    }
    take_in(actor(user), tenant, files)
    if mirrored:
        mirror_all(tenant)
    with tenant_scope(tenant.id):
        return list(Study.objects.order_by("study_instance_uid"))


def mirror_all(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        found = list(Series.objects.values_list("id", flat=True))
    for series_id in found:
        steps.verify_seal(tenant.id, series_id)
        steps.mirror(tenant.id, series_id)
