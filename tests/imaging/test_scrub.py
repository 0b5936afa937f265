"""The scrub: everything is read again in time, what is faulty is found, and a missing mount is not filled up."""

import random
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.core.files.storage import storages
from django.utils import timezone

from audit.actions import Action
from imaging.adapters.vault import Vault, VaultUnavailable
from imaging.models import Finding, VaultObject
from imaging.services import scrub as scrubbing
from imaging.services.regions import get_vault
from imaging.services.scrub import budget_of, scrub, scrub_tenant
from tenants.models import Tenant
from tenants.scoping import find_active_tenant_id, tenant_scope
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
    swap,
)

NOW = timezone.now()
ALL = 1 << 40
pytestmark = pytest.mark.usefixtures("empty_vaults")


@pytest.fixture(autouse=True)
def terms(settings: object) -> None:
    settings.SCRUB_DAYS, settings.BRAKE_FLOOR, settings.LAG_ALARM_SECONDS = 30, 500, 900


def open_findings(tenant: Tenant) -> list[Finding]:
    with tenant_scope(tenant.id):
        return list(Finding.objects.filter(healed_at=None))


def row_of(tenant: Tenant, object_id: UUID) -> VaultObject:
    with tenant_scope(tenant.id):
        return VaultObject.objects.get(id=object_id)


def keep_many(tenant: Tenant, count: int) -> list[UUID]:
    series_id = add_series(tenant)
    return [keep_object(tenant, b"%d" % number, series_id=series_id) for number in range(count)]


def test_good_copies_are_read_and_noted(northside: Tenant) -> None:
    pack = keep_pack(northside, b"a" * 3_000_000, b"b" * 10)

    report = scrub(northside.id, 1, NOW, ALL)

    assert (report.checked, report.size, report.found, report.stopped) == (1, row_of(northside, pack).size, 0, "")
    assert row_of(northside, pack).scrubbed_1_at == NOW
    assert row_of(northside, pack).scrubbed_2_at is None
    assert events(northside) == []


@pytest.mark.parametrize("region", [1, 2])
@pytest.mark.parametrize("how", SPOILERS)
def test_every_way_to_spoil_a_copy_is_found_and_healed(northside: Tenant, how: str, region: int) -> None:
    pack = keep_pack(northside, b"first" * 300_000, b"second")
    good = files_of(northside, pack, 3 - region)
    spoil(northside, pack, region, how)

    report = scrub(northside.id, region, NOW, ALL)

    assert (report.found, report.healed) == (1, 1)
    assert files_of(northside, pack, 1) == files_of(northside, pack, 2) == good
    assert open_findings(northside) == []
    assert [event.action for event in events(northside)] == [Action.COPY_FAULTY, Action.COPY_HEALED]
    assert getattr(row_of(northside, pack), f"in_{region}_at") == NOW


@pytest.mark.parametrize("region", [1, 2])
def test_an_object_of_another_practice_in_its_place_is_found_and_healed(
    northside: Tenant, southside: Tenant, region: int
) -> None:
    ours, theirs = keep_pack(northside, b"ours"), keep_pack(southside, b"theirs")
    swap(northside, ours, southside, theirs, region)

    for tenant in (northside, southside):
        assert scrub(tenant.id, region, NOW, ALL).healed == 1

    assert content_of(northside, ours, region).startswith(b"ours")
    assert content_of(southside, theirs, region).startswith(b"theirs")


@pytest.mark.parametrize("region", [1, 2])
def test_two_objects_in_each_others_places_are_found_and_healed(northside: Tenant, region: int) -> None:
    first, second = keep_pack(northside, b"first"), keep_pack(northside, b"second")
    swap(northside, first, northside, second, region)

    report = scrub(northside.id, region, NOW, ALL)

    assert (report.found, report.healed) == (2, 2)
    assert content_of(northside, first, region).startswith(b"first")


def test_a_pack_whose_members_are_not_what_came_in_is_found(northside: Tenant) -> None:
    pack = keep_pack(northside, b"first", b"second")
    with tenant_scope(northside.id):
        VaultObject.objects.get(id=pack).members.filter(pack_offset=5).update(digest=bytes(32))

    report = scrub(northside.id, 1, NOW, ALL)

    assert report.faults[pack].why == "digest-differs"
    assert report.healed == 0  # it is so in both regions


