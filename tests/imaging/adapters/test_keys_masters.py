"""One contract for every master: a file, a real OpenBao server per region, and a stand-in for KMS per region."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from imaging.adapters.keys import (
    FileKeyring,
    FileMaster,
    KeyDestroyed,
    KeyUnknown,
    Master,
    MasterKeyMissing,
    MasterUnavailable,
    make_master,
)
from imaging.adapters.keys.kms import KmsMaster
from imaging.adapters.keys.openbao import OpenBaoMaster
from imaging.crypto.layout import SealBroken
from tests.fakes.kms import FakeKms
from tests.fakes.openbao import OpenBao, start_openbao

TENANT_ID, OBJECT_ID = uuid4(), uuid4()
SECRET, CONTEXT = bytes(range(32)), b"collimate tenant key v1" + bytes(32)
KINDS = ["file", "openbao", "kms", "kms-shared"]
OUTSIDE = KINDS[1:]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, OpenBao]]:
    """One OpenBao per region."""
    folder = tmp_path_factory.mktemp("openbao")
    running = {region: start_openbao(folder / f"{region}.log") for region in (1, 2)}
    yield running
    for server in running.values():
        server.stop()


@pytest.fixture
def services() -> Iterator[dict[int, FakeKms]]:
    """One KMS per region."""
    running = {region: FakeKms() for region in (1, 2)}
    yield running
    for service in running.values():
        service.stop()


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path, servers, services) -> Callable[[int], Master]:
    """A new adapter for the master of a region, as another process would have it."""
    kind = request.param
    prefix = f"test-{uuid4()}-"

    def make_kms(region: int) -> Master:
        services[region].keys.setdefault("shared", secrets.token_bytes(32))
        return services[region].master(*(["shared"] if kind == "kms-shared" else []))

    return {
        "file": lambda region: _file_master(tmp_path / f"keys-{region}"),
        "openbao": lambda region: servers[region].master(prefix=prefix),
    }.get(kind, make_kms)


def _file_master(directory: Path) -> FileMaster:
    directory.mkdir(mode=0o700, exist_ok=True)
    return FileMaster(directory)


@pytest.fixture
def keyrings(make: Callable[[int], Master], tmp_path: Path) -> Callable[[int], FileKeyring]:
    return lambda region: FileKeyring(tmp_path / f"keys-{region}", make(region))


every_master = pytest.mark.parametrize("make", KINDS, indirect=True)
outside_masters = pytest.mark.parametrize("make", OUTSIDE, indirect=True)


@every_master
def test_a_wrap_opens_for_its_tenant_and_context_only(make):
    make(1).prepare(TENANT_ID)
    make(1).prepare(TENANT_ID)

    wrapped = make(1).wrap(TENANT_ID, SECRET, CONTEXT)

    assert SECRET not in wrapped
    assert make(1).unwrap(TENANT_ID, wrapped, CONTEXT) == SECRET
    for tenant_id, content, context in (
        (TENANT_ID, wrapped, CONTEXT + b"x"),
        (TENANT_ID, wrapped[:-1] + bytes([wrapped[-1] ^ 1]), CONTEXT),
        (TENANT_ID, b"", CONTEXT),
        (TENANT_ID, b"\xff" * 60, CONTEXT),
    ):
        with pytest.raises(SealBroken):
            make(1).unwrap(tenant_id, content, context)


@every_master
def test_one_region_does_not_open_the_others_wraps(make):
    for region in (1, 2):
        make(region).prepare(TENANT_ID)
    wrapped = make(1).wrap(TENANT_ID, SECRET, CONTEXT)

    with pytest.raises(SealBroken):
        make(2).unwrap(TENANT_ID, wrapped, CONTEXT)


@every_master
def test_every_kind_of_key_works_in_a_keyring(make, keyrings):
    first = keyrings(1)
    first.create_tenant_key(TENANT_ID)
    data_key, key_file = first.new_data_key(TENANT_ID, OBJECT_ID)
    node_key = first.node_key(TENANT_ID)

    first.rotate_tenant_key(TENANT_ID)

    again = keyrings(1)
    assert again.open_data_key(TENANT_ID, OBJECT_ID, key_file) == data_key
    assert again.node_key(TENANT_ID) == node_key
    rewrapped = again.rewrap_data_key(TENANT_ID, OBJECT_ID, key_file)
    assert keyrings(1).open_data_key(TENANT_ID, OBJECT_ID, rewrapped) == data_key
    assert again.rewrap_data_key(TENANT_ID, OBJECT_ID, rewrapped) is None


@every_master
def test_a_wrap_swapped_for_another_of_the_same_record_is_refused(make, keyrings, tmp_path):
    keyrings(1).create_tenant_key(TENANT_ID)
    ring = keyrings(1)
    ring.rotate_tenant_key(TENANT_ID)
    _, key_file = ring.new_data_key(TENANT_ID, OBJECT_ID)
    path = tmp_path / f"keys-1/{TENANT_ID}.json"
    lines = path.read_text().splitlines()
    old, new = (number for number, line in enumerate(lines) if '"wrapped"' in line)
    lines[old], lines[new] = lines[new], lines[old]
    path.write_text("\n".join(lines))

    for victim in (ring, keyrings(1)):
        with pytest.raises(SealBroken):
            victim.open_data_key(TENANT_ID, OBJECT_ID, key_file)


@outside_masters
def test_sealing_and_opening_ask_the_master_once_a_process(make, keyrings, monkeypatch):
    keyrings(1).create_tenant_key(TENANT_ID)
    ring = keyrings(1)
    asked = []
    unwrap = type(make(1)).unwrap
    monkeypatch.setattr(type(make(1)), "unwrap", lambda *args: asked.append(1) or unwrap(*args))

    for _ in range(50):
        _, key_file = ring.new_data_key(TENANT_ID, OBJECT_ID)
        ring.open_data_key(TENANT_ID, OBJECT_ID, key_file)

    assert len(asked) == 1


@outside_masters
def test_a_destroyed_tenant_does_not_open_even_with_the_record_restored(make, keyrings, tmp_path, request):
    ring = keyrings(1)
    ring.create_tenant_key(TENANT_ID)
    _, key_file = ring.new_data_key(TENANT_ID, OBJECT_ID)
    record = tmp_path / f"keys-1/{TENANT_ID}.json"
    backup = record.read_bytes()

    ring.destroy_tenant_key(TENANT_ID)
    keyrings(1).destroy_tenant_key(TENANT_ID)

    with pytest.raises(KeyDestroyed):
        ring.open_data_key(TENANT_ID, OBJECT_ID, key_file)
    if "kms-shared" in request.node.name:
        return  # one key for all: its backups of records must follow by hand, as with master.key
    record.write_bytes(backup)
    with pytest.raises((KeyUnknown, KeyDestroyed)):
        keyrings(1).open_data_key(TENANT_ID, OBJECT_ID, key_file)
    with pytest.raises((KeyUnknown, KeyDestroyed)):
        make(1).wrap(TENANT_ID, SECRET, CONTEXT)


@pytest.mark.parametrize("make", ["kms-shared"], indirect=True)
def test_a_shared_key_survives_the_end_of_one_tenant(make, keyrings):
    neighbour = uuid4()
    for tenant_id in (TENANT_ID, neighbour):
        keyrings(1).create_tenant_key(tenant_id)

    keyrings(1).destroy_tenant_key(TENANT_ID)

    assert keyrings(1).new_data_key(neighbour, OBJECT_ID)


@pytest.mark.parametrize("make", ["openbao"], indirect=True)
def test_destroying_one_tenant_leaves_its_neighbour(make, keyrings):
    neighbour = uuid4()
    for tenant_id in (TENANT_ID, neighbour):
        keyrings(1).create_tenant_key(tenant_id)

    keyrings(1).destroy_tenant_key(TENANT_ID)

    assert keyrings(1).new_data_key(neighbour, OBJECT_ID)


@pytest.mark.parametrize("make", ["openbao", "kms"], indirect=True)
def test_a_key_lost_at_the_master_is_unknown_and_never_made_anew(make, keyrings, tmp_path):
    keyrings(1).create_tenant_key(TENANT_ID)
    make(1).destroy(TENANT_ID)

    for act in (
        lambda ring: ring.new_data_key(TENANT_ID, OBJECT_ID),
        lambda ring: ring.stage_tenant_key(TENANT_ID),
        lambda ring: ring.node_key(TENANT_ID),
    ):
        with pytest.raises((KeyUnknown, KeyDestroyed)):
            act(keyrings(1))


@every_master
def test_a_record_of_another_kind_of_master_is_reported_and_not_touched(make, keyrings, tmp_path):
    keyrings(1).create_tenant_key(TENANT_ID)
    record = tmp_path / f"keys-1/{TENANT_ID}.json"
    before = record.read_bytes()
    stranger = make(1)
    stranger.name = "another"

    with pytest.raises(MasterKeyMissing):
        FileKeyring(tmp_path / "keys-1", stranger).create_tenant_key(TENANT_ID)
    assert record.read_bytes() == before


# --- Loss of a region's master ---------------------------------------------------------------------------------


def test_region_2_opens_everything_after_region_1s_openbao_is_gone(tmp_path, servers):
    doomed = start_openbao(tmp_path / "doomed.log")
    first = FileKeyring(tmp_path / "keys-1", doomed.master())
    second = FileKeyring(tmp_path / "keys-2", servers[2].master(prefix=f"test-{uuid4()}-"))
    first.create_tenant_key(TENANT_ID)
    old_key, old_file = first.new_data_key(TENANT_ID, OBJECT_ID)
    first.rotate_tenant_key(TENANT_ID)
    new_key, new_file = first.new_data_key(TENANT_ID, OBJECT_ID)
    second.adopt_tenant_key(TENANT_ID, first)

    doomed.stop()

    fresh = FileKeyring(tmp_path / "keys-2", second._master)
    assert fresh.open_data_key(TENANT_ID, OBJECT_ID, old_file) == old_key
    assert fresh.open_data_key(TENANT_ID, OBJECT_ID, new_file) == new_key
    assert fresh.new_data_key(TENANT_ID, OBJECT_ID)
    # A process that has the keys open goes on; a new one says that it cannot.
    assert first.open_data_key(TENANT_ID, OBJECT_ID, new_file) == new_key
    with pytest.raises(MasterUnavailable):
        FileKeyring(tmp_path / "keys-1", doomed.master()).open_data_key(TENANT_ID, OBJECT_ID, new_file)
    assert FileKeyring(tmp_path / "keys-1", doomed.master()).list_tenant_keys(TENANT_ID)


def test_a_destruction_while_openbao_is_away_is_done_here_and_finished_later(tmp_path, servers, monkeypatch):
    prefix = f"test-{uuid4()}-"
    master = servers[1].master(prefix=prefix)
    ring = FileKeyring(tmp_path / "keys", master)
    ring.create_tenant_key(TENANT_ID)
    monkeypatch.setattr(master, "_url", "http://127.0.0.1:1")

    with pytest.raises(MasterUnavailable):
        ring.destroy_tenant_key(TENANT_ID)

    assert ring.is_destroyed(TENANT_ID)
    monkeypatch.undo()
    assert _has_transit_key(servers[1], prefix)
    ring.destroy_tenant_key(TENANT_ID)
    assert not _has_transit_key(servers[1], prefix)


def _has_transit_key(server: OpenBao, prefix: str) -> bool:
    listed = server.client().secrets.transit.list_keys()["data"]["keys"]
    return f"{prefix}{TENANT_ID}" in listed


def test_a_transit_key_cannot_be_exported(servers):
    prefix = f"test-{uuid4()}-"
    servers[1].master(prefix=prefix).prepare(TENANT_ID)

    key = servers[1].client().secrets.transit.read_key(f"{prefix}{TENANT_ID}")["data"]

    assert (key["exportable"], key["allow_plaintext_backup"], key["type"]) == (False, False, "aes256-gcm96")


def test_a_sealed_openbao_or_a_wrong_token_is_an_outage(tmp_path):
    server = start_openbao(tmp_path / "log")
    server.master().prepare(TENANT_ID)

    with pytest.raises(MasterUnavailable, match="Forbidden"):
        server.master(token="not-the-token").wrap(TENANT_ID, SECRET, CONTEXT)
    server.client().sys.seal()
    with pytest.raises(MasterUnavailable, match="VaultDown"):
        server.master().wrap(TENANT_ID, SECRET, CONTEXT)
    server.stop()
    with pytest.raises(MasterUnavailable, match="ConnectionError"):
        server.master().unwrap(TENANT_ID, b"vault:v1:", CONTEXT)


def test_the_token_is_read_anew_from_its_file(tmp_path, servers):
    token_file = tmp_path / "token"
    token_file.write_text("expired\n")
    master = servers[1].master(token="", token_file=str(token_file))
    with pytest.raises(MasterUnavailable):
        master.prepare(TENANT_ID)

    token_file.write_text(f"{servers[2].client().token}\n")

    master.prepare(TENANT_ID)


def test_a_least_privileged_token_suffices_and_cannot_make_a_destroyed_key_anew(servers):
    prefix = f"test-{uuid4()}-"
    policy = "\n".join(
        f'path "transit/{path}/{prefix}*" {{ capabilities = [{rights}] }}'
        for path, rights in (
            ("encrypt", '"update"'), ("decrypt", '"update"'), ("keys", '"create", "read", "update", "delete"'),
        )
    )  # fmt: skip
    root = servers[1].client()
    root.sys.create_or_update_policy("collimate", policy)
    token = root.auth.token.create(policies=["collimate"], no_parent=True)["auth"]["client_token"]
    master = servers[1].master(prefix=prefix, token=token)

    master.prepare(TENANT_ID)
    wrapped = master.wrap(TENANT_ID, SECRET, CONTEXT)
    assert master.unwrap(TENANT_ID, wrapped, CONTEXT) == SECRET
    master.destroy(TENANT_ID)
    master.destroy(TENANT_ID)

    with pytest.raises(KeyUnknown):
        master.wrap(TENANT_ID, SECRET, CONTEXT)


# --- KMS -------------------------------------------------------------------------------------------------------


def test_region_2_opens_everything_after_region_1s_kms_is_gone(tmp_path, services):
    rings = {region: FileKeyring(tmp_path / str(region), services[region].master()) for region in (1, 2)}
    rings[1].create_tenant_key(TENANT_ID)
    data_key, key_file = rings[1].new_data_key(TENANT_ID, OBJECT_ID)
    rings[2].adopt_tenant_key(TENANT_ID, rings[1])

    services[1].failing = "KMSInternalException"

    fresh = FileKeyring(tmp_path / "2", services[2].master())
    assert fresh.open_data_key(TENANT_ID, OBJECT_ID, key_file) == data_key
    with pytest.raises(MasterUnavailable):
        FileKeyring(tmp_path / "1", services[1].master()).open_data_key(TENANT_ID, OBJECT_ID, key_file)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDeniedException", MasterUnavailable),
        ("ThrottlingException", MasterUnavailable),
        ("DisabledException", MasterUnavailable),
        ("NotFoundException", KeyUnknown),
        ("KMSInvalidStateException", KeyDestroyed),
        ("IncorrectKeyException", SealBroken),
    ],
)
def test_errors_of_kms_are_ours(services, code, expected):
    services[1].failing = code

    with pytest.raises(expected):
        services[1].master().unwrap(TENANT_ID, b"x", CONTEXT)


def test_a_kms_that_does_not_answer_is_an_outage(services):
    client = services[1].client()
    services[1].stop()
    services[1] = FakeKms()

    with pytest.raises(MasterUnavailable):
        KmsMaster(client, "alias/x").wrap(TENANT_ID, SECRET, CONTEXT)


# --- Settings --------------------------------------------------------------------------------------------------


def test_settings_name_the_master(tmp_path):
    bao = {"kind": "openbao", "url": "http://127.0.0.1:1", "token": "x", "timeout_s": "2"}

    assert isinstance(make_master(tmp_path, {}), FileMaster)
    assert isinstance(make_master(tmp_path, {"kind": "file"}), FileMaster)
    assert isinstance(make_master(tmp_path, bao), OpenBaoMaster)
    assert isinstance(make_master(tmp_path, {"kind": "kms", "key": "alias/x", "region": "us-east-1"}), KmsMaster)
    with pytest.raises(ValueError, match="no master"):
        make_master(tmp_path, {"kind": "paper"})
    with pytest.raises(TypeError):
        make_master(tmp_path, bao | {"ulr": "x"})
