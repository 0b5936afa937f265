"""Healing: the good copy is only ever read, a bad one never overwrites it, and two bad ones are left alone."""

import random
from uuid import UUID

import pytest
from django.utils import timezone

from audit.actions import Action
from imaging.adapters.vault import Vault, VaultUnavailable
from imaging.models import Brake, Finding, Series, VaultObject
from imaging.services import healing, regions
from imaging.services.brake import Braked
from imaging.services.copies import Fault
from imaging.services.healing import RegionFaulty, heal, heal_open, report_finding
from imaging.services.regions import get_vault
from imaging.services.scrub import scrub
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.imaging.library import events
from tests.imaging.sealing import (
    SPOILERS,
    add_series,
    content_of,
    file_of,
    files_of,
    keep_object,
    keep_pack,
    spoil,
)

NOW = timezone.now()
ALL = 1 << 40
pytestmark = pytest.mark.usefixtures("empty_vaults")


@pytest.fixture(autouse=True)
def terms(settings: object) -> None:
    settings.SCRUB_DAYS, settings.BRAKE_FLOOR, settings.LAG_ALARM_SECONDS = 30, 500, 900


def both(tenant: Tenant, object_id: UUID) -> tuple[object, object]:
    return files_of(tenant, object_id, 1), files_of(tenant, object_id, 2)


def found(tenant: Tenant) -> list[Finding]:
    with tenant_scope(tenant.id):
        return list(Finding.objects.order_by("region"))


@pytest.mark.parametrize("region", [1, 2])
@pytest.mark.parametrize("here", SPOILERS)
@pytest.mark.parametrize("there", ["flip", "delete", "delete-key"])
def test_where_both_are_faulty_neither_is_touched(northside: Tenant, region: int, here: str, there: str) -> None:
    pack = keep_pack(northside, b"only" * 50)
    spoil(northside, pack, region, here)
    spoil(northside, pack, 3 - region, there, random.Random(2))
    before = both(northside, pack)

    assert not heal(northside.id, pack, region, NOW)

    assert both(northside, pack) == before


def test_a_faulty_copy_never_overwrites_a_good_one(northside: Tenant) -> None:
    pack = keep_pack(northside, b"only" * 50)
    good = files_of(northside, pack, 1)
    spoil(northside, pack, 2, "flip")

    # Asked to heal the good one from the faulty one, it looks first.
    assert heal(northside.id, pack, 1, NOW)

    assert files_of(northside, pack, 1) == good


def test_a_source_is_read_to_its_last_member_before_anything_is_deleted(northside: Tenant) -> None:
    pack = keep_pack(northside, b"first" * 700_000, b"second")
    path = file_of(northside, pack, 1)
    data = bytearray(path.read_bytes())
    data[2_000_000] ^= 1  # in the middle: the object still opens, and so does its last chunk
    path.write_bytes(data)
    spoil(northside, pack, 2, "flip-key")
    before = both(northside, pack)

    assert not heal(northside.id, pack, 2, NOW)

    assert both(northside, pack) == before


