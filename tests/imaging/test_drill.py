"""A drill: what it restores, from where, what it finds, and what it leaves behind."""

import shutil
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.adapters.orthanc import NodeUnavailable
from imaging.adapters.scratch import ScratchFull
from imaging.adapters.scratch_database import ScratchDatabase, ScratchFailed
from imaging.adapters.vault import object_name
from imaging.models import Drill, Instance, Study
from imaging.selectors.drills import find_restore_estimate
from imaging.services import drill_restore
from imaging.services.drill import run_drill
from imaging.services.drill_compare import Check, Difference
from imaging.services.regions import ensure_tenant_keys, get_vault
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.fakes.orthanc import FakeOrthancNode
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.drilling import copy_index, drill_settings, keep_studies, scratch, unsigned  # noqa: F401  fixtures
from tests.imaging.incoming import instance, take_in

pytestmark = pytest.mark.usefixtures("nodes", "empty_vaults", "unsigned")


def drill(tenant: Tenant, **options: object) -> tuple[Drill, list[Difference]]:
    found: list[Difference] = []
    return run_drill(tenant.id, timezone.now(), on_difference=found.append, **options), found


def last_event(tenant: Tenant) -> AuditEvent:
    with tenant_scope(tenant.id):
        return AuditEvent.objects.filter(action=Action.DRILL_DONE).latest("seq")


def rows(tenant: Tenant) -> list[Instance]:
    with tenant_scope(tenant.id):
        return list(Instance.objects.order_by("series__study__study_instance_uid", "instance_number"))


def test_a_drill_passes_when_everything_comes_back(northside: Tenant, bob: User, scratch: FakeOrthancNode) -> None:
    keep_studies(northside, bob, [2, 1])

    done, found = drill(northside)

    assert found == []
    assert (done.passed, done.studies, done.instances, done.differences) == (True, 2, 3, 0)
    assert done.size == sum(row.size for row in rows(northside))
    assert done.rpo_seconds == 0
    assert done.rto_seconds >= 1
    assert done.finished_at == done.started_at + timedelta(seconds=done.rto_seconds)
    assert sorted(key.sop_instance_uid for key in scratch.instances) == sorted(
        row.sop_instance_uid for row in rows(northside)
    )
    with tenant_scope(northside.id):
        assert Drill.objects.get().report == done.report


def test_a_drill_is_recorded_with_counts_and_no_patient(northside: Tenant, bob: User, scratch: FakeOrthancNode) -> None:
    study = keep_studies(northside, bob, [2])[0]

    drill(northside, seed=7)

    event = last_event(northside)
    assert (event.outcome, event.details["instances"], event.details["differences"]) == ("done", 2, 0)
    assert (event.details["seed"], event.details["region"], event.details["passed"]) == (7, 2, True)
    assert study.patient_name not in str(event.details)
    assert find_restore_estimate(northside.id) == event.details["estimate_seconds"] >= 1


def test_nothing_of_region_1_is_read(northside: Tenant, bob: User, scratch: FakeOrthancNode) -> None:
    keep_studies(northside, bob, [3])
    shutil.rmtree(storages["vault-1"].location)
    shutil.rmtree(settings.VAULT_KEYS[1])

    done, found = drill(northside)

    assert (done.passed, done.instances, found) == (True, 3, [])
    assert get_vault(2).exists(northside.id, done.report)  # and region 1 gets its copy of the report when it is back


def test_the_report_is_sealed_in_both_regions(northside: Tenant, bob: User, scratch: FakeOrthancNode) -> None:
    keep_studies(northside, bob, [1])

    done, _ = drill(northside)

    for region in (1, 2):
        with get_vault(region).open(northside.id, done.report) as reader:
            assert reader.read(0, 5) == b"%PDF-"


def test_a_report_reaches_a_region_that_was_away(northside: Tenant, bob: User, scratch: FakeOrthancNode) -> None:
    keep_studies(northside, bob, [1])
    first, _ = drill(northside)
    get_vault(1).delete(northside.id, first.report)

    drill(northside)

    assert get_vault(1).exists(northside.id, first.report)


def test_what_is_not_mirrored_yet_counts_for_the_recovery_point_and_not_as_a_difference(
    northside: Tenant, bob: User, scratch: FakeOrthancNode
) -> None:
    keep_studies(northside, bob, [2])
    take_in(actor(bob), northside, {"9.dcm": instance(9)})
    with tenant_scope(northside.id):
        Instance.objects.filter(instance_number=9).update(received_at=timezone.now() - timedelta(minutes=7))

    done, found = drill(northside)

    assert (done.passed, found, done.instances) == (True, [], 2)
    assert 420 <= done.rpo_seconds <= 425
    assert last_event(northside).details["not_there"] == 1


