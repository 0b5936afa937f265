"""Reminders of agreements that end: each threshold once, and no PHI."""

import datetime as dt

import pytest
from django.core import mail

from audit.models import AuditEvent
from tenants.baas.models import Agreement, Status
from tenants.baas.services import remind_of_agreements
from tenants.baas.tasks import remind_of_agreements as task
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope

ENDS = dt.date(2026, 12, 31)


@pytest.fixture
def agreement(northside: Tenant) -> Agreement:
    agreement = Agreement.objects.get(tenant=northside)
    agreement.effective_on, agreement.expires_on = dt.date(2026, 1, 1), ENDS
    agreement.save()
    return agreement


@pytest.fixture
def remind(moment: dt.datetime, django_capture_on_commit_callbacks: object) -> object:
    """`remind(days_left)`: the daily task on that day; answers how many it reminded of."""

    def run(days_left: int) -> int:
        with django_capture_on_commit_callbacks(execute=True):
            return remind_of_agreements(ENDS - dt.timedelta(days=days_left), moment)

    return run


def test_each_threshold_is_mailed_exactly_once(agreement: Agreement, alice: User, vera: User, remind: object) -> None:
    reminded = [days for days in range(70, -5, -1) if remind(days)]

    assert reminded == [60, 30, 14, 7, 1]
    assert len(mail.outbox) == 5


def test_running_twice_on_a_day_mails_once(agreement: Agreement, alice: User, remind: object) -> None:
    assert (remind(30), remind(30)) == (1, 0)
    assert len(mail.outbox) == 1


def test_a_missed_day_is_made_up_for(agreement: Agreement, alice: User, remind: object) -> None:
    assert (remind(60), remind(28), remind(27)) == (1, 1, 0)


def test_owners_and_the_vendor_are_told_and_nobody_else(
    agreement: Agreement, alice: User, bob: User, carol: User, vera: User, remind: object
) -> None:
    remind(14)

    assert sorted(mail.outbox[0].to) == sorted([alice.email, vera.email])


def test_the_mail_names_the_practice_the_day_and_the_page_only(
    agreement: Agreement, alice: User, remind: object, settings: object
) -> None:
    remind(1)

    (letter,) = mail.outbox
    assert letter.subject == "Agreement with Northside Dental ends tomorrow"
    assert "31 December 2026" in letter.body
    assert f"{settings.ORIGIN}/t/northside/agreement/" in letter.body


@pytest.mark.parametrize("status", [Status.DRAFTED, Status.SENT, Status.TERMINATED])
def test_only_executed_agreements_are_reminded_of(
    agreement: Agreement, alice: User, remind: object, status: str
) -> None:
    Agreement.objects.filter(id=agreement.id).update(status=status)

    assert remind(7) == 0


def test_a_renewed_agreement_is_not_reminded_of(
    agreement: Agreement, northside: Tenant, alice: User, remind: object
) -> None:
    Agreement.objects.create(
        tenant=northside, status=Status.EXECUTED, effective_on=ENDS + dt.timedelta(days=1),
        expires_on=ENDS + dt.timedelta(days=365), practice_signer="Alice", executed_at=dt.datetime.now(dt.UTC),
    )  # fmt: skip

    assert remind(7) == 0


def test_a_reminder_is_recorded_in_the_practices_trail(agreement: Agreement, northside: Tenant, remind: object) -> None:
    remind(30)

    with tenant_scope(northside.id):
        event = AuditEvent.objects.get()
    assert (event.action, event.subject_id) == ("agreement.reminded", str(agreement.id))
    assert event.details == {"days_left": 30}


def test_the_task_has_a_time_limit_and_runs(agreement: Agreement) -> None:
    task()

    assert task.time_limit == 300
