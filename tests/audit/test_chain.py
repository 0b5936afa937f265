"""The trail: append-only, gapless, and any alteration is found and named."""

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from audit.actions import Action
from audit.actor import SYSTEM
from audit.models import AuditEvent
from audit.scope import NoActiveTenant, tenant_scope
from audit.selectors import Alteration, find_alteration
from audit.services import record, record_viewing
from tenants.models import Tenant
from tests.cast import add_tenant


def write_events(tenant: Tenant, count: int = 5) -> None:
    with tenant_scope(tenant.id):
        for number in range(count):
            record(Action.STUDY_VIEWED, SYSTEM, study_instance_uid=f"1.2.{number}", details={"number": number})


def test_an_untouched_chain_is_unbroken(northside: Tenant) -> None:
    write_events(northside)

    with tenant_scope(northside.id):
        assert find_alteration() is None


def test_no_event_is_written_outside_a_scope(db: None) -> None:
    with pytest.raises(NoActiveTenant):
        record(Action.STUDY_VIEWED, SYSTEM)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_auditevent SET actor_label = 'x'", "DELETE FROM audit_auditevent", "TRUNCATE audit_auditevent"],
)
def test_the_app_role_cannot_change_events(northside: Tenant, statement: str) -> None:
    write_events(northside)

    with tenant_scope(northside.id), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE audit_auditevent SET actor_label = 'Mallory' WHERE seq = 3", Alteration(3, "altered")),
        ("UPDATE audit_auditevent SET details = '{\"number\": 7}' WHERE seq = 2", Alteration(2, "altered")),
        ("UPDATE audit_auditevent SET at = at + interval '1 second' WHERE seq = 4", Alteration(4, "altered")),
        ("DELETE FROM audit_auditevent WHERE seq = 2", Alteration(2, "missing")),
        ("DELETE FROM audit_auditevent WHERE seq = 5", Alteration(5, "missing")),
        ("UPDATE audit_auditevent SET seq = CASE seq WHEN 2 THEN 99 ELSE seq END", Alteration(2, "missing")),
    ],
)
def test_tampering_by_the_owner_is_located(live_db: None, tampering: str, found: Alteration) -> None:
    tenant = add_tenant("northside", "Northside Dental")
    write_events(tenant)

    tamper_as_owner(tenant, tampering)

    with tenant_scope(tenant.id):
        assert find_alteration() == found
    with pytest.raises(CommandError):
        call_command("verify_audit_chain")


def test_viewing_a_series_is_recorded_once_a_quarter_of_an_hour(northside: Tenant) -> None:
    with tenant_scope(northside.id):
        for _ in range(10):
            record_viewing(Action.FRAMES_VIEWED, SYSTEM, study_instance_uid="1.2", series_instance_uid="1.2.3")
        record_viewing(Action.FRAMES_VIEWED, SYSTEM, study_instance_uid="1.2", series_instance_uid="1.2.4")

        assert AuditEvent.objects.count() == 2


def tamper_as_owner(tenant: Tenant, statement: str) -> None:
    """What someone with the owner's password could do: switch the trigger off, name the tenant, write."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        cursor.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant.id)])
        cursor.execute(statement)
        cursor.execute("ALTER TABLE audit_auditevent ENABLE TRIGGER USER")