def test_a_region_that_holds_nothing_fails_the_drill(northside: Tenant, bob: User, scratch: FakeOrthancNode) -> None:
    keep_studies(northside, bob, [2], mirrored=False)

    done, found = drill(northside)

    assert (done.passed, found, done.instances) == (False, [], 0)
    assert last_event(northside).outcome == "failed"


def test_a_practice_that_keeps_nothing_passes(northside: Tenant, scratch: FakeOrthancNode) -> None:
    ensure_tenant_keys(northside.id)

    assert drill(northside)[0].passed


def test_a_damaged_pack_is_named_by_instance(northside: Tenant, bob: User, scratch: FakeOrthancNode) -> None:
    keep_studies(northside, bob, [2, 1])
    damaged = rows(northside)[2]
    flip_a_bit(2, damaged)

    done, found = drill(northside)

    assert found == [Difference(damaged.id, Check.VAULT)]
    assert (done.passed, done.differences) == (False, 1)
    assert last_event(northside).outcome == "failed"


def test_a_missing_pack_is_named_by_instance(northside: Tenant, bob: User, scratch: FakeOrthancNode) -> None:
    keep_studies(northside, bob, [2])
    get_vault(2).delete(northside.id, rows(northside)[0].pack_id)

    _, found = drill(northside)

    assert {(each.instance_id, each.check) for each in found} == {(row.id, Check.VAULT) for row in rows(northside)}


def test_other_bytes_under_a_sound_seal_are_found(northside: Tenant, bob: User, scratch: FakeOrthancNode) -> None:
    """Both the restored index and the vault agree, and yet it is not what was taken in."""
    keep_studies(northside, bob, [1])
    with tenant_scope(northside.id):
        Instance.objects.update(digest=bytes(32))

    _, found = drill(northside)

    assert [each.check for each in found] == [Check.VAULT]


