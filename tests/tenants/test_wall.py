"""The tenant wall: Python refuses without a scope, PostgreSQL shows nothing even when Python is bypassed."""

import datetime as dt

import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone

from audit.scope import NoActiveTenant, TenantMismatch, tenant_scope
from imaging.models import Series, Study
from tenants.models import Tenant
from tenants.scoping import TenantModel
from tests.cast import add_tenant

TENANT_MODELS = [model for model in apps.get_models() if issubclass(model, TenantModel)]


def add_study(uid: str = "1.2.3") -> Study:
    now = timezone.now()
    return Study.objects.create(
        study_instance_uid=uid, received_at=now, last_received_at=now, study_date=dt.date(2026, 1, 2)
    )


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model.__name__)
def test_every_tenant_model_refuses_without_a_scope(model: type[TenantModel], db: None) -> None:
    for use in (
        lambda m: m.objects.all(),
        lambda m: m.objects.exists(),
        lambda m: m.objects.first(),
        lambda m: m._base_manager.all(),
    ):
        with pytest.raises(NoActiveTenant):
            use(model)


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model.__name__)
def test_every_tenant_table_forces_row_level_security(model: type[TenantModel], db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)"
            " FROM pg_class c WHERE relname = %s",
            [model._meta.db_table],
        )
        assert cursor.fetchone() == (True,)


def test_the_app_role_neither_owns_tables_nor_bypasses_the_wall(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)
        cursor.execute("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND pg_get_userbyid(relowner) = current_user")
        assert cursor.fetchone() == (0,)


def test_raw_sql_without_a_tenant_sees_no_rows(northside: Tenant) -> None:
    with tenant_scope(northside.id):
        add_study()

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM imaging_study")
        assert cursor.fetchone() == (0,)


def test_raw_sql_of_another_tenant_sees_and_inserts_nothing(northside: Tenant, southside: Tenant) -> None:
    with tenant_scope(northside.id):
        add_study()

    with tenant_scope(southside.id), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM imaging_study")
        assert cursor.fetchone() == (0,)
        with pytest.raises(ProgrammingError), transaction.atomic():
            Study(
                tenant_id=northside.id,
                study_instance_uid="9",
                received_at=timezone.now(),
                last_received_at=timezone.now(),
            ).save(force_insert=True)


def test_a_row_cannot_refer_to_another_tenants_row(northside: Tenant, southside: Tenant) -> None:
    with tenant_scope(northside.id):
        study = add_study()

    with tenant_scope(southside.id), pytest.raises(IntegrityError), transaction.atomic():
        Series.objects.create(study_id=study.id, series_instance_uid="1", last_received_at=timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_scopes_of_two_tenants_never_nest(northside: Tenant, southside: Tenant) -> None:
    with tenant_scope(northside.id), pytest.raises(TenantMismatch), tenant_scope(southside.id):
        pass


def test_the_scope_ends_with_its_block(northside: Tenant) -> None:
    with tenant_scope(northside.id):
        pass

    with pytest.raises(NoActiveTenant):
        Study.objects.all()


def test_a_pooled_connection_carries_no_tenant_over(live_db: None) -> None:
    tenant = add_tenant("northside", "Northside Dental")
    with tenant_scope(tenant.id):
        add_study()

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM imaging_study")
        assert cursor.fetchone() == (0,)
        with transaction.atomic():
            cursor.execute("SELECT count(*) FROM imaging_study")
            assert cursor.fetchone() == (0,)
