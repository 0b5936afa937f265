"""The brake: too much changed at once, and nothing more is copied or purged until the owner says so."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from audit.actions import Action
from imaging.access import StudyNotFound
from imaging.models import Brake, Finding, Tombstone, VaultObject
from imaging.selectors.protection_state import BrakeState, get_protection_state
from imaging.services.brake import (
    Braked,
    is_braked,
    release,
    require_not_braked,
    require_usual,
    watch_changes,
    would_trip,
)
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.library import events
from tests.imaging.sealing import keep_object

NOW = timezone.now().replace(minute=30)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def terms(settings: object) -> None:
    settings.SCRUB_DAYS, settings.BRAKE_FLOOR, settings.LAG_ALARM_SECONDS = 30, 500, 900


def purge(tenant: Tenant, count: int, when: datetime) -> None:
    """A tombstone of so many instances."""
    with tenant_scope(tenant.id):
        Tombstone.objects.create(
            study_digest=bytes(32), instance_count=count, rule="r", requested_by_id=1, approved_by_id=2, purged_at=when
        )


def find(tenant: Tenant, count: int, when: datetime, kind: str = "damaged") -> None:
    with tenant_scope(tenant.id):
        Finding.objects.bulk_create(
            Finding(kind=kind, region=1, object_id=uuid4(), found_at=when) for _ in range(count)
        )


def brakes(tenant: Tenant) -> list[Brake]:
    with tenant_scope(tenant.id):
        return list(Brake.objects.all())


def test_up_to_the_floor_nothing_happens(northside: Tenant) -> None:
    purge(northside, 500, NOW)

    assert not watch_changes(northside.id, NOW)
    require_not_braked(northside.id)


def test_past_the_floor_the_brake_goes_on_once(northside: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    purge(northside, 300, NOW - timedelta(minutes=59))
    purge(northside, 201, NOW)

    assert watch_changes(northside.id, NOW)
    assert watch_changes(northside.id, NOW + timedelta(minutes=1))

    (brake,) = brakes(northside)
    assert (brake.changed, brake.usual, brake.tripped_at) == (501, 0, NOW)
    assert len(events(northside, Action.BRAKE_TRIPPED)) == 1
    assert caplog.text.count("Brake on") == 1
    with pytest.raises(Braked):
        require_not_braked(northside.id)
    assert get_protection_state(northside.id, NOW).brake == BrakeState(NOW, 501, 0)


def test_what_changed_more_than_an_hour_ago_does_not_count(northside: Tenant) -> None:
    purge(northside, 400, NOW - timedelta(minutes=61))
    purge(northside, 400, NOW)

    assert not watch_changes(northside.id, NOW)


@pytest.mark.parametrize("kind", ["missing", "damaged", "key-missing"])
def test_copies_found_faulty_count_too(northside: Tenant, kind: str) -> None:
    purge(northside, 450, NOW)
    find(northside, 51, NOW, kind)

    assert watch_changes(northside.id, NOW)


def test_what_is_retired_does_not_count(northside: Tenant, settings: object) -> None:
    settings.BRAKE_FLOOR = 0
    object_id = keep_object(northside, b"x")
    with tenant_scope(northside.id):
        VaultObject.objects.filter(id=object_id).update(retired_at=NOW)

    assert not watch_changes(northside.id, NOW)


def test_three_times_the_largest_usual_hour_is_allowed(northside: Tenant) -> None:
    usual = NOW - timedelta(days=3)
    purge(northside, 250, usual)
    purge(northside, 150, usual + timedelta(minutes=10))
    purge(northside, 1200, NOW)

    assert not watch_changes(northside.id, NOW)
    assert would_trip(northside.id, 1, NOW)


def test_what_was_usual_more_than_thirty_days_ago_is_forgotten(northside: Tenant) -> None:
    purge(northside, 400, NOW - timedelta(days=31))
    purge(northside, 501, NOW)

    assert watch_changes(northside.id, NOW)


def test_an_hour_that_put_the_brake_on_makes_nothing_usual(northside: Tenant, alice: User) -> None:
    purge(northside, 5000, NOW)
    watch_changes(northside.id, NOW)
    release(actor(alice), northside.id, NOW)
    later = NOW + timedelta(days=2)

    assert would_trip(northside.id, 501, later)


def test_an_order_to_purge_too_much_trips_before_anything_is_purged(northside: Tenant) -> None:
    assert not would_trip(northside.id, 500, NOW)
    require_usual(northside.id, 500, NOW)

    with pytest.raises(Braked):
        require_usual(northside.id, 501, NOW)

    assert [brake.changed for brake in brakes(northside)] == [501]


def test_while_it_is_on_even_little_is_refused(northside: Tenant) -> None:
    with tenant_scope(northside.id):
        Brake.objects.create(tripped_at=NOW, changed=900, usual=1)

    with pytest.raises(Braked):
        require_usual(northside.id, 1, NOW)


def test_the_owner_releases_it_and_what_she_saw_may_go_on(northside: Tenant, alice: User) -> None:
    with pytest.raises(Braked):
        require_usual(northside.id, 900, NOW)

    assert release(actor(alice), northside.id, NOW)

    assert not is_braked(northside.id)
    require_usual(northside.id, 900, NOW + HOUR)
    with pytest.raises(Braked):
        require_usual(northside.id, 901, NOW + HOUR)
    (event,) = events(northside, Action.BRAKE_RELEASED)
    assert (event.actor_id, event.details) == (str(alice.pk), {"changed": 900})
    assert brakes(northside)[0].released_by_id == alice.pk


def test_a_day_later_the_release_allows_no_more(northside: Tenant, alice: User) -> None:
    with pytest.raises(Braked):
        require_usual(northside.id, 900, NOW)
    release(actor(alice), northside.id, NOW)

    assert would_trip(northside.id, 900, NOW + timedelta(hours=25))


def test_released_it_does_not_trip_again_for_what_she_saw(northside: Tenant, alice: User) -> None:
    find(northside, 600, NOW)
    watch_changes(northside.id, NOW)
    release(actor(alice), northside.id, NOW + timedelta(minutes=1))

    assert not watch_changes(northside.id, NOW + timedelta(minutes=2))


def test_releasing_nothing_changes_nothing(northside: Tenant, alice: User) -> None:
    assert not release(actor(alice), northside.id, NOW)
    assert events(northside) == []


@pytest.mark.parametrize("who", ["bob", "nora", "carol", "eve", "vera"])
def test_only_an_owner_releases_it(northside: Tenant, who: str, request: pytest.FixtureRequest) -> None:
    purge(northside, 501, NOW)
    watch_changes(northside.id, NOW)

    with pytest.raises(StudyNotFound):
        release(actor(request.getfixturevalue(who)), northside.id, NOW)

    assert is_braked(northside.id)


def test_a_brake_stops_nobody_else(northside: Tenant, southside: Tenant) -> None:
    purge(northside, 501, NOW)
    watch_changes(northside.id, NOW)

    assert not is_braked(southside.id)
    assert not watch_changes(southside.id, NOW)
