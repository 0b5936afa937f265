"""Rotation: every data key under the new version in both regions, and nothing that stands in the way loses one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from blake3 import blake3
from django.conf import settings
from django.core.files.storage import storages
from django.core.management import CommandError
from django.db import connection
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.adapters.keys import ACTIVE, COMPROMISED, PRE_ACTIVE, RETIRED, FileKeyring, KeyDestroyed
from imaging.adapters.vault import Vault
from imaging.models import Instance, VaultObject
from imaging.services import key_rotation
from imaging.services.key_locks import KeysBusy, keys_locked
from imaging.services.key_rotation import Reason, rotate
from imaging.services.regions import get_keyring, get_vault
from imaging.services.rewrapping import RegionAway
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.incoming import in_vault, instance, take_in
from tests.imaging.key_vaults import (
    Sealed,
    fail_in,
    key_path,
    list_unreadable,
    rotations,
    run,
    seal_in_both,
    states,
    versions_named,
)

NOW = timezone.now()
YEAR = timedelta(days=366)


@pytest.fixture
def sealed(northside: Tenant, empty_vaults: None) -> Sealed:
    return seal_in_both(northside.id, 12)


@pytest.fixture
def no_reseal(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Which practices would have been sealed anew."""
    asked: list[UUID] = []
    monkeypatch.setattr(key_rotation, "reseal_tenant", lambda tenant_id, now: asked.append(tenant_id) or 7)
    return asked


def test_every_data_key_is_under_the_new_version_and_no_sealed_byte_changes(northside: Tenant, sealed: Sealed) -> None:
    before = {path: path.read_bytes() for path in _sealed_files(northside, sealed)}

    report = rotate(northside.id, Reason.SCHEDULED, NOW)

    assert (report.rewrapped, report.unreadable, report.resealed, report.finished) == (24, 0, 0, True)
    for region in (1, 2):
        assert versions_named(region, northside.id, sealed) == {report.key_id}
        assert states(region, northside) == [RETIRED, ACTIVE]
    assert list_unreadable(northside.id, sealed) == []
    assert {path: path.read_bytes() for path in before} == before
    assert [(row.rewrapped, bool(row.finished_at)) for row in rotations(northside)] == [(24, True)]


def _sealed_files(tenant: Tenant, sealed: Sealed) -> Iterator:
    return (key_path(region, tenant.id, each).with_suffix(".sealed") for region in (1, 2) for each in sealed)


def test_the_trail_tells_begin_and_end(northside: Tenant, sealed: Sealed) -> None:
    rotate(northside.id, Reason.SCHEDULED, NOW)

    with tenant_scope(northside.id):
        events = [event.details for event in AuditEvent.objects.filter(action=Action.KEY_ROTATED).order_by("seq")]
    assert [event["step"] for event in events] == ["begun", "finished"]
    assert events[1]["rewrapped"] == 24


def test_another_practice_is_left_alone(northside: Tenant, southside: Tenant, sealed: Sealed) -> None:
    neighbours = seal_in_both(southside.id, 3)
    before = versions_named(1, southside.id, neighbours)

    rotate(northside.id, Reason.SCHEDULED, NOW)

    assert versions_named(1, southside.id, neighbours) == before
    assert states(1, southside) == [ACTIVE]


def test_a_purged_object_is_passed_over(northside: Tenant, sealed: Sealed) -> None:
    purged = next(iter(sealed))
    for region in (1, 2):
        get_vault(region).destroy_key(northside.id, purged)

    report = rotate(northside.id, Reason.SCHEDULED, NOW)

    assert (report.rewrapped, report.finished) == (22, True)
    assert not key_path(1, northside.id, purged).exists()


