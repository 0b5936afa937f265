"""States of key versions (SP 800-57 part 1 §7): which wrap, which open, and that none goes back."""

import json
from uuid import UUID, uuid4

import pytest

from imaging.adapters.keys import (
    ACTIVE,
    COMPROMISED,
    DESTROYED,
    PRE_ACTIVE,
    RETIRED,
    FileKeyring,
    KeyDestroyed,
    KeyUnknown,
    StateRefused,
)
from imaging.crypto.layout import SealBroken

TENANT_ID, OBJECT_ID = uuid4(), uuid4()


@pytest.fixture
def rings(tmp_path):
    """Both regions' keyrings, holding the same key."""
    first, second = FileKeyring(tmp_path / "1"), FileKeyring(tmp_path / "2")
    first.create_tenant_key(TENANT_ID)
    second.adopt_tenant_key(TENANT_ID, first)
    return first, second


def states(ring: FileKeyring) -> list[str]:
    return [key.state for key in ring.list_tenant_keys(TENANT_ID)]


def named(key_file: bytes) -> UUID:
    return UUID(bytes=key_file[40:56])


def test_a_staged_version_wraps_nothing_until_it_is_activated(rings):
    ring, _ = rings
    old = ring.create_tenant_key(TENANT_ID)

    staged = ring.stage_tenant_key(TENANT_ID)

    assert ring.stage_tenant_key(TENANT_ID) == staged
    assert states(ring) == [ACTIVE, PRE_ACTIVE]
    assert named(ring.new_data_key(TENANT_ID, OBJECT_ID)[1]) == old
    ring.activate_tenant_key(TENANT_ID, staged)
    ring.activate_tenant_key(TENANT_ID, staged)
    assert states(ring) == [RETIRED, ACTIVE]
    assert named(ring.new_data_key(TENANT_ID, OBJECT_ID)[1]) == staged


@pytest.mark.parametrize(("compromised", "state"), [(False, RETIRED), (True, COMPROMISED)])
def test_a_version_that_is_past_opens_and_never_wraps_again(rings, compromised, state):
    ring, _ = rings
    old = ring.create_tenant_key(TENANT_ID)
    data_key, key_file = ring.new_data_key(TENANT_ID, OBJECT_ID)

    ring.activate_tenant_key(TENANT_ID, ring.stage_tenant_key(TENANT_ID), compromised)

    assert states(ring) == [state, ACTIVE]
    assert ring.open_data_key(TENANT_ID, OBJECT_ID, key_file) == data_key
    assert named(ring.new_data_key(TENANT_ID, OBJECT_ID)[1]) != old
    with pytest.raises(StateRefused):
        ring.activate_tenant_key(TENANT_ID, old)


def test_a_compromise_marks_every_older_version_and_what_waited(rings):
    ring, _ = rings
    ring.rotate_tenant_key(TENANT_ID)
    waiting = ring.stage_tenant_key(TENANT_ID)

    fresh = ring.stage_tenant_key(TENANT_ID, anew=True)
    ring.activate_tenant_key(TENANT_ID, fresh, compromised=True)

    assert fresh != waiting
    assert states(ring) == [COMPROMISED, COMPROMISED, COMPROMISED, ACTIVE]


def test_retired_stays_compromised_once_it_was(rings):
    ring, _ = rings
    ring.activate_tenant_key(TENANT_ID, ring.stage_tenant_key(TENANT_ID), compromised=True)

    ring.rotate_tenant_key(TENANT_ID)

    assert states(ring) == [COMPROMISED, RETIRED, ACTIVE]


@pytest.mark.parametrize("activated", ["neither", "first", "second", "both"])
def test_regions_meet_wherever_a_rotation_was_broken_off(rings, activated):
    first, second = rings
    staged = first.stage_tenant_key(TENANT_ID)
    second.adopt_tenant_key(TENANT_ID, first)
    for name, ring in (("first", first), ("second", second)):
        if activated in (name, "both"):
            ring.activate_tenant_key(TENANT_ID, staged)

    second.adopt_tenant_key(TENANT_ID, first)
    for ring in (second, first):
        ring.activate_tenant_key(TENANT_ID, staged)

    assert states(first) == states(second) == [RETIRED, ACTIVE]
    assert first.export_tenant_keys(TENANT_ID) == second.export_tenant_keys(TENANT_ID)


def test_regions_that_made_keys_apart_keep_both_and_wrap_with_one(tmp_path):
    first, second = FileKeyring(tmp_path / "1"), FileKeyring(tmp_path / "2")
    first.create_tenant_key(TENANT_ID)
    second.create_tenant_key(TENANT_ID)
    data_key, key_file = first.new_data_key(TENANT_ID, OBJECT_ID)

    second.adopt_tenant_key(TENANT_ID, first)

    assert sorted(states(second)) == [ACTIVE, RETIRED]
    assert second.open_data_key(TENANT_ID, OBJECT_ID, key_file) == data_key


