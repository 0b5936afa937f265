"""Guards of the core that nothing else would miss: each of these fails once its guard is taken away."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from blake3 import blake3
from django.conf import settings
from django.test import Client
from django.utils import timezone

from imaging.adapters.vault import Batch, Vault, VaultUnavailable
from imaging.crypto.layout import SealBroken
from imaging.crypto.pack import Member, write_directory
from imaging.models import Brake, Finding, Instance, RegionState, Series, Study, Upload, UploadedFile, VaultObject
from imaging.pipeline import Step
from imaging.selectors.pipeline import list_stuck, list_waiting, list_waiting_objects
from imaging.services import active_region, manifests, packing, regions, spool, steps, thumbnails, vault_objects
from imaging.services.packing import pack_series
from imaging.services.rebuild import rebuild_index
from imaging.services.regions import get_vault
from imaging.services.sealed import SealedObject, Truncated
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import begin, bundle, checksum, in_vault, instance, patch, take_in
from tests.imaging.regions import drawn, empty_vaults, nodes  # noqa: F401
from tests.imaging.sealing import spoil
from tests.imaging.uploading import bobs, offset_of, sealed_objects  # noqa: F401

FILES = {f"{number}.dcm": instance(number) for number in range(1, 7)}


@pytest.fixture(autouse=True)
def _anew(empty_vaults: None) -> Iterator[None]:
    active_region.forget()
    yield
    active_region.forget()


def later(hours: float = 0.1) -> object:
    return timezone.now() + timedelta(hours=hours)


def instances_of(tenant: Tenant) -> list[Instance]:
    with tenant_scope(tenant.id):
        return list(Instance.objects.select_related("series__study").order_by("instance_number"))


def packs_of(tenant: Tenant) -> list[VaultObject]:
    with tenant_scope(tenant.id):
        return list(VaultObject.objects.filter(kind="pack", retired_at=None).order_by("created_at"))


def one_by_one(bob: User, tenant: Tenant) -> Series:
    """Six instances in six packs."""
    for name, data in FILES.items():
        take_in(actor(bob), tenant, {name: data})
    with tenant_scope(tenant.id):
        return Series.objects.get()


def purge_rows(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        Study.objects.all().delete()


def purged_once_announced(monkeypatch: pytest.MonkeyPatch, module: object, tenant: Tenant) -> None:
    announced = module.announce

    def announce(*args: object) -> UUID:
        object_id = announced(*args)
        purge_rows(tenant)
        return object_id

    monkeypatch.setattr(module, "announce", announce)


def failing_at(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """The vault fails as the first bytes of `data` are written to a pack."""
    written = spool.OpenPack.write

    def write(self: spool.OpenPack, piece: bytes) -> None:
        if data.startswith(bytes(piece)):
            raise VaultUnavailable("away")
        written(self, piece)

    monkeypatch.setattr(spool.OpenPack, "write", write)


# --- Reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offset", "beyond"), [(0, 1), (-1, 0)])
def test_a_member_of_a_pack_gives_no_byte_of_its_neighbours(
    northside: Tenant, bob: User, offset: int, beyond: int
) -> None:
    take_in(actor(bob), northside, FILES)
    row = instances_of(northside)[2]
    member = SealedObject(northside.id, row.pack_id, row.pack_offset, row.size)
    assert member.read(0, row.size) == FILES["3.dcm"]

    with pytest.raises(Truncated):
        member.read(offset, row.size + beyond)


def test_a_sound_file_under_another_digest_is_not_taken_into_the_index(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    data, told, lied = instance(1, study=9), uuid4(), uuid4()
    for object_id, digest in ((told, blake3(data).digest()), (lied, bytes(32))):
        uids = (f"{ROOT}.9", f"{ROOT}.9.1", f"{ROOT}.9.1.1")
        member = Member(uuid4(), 0, len(data), digest, 0, *uids, timezone.now())
        get_vault(1).seal(northside.id, object_id, [data, write_directory([member])])

    report = rebuild_index(northside.id, 1, timezone.now())

    assert (report.instances, report.unreadable) == (1, (lied,))
    assert {row.pack_id for row in instances_of(northside)} & {told, lied} == {told}


# --- Removing what was retired ------------------------------------------------------------------------------------


def retired_pack(tenant: Tenant, bob: User) -> UUID:
    """A pack that nothing needs any more."""
    series = one_by_one(bob, tenant)
    (object_id, *_) = [pack.id for pack in packs_of(tenant)]
    pack_series(tenant.id, series.id, later())
    with tenant_scope(tenant.id):
        VaultObject.objects.filter(retired_at__isnull=False).exclude(id=object_id).update(retired_at=later(1000))
    return object_id


def is_kept(tenant: Tenant, object_id: UUID) -> bool:
    with tenant_scope(tenant.id):
        return VaultObject.objects.filter(id=object_id).exists()


def test_a_retired_pack_that_an_instance_lies_in_is_not_removed(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    with tenant_scope(northside.id):
        VaultObject.objects.update(retired_at=timezone.now())

    assert vault_objects.remove_retired(northside.id, later(48)) == 0
    (row,) = instances_of(northside)
    assert not vault_objects._remove(northside.id, row.pack_id, later(24))  # listed before the instance moved in

    assert in_vault(row) == instance(1)


def test_a_brake_keeps_what_was_retired(northside: Tenant, bob: User) -> None:
    object_id = retired_pack(northside, bob)
    with tenant_scope(northside.id):
        brake = Brake.objects.create(tripped_at=timezone.now(), changed=1000, usual=1)

    assert vault_objects.remove_retired(northside.id, later(48)) == 0
    assert get_vault(1).exists(northside.id, object_id)

    with tenant_scope(northside.id):
        Brake.objects.filter(id=brake.id).update(released_at=timezone.now())
    assert vault_objects.remove_retired(northside.id, later(48)) == 1


def test_a_retired_object_stays_named_until_every_vault_has_let_it_go(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_id, deleted = retired_pack(northside, bob), Vault.delete

    def delete(self: Vault, *args: object) -> None:
        if self.region == 2:
            raise VaultUnavailable("away")
        deleted(self, *args)

    with monkeypatch.context() as patched:
        patched.setattr(Vault, "delete", delete)
        assert vault_objects.remove_retired(northside.id, later(48)) == 0
    assert is_kept(northside, object_id)

    assert vault_objects.remove_retired(northside.id, later(48)) == 1
    assert not is_kept(northside, object_id)


# --- Taking in ----------------------------------------------------------------------------------------------------


def test_a_pack_that_could_not_be_written_takes_all_its_files_with_it(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_at(monkeypatch, FILES["3.dcm"])

    receipts = take_in(actor(bob), northside, FILES)

    assert [receipt.outcome for receipt in receipts] == ["refused"] * 3 + ["stored"] * 3
    assert {receipt.reason for receipt in receipts[:3]} == {"STORAGE_UNAVAILABLE"}
    assert [in_vault(row) for row in instances_of(northside)] == list(FILES.values())[3:]


# --- Packing ------------------------------------------------------------------------------------------------------


def test_a_merged_pack_that_does_not_open_does_not_go_into_service(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    series, published, before = one_by_one(bob, northside), Batch.publish, sealed_objects(northside)

    def publish(self: Batch) -> None:
        published(self)
        for object_id in sealed_objects(northside) - before:
            spoil(northside, object_id, 1, "flip")

    monkeypatch.setattr(Batch, "publish", publish)

    with pytest.raises(SealBroken):
        pack_series(northside.id, series.id, later())

    assert {pack.id for pack in packs_of(northside)} == before
    assert [in_vault(row) for row in instances_of(northside)] == list(FILES.values())
    assert sealed_objects(northside) == before


@contextmanager
def held(step: Step, series_id: UUID) -> Iterator[None]:
    """Another worker at the step of the series."""
    with psycopg.connect(os.environ["DATABASE_URL"].replace("postgres+psycopg", "postgresql")) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [steps.lock_key(step, series_id)])
        yield
        other.execute("SELECT pg_advisory_unlock_all()")  # the server may be slow to see that we hung up


def test_two_workers_never_pack_the_same_series(northside: Tenant, bob: User) -> None:
    series = one_by_one(bob, northside)

    with held(Step.PACK, series.id):
        assert pack_series(northside.id, series.id, later()) == 0
        assert len(packs_of(northside)) == 6

    assert pack_series(northside.id, series.id, later()) == 1


def test_what_was_purged_while_it_was_packed_leaves_no_pack_in_the_other_region(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = one_by_one(bob, northside)
    steps.mirror(northside.id, series.id)
    before, copied, sealed = set(get_vault(2).list_objects(northside.id)), [], packing.copy_now

    def purged_meanwhile(source: Vault, target: Vault, tenant_id: UUID, object_id: UUID) -> None:
        sealed(source, target, tenant_id, object_id)
        copied.append(object_id)
        purge_rows(northside)

    monkeypatch.setattr(packing, "copy_now", purged_meanwhile)

    assert pack_series(northside.id, series.id, later()) == 0

    assert len(copied) == 1
    assert set(get_vault(2).list_objects(northside.id)) == before
    assert not get_vault(1).exists(northside.id, copied[0])


# --- Steps --------------------------------------------------------------------------------------------------------


def test_a_pack_with_one_wrong_member_is_not_noted_as_good(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, FILES)
    with tenant_scope(northside.id):
        series = Series.objects.get()
        Instance.objects.filter(instance_number=3).update(digest=bytes(32))

    steps.verify_seal(northside.id, series.id)
    steps.mirror(northside.id, series.id)

    (pack,) = packs_of(northside)
    assert (pack.in_1_at, pack.in_2_at) == (None, None)
    assert [bool(row.sealed_at) for row in instances_of(northside)] == [True, True, False, True, True, True]


def test_an_instance_that_moved_while_its_pack_was_read_is_not_noted(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        take_in(actor(bob), northside, {f"{number}.dcm": instance(number)})
    first, second = instances_of(northside)
    with tenant_scope(northside.id):
        VaultObject.objects.filter(id=second.pack_id).update(in_1_at=timezone.now())  # the step is not at it
    digest = steps._digest

    def moved_meanwhile(*args: object) -> bytes:
        with tenant_scope(northside.id):
            Instance.objects.filter(id=first.id).update(pack_id=second.pack_id)
        return digest(*args)

    monkeypatch.setattr(steps, "_digest", moved_meanwhile)

    steps.verify_seal(northside.id, first.series_id)

    assert not instances_of(northside)[0].sealed_at


def test_the_mirror_gives_a_region_back_the_keys_that_it_lost(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    (row,) = instances_of(northside)
    shutil.rmtree(settings.VAULT_KEYS[2])
    regions.get_vault.cache_clear()
    regions.get_keyring.cache_clear()

    steps.mirror(northside.id, row.series_id)

    (row,) = instances_of(northside)
    assert row.mirrored_at
    assert in_vault(row, 2) == instance(1)


# --- Uploads ------------------------------------------------------------------------------------------------------


def lines(tenant: Tenant) -> list[tuple[str, str]]:
    with tenant_scope(tenant.id):
        return list(UploadedFile.objects.order_by("position").values_list("name", "outcome"))


def test_a_vault_that_fails_in_the_middle_of_a_bundle_moves_no_offset(
    bobs: Client, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bundle(FILES)
    url = begin(bobs, len(data), "bundle")
    with monkeypatch.context() as patched:
        failing_at(patched, FILES["3.dcm"])
        assert patch(bobs, url, data).status_code == 503
    assert offset_of(bobs, url) == "0"
    assert lines(northside) == []

    assert patch(bobs, url, data).status_code == 204

    assert [name for name, outcome in lines(northside) if outcome in ("stored", "already_here")] == list(FILES)
    assert [in_vault(row) for row in instances_of(northside)] == list(FILES.values())


def test_a_checksum_may_come_with_the_rest_of_a_bundle_alone(bobs: Client, northside: Tenant) -> None:
    data = bundle(FILES)
    url = begin(bobs, len(data), "bundle")
    assert patch(bobs, url, data[: data.index(FILES["3.dcm"]) + 100]).status_code == 204
    offset = int(offset_of(bobs, url))
    assert offset > 0

    assert patch(bobs, url, data[offset:], offset, **{"Upload-Checksum": checksum(data[offset:])}).status_code == 204

    assert lines(northside) == [(name, "stored") for name in FILES]


def test_a_piece_that_another_overtook_leaves_nothing(
    bobs: Client, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, sealed = begin(bobs, 2000), Vault.seal

    def seal(self: Vault, *args: object) -> int:
        size = sealed(self, *args)
        assert len(sealed_objects(northside)) == 1
        with tenant_scope(northside.id):
            Upload.objects.update(offset=7)
        return size

    monkeypatch.setattr(Vault, "seal", seal)

    answer = patch(bobs, url, bytes(900), **{"Upload-Checksum": checksum(bytes(900))})

    assert answer.status_code == 409
    assert not sealed_objects(northside)


# --- Thumbnails and manifests -------------------------------------------------------------------------------------


def test_a_thumbnail_does_not_outlive_a_purge(
    northside: Tenant, bob: User, drawn: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    (row,), before = instances_of(northside), sealed_objects(northside)
    purged_once_announced(monkeypatch, thumbnails, northside)

    thumbnails.draw_thumbnail(northside.id, row.series_id)

    assert instances_of(northside) == []
    assert sealed_objects(northside) == before


def test_a_manifest_does_not_outlive_a_purge(northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    (row,), before = instances_of(northside), sealed_objects(northside)
    purged_once_announced(monkeypatch, manifests, northside)

    assert not manifests.write_series_manifest(northside.id, row.series_id, later())

    assert instances_of(northside) == []
    assert sealed_objects(northside) == before


# --- What waits ---------------------------------------------------------------------------------------------------


def test_what_the_checks_found_faulty_waits_for_no_step(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    (row,) = instances_of(northside)
    with tenant_scope(northside.id):
        assert len(list_waiting_objects(Step.VERIFY_SEAL, row.series_id)) == 1
        Finding.objects.create(object_id=row.pack_id, region=1, kind="damaged", found_at=timezone.now())

        assert list_waiting_objects(Step.VERIFY_SEAL, row.series_id) == []
        assert list_waiting_objects(Step.MIRROR, row.series_id) == []
        assert not {Step.VERIFY_SEAL, Step.MIRROR} & {stuck.step for stuck in list_stuck(later(), 10)}


def test_what_region_1_does_not_hold_yet_is_not_stored_there(northside: Tenant, bob: User, nodes: dict) -> None:
    RegionState.objects.update_or_create(id=1, defaults={"active_region": 2, "since": timezone.now()})
    active_region.forget()
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    (row,) = instances_of(northside)
    with tenant_scope(northside.id):
        assert list_waiting(Step.STORE, row.series_id) == []
        assert list_waiting(Step.STORE_MIRROR, row.series_id) == [row]

    steps.mirror(northside.id, row.series_id)

    assert steps.store(northside.id, row.series_id) == 1
    assert b"".join(nodes[northside.id, 1].read_instance(row.sop_instance_uid)) == instance(1)
