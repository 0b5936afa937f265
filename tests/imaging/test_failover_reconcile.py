"""Both regions brought to the same state: nothing lost, nothing overwritten, conflicts and damage told."""

from datetime import datetime
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from imaging.adapters.vault import VaultUnavailable
from imaging.models import Finding, Instance, RegionState, Study, VaultObject
from imaging.selectors.failover import list_conflicts, list_missing, list_practices
from imaging.services import active_region, failover, reconcile
from imaging.services.reconcile import Reconciled
from imaging.services.regions import get_keyring, get_vault
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, add_person
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import in_vault, instance, take_in
from tests.imaging.library import events
from tests.imaging.sealing import content_of, files_of, keep_object, keep_pack, spoil

ONE, TWO, THREE = b"first" * 99, b"second" * 99, b"third" * 99


@pytest.fixture(autouse=True)
def _asked_anew(empty_vaults: None):
    active_region.forget()
    yield
    active_region.forget()


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def serve_from(region: int) -> None:
    RegionState.objects.update_or_create(id=1, defaults={"active_region": region, "since": timezone.now()})
    active_region.forget()


def remove(tenant: Tenant, object_id: UUID, region: int) -> None:
    """The region lost the object; the index still believes in it."""
    get_vault(region).delete(tenant.id, object_id)


