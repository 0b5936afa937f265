"""The DICOM door: who gets in, into which practice, and that what is acknowledged is there, byte for byte."""

import socket
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from audit.actions import Action
from audit.actor import ActorKind
from imaging.adapters.vault import Batch, VaultUnavailable
from imaging.models import ApplicationEntity, Instance
from imaging.services.devices import revoke_device
from imaging.services.door_trust import announce_change
from tenants.baas.models import Agreement
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom import hostile
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.doors import (
    CT,
    EXPLICIT,
    VERIFICATION,
    DoorSite,
    data_set_of,
    door,  # noqa: F401  fixture
    door_files,  # noqa: F401  fixture
    key_of,
    send,
    send_raw,
)
from tests.imaging.incoming import in_vault, instance, read_back

CALLED, CALLING = 7, 3


def uids(tenant: Tenant) -> set[str]:
    with tenant_scope(tenant.id):
        return set(Instance.objects.values_list("sop_instance_uid", flat=True))


def refusal(site: DoorSite, sender: object, called: str) -> tuple[int, int, int] | None:
    """(result, source, reason) of an A-ASSOCIATE-RJ."""
    with site.association(sender, called) as association:
        if not association.is_rejected:
            return None
        answer = association.acceptor.primitive
        return answer.result, answer.result_source, answer.diagnostic


def reasons(site: DoorSite, tenant: Tenant) -> list[str]:
    return [event.details["reason"] for event in site.events(tenant, Action.ASSOCIATION_REFUSED)]


def test_storescu_stores_into_the_practice_that_is_called_byte_for_byte(door: DoorSite, tmp_path: object) -> None:
    sender = door.known_sender(door.northside, "ct")
    path = tmp_path / "ct.dcm"
    path.write_bytes(instance(1))

    done = door.dcmtk("storescu", sender, "NORTHSIDE", "-v", str(path))

    assert done.returncode == 0, done.stderr
    [uid] = uids(door.northside)
    assert uids(door.southside) == set()
    stored = read_back(door.northside, uid)
    assert data_set_of(stored) == data_set_of(path.read_bytes())
    assert b"\2\0\x16\0AE\4\0CT1 " in stored[:400]
    [event] = door.events(door.northside, Action.INSTANCES_RECEIVED)
    with tenant_scope(door.northside.id):
        device = ApplicationEntity.objects.get()
    assert (event.actor_kind, event.actor_id, event.actor_label) == (ActorKind.DEVICE, str(device.id), "ct")
    assert event.user_agent.startswith("DICOM OFFIS_DCMTK")
    assert device.last_seen_at