def test_a_node_that_gives_other_bytes_back_is_found(
    northside: Tenant, bob: User, scratch: FakeOrthancNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_studies(northside, bob, [1])
    monkeypatch.setattr(FakeOrthancNode, "read_instance", lambda self, uid: iter([b"something else"]))

    _, found = drill(northside)

    assert [each.check for each in found] == [Check.NODE]


def test_a_node_that_cannot_give_it_back_is_found(northside: Tenant, bob: User, scratch: FakeOrthancNode) -> None:
    keep_studies(northside, bob, [1])
    scratch.unreadable.add(rows(northside)[0].sop_instance_uid)

    _, found = drill(northside)

    assert [each.check for each in found] == [Check.NODE]


def test_what_orthanc_refuses_is_a_difference_unless_the_live_node_refused_it_too(
    northside: Tenant, bob: User, scratch: FakeOrthancNode
) -> None:
    keep_studies(northside, bob, [2])
    first, second = rows(northside)
    scratch.refused |= {first.sop_instance_uid, second.sop_instance_uid}
    with tenant_scope(northside.id):
        Instance.objects.filter(id=first.id).update(store_refusal="HTTP 400")

    _, found = drill(northside)

    assert found == [Difference(second.id, Check.NODE)]


def test_what_orthanc_refuses_must_still_be_whole_in_the_vault(
    northside: Tenant, bob: User, scratch: FakeOrthancNode
) -> None:
    keep_studies(northside, bob, [1])
    only = rows(northside)[0]
    scratch.refused.add(only.sop_instance_uid)
    with tenant_scope(northside.id):
        Instance.objects.update(store_refusal="HTTP 400", digest=bytes(32))

    _, found = drill(northside)

    assert found == [Difference(only.id, Check.VAULT)]


@pytest.mark.parametrize(
    ("statement", "check", "numbers"),
    [
        ("DELETE FROM imaging_instance WHERE instance_number = 2", Check.MISSING, [2]),
        ("UPDATE imaging_study SET patient_birth_date = '1900-01-01'", Check.ATTRIBUTES, [1, 2]),
        ("UPDATE imaging_study SET patient_id = 'other'", Check.ATTRIBUTES, [1, 2]),
        ("UPDATE imaging_series SET series_instance_uid = '1.2.3'", Check.ATTRIBUTES, [1, 2]),
        (
            "UPDATE imaging_instance SET digest = decode(repeat('00', 32), 'hex') WHERE instance_number = 1",
            Check.ATTRIBUTES, [1],
        ),
    ],
)  # fmt: skip
def test_a_restored_index_that_differs_is_found(
    northside: Tenant, bob: User, scratch: FakeOrthancNode, monkeypatch: pytest.MonkeyPatch, statement: str,
    check: Check, numbers: list[int],
) -> None:  # fmt: skip
    keep_studies(northside, bob, [2])
    restore_and(monkeypatch, statement)

    done, found = drill(northside)

    assert {(each.instance_id, each.check) for each in found} == {
        (row.id, check) for row in rows(northside) if row.instance_number in numbers
    }
    assert not done.passed


def test_what_the_live_index_does_not_hold_must_not_come_back(
    northside: Tenant, bob: User, scratch: FakeOrthancNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_studies(northside, bob, [2])
    restore_and(monkeypatch, f"UPDATE imaging_instance SET sop_instance_uid = '{ROOT}.5' WHERE instance_number = 2")

    _, found = drill(northside)

    stray = rows(northside)[1].id
    assert {(each.instance_id, each.check) for each in found} == {(stray, Check.EXTRA), (stray, Check.MISSING)}


def restore_and(monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """A rebuild that gets something wrong."""

    def restore(database: ScratchDatabase, tenant: Tenant, *_: object) -> None:
        copy_index(database, tenant)
        with psycopg.connect(database.owner_url) as connection:
            connection.execute("SELECT set_config('app.tenant', %s, false)", [str(tenant.id)])
            connection.execute(statement)

    monkeypatch.setattr(drill_restore, "restore_index", restore)


def test_what_is_purged_while_the_drill_runs_is_no_difference(
    northside: Tenant, bob: User, scratch: FakeOrthancNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_studies(northside, bob, [2, 1])
    purged = rows(northside)[2]

    def purge_meanwhile(*given: object) -> None:
        copy_index(*given)
        get_vault(2).delete(northside.id, purged.pack_id)
        with tenant_scope(northside.id):
            Study.objects.filter(series__instances__id=purged.id).delete()

    monkeypatch.setattr(drill_restore, "restore_index", purge_meanwhile)

    assert drill(northside)[1] == []


def test_what_arrives_while_the_drill_runs_is_no_difference(
    northside: Tenant, bob: User, scratch: FakeOrthancNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_studies(northside, bob, [2])

    def receive_meanwhile(*given: object) -> None:
        take_in(actor(bob), northside, {"9.dcm": instance(9)})
        copy_index(*given)

    monkeypatch.setattr(drill_restore, "restore_index", receive_meanwhile)

    done, found = drill(northside)

    assert (found, done.instances) == ([], 2)


def test_an_index_that_was_not_restored_at_all_is_no_pass(
    northside: Tenant, bob: User, scratch: FakeOrthancNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_studies(northside, bob, [1])
    monkeypatch.setattr(drill_restore, "restore_index", lambda *_: None)

    with pytest.raises(ScratchFailed):
        drill(northside)


def test_a_drill_that_could_not_be_run_is_kept_as_failed(
    northside: Tenant, bob: User, scratch: FakeOrthancNode
) -> None:
    keep_studies(northside, bob, [1])
    scratch.down = True

    with pytest.raises(NodeUnavailable):
        drill(northside)

    with tenant_scope(northside.id):
        kept = Drill.objects.get()
    assert (bool(kept.finished_at), kept.passed, kept.report) == (True, False, None)
    assert (last_event(northside).outcome, last_event(northside).details["error"]) == ("failed", "NodeUnavailable")


@pytest.mark.parametrize("broken", [False, True])
def test_nothing_of_the_scratch_stays(
    northside: Tenant, bob: User, scratch: FakeOrthancNode, drill_settings: object, broken: bool
) -> None:
    keep_studies(northside, bob, [1])
    scratch.down = broken

    try:
        drill(northside)
    except NodeUnavailable:
        assert broken

    assert [path.name for path in (drill_settings.VAR_DIR / "drill").iterdir()] == ["lock"]


def test_a_disk_without_room_is_said_before_anything_is_restored(
    northside: Tenant, bob: User, scratch: FakeOrthancNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_studies(northside, bob, [1])
    monkeypatch.setattr(drill_restore, "_ROOM", 1e15)

    with pytest.raises(ScratchFull, match="make room"):
        drill(northside)

    assert scratch.instances == {}


def test_another_practice_is_never_restored(
    northside: Tenant, southside: Tenant, bob: User, carol: User, scratch: FakeOrthancNode
) -> None:
    keep_studies(northside, bob, [1])
    keep_studies(southside, carol, [2])

    done, found = drill(northside)

    assert (found, done.instances, len(scratch.instances)) == ([], 1, 1)
    with tenant_scope(southside.id):
        assert not Drill.objects.exists()


def test_differences_are_logged_by_instance(
    northside: Tenant, bob: User, scratch: FakeOrthancNode, caplog: pytest.LogCaptureFixture
) -> None:
    keep_studies(northside, bob, [1])
    damaged = rows(northside)[0]
    get_vault(2).delete(northside.id, damaged.pack_id)

    run_drill(northside.id, timezone.now())

    assert str(damaged.id) in caplog.text
    assert damaged.sop_instance_uid not in caplog.text


def flip_a_bit(region: int, row: Instance) -> None:
    path = Path(storages[f"vault-{region}"].path(object_name(row.tenant_id, row.pack_id, ".sealed")))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