def forget_rows(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        Study.objects.all().delete()


def row_of(tenant: Tenant, object_id: UUID) -> VaultObject:
    with tenant_scope(tenant.id):
        return VaultObject.objects.get(id=object_id)


def run(tenant: Tenant, now: datetime) -> Reconciled:
    return reconcile.reconcile(tenant, now)


@pytest.mark.parametrize("region", [1, 2])
def test_what_one_region_lost_comes_back_from_the_other(northside: Tenant, now: datetime, region: int) -> None:
    pack, manifest = keep_pack(northside, ONE, TWO), keep_object(northside, THREE, "manifest")
    before = {each: files_of(northside, each, region) for each in (pack, manifest)}
    for object_id in (pack, manifest):
        remove(northside, object_id, region)

    report = run(northside, now)

    assert report.copied == 2
    assert report.is_clean
    assert {each: files_of(northside, each, region) for each in (pack, manifest)} == before
    assert getattr(row_of(northside, pack), f"in_{region}_at") == now


def test_what_never_was_in_a_region_is_copied_and_noted(northside: Tenant, now: datetime) -> None:
    pack = keep_pack(northside, ONE)
    remove(northside, pack, 1)
    with tenant_scope(northside.id):
        VaultObject.objects.update(in_1_at=None, home_region=2)

    assert run(northside, now).copied == 1
    assert list_missing(northside.id, 1) == []


def test_objects_lost_on_either_side_come_back_at_once(northside: Tenant, now: datetime) -> None:
    first, second = keep_pack(northside, ONE), keep_pack(northside, TWO)
    remove(northside, first, 1)
    remove(northside, second, 2)

    assert run(northside, now).copied == 2
    for object_id in (first, second):
        assert files_of(northside, object_id, 1) == files_of(northside, object_id, 2)


def test_a_region_that_lost_its_keys_too_opens_everything_again(northside: Tenant, now: datetime) -> None:
    pack = keep_pack(northside, ONE)
    remove(northside, pack, 1)
    for kept in get_keyring(1)._directory.iterdir():
        kept.unlink()
    get_keyring.cache_clear()
    get_vault.cache_clear()

    assert run(northside, now).copied == 1
    assert content_of(northside, pack, 1) == content_of(northside, pack, 2)


def test_a_second_run_has_nothing_to_do_and_reads_nothing(
    northside: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = keep_pack(northside, ONE)
    remove(northside, pack, 1)
    run(northside, now)
    monkeypatch.setattr(reconcile, "find_fault", lambda *_: pytest.fail("read again"))

    report = run(northside, now)

    assert (report.copied, report.is_clean) == (0, True)


def test_a_lost_object_is_listed_by_study_and_is_a_finding(northside: Tenant, now: datetime) -> None:
    lost, kept = keep_pack(northside, ONE, TWO), keep_pack(northside, THREE)
    for region in (1, 2):
        remove(northside, lost, region)

    report = run(northside, now)

    assert (report.lost, report.lost_instances, report.lost_studies) == ([lost], 2, 1)
    (row,) = list_missing(northside.id, 1)
    assert (row.missing, row.elsewhere) == (2, 0)
    assert list_missing(northside.id, 1) == list_missing(northside.id, 2)
    with tenant_scope(northside.id):
        assert set(Finding.objects.values_list("object_id", "region")) == {(lost, 1), (lost, 2)}
    assert content_of(northside, kept, 1)


def test_a_damaged_copy_is_never_copied_nor_deleted(northside: Tenant, now: datetime) -> None:
    pack = keep_pack(northside, ONE)
    remove(northside, pack, 1)
    spoil(northside, pack, 2, "flip")
    before = files_of(northside, pack, 2)

    report = run(northside, now)

    assert (report.copied, report.unreadable, report.lost) == (0, [pack], [pack])
    assert files_of(northside, pack, 1) == (None, None)
    assert files_of(northside, pack, 2) == before
    assert row_of(northside, pack).in_2_at is None


def test_a_copy_that_waits_for_its_proof_is_read(northside: Tenant, now: datetime) -> None:
    good, bad = keep_pack(northside, ONE), keep_pack(northside, TWO)
    with tenant_scope(northside.id):
        VaultObject.objects.update(in_1_at=None)
    spoil(northside, bad, 1, "truncate")

    report = run(northside, now)

    assert report.unreadable == [bad]
    assert report.lost == []
    assert row_of(northside, good).in_1_at == now
    assert row_of(northside, bad).in_1_at is None
    assert row_of(northside, bad).in_2_at


def test_another_objects_bytes_without_a_key_are_not_overwritten(northside: Tenant, now: datetime) -> None:
    pack = keep_pack(northside, ONE)
    spoil(northside, pack, 1, "flip")
    spoil(northside, pack, 1, "delete-key")
    before = files_of(northside, pack, 1)

    report = run(northside, now)

    assert report.unreadable == [pack]
    assert files_of(northside, pack, 1) == before


def test_a_lost_key_file_comes_back(northside: Tenant, now: datetime) -> None:
    pack = keep_pack(northside, ONE)
    spoil(northside, pack, 1, "delete-key")

    assert run(northside, now).copied == 1
    assert content_of(northside, pack, 1) == content_of(northside, pack, 2)


@pytest.mark.parametrize("region", [1, 2])
def test_what_the_index_does_not_know_is_adopted_and_copied(
    northside: Tenant, bob: User, now: datetime, region: int
) -> None:
    serve_from(region)
    take_in(actor(bob), northside, {"a.dcm": instance(1), "b.dcm": instance(2)})
    forget_rows(northside)

    report = run(northside, now)

    assert report.adopted == 2
    with tenant_scope(northside.id):
        rows = list(Instance.objects.all())
    for row in rows:
        for each in (1, 2):
            assert in_vault(row, each) == instance(row.instance_number)


def test_other_bytes_under_the_same_uid_are_a_conflict_and_overwrite_nothing(
    northside: Tenant, bob: User, now: datetime
) -> None:
    serve_from(2)
    take_in(actor(bob), northside, {"there.dcm": instance(1, PatientID="other")})
    with tenant_scope(northside.id):
        there = VaultObject.objects.get(kind="pack").id
    forget_rows(northside)
    serve_from(1)
    take_in(actor(bob), northside, {"here.dcm": instance(1)})
    before = files_of(northside, there, 2)

    reports = [run(northside, now), run(northside, timezone.now())]

    assert [report.conflicts for report in reports] == [1, 1]
    assert not reports[0].is_clean
    with tenant_scope(northside.id):
        row = Instance.objects.get()
    assert in_vault(row, 1) == in_vault(row, 2) == instance(1)
    assert files_of(northside, there, 2) == before
    (conflict,) = list_conflicts(northside.id, timezone.now())
    assert conflict.study_instance_uid == f"{ROOT}.1"
    assert list_practices()[0].reconciled.conflicts == 1


def test_what_was_purged_meanwhile_does_not_come_back(
    northside: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = keep_pack(northside, ONE)
    remove(northside, pack, 1)
    find = reconcile.find_fault

    def purge_first(sealed: object, region: int) -> object:
        if region == 1:
            forget_rows(northside)
        return find(sealed, region)

    monkeypatch.setattr(reconcile, "find_fault", purge_first)

    run(northside, now)

    assert files_of(northside, pack, 1) == (None, None)


def test_the_practices_trail_says_what_was_done(northside: Tenant, southside: Tenant, now: datetime) -> None:
    pack = keep_pack(northside, ONE)
    remove(northside, pack, 1)

    reconcile.reconcile_all(now)

    (event,) = events(northside, "failover.reconciled")
    assert (event.outcome, event.details["copied"], event.details["lost"]) == ("done", 1, 0)
    (other,) = events(southside, "failover.reconciled")
    assert other.details["copied"] == 0


def test_one_practices_objects_are_never_looked_for_in_anothers_place(
    northside: Tenant, southside: Tenant, now: datetime
) -> None:
    pack = keep_pack(southside, ONE)
    remove(southside, pack, 1)

    assert run(northside, now).copied == 0
    assert files_of(southside, pack, 1) == (None, None)


def test_shredded_practices_are_left_alone(northside: Tenant, now: datetime) -> None:
    pack = keep_pack(northside, ONE)
    remove(northside, pack, 1)
    for region in (1, 2):
        get_keyring(region).destroy_tenant_key(northside.id)

    assert run(northside, now).destroyed
    assert files_of(northside, pack, 1) == (None, None)


def test_a_region_that_is_away_ends_the_run(northside: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_pack(northside, ONE)

    def away(*_: object) -> bool:
        raise VaultUnavailable("away")

    monkeypatch.setattr(get_vault(1), "exists", away)

    with pytest.raises(VaultUnavailable):
        run(northside, now)


def test_the_index_knows_of_a_loss_even_if_the_run_is_broken_off(
    northside: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = keep_pack(northside, ONE)
    remove(northside, pack, 1)

    def away(*_: object) -> bool:
        raise VaultUnavailable("away")

    monkeypatch.setattr(get_vault(2), "copy_to", away)

    with pytest.raises(VaultUnavailable):
        run(northside, now)

    assert list_missing(northside.id, 1)[0].elsewhere == 1


def test_going_home_reconciles_first_and_then_serves(northside: Tenant, vera: User, now: datetime) -> None:
    victor = add_person("Victor", None, is_vendor_admin=True)
    serve_from(2)
    pack = keep_pack(northside, ONE)
    remove(northside, pack, 1)
    order = failover.request_failover(actor(vera), 1, "Region 1 is there again.", now)
    failover.approve_failover(actor(victor), order.pk, now)

    call_command("failover", to=1)

    assert active_region.active_region() == 1
    assert content_of(northside, pack, 1) == content_of(northside, pack, 2)
    assert [event.action for event in events(northside)][-2:] == ["failover.reconciled", "failover.done"]


def test_going_home_is_refused_when_a_copy_cannot_be_healed_by_copying(
    northside: Tenant, vera: User, now: datetime
) -> None:
    victor = add_person("Victor", None, is_vendor_admin=True)
    serve_from(2)
    pack = keep_pack(northside, ONE)
    with tenant_scope(northside.id):
        VaultObject.objects.update(in_1_at=None)
    spoil(northside, pack, 1, "flip")
    order = failover.request_failover(actor(vera), 1, "Region 1 is there again.", now)
    failover.approve_failover(actor(victor), order.pk, now)

    with pytest.raises(CommandError, match="1 objects are not in region 1"):
        call_command("failover", to=1)

    assert active_region.active_region() == 2


def test_what_comes_in_meanwhile_is_caught_up_with(northside: Tenant, now: datetime) -> None:
    keep_pack(northside, ONE)
    late = keep_pack(northside, TWO)
    remove(northside, late, 1)
    with tenant_scope(northside.id):
        VaultObject.objects.filter(id=late).update(in_1_at=None)

    assert reconcile.catch_up(now) == 1
    assert reconcile.catch_up(now) == 0


def test_the_command_reconciles_without_an_order_and_fails_on_a_loss(northside: Tenant, now: datetime) -> None:
    call_command("failover", reconcile=True)
    lost = keep_pack(northside, ONE)
    for region in (1, 2):
        remove(northside, lost, region)

    with pytest.raises(CommandError, match="differ"):
        call_command("failover", reconcile=True, as_json=True)