@pytest.mark.parametrize("kind", ["pack", "manifest"])
def test_every_chunk_is_read_not_only_those_of_members(northside: Tenant, kind: str) -> None:
    object_id = keep_object(northside, b"x" * 3_000_000, kind)
    path = file_of(northside, object_id, 2)
    data = bytearray(path.read_bytes())
    data[1_500_000] ^= 1
    path.write_bytes(data)

    assert scrub(northside.id, 2, NOW, ALL).healed == 1


def test_a_hundred_faults_are_found_and_healed_byte_for_byte(northside: Tenant, southside: Tenant) -> None:
    chance = random.Random(20260731)
    series_id = add_series(northside)
    objects = [keep_pack(northside, b"%d" % n * 99, b"%d" % -n, series_id=series_id) for n in range(150)]
    good = {object_id: files_of(northside, object_id, 1) for object_id in objects}
    stranger = keep_pack(southside, b"theirs")
    spoiled = [(object_id, chance.choice([1, 2])) for object_id in chance.sample(objects, 100)]
    ways = ("flip", "flip", "flip", "flip-key", "truncate", "extend", "delete", "swap")
    for object_id, region in spoiled:
        how = chance.choice(ways)
        if how == "swap":
            swap(northside, object_id, southside, stranger, region)
        else:
            spoil(northside, object_id, region, how, chance)

    reports = [scrub(northside.id, region, NOW, ALL) for region in (1, 2)]

    assert {(object_id, report.region) for report in reports for object_id in report.faults} == set(spoiled)
    assert sum(report.healed for report in reports) == 100
    for object_id in objects:
        assert files_of(northside, object_id, 1) == files_of(northside, object_id, 2) == good[object_id]
    assert open_findings(northside) == []


def test_the_oldest_is_read_first_and_the_budget_is_kept(northside: Tenant) -> None:
    old, new, never = (keep_object(northside, b"x" * 100) for _ in range(3))
    with tenant_scope(northside.id):
        VaultObject.objects.filter(id=old).update(scrubbed_1_at=NOW - timedelta(days=40))
        VaultObject.objects.filter(id=new).update(scrubbed_1_at=NOW - timedelta(days=20))

    assert scrub(northside.id, 1, NOW, 250).checked == 2

    read = {object_id for object_id in (old, new, never) if row_of(northside, object_id).scrubbed_1_at == NOW}
    assert read == {never, old}


def test_an_object_larger_than_the_budget_is_read_all_the_same(northside: Tenant) -> None:
    keep_object(northside, b"x" * 100)
    keep_object(northside, b"x" * 100)

    assert scrub(northside.id, 1, NOW, 1).checked == 1


def test_the_hourly_budget_is_enough_to_read_everything_in_time(northside: Tenant) -> None:
    keep_object(northside, b"x" * 100_000)

    assert 24 * 30 * 100_000 / 30 > 24 * 30 * budget_of(northside.id, 1, NOW) > 100_000 * 1.2


def test_what_is_overdue_is_read_whatever_the_share(northside: Tenant) -> None:
    keep_object(northside, b"x" * 1000)

    assert budget_of(northside.id, 1, NOW) == 2  # 1000 bytes in 24 days of hourly runs
    assert budget_of(northside.id, 1, NOW + timedelta(days=28)) == 1000


def test_what_was_read_lately_what_is_retired_and_what_is_not_there_yet_are_left_alone(northside: Tenant) -> None:
    lately, retired, not_yet = (keep_object(northside, b"x") for _ in range(3))
    with tenant_scope(northside.id):
        VaultObject.objects.filter(id=lately).update(scrubbed_2_at=NOW - timedelta(days=10))
        VaultObject.objects.filter(id=retired).update(retired_at=NOW)
        VaultObject.objects.filter(id=not_yet).update(in_2_at=None)

    assert scrub(northside.id, 2, NOW, ALL).checked == 0


