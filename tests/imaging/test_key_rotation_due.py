"""When a key is due, when an old version may go, and what the command says."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.adapters.keys import ACTIVE, DESTROYED, RETIRED
from imaging.services import key_rotation
from imaging.services.key_rotation import OldVersionsNeeded, Reason, destroy_old_versions, is_due, rotate
from imaging.services.rewrapping import RegionAway
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.imaging.key_vaults import Sealed, fail_in, key_path, list_unreadable, rotations, run, seal_in_both, states

NOW = timezone.now()
YEAR = timedelta(days=366)


@pytest.fixture
def sealed(northside: Tenant, empty_vaults: None) -> Sealed:
    return seal_in_both(northside.id, 12)


# --- When it is due ---------------------------------------------------------------------------------------------


def test_a_key_is_due_after_twelve_months(northside: Tenant, sealed: Sealed) -> None:
    assert not is_due(northside.id, NOW + YEAR - timedelta(days=2))
    assert is_due(northside.id, NOW + YEAR)


def test_a_key_is_due_after_so_many_wraps(northside: Tenant, sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    rotate(northside.id, Reason.SCHEDULED, NOW)
    monkeypatch.setattr(key_rotation, "MAX_WRAPS", 24)

    assert is_due(northside.id, NOW)


def test_what_was_broken_off_is_due(northside: Tenant, sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        fail_in(1, patch, after=0)
        with pytest.raises(RegionAway):
            rotate(northside.id, Reason.SCHEDULED, NOW)

    assert is_due(northside.id, NOW)


def test_a_practice_without_a_key_is_not_due(northside: Tenant, empty_vaults: None) -> None:
    assert not is_due(northside.id, NOW + YEAR)


def test_a_rotation_broken_off_for_a_year_takes_another_key(
    northside: Tenant, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_in(1, patch, after=0)
        with pytest.raises(RegionAway):
            rotate(northside.id, Reason.SCHEDULED, NOW)
    stale = rotations(northside)[0].key_id

    report = rotate(northside.id, Reason.SCHEDULED, NOW + YEAR)

    assert report.key_id != stale
    assert states(1, northside) == [RETIRED, RETIRED, ACTIVE]


# --- Old versions -----------------------------------------------------------------------------------------------


def test_old_versions_go_only_when_nothing_names_them(northside: Tenant, sealed: Sealed) -> None:
    rotate(northside.id, Reason.SCHEDULED, NOW)

    gone = destroy_old_versions(northside.id, NOW + timedelta(days=2))

    assert len(gone) == 1
    assert states(1, northside) == states(2, northside) == [DESTROYED, ACTIVE]
    assert list_unreadable(northside.id, sealed) == []
    assert destroy_old_versions(northside.id, NOW + timedelta(days=2)) == []
    with tenant_scope(northside.id):
        assert AuditEvent.objects.filter(action=Action.KEYS_DESTROYED).count() == 1


@pytest.mark.parametrize("region", [1, 2])
def test_an_old_version_still_named_anywhere_stays(northside: Tenant, sealed: Sealed, region: int) -> None:
    path = key_path(region, northside.id, next(iter(sealed)))
    old = path.read_bytes()
    rotate(northside.id, Reason.SCHEDULED, NOW)
    path.chmod(0o600)
    path.write_bytes(old)  # as a restored backup would

    with pytest.raises(OldVersionsNeeded):
        destroy_old_versions(northside.id, NOW + timedelta(days=2))

    assert states(region, northside) == [RETIRED, ACTIVE]
    assert destroy_old_versions(northside.id, NOW + timedelta(days=2))
    assert list_unreadable(northside.id, sealed) == []


def test_old_versions_stay_while_uploads_of_before_may_end(northside: Tenant, sealed: Sealed) -> None:
    rotate(northside.id, Reason.SCHEDULED, NOW)

    with pytest.raises(OldVersionsNeeded, match="24 hours"):
        destroy_old_versions(northside.id, NOW + timedelta(hours=23))


def test_old_versions_stay_while_a_rotation_is_unfinished(
    northside: Tenant, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_in(2, patch, after=0)
        with pytest.raises(RegionAway):
            rotate(northside.id, Reason.SCHEDULED, NOW)

    with pytest.raises(OldVersionsNeeded, match="unfinished"):
        destroy_old_versions(northside.id, NOW + timedelta(days=2))


# --- The command ------------------------------------------------------------------------------------------------


def test_the_command_rotates_one_or_all(northside: Tenant, southside: Tenant, sealed: Sealed) -> None:
    seal_in_both(southside.id, 2)

    assert [(row["tenant"], row["rewrapped"]) for row in run("--tenant", "northside")] == [("northside", 24)]
    assert {row["tenant"]: row["rewrapped"] for row in run("--all")} == {"northside": 24, "southside": 4}


def test_the_command_leaves_what_is_not_due(northside: Tenant, sealed: Sealed) -> None:
    assert run("--all", "--due")[0]["did"] == "nothing: not due"
    assert states(1, northside) == [ACTIVE]


def test_the_command_ends_with_an_error_when_a_region_is_away(
    northside: Tenant, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = StringIO()
    fail_in(2, monkeypatch, after=0)

    with pytest.raises(CommandError):
        call_command("rotate_keys", "--tenant", "northside", stdout=out)

    assert "region 2 is out of service" in out.getvalue()


def test_the_command_knows_no_other_practice(db: None) -> None:
    with pytest.raises(CommandError, match="no practice"):
        call_command("rotate_keys", "--tenant", "westside")
