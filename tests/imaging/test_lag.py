"""The lag: what is acknowledged and not yet in the other region, and one alarm when it is too much."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.actions import Action
from imaging.models import Finding, Instance
from imaging.selectors.protection_state import get_protection_state
from imaging.services import lag as lagging
from imaging.services.lag import measure_lag, watch_lag
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.imaging.library import events
from tests.imaging.sealing import keep_pack

NOW = timezone.now()
pytestmark = pytest.mark.usefixtures("empty_vaults")


@pytest.fixture(autouse=True)
def terms(settings: object) -> None:
    settings.SCRUB_DAYS, settings.BRAKE_FLOOR, settings.LAG_ALARM_SECONDS = 30, 500, 900


@pytest.fixture
def waiting(northside: Tenant) -> Tenant:
    """Two images of 10 and 20 bytes that came 16 and 5 minutes ago and are only in one region."""
    keep_pack(northside, b"x" * 10, b"y" * 20)
    with tenant_scope(northside.id):
        for size, minutes in ((10, 16), (20, 5)):
            came = NOW - timedelta(minutes=minutes)
            Instance.objects.filter(size=size).update(mirrored_at=None, received_at=came)
    return northside


def alarms(tenant: Tenant) -> list[Finding]:
    with tenant_scope(tenant.id):
        return list(Finding.objects.filter(kind="lag").order_by("found_at"))


def test_the_lag_is_the_age_of_the_oldest(waiting: Tenant) -> None:
    lag = measure_lag(waiting.id, NOW)

    assert (lag.seconds, lag.count, lag.size) == (16 * 60, 2, 30)
    assert lag.since == NOW - timedelta(minutes=16)


def test_without_anything_waiting_there_is_no_lag(northside: Tenant) -> None:
    keep_pack(northside, b"x")

    lag = measure_lag(northside.id, NOW)

    assert (lag.since, lag.seconds, lag.count, lag.size) == (None, 0, 0, 0)


def test_a_clock_that_jumps_back_makes_no_negative_lag(waiting: Tenant) -> None:
    assert measure_lag(waiting.id, NOW - timedelta(days=365)).seconds == 0


def test_another_practices_backlog_is_not_ours(waiting: Tenant, southside: Tenant) -> None:
    assert measure_lag(southside.id, NOW).count == 0


def test_past_the_alarm_it_is_raised_once(waiting: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    for minute in range(3):
        watch_lag(waiting.id, NOW + timedelta(minutes=minute))

    (alarm,) = alarms(waiting)
    assert (alarm.region, alarm.healed_at, alarm.details) == (2, None, {"seconds": 960, "count": 2, "size": 30})
    assert len(events(waiting, Action.COPIES_BEHIND)) == 1
    assert caplog.text.count("behind for tenant") == 1


def test_at_fifteen_minutes_there_is_no_alarm_yet(waiting: Tenant) -> None:
    watch_lag(waiting.id, NOW - timedelta(minutes=1))

    assert alarms(waiting) == []


def test_caught_up_the_alarm_ends_and_can_be_raised_again(waiting: Tenant) -> None:
    watch_lag(waiting.id, NOW)
    with tenant_scope(waiting.id):
        Instance.objects.update(mirrored_at=NOW)
    watch_lag(waiting.id, NOW + timedelta(minutes=1))
    assert [alarm.healed_at for alarm in alarms(waiting)] == [NOW + timedelta(minutes=1)]

    with tenant_scope(waiting.id):
        Instance.objects.update(mirrored_at=None)
    watch_lag(waiting.id, NOW + timedelta(minutes=2))

    assert [alarm.healed_at is None for alarm in alarms(waiting)] == [False, True]


def test_after_a_failover_it_is_region_1_that_is_behind(waiting: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lagging, "active_region", lambda: 2)

    watch_lag(waiting.id, NOW)

    assert [alarm.region for alarm in alarms(waiting)] == [1]


def test_a_failover_during_an_alarm_raises_no_second_one(waiting: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    watch_lag(waiting.id, NOW)
    monkeypatch.setattr(lagging, "active_region", lambda: 2)

    watch_lag(waiting.id, NOW)

    assert len(alarms(waiting)) == 1


def test_the_protection_state_shows_lag_and_copies(waiting: Tenant) -> None:
    watch_lag(waiting.id, NOW)

    state = get_protection_state(waiting.id, NOW)

    assert state.behind
    assert state.lag == measure_lag(waiting.id, NOW)
    assert [(copies.objects, copies.absent, copies.never_read) for copies in state.regions] == [(1, 0, 1)] * 2
    assert [(row.kind, row.stuck, row.whole_region) for row in state.open_findings] == [("lag", False, False)]
    assert (state.open_count, state.healed_count, state.brake) == (1, 0, None)
