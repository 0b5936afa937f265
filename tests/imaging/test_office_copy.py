"""Each run of an office copy adds what is new, follows what is gone and heals what is damaged."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.actor import SYSTEM
from audit.models import AuditEvent
from imaging.adapters.vault import VaultUnavailable
from imaging.models import OfficeCopy, Study, Tombstone, VaultObject
from imaging.services import office_copy, office_copy_objects, purge, retention
from imaging.services.office_copy import Wishes, make_copy
from imaging.services.office_copy_objects import RegionsAway, TooMuchToRemove
from imaging.services.packing import reseal_tenant
from imaging.services.regions import get_vault
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.copying import Office, digest_of_folder, list_objects, take_in_studies
from tests.imaging.copying import office as office
from tests.imaging.library import events

NOW = timezone.now()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def purge_study(tenant: Tenant, alice: User, bob: User, uid: str) -> None:
    """As two people and the daily tasks do it."""
    later = NOW + timedelta(days=11 * 366)
    retention.mark_ended_retention(tenant.id, later)
    with tenant_scope(tenant.id):
        retention.request_purge(actor(bob), uid, later)
        retention.approve_purge(actor(alice), uid, later)
    assert purge.purge_approved(tenant.id, later + timedelta(days=31)) == 1
    with tenant_scope(tenant.id):
        tombstone = Tombstone.objects.get()
    purge.finish_purge(tenant.id, tombstone.id)


def study_uids(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.id):
        return list(Study.objects.order_by("study_instance_uid").values_list("study_instance_uid", flat=True))


def test_a_run_leaves_a_row_an_event_and_a_manifest_without_phi(office: Office) -> None:
    with tenant_scope(office.tenant.id):
        row = OfficeCopy.objects.get()
    (event,) = events(office.tenant, "office-copy.made")
    manifest = json.loads((office.disk / "manifest.json").read_text())

    objects = len(list_objects(office.tenant))
    assert (row.instances, row.added) == (4, objects)
    assert row.size == sum(path.stat().st_size for path in (office.disk / "vault").rglob("*.*"))
    assert (event.subject_id, event.details["objects"]) == (str(row.id), objects)
    assert set(manifest) == {"format", "tenant_id", "index", "facts", "objects", "size", "missing"}
    assert manifest["tenant_id"] == str(office.tenant.id)


def test_a_second_run_adds_nothing_and_rewrites_no_object(office: Office) -> None:
    before = digest_of_folder(office.disk / "vault")

    report = office.snapshot()

    assert (report.added, report.healed, report.removed) == (0, 0, 0)
    assert digest_of_folder(office.disk / "vault") == before


def test_a_run_adds_only_what_is_new(office: Office, bob: User) -> None:
    known = list_objects(office.tenant)
    take_in_studies(office.tenant, bob, 3)

    report = office.snapshot()

    assert report.added == len(list_objects(office.tenant) - known) == 3
    assert (report.studies, report.instances) == (3, 6)
    assert office.objects() == list_objects(office.tenant)
    assert len(list((office.disk / "index").rglob("*.sealed"))) == 1


def test_a_purge_at_the_practice_is_followed(office: Office, alice: User, bob: User, nodes: dict) -> None:
    uid = study_uids(office.tenant)[0]
    purge_study(office.tenant, alice, bob, uid)

    report = office.snapshot()

    assert report.removed == 3
    assert office.objects() == list_objects(office.tenant)
    assert {path.stem for path in office.disk.rglob("vault/*/*/*.key")} == {str(each) for each in office.objects()}
    studies = [line for line in office.index() if f'"study_instance_uid":"{uid}"' in line and '"patient_name"' in line]
    assert studies == []


def test_objects_that_were_sealed_anew_take_the_place_of_the_old(office: Office) -> None:
    old = office.objects()
    reseal_tenant(office.tenant.id, timezone.now())

    report = office.snapshot()

    assert (report.added, report.removed) == (len(old), len(old))
    assert office.objects() == list_objects(office.tenant)
    assert not office.objects() & old


def many_objects(office: Office, bob: User) -> set[UUID]:
    take_in_studies(office.tenant, bob, *range(10, 16))
    office.snapshot()
    return office.objects()


def retire(office: Office, objects: set[UUID]) -> None:
    """Take them out of the practice, whatever they held."""
    with tenant_scope(office.tenant.id):
        Study.objects.filter(series__objects_sealed__in=objects).delete()


def test_a_copy_is_not_emptied_with_the_practice(office: Office, bob: User) -> None:
    held = many_objects(office, bob)
    retire(office, set(sorted(held)[:12]))
    before = digest_of_folder(office.disk / "vault"), (office.disk / "manifest.json").read_bytes()

    with pytest.raises(TooMuchToRemove, match="--allow-removal"):
        office.snapshot()

    assert (digest_of_folder(office.disk / "vault"), (office.disk / "manifest.json").read_bytes()) == before
    assert len(list((office.disk / "index").rglob("*.sealed"))) == 1
    assert office.snapshot(allow_removal=True).removed >= 12
    assert office.objects() == list_objects(office.tenant)


def test_a_few_removals_need_nobody(office: Office, bob: User) -> None:
    held = many_objects(office, bob)
    with tenant_scope(office.tenant.id):
        few = Study.objects.filter(series__objects_sealed__in=held).distinct()[:3]
        Study.objects.filter(id__in=[study.id for study in few]).delete()

    assert office.snapshot().removed == 9


def test_a_flipped_byte_is_found_and_the_object_copied_anew(office: Office) -> None:
    damaged = sorted(office.objects())[0]
    good = office.sealed(damaged).read_bytes()
    flip(office.sealed(damaged))

    report = office.snapshot(read_all=True)

    assert (report.healed, report.added) == (1, 0)
    assert office.sealed(damaged).read_bytes() == good


def test_daily_runs_read_every_object_in_their_turn(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office_copy_objects, "RE_READ_DAYS", 4)
    for object_id in office.objects():
        flip(office.sealed(object_id))

    days = (NOW + timedelta(days=day) for day in range(4))
    healed = [make_copy(SYSTEM, office.tenant.id, office.disk, office.key, day).healed for day in days]

    assert sum(healed) == len(office.objects())


@pytest.mark.parametrize("suffix", [".sealed", ".key"])
def test_a_file_that_is_gone_or_cut_is_copied_again_by_any_run(office: Office, suffix: str) -> None:
    first, second = sorted(office.objects())[:2]
    office.sealed(first).with_suffix(suffix).unlink()
    cut = office.sealed(second).with_suffix(suffix)
    cut.write_bytes(cut.read_bytes()[:-7])

    assert office.snapshot().healed == 2
    assert office.snapshot(read_all=True).healed == 0


def test_a_damaged_object_is_kept_while_no_region_has_a_better_one(office: Office) -> None:
    damaged = sorted(office.objects())[0]
    flip(office.sealed(damaged))
    get_vault(1).delete(office.tenant.id, damaged)

    report = office.snapshot(read_all=True)

    assert (report.missing, report.healed) == (1, 0)
    assert office.sealed(damaged).exists()


def test_an_object_comes_from_the_other_region_when_the_first_has_a_bad_one(
    northside: Tenant, bob: User, empty_vaults: None, drawn: None, tmp_path: Path
) -> None:
    take_in_studies(northside, bob, 1)
    for object_id in list_objects(northside):
        get_vault(1).copy_to(get_vault(2), northside.id, object_id)
    bad = sorted(list_objects(northside))[0]
    flip(Path(get_vault(1)._storage.location) / str(northside.id) / str(bad)[-2:] / f"{bad}.sealed")
    office = Office(northside, tmp_path / "disk", tmp_path / "key")

    assert office.snapshot().missing == 0
    assert office.snapshot(read_all=True).healed == 0


def test_what_no_region_has_is_a_finding_and_costs_the_rest_nothing(office: Office, bob: User) -> None:
    take_in_studies(office.tenant, bob, 3)
    lost = sorted(list_objects(office.tenant) - office.objects())[0]
    get_vault(1).delete(office.tenant.id, lost)

    with pytest.raises(CommandError, match="1 sealed objects.*verify_vault"):
        call_command("snapshot", tenant="northside", to=office.disk, key=office.key)

    assert office.objects() == list_objects(office.tenant) - {lost}


def test_regions_that_are_away_stop_the_run_and_leave_the_copy_as_it_was(
    office: Office, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in_studies(office.tenant, bob, 3)
    manifest = (office.disk / "manifest.json").read_bytes()

    def fail(*_: object) -> None:
        raise VaultUnavailable("away")

    for region in (1, 2):
        monkeypatch.setattr(get_vault(region), "copy_to", fail)
    with pytest.raises(RegionsAway, match="Run again"):
        office.snapshot()

    assert (office.disk / "manifest.json").read_bytes() == manifest
    assert len(list((office.disk / "index").rglob("*.sealed"))) == 1


def test_a_purge_during_the_run_is_no_finding(office: Office, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in_studies(office.tenant, bob, 3)
    uid, seal_view, views = study_uids(office.tenant)[2], office_copy._seal_view, []

    def purge_after_the_first(*arguments: object) -> object:
        views.append(seal_view(*arguments))
        if len(views) == 1:
            with tenant_scope(office.tenant.id):
                study = Study.objects.get(study_instance_uid=uid)
                gone = set(VaultObject.objects.filter(series__study=study).values_list("id", flat=True))
                study.delete()
            for object_id in gone:
                get_vault(1).delete(office.tenant.id, object_id)
        return views[-1]

    monkeypatch.setattr(office_copy, "_seal_view", purge_after_the_first)
    report = office.snapshot()

    assert (len(views), report.missing, report.studies) == (2, 0, 2)
    assert office.objects() == list_objects(office.tenant)


def test_rows_that_are_retired_are_not_copied(office: Office) -> None:
    with tenant_scope(office.tenant.id):
        retired = VaultObject.objects.filter(kind="thumbnail").first()
        VaultObject.objects.filter(id=retired.id).update(retired_at=timezone.now())

    assert office.snapshot().removed == 1
    assert retired.id not in office.objects()


def test_the_command_prints_what_it_did(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("snapshot", tenant="northside", to=office.disk, key=office.key, as_json=True)

    assert json.loads(capsys.readouterr().out)["instances"] == 4
    with pytest.raises(CommandError, match="no practice"):
        call_command("snapshot", tenant="nowhere", to=office.disk, key=office.key)


def test_the_event_says_how_much_and_names_nobody(office: Office) -> None:
    with tenant_scope(office.tenant.id):
        event = AuditEvent.objects.get(action="office-copy.made")

    assert set(event.details) == {
        "studies", "instances", "objects", "size", "added", "healed", "removed", "missing",
    }  # fmt: skip
    assert all(isinstance(value, int) for value in event.details.values())
    assert Wishes() == Wishes(allow_removal=False, read_all=False)