def test_a_vault_that_is_away_ends_the_run_and_is_no_finding(
    northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_many(northside, 5)
    monkeypatch.setattr(Vault, "open", _fail)

    report = scrub(northside.id, 2, NOW, ALL)

    assert (report.stopped, report.checked, len(report.unreadable)) == ("unavailable", 0, 3)
    assert open_findings(northside) == []


def test_one_object_that_the_disk_cannot_read_keeps_no_other_from_being_read(
    northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = sorted(keep_many(northside, 5))
    opens = Vault.open

    def open_all_but_one(vault: Vault, tenant_id: UUID, object_id: UUID) -> object:
        return _fail() if object_id == first else opens(vault, tenant_id, object_id)

    monkeypatch.setattr(Vault, "open", open_all_but_one)

    report = scrub(northside.id, 1, NOW, ALL)

    assert (report.checked, report.unreadable, report.stopped) == (len(others), (first,), "")


def test_a_region_that_looks_empty_is_one_alarm_and_is_not_filled_up(
    northside: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    keep_many(northside, 30)
    shutil.rmtree(storages["vault-2"].location)

    report = scrub(northside.id, 2, NOW, ALL)

    assert (report.stopped, report.checked, report.healed) == ("region-looks-empty", 10, 0)
    assert [(each.kind, each.object_id) for each in open_findings(northside)] == [("missing", None)]
    assert not Path(storages["vault-2"].location).exists()
    assert "check the mount" in caplog.text
    with tenant_scope(northside.id):
        assert VaultObject.objects.filter(in_2_at=None).count() == 0
    assert len(events(northside, Action.COPY_FAULTY)) == 1


def test_while_the_alarm_is_on_small_runs_fill_nothing_up_either(northside: Tenant) -> None:
    keep_many(northside, 30)
    shutil.rmtree(storages["vault-2"].location)
    scrub(northside.id, 2, NOW, ALL)

    for _ in range(3):
        assert scrub(northside.id, 2, NOW, 3).stopped == "region-looks-empty"

    assert not Path(storages["vault-2"].location).exists()
    assert len(open_findings(northside)) == 1


def test_the_alarm_ends_by_itself_when_the_region_is_back(northside: Tenant, tmp_path: Path) -> None:
    keep_many(northside, 30)
    location = storages["vault-2"].location
    shutil.move(location, tmp_path / "unmounted")
    scrub(northside.id, 2, NOW, ALL)
    shutil.move(tmp_path / "unmounted", location)

    report = scrub(northside.id, 2, NOW, ALL)

    assert (report.checked, report.found, report.stopped) == (30, 0, "")
    assert open_findings(northside) == []


def test_a_few_missing_among_many_are_healed_one_by_one(northside: Tenant) -> None:
    objects = sorted(keep_many(northside, 60))
    for object_id in objects[::6]:
        spoil(northside, object_id, 1, "delete")
        spoil(northside, object_id, 1, "delete-key")

    report = scrub(northside.id, 1, NOW, ALL)

    assert (report.found, report.healed, report.stopped) == (10, 10, "")


def test_nothing_is_read_inside_a_transaction(northside: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = keep_pack(northside, b"x")
    spoil(northside, pack, 1, "flip")
    opens, scopes = Vault.open, []

    def watched(vault: Vault, tenant_id: UUID, object_id: UUID) -> object:
        scopes.append(find_active_tenant_id())
        return opens(vault, tenant_id, object_id)

    monkeypatch.setattr(Vault, "open", watched)

    scrub_tenant(northside.id, NOW)

    assert set(scopes) == {None}
    assert len(scopes) == 5  # found, and before healing both read, then the new copy; the other region's own run


def test_a_killed_run_is_continued_by_the_next(northside: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = sorted(keep_many(northside, 6))
    spoil(northside, objects[0], 1, "flip")
    find_fault = scrubbing.find_fault
    left = iter(range(3))

    def killed_at_the_fourth(*arguments: object) -> object:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return find_fault(*arguments)

    monkeypatch.setattr(scrubbing, "find_fault", killed_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        scrub(northside.id, 1, NOW, ALL)
    monkeypatch.setattr(scrubbing, "find_fault", find_fault)

    report = scrub(northside.id, 1, NOW, ALL)

    assert (report.checked, report.found, report.healed) == (4, 1, 1)


def test_what_was_purged_meanwhile_is_no_finding(northside: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = keep_object(northside, b"x")
    find_fault = scrubbing.find_fault

    def purged_first(*arguments: object) -> object:
        for region in (1, 2):
            get_vault(region).delete(northside.id, pack)
        with tenant_scope(northside.id):
            VaultObject.objects.filter(id=pack).delete()
        return find_fault(*arguments)

    monkeypatch.setattr(scrubbing, "find_fault", purged_first)

    assert scrub(northside.id, 1, NOW, ALL).healed == 0
    assert open_findings(northside) == []
    assert events(northside) == []


def test_findings_hold_no_name_and_no_path(northside: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    pack = keep_pack(northside, b"x")
    spoil(northside, pack, 1, "delete")

    scrub(northside.id, 1, NOW, ALL)

    with tenant_scope(northside.id):
        assert Finding.objects.get().details == {"why": "missing", "object": "pack"}
    assert str(pack) in caplog.text
    assert storages["vault-1"].location not in caplog.text


def _fail(*_: object) -> Iterator[datetime]:
    raise VaultUnavailable("away")
