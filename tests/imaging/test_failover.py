"""Orders for a switch of regions, and the switch: two people, one command, every practice's trail."""

import json
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.models import PLATFORM, AuditEvent
from imaging.adapters.vault import VaultUnavailable
from imaging.models import FailoverOrder, Instance, RegionState, VaultObject
from imaging.selectors.failover import VALID_FOR, count_missing, find_open_order, get_serving, list_missing
from imaging.services import active_region, failover
from imaging.services.regions import get_vault
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, add_person
from tests.imaging.incoming import in_vault, instance, take_in
from tests.imaging.library import events
from tests.imaging.protecting import add_study

REASON = "Region 1 does not answer since noon."


@pytest.fixture(autouse=True)
def _asked_anew(empty_vaults: None):
    active_region.forget()
    yield
    active_region.forget()


@pytest.fixture
def victor(db: None) -> User:
    """The vendor's other administrator."""
    return add_person("Victor", None, is_vendor_admin=True)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def approved(vera: User, victor: User, now: datetime) -> FailoverOrder:
    return order_to(2, vera, victor, now)


def order_to(region: int, asking: User, approving: User, now: datetime) -> FailoverOrder:
    order = failover.request_failover(actor(asking), region, REASON, now)
    return failover.approve_failover(actor(approving), order.pk, now)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("failover", *arguments, stdout=out)
    return out.getvalue()


def platform_actions() -> list[str]:
    with tenant_scope(PLATFORM):
        return list(AuditEvent.objects.order_by("seq").values_list("action", flat=True))


def test_a_request_and_its_approval_are_in_the_vendors_trail(approved: FailoverOrder, now: datetime) -> None:
    assert find_open_order(now).state == "approved"
    assert platform_actions() == ["failover.requested", "failover.approved"]


def test_whoever_asked_cannot_approve(vera: User, now: datetime) -> None:
    order = failover.request_failover(actor(vera), 2, REASON, now)

    with pytest.raises(failover.NotTheSecondPerson):
        failover.approve_failover(actor(vera), order.pk, now)

    assert find_open_order(now).state == "requested"


def test_the_database_itself_refuses_a_self_approval(vera: User, now: datetime) -> None:
    order = failover.request_failover(actor(vera), 2, REASON, now)

    with pytest.raises(IntegrityError, match="two_people"), transaction.atomic():
        FailoverOrder.objects.filter(pk=order.pk).update(approved_by=vera, approved_at=now)


def test_the_database_itself_refuses_to_carry_out_what_nobody_approved(vera: User, now: datetime) -> None:
    order = failover.request_failover(actor(vera), 2, REASON, now)

    with pytest.raises(IntegrityError, match="approved_first"), transaction.atomic():
        FailoverOrder.objects.filter(pk=order.pk).update(carried_out_at=now)


@pytest.mark.parametrize("who", ["alice", "eve"])
def test_nobody_but_the_vendors_administrators_orders(
    request: pytest.FixtureRequest, approved: FailoverOrder, now: datetime, who: str
) -> None:
    stranger = actor(request.getfixturevalue(who))

    for attempt in (
        lambda: failover.request_failover(stranger, 2, REASON, now),
        lambda: failover.approve_failover(stranger, approved.pk, now),
        lambda: failover.withdraw_failover(stranger, approved.pk, now),
    ):
        with pytest.raises(failover.NotVendorAdmin):
            attempt()


def test_an_administrator_whose_account_was_closed_approves_nothing(vera: User, victor: User, now: datetime) -> None:
    order = failover.request_failover(actor(vera), 2, REASON, now)
    User.objects.filter(pk=victor.pk).update(is_active=False)

    with pytest.raises(failover.NotVendorAdmin):
        failover.approve_failover(actor(victor), order.pk, now)


def test_a_second_order_waits_for_the_first(approved: FailoverOrder, victor: User, now: datetime) -> None:
    with pytest.raises(failover.OrderPending):
        failover.request_failover(actor(victor), 2, REASON, now)


def test_a_switch_to_where_it_serves_already_is_no_order(vera: User, now: datetime) -> None:
    with pytest.raises(failover.AlreadyServing):
        failover.request_failover(actor(vera), 1, REASON, now)


