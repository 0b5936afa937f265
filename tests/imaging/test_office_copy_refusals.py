"""An office copy refuses what is unsafe, says where and what to do, and stays as it was."""

import errno
import json
import resource
from contextlib import nullcontext
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from imaging.services.office_copy import CopyNewer
from imaging.services.office_copy_folder import CopyFolder, CopyUnknown, DiskUnsuitable, FolderBusy, FolderForeign
from imaging.services.office_copy_keys import KeyFileUnsuitable, KeysUnavailable, KeyWrong
from imaging.services.office_copy_loading import load_copy
from imaging.services.office_copy_objects import TooMuchToRemove, require_little_to_remove
from imaging.services.packing import reseal_tenant
from imaging.services.regions import get_keyring, get_vault
from tenants.models import Tenant, User
from tests.imaging.copying import Office, digest_of_folder, take_in_studies
from tests.imaging.copying import office as office


def test_a_wrong_key_is_refused_and_changes_nothing(office: Office, tmp_path: Path) -> None:
    before = digest_of_folder(office.disk / "keys")
    (tmp_path / "other.key").write_bytes(bytes(32))

    with pytest.raises(KeyWrong, match=str(office.disk)):
        Office(office.tenant, office.disk, tmp_path / "other.key").snapshot()
    with pytest.raises(CommandError, match=r"other\.key does not open"):
        call_command("snapshot", tenant="northside", to=office.disk, key=tmp_path / "other.key")
    assert digest_of_folder(office.disk / "keys") == before


def test_a_missing_key_is_not_replaced_by_a_new_one(office: Office) -> None:
    office.key.unlink()

    with pytest.raises(KeyFileUnsuitable, match=r"is missing\. Attach"):
        office.snapshot()
    assert not office.key.exists()


def test_a_lost_key_costs_no_object_when_the_keys_are_made_anew(office: Office) -> None:
    office.key.unlink()
    for path in (office.disk / "keys").iterdir():
        path.unlink()
    before = digest_of_folder(office.disk / "vault")

    report = office.snapshot()

    assert (report.added, report.healed) == (0, 0)
    assert digest_of_folder(office.disk / "vault") == before
    assert office.key.stat().st_size == 32


def test_keys_that_are_made_anew_open_every_object_even_after_rotations(office: Office) -> None:
    (old,) = get_keyring(1).list_tenant_keys(office.tenant.id)
    get_keyring(1).rotate_tenant_key(office.tenant.id)
    for object_id in office.objects():
        get_vault(1).rewrap(office.tenant.id, object_id)
    get_keyring(1).destroy_version(office.tenant.id, old.key_id)
    assert office.snapshot(read_all=True).healed == 0

    office.key.unlink()
    for path in (office.disk / "keys").iterdir():
        path.unlink()

    assert office.snapshot().healed == len(office.objects())
    assert office.snapshot(read_all=True).healed == 0


