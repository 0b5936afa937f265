"""What an adversarial review of the core found: each of these fails until it is mended."""

import threading
import time
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from blake3 import blake3
from django.utils import timezone

from imaging.adapters.vault import Vault, VaultUnavailable
from imaging.models import Finding, Instance, RegionState, Series, Study, Tombstone, UploadedFile, VaultObject
from imaging.selectors.protection_state import get_lag
from imaging.services import (
    active_region,
    deadlines,
    packing,
    purge,
    reconcile,
    scrub,
    steps,
    uploads,
    vault_objects,
)
from imaging.services.originals import iter_original
from imaging.services.packing import pack_series
from imaging.services.rebuild import rebuild_index
from imaging.services.regions import get_keyring, get_vault
from imaging.services.sealed import SealedObject
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import begin, instance, patch, take_in
from tests.imaging.regions import drawn, empty_vaults, nodes  # noqa: F401
from tests.imaging.sealing import spoil

FILES = {f"{number}.dcm": instance(number) for number in range(1, 7)}


@pytest.fixture(autouse=True)
def _anew(empty_vaults: None):
    active_region.forget()
    yield
    active_region.forget()


def serve_from(region: int) -> None:
    RegionState.objects.update_or_create(id=1, defaults={"active_region": region, "since": timezone.now()})
    active_region.forget()


def later() -> object:
    return timezone.now() + timedelta(minutes=1)


def one_by_one(bob: User, tenant: Tenant) -> Series:
    for name, data in FILES.items():
        take_in(actor(bob), tenant, {name: data})
    with tenant_scope(tenant.id):
        return Series.objects.get()


def rows_of(tenant: Tenant) -> list[Instance]:
    with tenant_scope(tenant.id):
        return list(Instance.objects.select_related("series__study").order_by("instance_number"))


def everything(tenant: Tenant) -> list[bytes]:
    return [b"".join(iter_original(row)) for row in rows_of(tenant)]


# 1
def test_a_database_set_back_before_a_merge_keeps_what_only_the_merged_pack_holds(northside: Tenant, bob: User) -> None:
    series = one_by_one(bob, northside)
    with tenant_scope(northside.id):
        old_places = list(Instance.objects.values_list("id", "pack_id", "pack_offset"))
        old_packs = list(VaultObject.objects.values())
    pack_series(northside.id, series.id, later())
    vault_objects.remove_retired(northside.id, timezone.now() + timedelta(days=2))  # the old packs are gone
    with tenant_scope(northside.id):  # the database as it was before the merge
        VaultObject.objects.all().delete()
        VaultObject.objects.bulk_create(VaultObject(**row) for row in old_packs)
        for pk, pack_id, offset in old_places:
            Instance.objects.filter(id=pk).update(pack_id=pack_id, pack_offset=offset)
        Series.objects.update(manifest=None, manifest_instances=0)

    rebuild_index(northside.id, 1, timezone.now())  # infra/docs/backup.md, "Restore"
    vault_objects.remove_retired(northside.id, timezone.now() + timedelta(days=2))

    assert everything(northside) == list(FILES.values())


# 2
def test_a_merge_of_copied_and_uncopied_packs_leaves_no_lag(northside: Tenant, bob: User) -> None:
    names = list(FILES)
    for name in names[:3]:
        take_in(actor(bob), northside, {name: FILES[name]})
    with tenant_scope(northside.id):
        series = Series.objects.get()
    steps.verify_seal(northside.id, series.id)
    steps.mirror(northside.id, series.id)
    for name in names[3:]:
        take_in(actor(bob), northside, {name: FILES[name]})

    pack_series(northside.id, series.id, later())
    steps.verify_seal(northside.id, series.id)
    steps.mirror(northside.id, series.id)

    assert all(row.mirrored_at for row in rows_of(northside))
    assert all(row.sealed_at for row in rows_of(northside))


def test_what_was_reconciled_is_behind_no_more(northside: Tenant, bob: User) -> None:
    series = one_by_one(bob, northside)
    steps.verify_seal(northside.id, series.id)

    reconcile.reconcile(northside, timezone.now())
    steps.mirror(northside.id, series.id)

    with tenant_scope(northside.id):
        assert get_lag(timezone.now()).count == 0