def test_one_old_version_can_be_destroyed_and_stays_so(rings, tmp_path):
    first, second = rings
    old = first.create_tenant_key(TENANT_ID)
    _, key_file = first.new_data_key(TENANT_ID, OBJECT_ID)
    first.rotate_tenant_key(TENANT_ID)
    with open(tmp_path / f"1/{TENANT_ID}.json", "rb") as before:
        first.destroy_version(TENANT_ID, old)
        assert set(before.read()) == {0}
    first.destroy_version(TENANT_ID, old)
    first.adopt_tenant_key(TENANT_ID, second)

    assert states(first) == [DESTROYED, ACTIVE]
    with pytest.raises(KeyDestroyed):
        first.open_data_key(TENANT_ID, OBJECT_ID, key_file)
    assert first.new_data_key(TENANT_ID, OBJECT_ID)
    second.adopt_tenant_key(TENANT_ID, first)
    assert second.open_data_key(TENANT_ID, OBJECT_ID, key_file)


def test_a_version_in_use_is_not_destroyed(rings):
    ring, _ = rings
    waiting = ring.stage_tenant_key(TENANT_ID)

    for key_id in (ring.create_tenant_key(TENANT_ID), waiting):
        with pytest.raises(StateRefused):
            ring.destroy_version(TENANT_ID, key_id)
    assert states(ring) == [ACTIVE, PRE_ACTIVE]


def test_a_destroyed_key_leaves_the_memory_of_other_processes(rings, tmp_path):
    other = FileKeyring(tmp_path / "1")
    secret = other.export_tenant_keys(TENANT_ID)[0].secret

    rings[0].destroy_tenant_key(TENANT_ID)

    assert other.is_destroyed(TENANT_ID)
    assert secret not in other._opened[TENANT_ID].values()


def test_rewrapping_keeps_the_data_key_and_is_done_once(rings):
    ring, _ = rings
    data_key, old_file = ring.new_data_key(TENANT_ID, OBJECT_ID)
    assert ring.rewrap_data_key(TENANT_ID, OBJECT_ID, old_file) is None
    fresh = ring.rotate_tenant_key(TENANT_ID)

    new_file = ring.rewrap_data_key(TENANT_ID, OBJECT_ID, old_file)

    assert named(new_file) == fresh
    assert ring.open_data_key(TENANT_ID, OBJECT_ID, new_file) == data_key
    assert ring.rewrap_data_key(TENANT_ID, OBJECT_ID, new_file) is None
    with pytest.raises(SealBroken):
        ring.rewrap_data_key(TENANT_ID, OBJECT_ID, old_file[:40] + fresh.bytes + old_file[56:])
    with pytest.raises(SealBroken):
        ring.rewrap_data_key(TENANT_ID, uuid4(), old_file)


def test_the_inventory_needs_no_master_and_shows_no_secret(rings, tmp_path):
    (tmp_path / "1/master.key").unlink()

    keys = FileKeyring(tmp_path / "1").list_tenant_keys(TENANT_ID)

    assert [key.secret for key in keys] == [None]
    assert FileKeyring(tmp_path / "1").list_tenant_keys(uuid4()) == ()


def test_a_tenant_without_a_key_has_nothing_to_stage(rings):
    for act in ("stage_tenant_key", "rotate_tenant_key"):
        with pytest.raises(KeyUnknown):
            getattr(rings[0], act)(uuid4())
    with pytest.raises(KeyUnknown):
        rings[0].activate_tenant_key(TENANT_ID, uuid4())


@pytest.mark.parametrize(
    "weak",
    [
        lambda raw: raw["keys"][0].update(state="excellent"),
        lambda raw: raw["keys"][0].update(state=DESTROYED),
        lambda raw: raw["keys"][0].update(wrapped=None),
        lambda raw: raw["keys"].append(raw["keys"][0] | {"key_id": str(uuid4())}),
        lambda raw: raw.update(destroyed=True),
    ],
    ids=["unknown state", "destroyed with a secret", "active without", "two active", "destroyed with keys"],
)
def test_a_record_in_a_state_that_cannot_be_is_refused(rings, tmp_path, weak):
    path = tmp_path / f"1/{TENANT_ID}.json"
    raw = json.loads(path.read_bytes())
    weak(raw)
    path.write_text(json.dumps(raw))

    with pytest.raises(SealBroken):
        rings[0].new_data_key(TENANT_ID, OBJECT_ID)


def test_a_file_keyrings_record_is_what_the_format_says(rings, tmp_path):
    raw = json.loads((tmp_path / f"1/{TENANT_ID}.json").read_bytes())

    assert set(raw) == {"version", "keys", "node_key", "destroyed"}
    assert set(raw["keys"][0]) == {"key_id", "state", "created_at", "wrapped"}
    assert len(bytes.fromhex(raw["keys"][0]["wrapped"])) == 12 + 32 + 16