def test_a_pack_that_no_region_can_open_stays_open_and_loud(
    northside: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    pack = keep_pack(northside, b"only")
    spoil(northside, pack, 1, "flip")
    spoil(northside, pack, 2, "truncate")

    assert scrub(northside.id, 1, NOW, ALL).healed == 0

    assert [(each.region, each.details["stuck"], each.healed_at) for each in found(northside)] == [
        (1, True, None), (2, True, None),
    ]  # fmt: skip
    assert f"No region has a good copy of object {pack}" in caplog.text
    with tenant_scope(northside.id):
        row = VaultObject.objects.get(id=pack)
    assert (row.in_1_at, row.in_2_at, row.retired_at) == (None, None, None)


def test_a_stuck_pack_is_healed_when_a_good_copy_comes_back(northside: Tenant) -> None:
    pack = keep_pack(northside, b"only")
    kept = file_of(northside, pack, 2).read_bytes()
    for region in (1, 2):
        spoil(northside, pack, region, "flip")
    scrub(northside.id, 1, NOW, ALL)
    file_of(northside, pack, 2).write_bytes(kept)

    assert heal_open(northside.id, 2, NOW) == 1
    assert heal_open(northside.id, 1, NOW) == 1

    assert all(each.healed_at and "stuck" not in each.details for each in found(northside))
    assert content_of(northside, pack, 1).startswith(b"only")


def test_a_copy_that_never_reached_the_second_region_is_no_finding_there(northside: Tenant) -> None:
    pack = keep_pack(northside, b"only")
    get_vault(2).delete(northside.id, pack)
    with tenant_scope(northside.id):
        VaultObject.objects.filter(id=pack).update(in_2_at=None)
    spoil(northside, pack, 1, "flip")

    scrub(northside.id, 1, NOW, ALL)

    assert [(each.region, each.healed_at) for each in found(northside)] == [(1, None)]


@pytest.mark.parametrize("kind", ["manifest", "thumbnail"])
def test_what_can_be_made_anew_is_given_up_and_asked_for(northside: Tenant, kind: str) -> None:
    series_id = add_series(northside)
    object_id = keep_object(northside, b"{}", kind, series_id)
    with tenant_scope(northside.id):
        Series.objects.update(**{kind: object_id, f"{kind}_instances": 1})
    for region in (1, 2):
        spoil(northside, object_id, region, "flip")

    scrub(northside.id, 2, NOW, ALL)

    with tenant_scope(northside.id):
        series = Series.objects.get()
        assert (getattr(series, kind), getattr(series, f"{kind}_instances")) == (None, 0)
        assert VaultObject.objects.get(id=object_id).retired_at == NOW
    assert all(each.healed_at for each in found(northside))


def test_a_newer_manifest_is_not_given_up_for_an_older_one(northside: Tenant) -> None:
    series_id = add_series(northside)
    old, new = (keep_object(northside, b"{}", "manifest", series_id) for _ in range(2))
    with tenant_scope(northside.id):
        Series.objects.update(manifest=new, manifest_instances=1)
    for region in (1, 2):
        spoil(northside, old, region, "flip")

    scrub(northside.id, 1, NOW, ALL)

    with tenant_scope(northside.id):
        assert Series.objects.get().manifest == new


def test_the_same_fault_is_reported_once(northside: Tenant) -> None:
    pack = keep_pack(northside, b"x")
    fault = Fault(Finding.Kind.DAMAGED, "seal-broken")

    assert report_finding(northside.id, pack, 1, fault, NOW)
    assert not report_finding(northside.id, pack, 1, fault, NOW)

    assert len(found(northside)) == len(events(northside, Action.COPY_FAULTY)) == 1


def test_a_source_that_is_away_leaves_the_faulty_copy_as_it_is(
    northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = keep_pack(northside, b"x")
    spoil(northside, pack, 2, "flip")
    before = both(northside, pack)
    opens = Vault.open

    def away(vault: Vault, tenant_id: UUID, object_id: UUID) -> object:
        if vault.region == 1:
            raise VaultUnavailable
        return opens(vault, tenant_id, object_id)

    monkeypatch.setattr(Vault, "open", away)
    with pytest.raises(VaultUnavailable):
        heal(northside.id, pack, 2, NOW)
    assert scrub(northside.id, 2, NOW, ALL).healed == 0
    assert both(northside, pack) == before

    monkeypatch.setattr(Vault, "open", opens)
    assert scrub(northside.id, 2, NOW, ALL).healed == 1  # nothing is due: the open finding is tried again


def test_killed_between_deleting_and_copying_it_is_healed_by_the_next_run(
    northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = keep_pack(northside, b"x")
    good = files_of(northside, pack, 1)
    spoil(northside, pack, 2, "flip")
    copies = Vault.copy_to

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(Vault, "copy_to", killed)
    with pytest.raises(KeyboardInterrupt):
        scrub(northside.id, 2, NOW, ALL)
    monkeypatch.setattr(Vault, "copy_to", copies)

    scrub(northside.id, 2, NOW, ALL)

    assert both(northside, pack) == (good, good)


def test_what_is_purged_while_it_is_healed_does_not_come_back(
    northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_id = keep_object(northside, b"x")
    spoil(northside, object_id, 2, "flip")
    copies = Vault.copy_to

    def purged_after(source: Vault, target: Vault, tenant_id: UUID, purged: UUID) -> bool:
        done = copies(source, target, tenant_id, purged)
        with tenant_scope(tenant_id):
            VaultObject.objects.filter(id=purged).delete()
        return done

    monkeypatch.setattr(Vault, "copy_to", purged_after)

    heal(northside.id, object_id, 2, NOW)

    assert files_of(northside, object_id, 2) == (None, None)


def test_the_finding_of_a_purged_object_is_closed(northside: Tenant) -> None:
    object_id = keep_object(northside, b"x")
    report_finding(northside.id, object_id, 1, Fault(Finding.Kind.MISSING, "missing"), NOW)
    with tenant_scope(northside.id):
        VaultObject.objects.filter(id=object_id).delete()

    heal_open(northside.id, 1, NOW)

    assert [each.healed_at for each in found(northside)] == [NOW]
    assert events(northside, Action.COPY_HEALED) == []


def test_nothing_is_healed_while_the_brake_is_on(northside: Tenant) -> None:
    pack = keep_pack(northside, b"x")
    spoil(northside, pack, 1, "flip")
    before = both(northside, pack)
    with tenant_scope(northside.id):
        Brake.objects.create(tripped_at=NOW, changed=900, usual=1)

    with pytest.raises(Braked):
        heal(northside.id, pack, 1, NOW)
    assert scrub(northside.id, 1, NOW, ALL).healed == 0

    assert both(northside, pack) == before


def test_a_region_that_lost_the_keys_gets_them_back_and_keeps_its_bytes(northside: Tenant, settings: object) -> None:
    pack = keep_pack(northside, b"x")
    before = both(northside, pack)
    (settings.VAULT_KEYS[2] / f"{northside.id}.json").unlink()
    regions.get_keyring.cache_clear()
    regions.get_vault.cache_clear()

    report = scrub(northside.id, 2, NOW, ALL)

    assert (report.faults[pack].why, report.healed) == ("key-unknown", 1)
    assert both(northside, pack) == before


def test_a_region_that_spoils_whatever_is_written_is_given_up_at_the_first(
    northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs = [keep_pack(northside, b"x") for _ in range(3)]
    for pack in packs:
        spoil(northside, pack, 2, "flip")
    copies, copied = Vault.copy_to, []

    def spoiling(source: Vault, target: Vault, tenant_id: UUID, object_id: UUID) -> bool:
        copied.append(object_id)
        done = copies(source, target, tenant_id, object_id)
        spoil(northside, object_id, 2, "flip", random.Random(3))
        return done

    monkeypatch.setattr(Vault, "copy_to", spoiling)
    monkeypatch.setattr(Vault, "rewrap", lambda *_: False)

    assert scrub(northside.id, 2, NOW, ALL).healed == 0
    assert len(copied) == 1
    with pytest.raises(RegionFaulty):
        heal(northside.id, packs[0], 2, NOW)
    assert [each for each in found(northside) if each.healed_at] == []


def test_two_workers_never_heal_the_same_object_at_once(northside: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = keep_pack(northside, b"x")
    spoil(northside, pack, 1, "flip")
    before = both(northside, pack)

    class Taken:
        def __enter__(self) -> bool:
            return False

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(healing, "alone", lambda *_: Taken())

    assert not heal(northside.id, pack, 1, NOW)
    assert both(northside, pack) == before