def test_echoscu_is_answered(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    assert door.dcmtk("echoscu", sender, "NORTHSIDE").returncode == 0


def test_two_practices_send_at_once_and_each_keeps_its_own(door: DoorSite) -> None:
    north = door.known_sender(door.northside, "ct")
    south = door.known_sender(door.southside, "mr", "MR1")
    with door.association(north, "NORTHSIDE") as one, door.association(south, "SOUTHSIDE") as other:
        for number in range(1, 4):
            assert send(one, instance(number, PatientName="North")) == 0
            assert send(other, instance(number, PatientName="South")) == 0

    assert uids(door.northside) == uids(door.southside) == {f"{ROOT}.1.1.{number}" for number in (1, 2, 3)}
    assert b"North" in read_back(door.northside, f"{ROOT}.1.1.1")
    assert b"South" in read_back(door.southside, f"{ROOT}.1.1.1")


def test_a_strange_certificate_gets_no_association(door: DoorSite) -> None:
    door.known_sender(door.northside, "ct")
    stranger = door.sender("stranger")

    with door.association(stranger, "NORTHSIDE") as association:
        assert not association.is_established
    assert door.dcmtk("echoscu", stranger, "NORTHSIDE").returncode != 0


def test_another_practices_device_is_told_there_is_no_such_practice_and_it_is_in_the_trail(door: DoorSite) -> None:
    south = door.known_sender(door.southside, "mr")

    assert refusal(door, south, "NORTHSIDE") == refusal(door, south, "NOBODY") == (1, 1, CALLED)
    assert reasons(door, door.northside) == ["CERTIFICATE_UNKNOWN"]
    assert reasons(door, door.southside) == []
    assert door.dcmtk("echoscu", south, "NORTHSIDE").returncode != 0


def test_a_device_under_another_name_is_refused_and_in_the_trail(door: DoorSite) -> None:
    door.known_sender(door.northside, "ct")
    renamed = door.sender("ct", "IMPOSTOR")

    assert refusal(door, renamed, "NORTHSIDE") == (1, 1, CALLING)
    [event] = door.events(door.northside, Action.ASSOCIATION_REFUSED)
    assert event.details["reason"] == "AE_TITLE_DIFFERS"
    assert "IMPOSTOR" not in str(event.content())
    assert event.address == "127.0.0.1"


def test_a_revoked_device_is_refused_on_its_open_association_and_on_the_next(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    with door.association(sender, "NORTHSIDE") as association:
        assert send(association, instance(1)) == 0
        with tenant_scope(door.northside.id):
            device = ApplicationEntity.objects.get()
            revoke_device(actor(door.owners["northside"]), device.id, timezone.now())
        assert send(association, instance(2)) == 0x0124

    assert refusal(door, sender, "NORTHSIDE") == (1, 1, CALLING)
    assert uids(door.northside) == {f"{ROOT}.1.1.1"}
    assert reasons(door, door.northside) == ["NO_LONGER_TRUSTED", "REVOKED"]


def test_an_expired_certificate_is_refused_and_in_the_trail(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    with tenant_scope(door.northside.id):
        ApplicationEntity.objects.update(expires_at=timezone.now() - timedelta(hours=1))

    assert refusal(door, sender, "NORTHSIDE") == (1, 1, CALLING)
    assert reasons(door, door.northside) == ["EXPIRED"]


def test_a_certificate_that_ended_still_gets_as_far_as_being_refused(door: DoorSite) -> None:
    sender = door.sender("old", days=-2 * 365 - 1)
    with tenant_scope(door.northside.id):
        issued = key_of("old", -2 * 365 - 1)
        ApplicationEntity.objects.create(
            name="old", ae_title="CT1", certificate=issued.certificate.pem,
            fingerprint=issued.certificate.fingerprint, expires_at=issued.certificate.expires_at,
            created_by=door.owners["northside"], created_at=timezone.now(),
        )  # fmt: skip
    announce_change()

    assert refusal(door, sender, "NORTHSIDE") == (1, 1, CALLING)
    assert reasons(door, door.northside) == ["EXPIRED"]


def test_without_an_agreement_in_force_nothing_gets_in(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    with door.association(sender, "NORTHSIDE") as association:
        Agreement.objects.filter(tenant=door.northside).delete()
        assert send(association, instance(1)) == 0x0124

    assert refusal(door, sender, "NORTHSIDE") == (1, 1, 1)
    assert uids(door.northside) == set()
    assert len(door.events(door.northside, Action.GATE_REFUSED)) == 2


def test_while_the_database_is_away_a_device_is_told_to_come_again(
    door: DoorSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object) -> None:
        raise OperationalError("a secret address")

    sender = door.known_sender(door.northside, "ct")
    with monkeypatch.context() as patched:
        patched.setattr("imaging.services.door.find_called_tenant", away)
        assert refusal(door, sender, "NORTHSIDE") == (2, 3, 1)
    assert refusal(door, sender, "NORTHSIDE") is None


def test_plain_tcp_is_turned_away(door: DoorSite) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as plain:
        plain.sendall(bytes((1, 0, 0, 0, 0, 68)) + bytes(68))
        with suppress(ConnectionResetError):
            assert plain.recv(1) in (b"", b"\x15")  # nothing, or a TLS alert
    assert uids(door.northside) == set()


def test_a_device_added_while_the_door_is_open_gets_in(door: DoorSite) -> None:
    sender = door.sender("late", "LATE1")
    with door.association(sender, "NORTHSIDE") as association:
        assert not association.is_established
    door.known_sender(door.northside, "late", "LATE1")

    with door.association(sender, "NORTHSIDE") as association:
        assert send(association, instance(1)) == 0


def test_what_is_sent_again_is_a_success_and_what_differs_a_conflict(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    with door.association(sender, "NORTHSIDE") as association:
        statuses = [send(association, each) for each in (instance(1), instance(1), instance(1, PatientID="x"))]
    assert statuses == [0, 0, 0x0111]


@pytest.mark.parametrize(("make", "status"), [
    (hostile.duplicate_uid, 0xC000), (lambda: hostile.nested(200), 0xC000), (hostile.lying_length, 0xC000),
])  # fmt: skip
def test_what_the_gate_refuses_is_a_failure_and_costs_its_neighbours_nothing(
    make: object, status: int, door: DoorSite
) -> None:
    sender = door.known_sender(door.northside, "ct")
    bad = make()
    data_set = bad[bad.index(b"\x08\0", 140) :]
    with door.association(sender, "NORTHSIDE") as association:
        statuses = [
            send(association, instance(1)), send_raw(association, CT, f"{ROOT}.9", data_set),
            send(association, instance(2)),
        ]  # fmt: skip
    assert statuses[0] == statuses[2] == 0
    assert statuses[1] & 0xF000 == status & 0xF000
    assert len(uids(door.northside)) == 2


def test_a_command_that_names_another_instance_is_refused(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    with door.association(sender, "NORTHSIDE") as association:
        status = send_raw(association, CT, "1.2.3.4", data_set_of(instance(1)))
    assert status & 0xF000 in (0xA000, 0xC000)
    assert uids(door.northside) == set()


def test_finding_moving_and_getting_are_not_offered(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    asked = ["1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.5.1.4.1.2.2.3"]
    contexts = [(uid, EXPLICIT) for uid in asked]
    with door.association(sender, "NORTHSIDE", *contexts, (VERIFICATION, EXPLICIT)) as association:
        assert [context.abstract_syntax for context in association.accepted_contexts] == [VERIFICATION]


def test_the_eleventh_association_of_a_device_is_refused_for_now_and_a_place_comes_back(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    opened = [door.association(sender, "NORTHSIDE") for _ in range(10)]
    for each in opened:
        assert each.__enter__().is_established
    try:
        assert refusal(door, sender, "NORTHSIDE") == (2, 3, 2)
    finally:
        for each in opened:
            each.__exit__(None, None, None)

    with door.association(sender, "NORTHSIDE") as association:
        assert association.is_established


def test_a_vault_that_is_away_is_out_of_resources(door: DoorSite, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(batch: Batch) -> None:
        raise VaultUnavailable("away")

    sender = door.known_sender(door.northside, "ct")
    with door.association(sender, "NORTHSIDE") as association:
        with monkeypatch.context() as patched:
            patched.setattr(Batch, "publish", away)
            assert send(association, instance(1)) == 0xA700
        assert send(association, instance(1)) == 0
    with tenant_scope(door.northside.id):
        assert in_vault(Instance.objects.get())
