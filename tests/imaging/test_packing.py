"""Packs, their merging, the manifest, and the index from packs alone."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.adapters.vault import VaultUnavailable
from imaging.models import Instance, Series, Study, Tombstone, VaultObject
from imaging.services import intake, packing, rebuild, spool, steps
from imaging.services.manifests import find_manifest
from imaging.services.originals import DigestDiffers, iter_original
from imaging.services.packing import pack_series
from imaging.services.rebuild import rebuild_index
from imaging.services.regions import get_vault
from imaging.services.vault_objects import put_in_service
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import in_vault, instance, take_in
from tests.imaging.regions import drawn, empty_vaults, nodes  # noqa: F401

FILES = {f"{number}.dcm": instance(number) for number in range(1, 7)}
STUDY = f"/t/northside/dicomweb/studies/{ROOT}.1"


def later() -> object:
    return timezone.now() + timedelta(minutes=1)


def one_by_one(bob: User, tenant: Tenant) -> Series:
    """Six instances in six packs."""
    for name, data in FILES.items():
        take_in(actor(bob), tenant, {name: data})
    with tenant_scope(tenant.id):
        return Series.objects.get()


def packs_of(tenant: Tenant) -> list[VaultObject]:
    with tenant_scope(tenant.id):
        return list(VaultObject.objects.filter(kind="pack", retired_at=None).order_by("created_at"))


def instances_of(tenant: Tenant) -> list[Instance]:
    with tenant_scope(tenant.id):
        return list(Instance.objects.select_related("series__study").order_by("instance_number"))


def assert_whole(tenant: Tenant, region: int = 1) -> None:
    rows = instances_of(tenant)
    assert [in_vault(row, region) for row in rows] == list(FILES.values())
    assert [b"".join(iter_original(row)) for row in rows] == list(FILES.values())


def test_files_that_come_together_make_one_pack_per_series(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {**FILES, "other.dcm": instance(1, series=2)})

    assert sorted(pack.member_count for pack in packs_of(northside)) == [1, 6]
    with tenant_scope(northside.id):
        assert sorted(Instance.objects.values_list("pack_offset", flat=True))[:2] == [0, 0]


def test_a_pack_does_not_grow_beyond_its_limit(northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "PACK_BYTES", 2 * len(FILES["1.dcm"]) + 10)

    take_in(actor(bob), northside, FILES)

    assert [pack.member_count for pack in packs_of(northside)] == [2, 2, 2]
    assert_whole(northside)


def test_many_series_at_once_keep_few_packs_open(northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST_OPEN_PACKS", 2)
    files = {f"{turn}-{series}": instance(turn, series=series) for turn in (1, 2) for series in range(1, 5)}

    receipts = take_in(actor(bob), northside, files)

    assert {receipt.outcome for receipt in receipts} == {"stored"}
    for row in instances_of(northside):
        assert in_vault(row) == files[f"{row.instance_number}-{row.series.series_instance_uid[-1]}"]


def test_small_packs_are_merged_and_nothing_of_an_instance_changes(northside: Tenant, bob: User) -> None:
    series = one_by_one(bob, northside)
    before = {(row.id, bytes(row.digest)) for row in instances_of(northside)}

    assert pack_series(northside.id, series.id, later()) == 1

    (pack,) = packs_of(northside)
    assert (pack.member_count, bool(pack.in_1_at), pack.in_2_at) == (6, True, None)
    assert {(row.id, bytes(row.digest)) for row in instances_of(northside)} == before
    assert_whole(northside)
    with tenant_scope(northside.id):
        assert VaultObject.objects.filter(kind="pack", retired_at__isnull=False).count() == 6


def test_what_waited_for_its_seal_to_be_read_waits_no_more(northside: Tenant, bob: User) -> None:
    series = one_by_one(bob, northside)
    assert not any(row.sealed_at for row in instances_of(northside))

    pack_series(northside.id, series.id, later())

    assert all(row.sealed_at for row in instances_of(northside))


def test_a_series_that_is_still_coming_in_is_left_alone(northside: Tenant, bob: User) -> None:
    series = one_by_one(bob, northside)

    assert pack_series(northside.id, series.id, timezone.now()) == 0
    assert len(packs_of(northside)) == 6


def test_mirrored_packs_are_replaced_in_both_regions_at_once(northside: Tenant, bob: User) -> None:
    series = one_by_one(bob, northside)
    steps.mirror(northside.id, series.id)

    pack_series(northside.id, series.id, later())

    (pack,) = packs_of(northside)
    assert pack.in_1_at
    assert pack.in_2_at
    assert_whole(northside, region=2)


def test_a_merge_waits_for_the_other_region(northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a loss of region 1 would take what the practice was told is in both."""
    series = one_by_one(bob, northside)
    steps.mirror(northside.id, series.id)

    def away(*_: object) -> None:
        raise VaultUnavailable("away")

    monkeypatch.setattr(packing, "copy_now", away)
    with pytest.raises(VaultUnavailable):
        pack_series(northside.id, series.id, later())

    assert len(packs_of(northside)) == 6
    assert_whole(northside, region=2)