def test_either_person_withdraws(approved: FailoverOrder, vera: User, now: datetime) -> None:
    failover.withdraw_failover(actor(vera), approved.pk, now)

    assert find_open_order(now) is None
    assert platform_actions()[-1] == "failover.withdrawn"
    with pytest.raises(failover.NoApprovedOrder):
        failover.carry_out(2, now)


def test_what_was_withdrawn_cannot_be_approved(vera: User, victor: User, now: datetime) -> None:
    order = failover.request_failover(actor(vera), 2, REASON, now)
    failover.withdraw_failover(actor(vera), order.pk, now)

    with pytest.raises(failover.OrderClosed):
        failover.approve_failover(actor(victor), order.pk, now)


def test_an_approval_is_not_renewed_by_another(approved: FailoverOrder, victor: User, now: datetime) -> None:
    with pytest.raises(failover.OrderClosed):
        failover.approve_failover(actor(victor), approved.pk, now + timedelta(hours=1))


def test_an_approval_lapses_after_a_day(approved: FailoverOrder, vera: User, now: datetime) -> None:
    later = now + VALID_FOR

    assert failover.get_approved_order(2, later - timedelta(seconds=1)).id == approved.pk
    with pytest.raises(failover.NoApprovedOrder):
        failover.carry_out(2, later)
    assert failover.request_failover(actor(vera), 2, REASON, later).pk != approved.pk


def test_the_switch_is_in_every_practices_trail_with_both_people_and_what_is_missing(
    approved: FailoverOrder, northside: Tenant, southside: Tenant, now: datetime
) -> None:
    add_study(northside, images=3, mirrored=1)

    switch = failover.carry_out(2, now)

    assert (switch.from_region, switch.to_region) == (1, 2)
    assert (get_serving().region, get_serving().since) == (2, now)
    for tenant, missing in ((northside, 2), (southside, 0)):
        (event,) = events(tenant, "failover.done")
        assert event.details == {
            "from_region": 1, "to_region": 2, "requested_by": "vera@collimate.example",
            "approved_by": "victor@collimate.example", "instances": missing, "studies": int(missing > 0),
        }  # fmt: skip


def test_an_order_is_spent_by_the_switch(approved: FailoverOrder, now: datetime) -> None:
    failover.carry_out(2, now)

    with pytest.raises(failover.NoApprovedOrder):
        failover.carry_out(2, now)


def test_an_order_is_for_one_region(approved: FailoverOrder, now: datetime) -> None:
    with pytest.raises(failover.NoApprovedOrder):
        failover.carry_out(1, now)


def test_reads_begin_and_uploads_land_where_it_serves(
    approved: FailoverOrder, northside: Tenant, bob: User, now: datetime
) -> None:
    before = active_region.read_order()
    failover.carry_out(2, now)

    take_in(actor(bob), northside, {"a.dcm": instance(1)})

    with tenant_scope(northside.id):
        row = Instance.objects.select_related("pack").get()
    assert (before, active_region.read_order()) == ((1, 2), (2, 1))
    assert row.pack.home_region == 2
    assert in_vault(row, 2) == instance(1)
    assert not get_vault(1).exists(northside.id, row.pack_id)


