"""What hostile peers send to the door, before TLS and after it: the listener stays, and needs little memory."""

import random
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Mapping, Sequence
from contextlib import suppress

import pytest
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import build_context

from imaging.adapters import dicom_association, dicom_scp, dicom_upper_layer
from imaging.adapters.dicom_association import Association, IncomingInstance, Requester
from imaging.adapters.dicom_commitment import Reference
from imaging.adapters.dicom_messages import Answer, Request, write_response
from imaging.adapters.dicom_upper_layer import AssociationEnded, UpperLayer
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.doors import (
    COMMITMENT,
    CT,
    EXPLICIT,
    VERIFICATION,
    DoorSite,
    Sender,
    data_set_of,
    door,  # noqa: F401  fixture
    door_files,  # noqa: F401  fixture
    send,
)
from tests.imaging.incoming import instance

INPUTS = 2000
THROUGH_TLS = 40
ABORT = 7


class FakeSession:
    """Swallows what comes, and counts."""

    def __init__(self) -> None:
        self.stored: list[int] = []
        self.closed = 0

    def verify(self) -> Answer:
        return Answer(0)

    def store(self, incoming: IncomingInstance) -> Answer:
        self.stored.append(sum(len(chunk) for chunk in incoming.chunks))
        return Answer(0)

    def find_uncommitted(self, references: Sequence[Reference]) -> Mapping[Reference, int]:
        return {}

    def close(self) -> None:
        self.closed += 1


class FakeApplication:
    def __init__(self) -> None:
        self.sessions: list[FakeSession] = []

    def associate(self, requester: Requester) -> FakeSession:
        self.sessions.append(FakeSession())
        return self.sessions[-1]


def proposal() -> bytes:
    """A sound A-ASSOCIATE-RQ: context 1 is CT, 3 is Verification, 5 is Storage Commitment."""
    length, uid = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received, uid.implementation_class_uid = 16384, "1.2.3"
    request = A_ASSOCIATE()
    request.application_context_name = "1.2.840.10008.3.1.1.1"
    request.calling_ae_title, request.called_ae_title = "CT1", "NORTHSIDE"
    request.user_information = [length, uid]
    contexts = [build_context(each, EXPLICIT) for each in (CT, VERIFICATION, COMMITMENT)]
    for number, context in enumerate(contexts):
        context.context_id = 2 * number + 1
    request.presentation_context_definition_list = contexts
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(request)
    return pdu.encode()


def data(*fragments: tuple[int, int, bytes]) -> bytes:
    """A P-DATA-TF of (context id, message control header, content)."""
    pieces = (struct.pack(">IBB", len(piece) + 2, context, header) + piece for context, header, piece in fragments)
    body = b"".join(pieces)
    return struct.pack(">BBI", 4, 0, len(body)) + body


def store_command() -> bytes:
    command = write_response(Request(1, 0x0001, 1, True, CT, f"{ROOT}.1", 0), Answer(0))
    request = command.replace(b"\0\0\0\1\2\0\0\0\1\x80", b"\0\0\0\1\2\0\0\0\1\0")
    return request.replace(b"\0\0\0\x08\2\0\0\0\1\1", b"\0\0\0\x08\2\0\0\0\0\0")


SOUND = data((1, 3, store_command())) + data((1, 0, b"x" * 500)) + data((1, 2, b"y" * 500))
RELEASE = bytes((5, 0, 0, 0, 0, 4, 0, 0, 0, 0))


def hostile_inputs(dice: random.Random) -> bytes:
    """Anything: noise, lies about lengths, sound PDUs with bytes changed, left out, repeated or cut."""
    rq, kind = proposal(), dice.randrange(10)
    if kind == 0:
        return dice.randbytes(dice.randrange(300))
    if kind == 1:
        return struct.pack(">BBI", dice.randrange(256), 0, dice.choice([0xFFFFFFFF, 1 << 31, 0, 1, 7])) + bytes(40)
    if kind == 2:
        return changed(rq, dice)
    if kind == 3:
        return rq + struct.pack(">BBI", 4, 0, 0xFFFFFFFF) + bytes(100)
    if kind == 4:
        return rq + data((dice.randrange(256), dice.randrange(256), dice.randbytes(dice.randrange(200))))
    if kind == 5:
        return rq + SOUND[: dice.randrange(len(SOUND))]
    if kind == 6:
        body = struct.pack(">I", dice.choice([0, 1, 0xFFFFFFFF, 1 << 20])) + dice.randbytes(30)
        return rq + struct.pack(">BBI", 4, 0, len(body)) + body
    if kind == 7:
        return rq + dice.choice([rq, RELEASE, SOUND]) * dice.randrange(1, 4)
    if kind == 8:
        return rq + data((5, 3, changed(store_command(), dice))) + data((5, 2, dice.randbytes(100)))
    return rq + changed(SOUND, dice)