def test_the_new_version_is_in_region_2_before_anything_uses_it(
    northside: Tenant, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt = FileKeyring.adopt_tenant_key
    monkeypatch.setattr(FileKeyring, "adopt_tenant_key", _raise(OSError("away")))

    with pytest.raises(RegionAway) as refusal:
        rotate(northside.id, Reason.SCHEDULED, NOW)

    assert refusal.value.region == 2
    assert states(1, northside) == [ACTIVE, PRE_ACTIVE]
    monkeypatch.setattr(FileKeyring, "adopt_tenant_key", adopt)
    assert rotate(northside.id, Reason.SCHEDULED, NOW).finished
    assert states(1, northside) == states(2, northside) == [RETIRED, ACTIVE]


def _raise(error: Exception):
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_a_region_that_goes_away_leaves_it_unfinished_and_the_next_run_goes_on(
    northside: Tenant, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_in(2, patch, after=5)
        with pytest.raises(RegionAway, match="region 2"):
            rotate(northside.id, Reason.SCHEDULED, NOW, batch=4)

    unfinished = rotations(northside)[0]
    assert unfinished.finished_at is None
    assert unfinished.rewrapped == 12 + 5
    assert list_unreadable(northside.id, sealed) == []
    report = rotate(northside.id, Reason.SCHEDULED, NOW)
    assert (report.key_id, report.rewrapped) == (unfinished.key_id, 7)
    assert [row.rewrapped for row in rotations(northside)] == [24]


def test_what_is_sealed_meanwhile_uses_the_new_version(
    northside: Tenant, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_in(1, patch, after=3)
        with pytest.raises(RegionAway):
            rotate(northside.id, Reason.SCHEDULED, NOW)

    fresh = seal_in_both(northside.id, 2)

    assert versions_named(1, northside.id, fresh) == {rotations(northside)[0].key_id}
    assert list_unreadable(northside.id, fresh) == []


def test_what_began_to_seal_before_and_ends_during_a_pass_is_caught_by_the_next(
    northside: Tenant, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, rewrap = iter([True]), Vault.wrap_anew
    batch = get_vault(1).batch()
    writer = batch.__enter__()
    object_id = UUID(int=1)
    writer.seal(northside.id, object_id, [b"late"])

    def rewrap_then_publish(vault: Vault, tenant_id: UUID, object_id: UUID) -> bytes | None:
        if vault.region == 2 and next(once, False):
            batch.__exit__(None, None, None)
        return rewrap(vault, tenant_id, object_id)

    monkeypatch.setattr(Vault, "wrap_anew", rewrap_then_publish)

    report = rotate(northside.id, Reason.SCHEDULED, NOW)

    assert report.rewrapped == 25
    assert versions_named(1, northside.id, {object_id: b"late"}) == {report.key_id}


def test_a_damaged_key_file_is_a_finding_and_hinders_no_other(northside: Tenant, sealed: Sealed) -> None:
    damaged, good = list(sealed)[:2]
    path = key_path(2, northside.id, damaged)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")

    report = rotate(northside.id, Reason.SCHEDULED, NOW)

    assert (report.rewrapped, report.unreadable, report.finished) == (23, 1, False)
    with pytest.raises(CommandError):
        run("--tenant", "northside")
    path.unlink()
    path.with_suffix(".sealed").unlink()
    get_vault(1).copy_to(get_vault(2), northside.id, damaged)
    assert rotate(northside.id, Reason.SCHEDULED, NOW).finished
    assert list_unreadable(northside.id, sealed) == []


def test_compromise_bars_every_old_version_and_seals_anew(
    northside: Tenant, sealed: Sealed, no_reseal: list[UUID]
) -> None:
    rotate(northside.id, Reason.SCHEDULED, NOW)

    report = rotate(northside.id, Reason.COMPROMISED, NOW)

    assert (no_reseal, report.resealed) == ([northside.id], 7)
    assert states(1, northside) == states(2, northside) == [COMPROMISED, COMPROMISED, ACTIVE]
    assert list_unreadable(northside.id, sealed) == []


def test_a_compromise_during_a_rotation_does_not_trust_its_key(
    northside: Tenant, sealed: Sealed, no_reseal: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_in(2, patch, after=0)
        with pytest.raises(RegionAway):
            rotate(northside.id, Reason.SCHEDULED, NOW)
    suspect = rotations(northside)[0].key_id

    report = rotate(northside.id, Reason.COMPROMISED, NOW)

    assert report.key_id != suspect
    assert len(rotations(northside)) == 1
    assert states(1, northside) == [COMPROMISED, COMPROMISED, ACTIVE]
    assert versions_named(2, northside.id, sealed) == {report.key_id}


def test_a_compromise_that_was_broken_off_stays_one(
    northside: Tenant, sealed: Sealed, no_reseal: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_in(1, patch, after=0)
        with pytest.raises(RegionAway):
            rotate(northside.id, Reason.COMPROMISED, NOW)

    rotate(northside.id, Reason.SCHEDULED, NOW)

    assert no_reseal == [northside.id]
    assert states(2, northside) == [COMPROMISED, ACTIVE]


def test_two_processes_do_not_rotate_at_once(northside: Tenant, sealed: Sealed) -> None:
    with connection.copy().cursor() as other:
        other.execute("SELECT 1")
        with _held_by_another(other, northside.id), pytest.raises(KeysBusy):
            rotate(northside.id, Reason.SCHEDULED, NOW)
        assert rotate(northside.id, Reason.SCHEDULED, NOW).finished


@contextmanager
def _held_by_another(cursor: object, tenant_id: UUID) -> Iterator[None]:
    lock = int.from_bytes(blake3(b"keys" + tenant_id.bytes).digest()[:8], "big", signed=True)
    cursor.execute("SELECT pg_advisory_lock(%s)", [lock])
    yield
    cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])


def test_the_lock_is_given_back_after_a_failure(northside: Tenant) -> None:
    with pytest.raises(RuntimeError), keys_locked(northside.id):
        raise RuntimeError

    with connection.copy().cursor() as other, _held_by_another(other, northside.id):
        pass


@pytest.mark.parametrize("lost", [1, 2])
def test_a_region_that_lost_its_keyring_gets_it_from_the_other(northside: Tenant, sealed: Sealed, lost: int) -> None:
    shutil.rmtree(settings.VAULT_KEYS[lost])

    report = rotate(northside.id, Reason.SCHEDULED, NOW)

    assert report.rewrapped == 24
    assert states(1, northside) == states(2, northside) == [RETIRED, ACTIVE]
    assert list_unreadable(northside.id, sealed) == []


def test_a_practice_without_a_key_has_nothing_to_rotate(northside: Tenant, empty_vaults: None) -> None:
    assert run("--all")[0]["did"] == "nothing: it has no key yet"
    assert states(1, northside) == []


def test_a_destroyed_practice_is_not_rotated(northside: Tenant, sealed: Sealed) -> None:
    get_keyring(1).destroy_tenant_key(northside.id)

    with pytest.raises(KeyDestroyed):
        rotate(northside.id, Reason.SCHEDULED, NOW)
    assert rotations(northside) == []
    assert "destroyed" in run("--tenant", "northside")[0]["did"]


def test_sealed_files_are_never_opened_by_a_rotation(
    northside: Tenant, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    for region in (1, 2):
        storage = storages[f"vault-{region}"]
        monkeypatch.setattr(
            storage, "open", lambda name, mode="rb", open_=storage.open: opened.append(name) or open_(name, mode)
        )

    rotate(northside.id, Reason.SCHEDULED, NOW)

    assert opened
    assert {name.rsplit(".", 1)[1] for name in opened} == {"key"}


# --- Compromise, with real images -------------------------------------------------------------------------------


def test_after_a_compromise_no_object_in_use_has_a_data_key_of_before(
    northside: Tenant, bob: User, empty_vaults: None
) -> None:
    take_in(actor(bob), northside, {f"{n}.dcm": instance(n) for n in (1, 2, 3)})
    with tenant_scope(northside.id):
        before = set(VaultObject.objects.filter(retired_at=None).values_list("id", flat=True))
        images = {row.sop_instance_uid: in_vault(row) for row in Instance.objects.select_related("pack")}

    report = rotate(northside.id, Reason.COMPROMISED, NOW)

    assert report.finished
    assert report.resealed >= 1
    with tenant_scope(northside.id):
        after = set(VaultObject.objects.filter(retired_at=None).values_list("id", flat=True))
        assert not before & after
        assert {row.sop_instance_uid: in_vault(row) for row in Instance.objects.select_related("pack")} == images
