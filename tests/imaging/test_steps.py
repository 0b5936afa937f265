"""The steps after intake: each does its work once, may run again at will, and catches up by itself."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from imaging.adapters.orthanc import NodeUnavailable
from imaging.models import Instance, Series, Study, VaultObject
from imaging.pipeline import Step
from imaging.selectors.pipeline import list_stuck
from imaging.services import packing, steps, thumbnails, vault_objects
from imaging.services.regions import get_vault
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.fakes.orthanc import FakeOrthancNode
from tests.imaging.incoming import in_vault, instance, take_in

Nodes = dict[tuple[UUID, int], FakeOrthancNode]


@pytest.fixture
def series(northside: Tenant, bob: User) -> Series:
    for number in (1, 2, 3):  # each in a pack of its own
        take_in(actor(bob), northside, {f"{number}.dcm": instance(number)})
    with tenant_scope(northside.id):
        return Series.objects.get()


def states(tenant: Tenant) -> list[Instance]:
    with tenant_scope(tenant.id):
        return list(Instance.objects.order_by("instance_number"))


def run_all(tenant: Tenant, series: Series) -> None:
    for step in (steps.verify_seal, steps.store, steps.mirror, steps.store_mirror):
        step(tenant.id, series.id)


def test_every_state_is_reached_and_each_copy_is_the_original(northside: Tenant, series: Series, nodes: Nodes) -> None:
    run_all(northside, series)

    for row in states(northside):
        assert row.sealed_at
        assert row.stored_at
        assert row.mirrored_at
        assert row.mirror_stored_at
        for region in (1, 2):
            original = instance(row.instance_number)
            assert in_vault(row, region) == original
            assert b"".join(nodes[northside.id, region].read_instance(row.sop_instance_uid)) == original


def test_a_step_that_runs_again_does_nothing(northside: Tenant, series: Series, nodes: Nodes) -> None:
    run_all(northside, series)
    before = [(row.sealed_at, row.stored_at, row.mirrored_at, row.mirror_stored_at) for row in states(northside)]

    run_all(northside, series)

    assert before == [(r.sealed_at, r.stored_at, r.mirrored_at, r.mirror_stored_at) for r in states(northside)]


def test_a_node_that_is_away_delays_and_loses_nothing(northside: Tenant, series: Series, nodes: Nodes) -> None:
    steps.get_orthanc(northside.id, 1).down = True
    with pytest.raises(NodeUnavailable):
        steps.store(northside.id, series.id)
    assert not any(row.stored_at for row in states(northside))

    nodes[northside.id, 1].down = False
    steps.store(northside.id, series.id)

    assert all(row.stored_at for row in states(northside))


def test_what_orthanc_refuses_is_noted_and_its_neighbours_are_stored(
    northside: Tenant, series: Series, nodes: Nodes
) -> None:
    refused = states(northside)[1].sop_instance_uid
    steps.get_orthanc(northside.id, 1).refused.add(refused)

    steps.store(northside.id, series.id)

    rows = states(northside)
    assert [bool(row.stored_at) for row in rows] == [True, False, True]
    assert rows[1].store_refusal


def test_a_node_that_keeps_other_bytes_is_not_believed(
    northside: Tenant, series: Series, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeOrthancNode, "read_instance", lambda self, uid: iter([b"something else"]))

    steps.store(northside.id, series.id)

    assert not any(row.stored_at for row in states(northside))


def test_a_flipped_bit_is_found_and_only_that_instance_waits(
    northside: Tenant, series: Series, nodes: Nodes, settings: object
) -> None:
    damaged = states(northside)[0]
    flip_a_bit(settings, damaged)

    steps.verify_seal(northside.id, series.id)

    assert [bool(row.sealed_at) for row in states(northside)] == [False, True, True]


def test_the_sweeper_finds_what_sat_too_long(northside: Tenant, series: Series, nodes: Nodes, drawn: None) -> None:
    later = timezone.now() + timedelta(minutes=1)
    with tenant_scope(northside.id):
        assert list_stuck(timezone.now() - timedelta(minutes=1), 10) == []
        waiting = {found.step for found in list_stuck(later, 10)}
    assert waiting == {Step.VERIFY_SEAL, Step.STORE, Step.MIRROR, Step.DRAW_THUMBNAIL, Step.PACK}

    thumbnails.draw_thumbnail(northside.id, series.id)
    packing.pack_series(northside.id, series.id, later)
    run_all(northside, series)

    with tenant_scope(northside.id):
        assert list_stuck(later, 10) == []


def test_the_thumbnail_is_sealed_and_mirrored(northside: Tenant, series: Series, nodes: Nodes) -> None:
    thumbnails.draw_thumbnail(northside.id, series.id)
    steps.mirror(northside.id, series.id)

    with tenant_scope(northside.id):
        row = Series.objects.get()
        assert VaultObject.objects.get(id=row.thumbnail).in_2_at
    for region in (1, 2):
        with get_vault(region).open(northside.id, row.thumbnail) as reader:
            assert reader.read(0, 12)[8:] == b"WEBP"


def test_more_instances_draw_a_new_thumbnail_and_remove_the_old(
    northside: Tenant, bob: User, series: Series, nodes: Nodes, drawn: None
) -> None:
    thumbnails.draw_thumbnail(northside.id, series.id)
    with tenant_scope(northside.id):
        old = Series.objects.get().thumbnail
    take_in(actor(bob), northside, {"4.dcm": instance(4)})

    thumbnails.draw_thumbnail(northside.id, series.id)

    with tenant_scope(northside.id):
        assert Series.objects.get().thumbnail not in (None, old)
        assert VaultObject.objects.get(id=old).retired_at
    assert vault_objects.remove_retired(northside.id, timezone.now()) == 0
    assert vault_objects.remove_retired(northside.id, timezone.now() + timedelta(hours=25)) == 1
    assert not get_vault(1).exists(northside.id, old)


def test_two_workers_never_work_on_the_same_step_of_a_series(northside: Tenant, series: Series) -> None:
    import psycopg
    from django.db import connection

    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        key = steps.lock_key(Step.VERIFY_SEAL, series.id)
        other.execute("SELECT pg_advisory_lock(%s)", [key])

        assert steps.verify_seal(northside.id, series.id) == 0
        other.execute("SELECT pg_advisory_unlock(%s)", [key])
    assert steps.verify_seal(northside.id, series.id) == 3


@pytest.mark.parametrize("step", ["mirror", "store"])
def test_what_a_step_copied_while_the_study_was_purged_is_taken_back(
    northside: Tenant, series: Series, nodes: Nodes, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    rows = states(northside)
    digest = steps._digest

    def purged_meanwhile(*args: object) -> bytes:
        with tenant_scope(northside.id):
            Study.objects.all().delete()
        return digest(*args)

    monkeypatch.setattr(steps, "_digest", purged_meanwhile)

    getattr(steps, step)(northside.id, series.id)

    assert not any(get_vault(2).exists(northside.id, row.pack_id) for row in rows)
    assert steps.get_orthanc(northside.id, 1).list_study_uids() == []


def flip_a_bit(settings: object, row: Instance) -> None:
    from pathlib import Path

    from django.core.files.storage import storages

    from imaging.adapters.vault import object_name

    path = Path(storages["vault-1"].path(object_name(row.tenant_id, row.pack_id, ".sealed")))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