# 3
def test_a_read_that_comes_late_moves_nothing(northside: Tenant, bob: User, settings, monkeypatch) -> None:
    settings.READ_DEADLINE_SECONDS = 1
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    (row,) = rows_of(northside)
    get_vault(1).copy_to(get_vault(2), northside.id, row.pack_id)
    monkeypatch.setattr(deadlines, "_shunned", {})
    monkeypatch.setattr(deadlines, "_waiting", {})
    late, opened = threading.Event(), Vault.open

    def open_(self: Vault, *args: object) -> object:
        if self.region == 1:
            late.wait(10)
            return opened(self, *args)
        late.set()  # region 1 answers just after its deadline, while region 2 is being opened
        deadlines._threads(1).submit(lambda: None).result(5)
        time.sleep(0.3)
        return opened(self, *args)

    monkeypatch.setattr(Vault, "open", open_)

    assert SealedObject(northside.id, row.pack_id).read(row.pack_offset, row.size) == instance(1)


# 4
def test_sending_a_lost_image_again_brings_it_back(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    (row,) = rows_of(northside)
    get_vault(1).delete(northside.id, row.pack_id)  # region 1 burnt before the mirror came to it
    serve_from(2)

    (receipt,) = take_in(actor(bob), northside, {"1.dcm": instance(1)})

    assert receipt.outcome in ("stored", "already_here")
    assert everything(northside) == [instance(1)]


# 5
def test_a_merge_that_cannot_reach_the_other_region_leaves_nothing_behind(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = one_by_one(bob, northside)
    steps.mirror(northside.id, series.id)
    before = len(list(get_vault(1).list_objects(northside.id)))

    def away(*_: object) -> None:
        raise VaultUnavailable("away")

    monkeypatch.setattr(packing, "copy_now", away)
    for _ in range(3):
        with pytest.raises(VaultUnavailable):
            pack_series(northside.id, series.id, later())

    assert len(list(get_vault(1).list_objects(northside.id))) == before


# 6
def test_what_a_killed_intake_left_does_not_bring_a_purged_study_back(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imaging.services import intake

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(intake, "register", killed)
        with pytest.raises(KeyboardInterrupt):
            take_in(actor(bob), northside, {"1.dcm": instance(1)})
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    purge_study(northside, bob)

    reconcile.reconcile(northside, timezone.now())

    assert rows_of(northside) == []


def purge_study(tenant: Tenant, bob: User) -> None:
    import hashlib

    with tenant_scope(tenant.id):
        study = Study.objects.get()
        objects = VaultObject.objects.filter(series__study=study).values_list("id", flat=True)
        stone = Tombstone.objects.create(
            study_digest=hashlib.sha256(tenant.id.bytes + study.study_instance_uid.encode()).digest(),
            study_instance_uid=study.study_instance_uid,
            sealed_objects=[str(each) for each in objects],
            instance_count=1,
            rule="",
            requested_by_id=1,
            approved_by_id=2,
            purged_at=timezone.now(),
        )
        study.delete()
    purge.finish_purge(tenant.id, stone.id)


def test_a_purge_after_a_rebuild_takes_the_manifests_too(northside: Tenant, bob: User, nodes: object) -> None:
    series = one_by_one(bob, northside)
    pack_series(northside.id, series.id, later())
    with tenant_scope(northside.id):
        Study.objects.all().delete()
    rebuild_index(northside.id, 1, timezone.now())
    purge_study(northside, bob)

    vault = get_vault(1)
    assert [each for each in vault.list_objects(northside.id) if vault.exists(northside.id, each)] == []


# 7
def test_a_copy_that_was_damaged_on_the_way_is_found_and_healed(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    (row,) = rows_of(northside)
    get_vault(1).copy_to(get_vault(2), northside.id, row.pack_id)
    spoil(northside, row.pack_id, 2, "flip")  # before the mirror's own read

    for _ in range(3):
        steps.verify_seal(northside.id, row.series_id)
        steps.mirror(northside.id, row.series_id)
        scrub.scrub_tenant(northside.id, timezone.now())

    assert get_vault(2).verify(northside.id, row.pack_id)
    (row,) = rows_of(northside)
    assert row.mirrored_at


def test_damage_before_the_first_reading_is_a_finding(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    (row,) = rows_of(northside)
    spoil(northside, row.pack_id, 1, "flip")
    for _ in range(2):
        steps.verify_seal(northside.id, row.series_id)
        scrub.scrub_tenant(northside.id, timezone.now())

    with tenant_scope(northside.id):
        assert Finding.objects.filter(object_id=row.pack_id).exists()


# 8
def test_what_goes_into_service_is_not_removed(northside: Tenant, bob: User, monkeypatch) -> None:
    """A worker whose clock is a day ahead removes what was retired: a pack that is just being merged must not go."""
    series = one_by_one(bob, northside)
    moved = packing._move

    def removed_meanwhile(*args: object) -> bool:
        vault_objects.remove_retired(northside.id, timezone.now() + timedelta(hours=25))
        return moved(*args)

    class Halfway(Vault):
        pass

    real_delete, state = Vault.delete, {}

    def delete(self, tenant_id, object_id):
        real_delete(self, tenant_id, object_id)
        if self.region == 2 and "go" in state:
            state.pop("go")()

    # the worker that removes is at it (bytes gone, row not yet) when the merge puts its pack in service
    def racing(*args: object) -> bool:
        result = []
        state["go"] = lambda: result.append(moved(*args))
        vault_objects.remove_retired(northside.id, timezone.now() + timedelta(hours=25))
        state.pop("go", None)
        return result[0] if result else moved(*args)

    monkeypatch.setattr(Vault, "delete", delete)
    monkeypatch.setattr(packing, "_move", racing)
    pack_series(northside.id, series.id, later())
    monkeypatch.setattr(packing, "_move", moved)
    vault_objects.remove_retired(northside.id, timezone.now() + timedelta(hours=25))

    assert everything(northside) == list(FILES.values())


# 9
def test_a_region_that_is_away_for_a_moment_refuses_no_file(
    northside: Tenant, bob: User, browser_of: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, data = browser_of(bob), instance(1)
    half = len(data) // 2
    url = begin(client, len(data))
    assert patch(client, url, data[:half]).status_code == 204
    opened = Vault.open

    def away(self: Vault, *args: object) -> object:
        raise VaultUnavailable("away")

    monkeypatch.setattr(Vault, "open", away)
    answer = patch(client, url, data[half:], offset=half)
    monkeypatch.setattr(Vault, "open", opened)
    uploads.finish_stuck_uploads(northside.id, timezone.now())

    with tenant_scope(northside.id):
        assert list(UploadedFile.objects.values_list("outcome", flat=True)) == ["stored"], answer.status_code


# 10
def test_a_damaged_pack_does_not_keep_a_series_from_its_manifest(northside: Tenant, bob: User) -> None:
    series = one_by_one(bob, northside)
    (first, *_) = rows_of(northside)
    spoil(northside, first.pack_id, 1, "flip")
    steps.verify_seal(northside.id, series.id)
    for _ in range(3):
        with suppress(Exception):
            pack_series(northside.id, series.id, later())

    with tenant_scope(northside.id):
        assert VaultObject.objects.filter(kind="pack", retired_at__isnull=False, member_count=0).count() <= 1


def test_a_segment_cannot_pass_for_a_pack(northside: Tenant, bob: User, browser_of: object) -> None:
    from uuid import uuid4

    from imaging.crypto.pack import Member, write_directory
    from imaging.models import UploadSegment
    from tests.imaging.incoming import checksum

    data = instance(1)
    member = Member(
        uuid4(), 0, len(data), blake3(data).digest(), 0, f"{ROOT}.1", f"{ROOT}.1.1", f"{ROOT}.1.1.1", timezone.now()
    )
    forged = data + write_directory([member])
    client = browser_of(bob)
    url = begin(client, len(forged) + 10)
    patch(client, url, forged, **{"Upload-Checksum": checksum(forged)})
    with tenant_scope(northside.id):
        assert UploadSegment.objects.exists()
        UploadSegment.objects.all().delete()  # a database set back

    rebuild_index(northside.id, 1, timezone.now())

    assert rows_of(northside) == []


def test_a_switch_between_two_questions_does_not_strand_an_object(
    northside: Tenant, bob: User, monkeypatch, drawn
) -> None:
    from imaging.services import thumbnails

    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    with tenant_scope(northside.id):
        series = Series.objects.get()
    announced = thumbnails.announce

    def switched(*args: object) -> UUID:
        object_id = announced(*args)
        serve_from(2)
        return object_id

    monkeypatch.setattr(thumbnails, "announce", switched)
    thumbnails.draw_thumbnail(northside.id, series.id)
    steps.verify_seal(northside.id, series.id)
    steps.mirror(northside.id, series.id)

    with tenant_scope(northside.id):
        row = VaultObject.objects.get(kind="thumbnail")
        assert row.in_1_at and row.in_2_at


def test_scrub_reads_what_a_clock_ahead_marked(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    (row,) = rows_of(northside)
    steps.verify_seal(northside.id, row.series_id)
    ahead = timezone.now() + timedelta(days=3650)
    scrub.scrub_tenant(northside.id, ahead)
    spoil(northside, row.pack_id, 1, "flip")

    for day in range(40, 80, 10):
        scrub.scrub_tenant(northside.id, timezone.now() + timedelta(days=day))

    with tenant_scope(northside.id):
        assert Finding.objects.filter(object_id=row.pack_id).exists()


def test_reseal_keeps_the_old_for_a_day(northside, bob, empty_vaults):
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    with tenant_scope(northside.id):
        row = Instance.objects.get()
    packing.reseal_tenant(northside.id, timezone.now())
    vault_objects.remove_retired(northside.id, timezone.now())
    assert b"".join(iter_original(row)) == instance(1)  # a stream that began a minute ago


def test_a_keyring_that_hangs_over_there_holds_up_no_upload(northside, bob, monkeypatch):
    take_in(actor(bob), northside, {"1.dcm": instance(1)})

    monkeypatch.setattr(get_keyring(2), "adopt_tenant_key", lambda *a: time.sleep(8))
    t = time.monotonic()
    take_in(actor(bob), northside, {"2.dcm": instance(2)})
    assert time.monotonic() - t < 7


def test_a_damaged_keyring_over_there_stops_no_upload(northside, bob, empty_vaults):
    from django.conf import settings

    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    (settings.VAULT_KEYS[2] / f"{northside.id}.json").write_bytes(b"{")
    (r,) = take_in(actor(bob), northside, {"2.dcm": instance(2)})
    assert r.outcome == "stored"


def test_resealing_goes_on_where_it_was_broken_off(northside, bob, empty_vaults, monkeypatch):
    take_in(actor(bob), northside, {"1.dcm": instance(1), "2.dcm": instance(1, series=2)})
    since, merge, calls = timezone.now(), packing.merge_packs, []

    def dies_at_the_second(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return merge(*args)

    monkeypatch.setattr(packing, "merge_packs", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        packing.reseal_tenant(northside.id, since)
    packing.reseal_tenant(northside.id, since)

    assert len(calls) == 3  # the first series was not sealed a second time
    with tenant_scope(northside.id):
        assert not VaultObject.objects.filter(retired_at=None, created_at__lt=since).exists()


def test_one_damaged_pack_does_not_keep_the_rest_under_a_known_key(northside, bob, empty_vaults):
    take_in(actor(bob), northside, {"1.dcm": instance(1), "2.dcm": instance(1, series=2)})
    with tenant_scope(northside.id):
        damaged, sound = Instance.objects.order_by("series__series_instance_uid")
    get_vault(1).destroy_key(northside.id, damaged.pack_id)

    with pytest.raises(packing.ResealIncomplete):
        packing.reseal_tenant(northside.id, timezone.now())

    with tenant_scope(northside.id):
        assert Instance.objects.get(id=sound.id).pack_id != sound.pack_id


def test_after_a_restore_nothing_is_removed_until_the_vaults_were_looked_into(
    northside, bob, empty_vaults, settings, tmp_path
):
    settings.RESTORED_FILE = tmp_path / "restored.json"
    settings.RESTORED_FILE.write_text("{}")
    take_in(actor(bob), northside, {f"{number}.dcm": instance(number) for number in (1,)})
    packing.reseal_tenant(northside.id, timezone.now())
    later = timezone.now() + timedelta(hours=25)

    assert vault_objects.remove_retired(northside.id, later) == 0
    rebuild_index(northside.id, 1, timezone.now() + timedelta(seconds=1))
    assert vault_objects.remove_retired(northside.id, later) > 0


def test_what_was_copied_while_its_study_was_purged_is_taken_away_later(northside, bob, empty_vaults):
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    with tenant_scope(northside.id):
        pack_id = Instance.objects.get().pack_id
        Study.objects.all().delete()
        Tombstone.objects.create(
            study_digest=bytes(32), sealed_objects=[str(pack_id)], instance_count=1, rule="", requested_by_id=1,
            approved_by_id=2, purged_at=timezone.now(), completed_at=timezone.now(),
        )  # fmt: skip

    purge.repeat_deletions(northside.id, timezone.now())

    assert not get_vault(1).exists(northside.id, pack_id)