def changed(content: bytes, dice: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(found))
        found[at : at + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
    return bytes(found)


def converse(sent: bytes, application: FakeApplication) -> bytes:
    """What an association answers to all that, without TLS around it; the peer is gone afterwards."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        theirs.shutdown(socket.SHUT_WR)
        with suppress(AssociationEnded):
            Association(UpperLayer(ours), application, [EXPLICIT]).run(b"", "127.0.0.1")
        ours.close()
        answer = bytearray()
        with suppress(ConnectionResetError):
            while piece := theirs.recv(1 << 16):
                answer += piece
        return bytes(answer)


def test_sound_messages_get_through_the_same_way() -> None:
    application = FakeApplication()
    answer = converse(proposal() + SOUND + SOUND + RELEASE, application)

    [session] = application.sessions
    assert (session.stored, session.closed) == ([1000, 1000], 1)
    assert answer[0] == 2
    assert answer.endswith(bytes((6, 0, 0, 0, 0, 4, 0, 0, 0, 0)))


def test_two_thousand_malformed_conversations_end_without_a_crash_and_every_session_is_closed() -> None:
    dice, application = random.Random(4), FakeApplication()
    for _ in range(INPUTS):
        converse(hostile_inputs(dice), application)

    assert len(application.sessions) > INPUTS // 3
    assert all(session.closed == 1 for session in application.sessions)
    assert sum(len(session.stored) for session in application.sessions) > 10


@pytest.mark.parametrize("sent", [
    struct.pack(">BBI", 1, 0, 0xFFFFFFFF), proposal() + struct.pack(">BBI", 4, 0, 0xFFFFFFFF),
    proposal() + data((1, 1, bytes(1 << 16))), proposal() + struct.pack(">BBI", 4, 0, (128 << 10) + 1),
], ids=["request", "data", "command", "just too long"])  # fmt: skip
def test_a_lie_about_a_length_takes_no_memory_and_is_answered_by_an_abort(sent: bytes) -> None:
    tracemalloc.start()
    answer = converse(sent, FakeApplication())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 8 << 20
    assert answer[-10] == ABORT


def test_an_instance_of_many_megabytes_in_tiny_fragments_is_never_held_whole() -> None:
    tiny = data(*[(1, 0, b"z" * 64)] * 1500)
    sent, application = proposal() + data((1, 3, store_command())), FakeApplication()
    ours, theirs = socket.socketpair()

    def peer() -> None:
        with suppress(OSError):
            theirs.sendall(sent)
            for _ in range(30):
                theirs.sendall(tiny)
            theirs.sendall(data((1, 2, b"")))
            theirs.shutdown(socket.SHUT_WR)

    threading.Thread(target=peer, daemon=True).start()
    tracemalloc.start()
    with ours, theirs, suppress(AssociationEnded):
        Association(UpperLayer(ours), application, [EXPLICIT]).run(b"", "127.0.0.1")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert application.sessions[0].stored == [30 * 1500 * 64]
    assert most < 2 << 20


def test_a_peer_that_trickles_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_upper_layer, "PDU_SECONDS", 0.3)
    ours, theirs = socket.socketpair()
    theirs.sendall(proposal()[:20])

    def trickle() -> None:
        with suppress(OSError):
            for _ in range(100):
                theirs.sendall(b"\0")
                time.sleep(0.05)

    threading.Thread(target=trickle, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(dicom_upper_layer.PeerSilent):
        Association(UpperLayer(ours), FakeApplication(), [EXPLICIT]).run(b"", "127.0.0.1")
    assert time.monotonic() - began < 2
    ours.close()
    theirs.close()


def test_a_data_set_that_comes_too_slowly_for_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_association, "GRACE_SECONDS", -1.0)
    application = FakeApplication()
    answer = converse(proposal() + SOUND, application)

    assert answer[-10] == ABORT
    assert application.sessions[0].closed == 1


def test_garbage_before_tls_and_hostile_peers_after_it_leave_the_door_open(door: DoorSite) -> None:
    sender, dice = door.known_sender(door.northside, "ct"), random.Random(7)
    for _ in range(THROUGH_TLS):
        talk_plainly(door, dice.randbytes(dice.randrange(400)))
        talk_securely(door, sender, hostile_inputs(dice))

    with door.association(sender, "NORTHSIDE") as association:
        assert send(association, instance(1)) == 0


def test_connections_that_say_nothing_let_others_in(door: DoorSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_scp, "HANDSHAKE_SECONDS", 4.0)
    sender = door.known_sender(door.northside, "ct")
    silent = [socket.create_connection(("127.0.0.1", door.port)) for _ in range(40)]
    time.sleep(0.2)
    held = sum(1 for each in silent if is_open(each))
    assert 0 < held <= 12
    time.sleep(4.5)

    with door.association(sender, "NORTHSIDE") as association:
        assert association.is_established
    for each in silent:
        each.close()


def test_a_sender_that_breaks_off_leaves_nothing_and_comes_again(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    whole = data_set_of(instance(1))
    talk_securely(door, sender, proposal() + data((1, 3, store_command())) + data((1, 0, whole[:300])))

    with door.association(sender, "NORTHSIDE") as association:
        assert send(association, instance(1)) == 0


def talk_plainly(site: DoorSite, content: bytes) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as plain, suppress(OSError):
        plain.sendall(content)
        plain.shutdown(socket.SHUT_WR)
        plain.recv(100)


def talk_securely(site: DoorSite, sender: Sender, content: bytes) -> None:
    plain = socket.create_connection(("127.0.0.1", site.port), timeout=10)
    with suppress(OSError), plain, sender.context().wrap_socket(plain) as secured:
        secured.sendall(content)
        secured.settimeout(0.05)
        secured.recv(1 << 16)


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False