def test_nothing_is_removed_before_the_new_index_counts(
    office: Office, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = office.objects()
    reseal_tenant(office.tenant.id, timezone.now())

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(CopyFolder, "write_manifest", fail)
    with pytest.raises(DiskUnsuitable, match="full"):
        office.snapshot()

    assert office.objects() > held


@pytest.mark.parametrize("place", ["disk/office.key", "disk/keys/office.key", "disk/../disk/k"])
def test_a_key_inside_the_copy_is_refused(northside: Tenant, tmp_path: Path, place: str) -> None:
    with pytest.raises(KeyFileUnsuitable, match="another medium"):
        Office(northside, tmp_path / "disk", tmp_path / place).snapshot()
    assert not (tmp_path / place).exists()


def test_a_key_on_the_disk_of_the_copy_is_told(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("snapshot", tenant="northside", to=office.disk, key=office.key)

    assert "same disk" in capsys.readouterr().out


def test_something_that_is_no_key_is_refused(northside: Tenant, empty_vaults: None, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a key")

    with pytest.raises(KeyFileUnsuitable, match="not a key file"):
        Office(northside, tmp_path / "disk", tmp_path / "notes.txt").snapshot()


def test_another_practices_copy_is_refused(office: Office, southside: Tenant) -> None:
    before = digest_of_folder(office.disk)

    with pytest.raises(FolderForeign, match="another practice"):
        Office(southside, office.disk, office.key).snapshot()
    assert {path: seen[0] for path, seen in digest_of_folder(office.disk).items()} == {
        path: seen[0] for path, seen in before.items()
    }


def test_a_folder_that_holds_something_else_is_refused(northside: Tenant, empty_vaults: None, tmp_path: Path) -> None:
    letter = tmp_path / "disk" / "letter.txt"
    letter.parent.mkdir()
    letter.write_text("dear")

    with pytest.raises(FolderForeign, match="empty"):
        Office(northside, tmp_path / "disk", tmp_path / "key").snapshot()
    assert not (tmp_path / "key").exists()
    assert letter.read_text() == "dear"


def test_an_empty_disk_with_what_its_system_keeps_there_is_taken(
    northside: Tenant, empty_vaults: None, tmp_path: Path
) -> None:
    for name in ("lost+found", ".Trash-1000"):
        (tmp_path / "disk" / name).mkdir(parents=True)

    assert Office(northside, tmp_path / "disk", tmp_path / "key").snapshot().instances == 0


def test_a_database_that_was_set_back_does_not_overwrite_a_newer_copy(office: Office) -> None:
    manifest = json.loads((office.disk / "manifest.json").read_text())
    manifest["facts"]["audit_seq"] += 100
    (office.disk / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(CopyNewer, match="set back"):
        office.snapshot()


def test_a_database_with_another_past_does_not_overwrite_the_copy(office: Office) -> None:
    manifest = json.loads((office.disk / "manifest.json").read_text())
    manifest["facts"]["audit_digest"] = "00" * 32
    (office.disk / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(CopyNewer, match="Keep this copy"):
        office.snapshot()


def test_two_runs_do_not_write_to_one_folder(office: Office) -> None:
    with office.folder.writing():
        with pytest.raises(FolderBusy, match="Wait"):
            office.snapshot()
        with pytest.raises(FolderBusy):
            load_copy(office.disk, office.key)


def test_a_disk_without_hard_links_is_refused(
    northside: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("imaging.services.office_copy_folder.os.link", refuse)
    with pytest.raises(DiskUnsuitable, match="ext4"):
        Office(northside, tmp_path / "disk", tmp_path / "key").snapshot()


def test_a_disk_that_fills_up_is_told_and_the_copy_stays_as_it_was(office: Office, bob: User) -> None:
    take_in_studies(office.tenant, bob, 3)
    manifest = (office.disk / "manifest.json").read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (600, limit[1]))
    try:
        with pytest.raises(DiskUnsuitable, match=f"{office.disk} is full"):
            office.snapshot()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    assert (office.disk / "manifest.json").read_bytes() == manifest
    assert office.snapshot().missing == 0


def test_a_damaged_manifest_is_told(office: Office) -> None:
    (office.disk / "manifest.json").write_text("{")

    with pytest.raises(CopyUnknown, match=r"manifest\.json is damaged"):
        office.snapshot()


def test_a_run_that_never_ended_is_not_served(northside: Tenant, tmp_path: Path) -> None:
    office = Office(northside, tmp_path / "disk", tmp_path / "key")
    office.disk.mkdir()
    office.folder.claim(northside.id)

    with pytest.raises(CopyUnknown, match="never completed"):
        load_copy(office.disk, office.key)


def test_a_folder_without_a_copy_is_not_served(tmp_path: Path, db: None) -> None:
    with pytest.raises(CopyUnknown, match="no office copy"):
        load_copy(tmp_path, tmp_path / "key")


def test_a_practice_whose_keys_were_destroyed_is_not_copied(office: Office) -> None:
    get_keyring(1).destroy_tenant_key(office.tenant.id)

    with pytest.raises(KeysUnavailable, match="Destroy its copy"):
        office.snapshot()


@pytest.mark.parametrize(
    ("held", "gone", "stops"),
    [(10, 10, False), (11, 11, True), (55, 11, False), (54, 11, True), (1000, 200, False), (1000, 201, True)],
)
def test_more_than_ten_and_more_than_a_fifth_need_a_word(held: int, gone: int, stops: bool, tmp_path: Path) -> None:
    objects: list[UUID] = [uuid4() for _ in range(held)]
    wanted = {object_id: 1 for object_id in objects[gone:]} | {uuid4(): 1}

    with pytest.raises(TooMuchToRemove, match=f"{gone} of the {held}") if stops else nullcontext():
        require_little_to_remove(CopyFolder(tmp_path), objects, wanted)