def test_another_process_follows_within_two_seconds(
    approved: FailoverOrder, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    active_region.active_region()
    known = active_region._known
    failover.carry_out(2, now)
    active_region._known = known  # what another process still remembers
    assert active_region.active_region() == 1

    monkeypatch.setattr(active_region.time, "monotonic", lambda: known[0] + 2)

    assert active_region.read_order() == (2, 1)


def test_both_regions_are_in_the_read_order_even_while_it_switches(
    monkeypatch: pytest.MonkeyPatch, approved: FailoverOrder, now: datetime
) -> None:
    answers = iter([1, 2])
    monkeypatch.setattr(active_region, "active_region", lambda: next(answers))

    assert sorted(active_region.read_order()) == [1, 2]


def test_missing_studies_are_those_of_packs_in_service_that_a_region_has_not_proved(
    northside: Tenant, southside: Tenant
) -> None:
    add_study(northside, images=2)
    half = add_study(northside, images=3, mirrored=1, patient_name="DOE^JANE")
    retired = add_study(northside, images=1, mirrored=0)
    add_study(southside, images=1, mirrored=0)
    with tenant_scope(northside.id):
        VaultObject.objects.filter(series__study=retired).update(retired_at=timezone.now())

    (row,) = list_missing(northside.id, 2)

    assert (row.study_instance_uid, row.patient_name) == (half.study_instance_uid, "DOE, JANE")
    assert (row.missing, row.total, row.elsewhere) == (2, 3, 2)
    assert (count_missing(northside.id, 2).instances, count_missing(northside.id, 2).studies) == (2, 1)
    assert list_missing(northside.id, 1) == []


def test_going_home_is_refused_while_region_1_lacks_what_region_2_has(
    approved: FailoverOrder, vera: User, victor: User, northside: Tenant, now: datetime
) -> None:
    failover.carry_out(2, now)
    order_to(1, vera, victor, now)
    add_study(northside, images=2)
    with tenant_scope(northside.id):
        VaultObject.objects.update(in_1_at=None)

    with pytest.raises(failover.RegionLacksObjects) as refusal:
        failover.carry_out(1, now)

    assert refusal.value.count == 2
    assert get_serving().region == 2
    assert failover.carry_out(1, now, incomplete=True).to_region == 1


def test_the_command_refuses_without_an_order(vera: User, northside: Tenant, now: datetime) -> None:
    failover.request_failover(actor(vera), 2, REASON, now)

    with pytest.raises(CommandError, match="two people"):
        run("--to", "2")

    assert get_serving().region == 1


def test_the_command_says_who_and_what_is_missing_and_tells_the_owners(
    approved: FailoverOrder, northside: Tenant, alice: User
) -> None:
    add_study(northside, images=3, mirrored=1, patient_name="DOE^JANE")

    said = run("--to", "2")

    assert "Region 2 serves now" in said
    assert "vera@collimate.example" in said
    assert "victor@collimate.example" in said
    assert "northside: 2 images of 1 studies are not in region 2." in said
    (sent,) = mail.outbox
    assert sent.to == [alice.email]
    assert "2 images of 1 study" in sent.body
    assert "/t/northside/regions/2/missing" in sent.body
    assert "DOE" not in said + sent.subject + sent.body


def test_the_command_speaks_json(approved: FailoverOrder, northside: Tenant, alice: User) -> None:
    report = json.loads(run("--to", "2", "--json"))

    assert report["serving"] == 2
    assert report["order"]["approved_by"] == "victor@collimate.example"
    assert report["missing"] == {"northside": {"instances": 0, "studies": 0}}
    assert report["mailed"] == 1


def test_mail_that_fails_does_not_undo_the_switch(
    approved: FailoverOrder, northside: Tenant, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr(failover, "send_mail", fail)

    assert "not reached: 1" in run("--to", "2")
    assert get_serving().region == 2


def test_a_check_changes_nothing_and_fails_on_what_is_missing(approved: FailoverOrder, northside: Tenant) -> None:
    assert "Region 2 has every image." in run("--to", "2", "--check")
    add_study(northside, images=1, mirrored=0)

    with pytest.raises(CommandError, match="Region 2 lacks"):
        run("--check")

    assert get_serving().region == 1
    assert not RegionState.objects.filter(active_region=2).exists()


def test_going_home_with_a_region_that_does_not_answer_takes_now(
    approved: FailoverOrder, vera: User, victor: User, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("--to", "2")
    order_to(1, vera, victor, timezone.now())

    def away(*_: object) -> None:
        raise VaultUnavailable("away")

    monkeypatch.setattr("imaging.services.reconcile.adopt_unknown", away)

    with pytest.raises(CommandError, match="does not answer"):
        run("--to", "1")
    assert get_serving().region == 2
    assert "Region 1 serves now" in run("--to", "1", "--now")


def test_the_command_wants_to_know_what_to_do(db: None) -> None:
    with pytest.raises(CommandError, match="Say"):
        run()