def test_bytes_that_changed_are_not_packed(northside: Tenant, bob: User) -> None:
    series = one_by_one(bob, northside)
    with tenant_scope(northside.id):
        Instance.objects.filter(instance_number=3).update(digest=bytes(32))

    with pytest.raises(DigestDiffers):
        pack_series(northside.id, series.id, later())

    assert len(packs_of(northside)) == 6


def test_what_was_purged_while_it_was_packed_leaves_no_pack(
    northside: Tenant, bob: User, empty_vaults: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = one_by_one(bob, northside)
    before = set(get_vault(1).list_objects(northside.id))
    seal = packing._seal_members

    def purged_meanwhile(*args: object) -> object:
        with tenant_scope(northside.id):
            Study.objects.all().delete()
        return seal(*args)

    monkeypatch.setattr(packing, "_seal_members", purged_meanwhile)

    assert pack_series(northside.id, series.id, later()) == 0
    assert set(get_vault(1).list_objects(northside.id)) == before


def test_resealing_leaves_nothing_under_an_old_data_key(northside: Tenant, bob: User) -> None:
    series = one_by_one(bob, northside)
    pack_series(northside.id, series.id, later())
    with tenant_scope(northside.id):
        old = set(VaultObject.objects.filter(retired_at=None).values_list("id", flat=True))

    assert packing.reseal_tenant(northside.id, later()) == 2

    with tenant_scope(northside.id):
        new = set(VaultObject.objects.filter(retired_at=None).values_list("id", flat=True))
    assert len(new) == 2
    assert not old & new
    assert_whole(northside)


# --- The manifest -------------------------------------------------------------------------------------------------


def test_the_manifest_answers_for_the_whole_series(
    northside: Tenant, bob: User, browser_of: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = one_by_one(bob, northside)
    client: Client = browser_of(bob)
    urls = [f"{STUDY}/metadata", f"{STUDY}/series/{ROOT}.1.1/metadata"]
    from_files = [json.loads(b"".join(client.get(url))) for url in urls]
    pack_series(northside.id, series.id, later())
    monkeypatch.setattr("imaging.services.metadata.read_header", lambda *_: pytest.fail("a file was opened"))

    from_manifest = [json.loads(b"".join(client.get(url))) for url in urls]

    assert from_manifest == from_files
    assert len(from_files[0]) == 6


def test_a_late_instance_is_told_of_at_once_and_makes_a_further_manifest(
    northside: Tenant, bob: User, browser_of: object
) -> None:
    series = one_by_one(bob, northside)
    pack_series(northside.id, series.id, later())
    take_in(actor(bob), northside, {"7.dcm": instance(7)})
    assert len(json.loads(b"".join(browser_of(bob).get(f"{STUDY}/metadata")))) == 7

    pack_series(northside.id, series.id, later())

    with tenant_scope(northside.id):
        manifest = find_manifest(Series.objects.select_related("study").get())
    assert manifest.number == 2
    assert len(manifest.index["instances"]) == 7


def test_the_manifest_says_where_every_frame_lies(northside: Tenant, bob: User) -> None:
    series = one_by_one(bob, northside)
    pack_series(northside.id, series.id, later())
    with tenant_scope(northside.id):
        manifest = find_manifest(Series.objects.select_related("study").get())

    for entry in manifest.index["instances"]:
        data = FILES[f"{entry['instance_number']}.dcm"]
        frames = entry["frames"]
        with get_vault(1).open(northside.id, UUID(entry["pack"])) as reader:
            assert reader.read(entry["pack_offset"] + frames["offset"], frames["length"]) == data[-frames["length"] :]


def test_a_manifest_that_is_being_written_is_left_to_its_writer_by_a_rebuild(northside: Tenant, bob: User) -> None:
    series = one_by_one(bob, northside)
    pack_series(northside.id, series.id, later())
    now = timezone.now()
    with tenant_scope(northside.id):
        written = Series.objects.get().manifest
        Series.objects.update(manifest=None)
        # As it was when the vault had it and nothing had been put in service yet.
        VaultObject.objects.filter(id=written).update(size=0, created_at=now, retired_at=now)

    rebuild_index(northside.id, 1, later())

    with tenant_scope(northside.id):
        assert put_in_service(written, 1000, replaces=None, now=later())
        assert VaultObject.objects.get(id=written).retired_at is None


# --- The index from packs alone -----------------------------------------------------------------------------------


def forget_everything(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        Study.objects.all().delete()
        assert not VaultObject.objects.exists()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("region", [1, 2])
def test_the_index_comes_back_from_either_region_alone(
    northside: Tenant, bob: User, empty_vaults: None, region: int, packed: bool
) -> None:
    series = one_by_one(bob, northside)
    if packed:
        pack_series(northside.id, series.id, later())
    steps.mirror(northside.id, series.id)
    columns = ["id", "sop_instance_uid", "digest", "size", "crc32", "value_offset", "received_at", "instance_number"]
    with tenant_scope(northside.id):
        before = [list(map(str, row)) for row in Instance.objects.order_by("id").values_list(*columns)]
        study = Study.objects.values("patient_name", "patient_id", "study_date", "search_text", "instance_count").get()
    forget_everything(northside)

    report = rebuild_index(northside.id, region, timezone.now())

    assert (report.studies, report.series, report.instances, report.conflicts) == (1, 1, 6, 0)
    assert report.unreadable == ()
    with tenant_scope(northside.id):
        assert [list(map(str, row)) for row in Instance.objects.order_by("id").values_list(*columns)] == before
        assert Study.objects.values(*study).get() == study
        assert AuditEvent.objects.filter(action=Action.INDEX_REBUILT).count() == 1
    assert_whole(northside, region)


def test_a_rebuild_over_a_whole_index_changes_nothing(northside: Tenant, bob: User, empty_vaults: None) -> None:
    one_by_one(bob, northside)

    report = rebuild_index(northside.id, 1, timezone.now())

    assert (report.instances, report.duplicates, report.conflicts) == (0, 0, 0)
    assert len(packs_of(northside)) == 6


def test_the_same_bytes_in_two_packs_are_one_instance(northside: Tenant, bob: User, empty_vaults: None) -> None:
    series = one_by_one(bob, northside)
    pack_series(northside.id, series.id, later())
    forget_everything(northside)

    report = rebuild_index(northside.id, 1, timezone.now())

    assert (report.instances, report.duplicates) == (6, 6)
    assert [pack.member_count for pack in packs_of(northside)] == [6]
    with tenant_scope(northside.id):
        assert VaultObject.objects.filter(kind="pack", retired_at__isnull=False).count() == 6


def test_other_bytes_under_a_uid_are_reported_and_both_stay(
    northside: Tenant, bob: User, empty_vaults: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(actor(bob), northside, {"a": instance(1)})
    forget_everything(northside)
    take_in(actor(bob), northside, {"a": instance(1, PatientComments="other")})
    (kept,) = packs_of(northside)

    report = rebuild_index(northside.id, 1, timezone.now())

    assert (report.instances, report.conflicts) == (0, 1)
    assert [pack.id for pack in packs_of(northside)] == [kept.id]
    assert len(list(get_vault(1).list_objects(northside.id))) == 2


def test_what_was_purged_is_not_taken_in_again(northside: Tenant, bob: User, empty_vaults: None) -> None:
    one_by_one(bob, northside)
    with tenant_scope(northside.id):
        names = [str(object_id) for object_id in VaultObject.objects.values_list("id", flat=True)]
        Study.objects.all().delete()
        Tombstone.objects.create(
            study_digest=bytes(32), sealed_objects=names, instance_count=6, rule="", requested_by_id=1,
            approved_by_id=2, purged_at=timezone.now(),
        )  # fmt: skip

    assert rebuild_index(northside.id, 1, timezone.now()).instances == 0


def test_a_damaged_pack_is_named_and_its_neighbours_come_back(northside: Tenant, bob: User, empty_vaults: None) -> None:
    one_by_one(bob, northside)
    damaged = packs_of(northside)[2].id
    forget_everything(northside)
    get_vault(1).destroy_key(northside.id, damaged)

    report = rebuild_index(northside.id, 1, timezone.now())

    assert (report.instances, report.unreadable) == (5, (damaged,))


def test_only_the_studies_named_come_back(northside: Tenant, bob: User, empty_vaults: None) -> None:
    take_in(actor(bob), northside, {"a": instance(1), "b": instance(1, study=2), "c": instance(1, study=3)})
    forget_everything(northside)

    report = rebuild_index(northside.id, 1, timezone.now(), {f"{ROOT}.2"})

    assert report.studies == 1
    with tenant_scope(northside.id):
        assert Study.objects.get().study_instance_uid == f"{ROOT}.2"


# --- Acknowledged in both regions ---------------------------------------------------------------------------------


def test_acknowledged_in_both_means_in_both(northside: Tenant, bob: User) -> None:
    Tenant.objects.filter(id=northside.id).update(acknowledge_in=2)

    receipts = take_in(actor(bob), northside, FILES)

    assert {receipt.outcome for receipt in receipts} == {"stored"}
    assert all(row.mirrored_at for row in instances_of(northside))
    assert_whole(northside, region=2)


def test_without_the_other_region_nothing_is_acknowledged_in_both(
    northside: Tenant, bob: User, empty_vaults: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    Tenant.objects.filter(id=northside.id).update(acknowledge_in=2)

    def away(*_: object) -> None:
        raise VaultUnavailable("away")

    monkeypatch.setattr(intake, "copy_now", away)

    receipts = take_in(actor(bob), northside, FILES)

    assert {receipt.reason for receipt in receipts} == {"STORAGE_UNAVAILABLE"}
    assert not instances_of(northside)
    assert not list(get_vault(1).list_objects(northside.id))


def test_rebuild_reads_through_the_gate(northside: Tenant, bob: User, empty_vaults: None) -> None:
    """A pack whose directory lies about a file is not believed."""
    from imaging.crypto.pack import Member, write_directory

    take_in(actor(bob), northside, {"a": instance(1)})
    data, object_id = b"not DICOM at all " * 20, uuid4()
    member = Member(uuid4(), 0, len(data), bytes(32), 0, f"{ROOT}.9", f"{ROOT}.9.1", f"{ROOT}.9.1.1", timezone.now())
    get_vault(1).seal(northside.id, object_id, [data, write_directory([member])])

    report = rebuild.rebuild_index(northside.id, 1, timezone.now())

    assert (report.instances, report.unreadable) == (0, (object_id,))
