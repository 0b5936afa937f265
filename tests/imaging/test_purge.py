"""The purge: gone from all six places, its neighbour untouched, and everything that must stop it does."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.access import StudyNotFound
from imaging.adapters.vault import KeyMissing
from imaging.models import Brake, Instance, PurgeOrder, Series, Study, Tombstone, VaultObject
from imaging.services import purge, retention, sharing, steps, thumbnails
from imaging.services.regions import get_vault
from tenants.models import SecretRoute, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.fakes.orthanc import FakeOrthancNode
from tests.imaging.incoming import instance, take_in

Nodes = dict[tuple[UUID, int], FakeOrthancNode]
ADULT = {"PatientBirthDate": "19700505"}
NOW = timezone.now()
LATER = NOW + timedelta(days=11 * 366)


@pytest.fixture
def studies(northside: Tenant, bob: User, nodes: Nodes, empty_vaults: None, drawn: None) -> tuple[Study, Study]:
    """Two studies of two images each, everywhere: vaults, nodes, thumbnails, and a share link to the first."""
    files = {f"{study}-{n}": instance(n, study=study, **ADULT) for study in (1, 2) for n in (1, 2)}
    take_in(actor(bob), northside, files)
    with tenant_scope(northside.id):
        series = list(Series.objects.values_list("id", flat=True))
    for series_id in series:
        thumbnails.draw_thumbnail(northside.id, series_id)
        for step in (steps.verify_seal, steps.store, steps.mirror, steps.store_mirror):
            step(northside.id, series_id)
    with tenant_scope(northside.id):
        first, second = Study.objects.order_by("study_instance_uid")
        sharing.create_link(
            actor(bob), first.study_instance_uid, recipient_name="Rita", recipient_email="rita@ortho.example", days=7,
            may_download=True, note="", now=NOW,
        )  # fmt: skip
    return first, second


def order(tenant: Tenant, bob: User, alice: User, study: Study, now: datetime = LATER) -> None:
    """Marked by the daily task, asked for by Bob, approved by Alice."""
    retention.mark_ended_retention(tenant.id, now)
    with tenant_scope(tenant.id):
        retention.request_purge(actor(bob), study.study_instance_uid, now)
        retention.approve_purge(actor(alice), study.study_instance_uid, now)


def objects_of(tenant: Tenant, study: Study) -> list[UUID]:
    with tenant_scope(tenant.id):
        return list(VaultObject.objects.filter(series__study=study).values_list("id", flat=True))


def test_a_purged_study_is_gone_from_all_six_places_and_its_neighbour_is_untouched(
    northside: Tenant, bob: User, alice: User, studies: tuple[Study, Study], nodes: Nodes
) -> None:
    gone, neighbour = studies
    gone_objects, kept_objects = objects_of(northside, gone), objects_of(northside, neighbour)
    order(northside, bob, alice, gone)

    assert purge.purge_approved(northside.id, LATER + timedelta(days=31)) == 1
    with tenant_scope(northside.id):
        tombstone = Tombstone.objects.get()
    assert purge.finish_purge(northside.id, tombstone.id)

    for region in (1, 2):
        vault, node = get_vault(region), nodes[northside.id, region]
        assert set(vault.list_objects(northside.id)) == set(kept_objects)
        assert not any(vault.exists(northside.id, object_id) for object_id in gone_objects)
        assert node.list_study_uids() == [neighbour.study_instance_uid]
        for object_id in kept_objects:
            assert vault.verify(northside.id, object_id) > 0
    with tenant_scope(northside.id):
        assert list(Study.objects.values_list("id", flat=True)) == [neighbour.id]
        assert not PurgeOrder.objects.filter(study_id=gone.id).exists()
    assert not SecretRoute.objects.exists()


def test_the_tombstone_names_two_people_and_no_patient(
    northside: Tenant, bob: User, alice: User, studies: tuple[Study, Study]
) -> None:
    order(northside, bob, alice, studies[0])
    purge.purge_approved(northside.id, LATER + timedelta(days=31))
    with tenant_scope(northside.id):
        tombstone = Tombstone.objects.get()
    purge.finish_purge(northside.id, tombstone.id)

    with tenant_scope(northside.id):
        tombstone.refresh_from_db()
        assert (tombstone.requested_by_id, tombstone.approved_by_id) == (bob.pk, alice.pk)
        assert tombstone.completed_at
        assert tombstone.study_instance_uid == ""
        assert AuditEvent.objects.filter(action=Action.PURGED).count() == 1


def test_the_key_goes_first(
    northside: Tenant, bob: User, alice: User, studies: tuple[Study, Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    order(northside, bob, alice, studies[0])
    objects = objects_of(northside, studies[0])
    purge.purge_approved(northside.id, LATER + timedelta(days=31))
    with tenant_scope(northside.id):
        tombstone = Tombstone.objects.get()

    def die(*_: object) -> None:
        raise KeyboardInterrupt  # killed right after the keys

    monkeypatch.setattr(purge, "_empty_vault", die)
    with pytest.raises(KeyboardInterrupt):
        purge.finish_purge(northside.id, tombstone.id)

    for region in (1, 2):
        for object_id in objects:
            with pytest.raises(KeyMissing):
                get_vault(region).open(northside.id, object_id)


def test_a_node_that_is_away_is_purged_when_it_returns(
    northside: Tenant, bob: User, alice: User, studies: tuple[Study, Study], nodes: Nodes
) -> None:
    order(northside, bob, alice, studies[0])
    nodes[northside.id, 2].down = True
    purge.purge_approved(northside.id, LATER + timedelta(days=31))
    with tenant_scope(northside.id):
        tombstone = Tombstone.objects.get()
    assert not purge.finish_purge(northside.id, tombstone.id)

    nodes[northside.id, 2].down = False
    assert purge.finish_purge(northside.id, tombstone.id)

    assert nodes[northside.id, 2].list_study_uids() == [studies[1].study_instance_uid]


def test_a_held_study_cannot_be_purged(northside: Tenant, bob: User, alice: User, studies: tuple[Study, Study]) -> None:
    study = studies[0]
    order(northside, bob, alice, study)
    with tenant_scope(northside.id):
        # Past the service that would withdraw the order: the purge itself must refuse.
        Study.objects.filter(id=study.id).update(held_at=NOW)

    assert purge.purge_approved(northside.id, LATER + timedelta(days=31)) == 0

    with tenant_scope(northside.id):
        assert Study.objects.filter(id=study.id).exists()
        assert AuditEvent.objects.filter(action=Action.PURGE_REFUSED).count() == 1


def test_a_hold_withdraws_the_order(northside: Tenant, bob: User, alice: User, studies: tuple[Study, Study]) -> None:
    order(northside, bob, alice, studies[0])

    with tenant_scope(northside.id):
        retention.place_hold(actor(alice), studies[0].study_instance_uid, "A dispute is open.", LATER)

    retention.mark_ended_retention(northside.id, LATER)
    with tenant_scope(northside.id):
        assert not PurgeOrder.objects.filter(study=studies[0]).exists()


def test_nothing_is_purged_within_the_grace_period(
    northside: Tenant, bob: User, alice: User, studies: tuple[Study, Study]
) -> None:
    order(northside, bob, alice, studies[0])

    assert purge.purge_approved(northside.id, LATER + timedelta(days=29)) == 0
    with tenant_scope(northside.id):
        PurgeOrder.objects.update(grace_ends_at=LATER + timedelta(days=30))
    with pytest.raises(purge.PurgeRefused, match="grace"):
        purge.purge_study(northside.id, studies[0].id, LATER)


def test_one_person_is_not_two(northside: Tenant, alice: User, studies: tuple[Study, Study]) -> None:
    uid = studies[0].study_instance_uid
    retention.mark_ended_retention(northside.id, LATER)
    with tenant_scope(northside.id):
        retention.request_purge(actor(alice), uid, LATER)
        with pytest.raises(retention.NotTheSecondPerson):
            retention.approve_purge(actor(alice), uid, LATER)

        with pytest.raises(IntegrityError), transaction.atomic():
            PurgeOrder.objects.filter(study=studies[0]).update(status="approved", approved_by=alice, approved_at=LATER)


def test_an_order_without_the_second_yes_purges_nothing(
    northside: Tenant, bob: User, studies: tuple[Study, Study]
) -> None:
    retention.mark_ended_retention(northside.id, LATER)
    with tenant_scope(northside.id):
        retention.request_purge(actor(bob), studies[0].study_instance_uid, LATER)

    assert purge.purge_approved(northside.id, LATER + timedelta(days=31)) == 0
    with pytest.raises(purge.PurgeRefused, match="two people"):
        purge.purge_study(northside.id, studies[0].id, LATER + timedelta(days=31))


def test_a_policy_made_longer_meanwhile_stops_the_purge(
    northside: Tenant, bob: User, alice: User, studies: tuple[Study, Study]
) -> None:
    order(northside, bob, alice, studies[0])
    Tenant.objects.filter(id=northside.id).update(retention_years=30)

    assert purge.purge_approved(northside.id, LATER + timedelta(days=31)) == 0


def test_images_that_came_meanwhile_stop_the_purge(
    northside: Tenant, bob: User, alice: User, studies: tuple[Study, Study]
) -> None:
    order(northside, bob, alice, studies[0])
    with tenant_scope(northside.id):
        Study.objects.filter(id=studies[0].id).update(last_received_at=LATER)

    assert purge.purge_approved(northside.id, LATER + timedelta(days=31)) == 0


def test_nothing_is_marked_before_its_time(northside: Tenant, studies: tuple[Study, Study]) -> None:
    assert retention.mark_ended_retention(northside.id, NOW + timedelta(days=3650)) == 0
    assert retention.mark_ended_retention(northside.id, NOW + timedelta(days=3655)) == 2
    assert retention.mark_ended_retention(northside.id, NOW + timedelta(days=3656)) == 0


def test_the_same_uids_at_another_practice_stay(
    northside: Tenant,
    southside: Tenant,
    bob: User,
    alice: User,
    carol: User,
    studies: tuple[Study, Study],
    nodes: Nodes,
) -> None:
    take_in(actor(carol), southside, {"1": instance(1, study=1, rows=32)})
    with tenant_scope(southside.id):
        series_id = Series.objects.get().id
    steps.store(southside.id, series_id)
    order(northside, bob, alice, studies[0])

    purge.purge_approved(northside.id, LATER + timedelta(days=31))
    with tenant_scope(northside.id):
        purge.finish_purge(northside.id, Tombstone.objects.get().id)

    assert nodes[southside.id, 1].list_study_uids() == [studies[0].study_instance_uid]
    with tenant_scope(southside.id):
        assert get_vault(1).verify(southside.id, Instance.objects.get().pack_id) > 0


def test_a_purged_study_that_comes_again_is_stored_anew(
    northside: Tenant, bob: User, alice: User, studies: tuple[Study, Study], nodes: Nodes
) -> None:
    order(northside, bob, alice, studies[0])
    purge.purge_approved(northside.id, LATER + timedelta(days=31))
    take_in(actor(bob), northside, {"1": instance(1, study=1, **ADULT)})
    with tenant_scope(northside.id):
        series_id = Series.objects.get(study__study_instance_uid=studies[0].study_instance_uid).id
        tombstone = Tombstone.objects.get()
    steps.store(northside.id, series_id)

    purge.finish_purge(northside.id, tombstone.id)
    steps.store(northside.id, series_id)

    assert studies[0].study_instance_uid in nodes[northside.id, 1].list_study_uids()


@pytest.mark.parametrize("who", ["nora", "carol"])
def test_only_the_practice_decides(
    northside: Tenant, studies: tuple[Study, Study], who: str, request: pytest.FixtureRequest
) -> None:
    stranger, uid = actor(request.getfixturevalue(who)), studies[0].study_instance_uid
    retention.mark_ended_retention(northside.id, LATER)

    with tenant_scope(northside.id):
        for decide in (retention.request_purge, retention.approve_purge, retention.reject_purge, retention.lift_hold):
            with pytest.raises(StudyNotFound):
                decide(stranger, uid, LATER)
        with pytest.raises(StudyNotFound):
            retention.place_hold(stranger, uid, "mine", LATER)


def test_an_unusual_number_of_purges_trips_the_brake_before_anything_goes(
    northside: Tenant, bob: User, alice: User, studies: tuple[Study, Study], settings: object
) -> None:
    settings.BRAKE_FLOOR = 0
    order(northside, bob, alice, studies[0])

    assert purge.purge_approved(northside.id, LATER + timedelta(days=31)) == 0

    with tenant_scope(northside.id):
        assert Study.objects.count() == 2
        assert Brake.objects.filter(released_at=None).count() == 1


def test_a_purge_that_was_begun_waits_while_the_brake_is_on(
    northside: Tenant, bob: User, alice: User, studies: tuple[Study, Study]
) -> None:
    order(northside, bob, alice, studies[0])
    objects = objects_of(northside, studies[0])
    purge.purge_approved(northside.id, LATER + timedelta(days=31))
    with tenant_scope(northside.id):
        tombstone = Tombstone.objects.get()
        Brake.objects.create(tripped_at=LATER, changed=1, usual=0)

    assert not purge.finish_purge(northside.id, tombstone.id)

    assert all(get_vault(1).exists(northside.id, object_id) for object_id in objects)
