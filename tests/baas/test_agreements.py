"""Agreements: their states, and the gate that they open and shut."""

import datetime as dt

import pytest
from django.urls import reverse

from audit.actor import SYSTEM
from tenants.baas import services
from tenants.baas.access import NoAgreementInForce, find_gate_reason, require_agreement
from tenants.baas.models import Agreement, Status
from tenants.baas.selectors import list_agreements
from tenants.models import Tenant
from tests.cast import add_tenant

TODAY = dt.date(2026, 6, 15)
DAY = dt.timedelta(days=1)


@pytest.fixture
def westside(db: None) -> Tenant:
    """A practice without any agreement."""
    return add_tenant("westside", "Westside Orthopaedics", Tenant.Kind.ORTHOPAEDIC, agreed=False)


@pytest.fixture
def draft(westside: Tenant, moment: dt.datetime) -> Agreement:
    return services.draft_agreement(SYSTEM, westside, TODAY, TODAY + 365 * DAY, moment)


def execute(agreement: Agreement, moment: dt.datetime) -> Agreement:
    return services.execute_agreement(SYSTEM, agreement.id, "Wanda", "Vera", moment)


def test_a_draft_that_is_sent_and_executed_opens_the_gate(
    westside: Tenant, draft: Agreement, moment: dt.datetime
) -> None:
    services.send_agreement(SYSTEM, draft.id, moment)
    assert find_gate_reason(westside.id, TODAY)

    execute(draft, moment)

    assert require_agreement(westside.id, TODAY) == draft
    assert find_gate_reason(westside.id, TODAY) == ""


def test_termination_shuts_the_gate_at_once(westside: Tenant, draft: Agreement, moment: dt.datetime) -> None:
    execute(draft, moment)

    services.terminate_agreement(SYSTEM, draft.id, moment)

    with pytest.raises(NoAgreementInForce, match="terminated"):
        require_agreement(westside.id, TODAY)


STATES = {
    "drafted": lambda agreement, moment: None,
    "sent": lambda agreement, moment: services.send_agreement(SYSTEM, agreement.id, moment),
    "executed": execute,
    "terminated": lambda agreement, moment: services.terminate_agreement(SYSTEM, agreement.id, moment),
}


@pytest.mark.parametrize(
    ("state", "move"),
    [("sent", "sent"), ("executed", "sent"), ("executed", "executed"),
     ("terminated", "sent"), ("terminated", "executed"), ("terminated", "terminated")],
)  # fmt: skip
def test_an_illegal_move_is_refused_and_changes_nothing(
    draft: Agreement, moment: dt.datetime, state: str, move: str
) -> None:
    STATES[state](draft, moment)

    with pytest.raises(services.IllegalTransition):
        STATES[move](draft, moment)

    draft.refresh_from_db()
    assert draft.status == state


@pytest.mark.parametrize(
    ("day", "said"),
    [(TODAY - DAY, "effect on 15 June 2026"), (TODAY, ""), (TODAY + 365 * DAY, ""), (TODAY + 366 * DAY, "expired")],
)
def test_the_first_and_the_last_day_count_and_no_other(
    westside: Tenant, draft: Agreement, moment: dt.datetime, day: dt.date, said: str
) -> None:
    execute(draft, moment)

    reason = find_gate_reason(westside.id, day)

    assert said in reason
    assert bool(reason) == bool(said)


def test_one_practices_agreement_does_not_open_anothers_gate(westside: Tenant, southside: Tenant) -> None:
    assert "no business associate agreement" in find_gate_reason(westside.id)
    assert find_gate_reason(southside.id) == ""


def test_another_agreement_in_force_keeps_the_gate_open(
    westside: Tenant, draft: Agreement, moment: dt.datetime
) -> None:
    execute(draft, moment)
    renewal = services.draft_agreement(SYSTEM, westside, TODAY + 300 * DAY, TODAY + 700 * DAY, moment)

    services.terminate_agreement(SYSTEM, renewal.id, moment)

    assert require_agreement(westside.id, TODAY) == draft


def test_every_move_is_recorded_in_the_practices_trail(westside: Tenant, draft: Agreement, moment: dt.datetime) -> None:
    from audit.models import AuditEvent
    from tenants.scoping import tenant_scope

    services.send_agreement(SYSTEM, draft.id, moment)
    execute(draft, moment)
    services.terminate_agreement(SYSTEM, draft.id, moment)

    with tenant_scope(westside.id):
        events = list(AuditEvent.objects.order_by("seq"))
    assert [event.details["status"] for event in events] == ["drafted", "sent", "executed", "terminated"]
    assert {event.action for event in events} == {"agreement.changed"}


def test_what_needs_someone_comes_first_and_what_is_over_last(db: None, moment: dt.datetime) -> None:
    spans = {"ok": (-10, 300), "soon": (-10, 20), "late": (-400, -5), "renewed-old": (-800, -420), "over": (-10, 300)}
    for slug, (begins, ends) in spans.items():
        tenant = add_tenant(slug, slug, agreed=False)
        execute(services.draft_agreement(SYSTEM, tenant, TODAY + begins * DAY, TODAY + ends * DAY, moment), moment)
    renewed = Tenant.objects.get(slug="renewed-old")
    execute(services.draft_agreement(SYSTEM, renewed, TODAY - 10 * DAY, TODAY + 301 * DAY, moment), moment)
    services.terminate_agreement(SYSTEM, Agreement.objects.get(tenant__slug="over").id, moment)

    rows = [(row.tenant_slug, row.state) for row in list_agreements(TODAY)]

    assert rows == [
        ("late", "expired"), ("soon", "ends-soon"), ("ok", "in-force"), ("renewed-old", "in-force"),
        ("renewed-old", "expired"), ("over", "terminated"),
    ]  # fmt: skip


def test_an_executed_agreement_needs_a_signature_even_in_the_database(draft: Agreement) -> None:
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        Agreement.objects.filter(id=draft.id).update(status=Status.EXECUTED)


def test_the_shut_gate_is_explained_to_the_owner(westside: Tenant) -> None:
    from tenants.models import Role
    from tests.cast import add_person, sign_in

    owner = add_person("Wanda", westside, Role.OWNER)

    page = sign_in(owner).get(reverse("tenant_agreement", args=["westside"])).content.decode()

    assert "no business associate agreement" in page
    assert "no image can be uploaded" in page
