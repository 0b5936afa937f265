"""One association, from its request to its end (PS3.8 §7): echo, store, commit.

pynetdicom reads and negotiates the request. What follows is our own: its associations take a whole data set into
memory, or into a file in the clear, before anybody sees it, and read on while the last one is still being stored. Here
the data set streams to whoever stores it, at the pace it is stored at.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from imaging.adapters.dicom_commitment import (
    MOST_REQUEST_BYTES,
    REQUEST_STORAGE_COMMITMENT,
    Reference,
    RequestUnreadable,
    read_commitment_request,
    write_commitment_report,
)
from imaging.adapters.dicom_messages import (
    MOST_COMMAND_BYTES,
    Answer,
    Field,
    Request,
    Status,
    read_request,
    write_event_report,
    write_response,
)
from imaging.adapters.dicom_negotiation import (
    STORAGE_COMMITMENT,
    STORAGE_COMMITMENT_INSTANCE,
    VERIFICATION,
    Accepted,
    Rejected,
    accept,
    read_proposal,
)
from imaging.adapters.dicom_upper_layer import (
    MOST_REQUEST_BYTES as MOST_PROPOSAL_BYTES,
)
from imaging.adapters.dicom_upper_layer import (
    PDU_SECONDS,
    AbortReason,
    AssociationEnded,
    PeerReleased,
    PeerSilent,
    ProtocolViolated,
    UpperLayer,
)

REQUEST_SECONDS = 15.0  # ARTIM: from the handshake to the whole request (PS3.8 §9.1.5)
IDLE_SECONDS = 300.0  # between two messages: a scanner may keep an association for a whole acquisition
GRACE_SECONDS = 60.0
SLOWEST_BYTES_PER_SECOND = 4096  # of a data set, once the grace is over
_CHUNK_BYTES = 64 << 10


@dataclass(frozen=True)
class Requester:
    """Who asks for an association. `certificate` is DER, and the peer has proved that it holds the key."""

    called_ae_title: str
    calling_ae_title: str
    certificate: bytes
    address: str
    implementation: str


@dataclass(frozen=True)
class IncomingInstance:
    """An instance as it arrives. `chunks` can be read once, and raise `AssociationEnded` where the rest never came."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    chunks: Iterator[bytes]  # the data set, as the device encoded it


class Session(Protocol):
    """What one association does with what comes."""

    def verify(self) -> Answer:
        """Answer a C-ECHO."""

    def store(self, incoming: IncomingInstance) -> Answer:
        """Keep an instance, and say what became of it. Lets `AssociationEnded` through."""

    def find_uncommitted(self, references: Sequence[Reference]) -> Mapping[Reference, int] | Answer:
        """Which of the instances are not safe here, each with its Failure Reason; an answer if nothing is told."""

    def close(self) -> None:
        """The association is over."""


class Application(Protocol):
    """Who may associate."""

    def associate(self, requester: Requester) -> Session:
        """A session, or `Rejected`."""


class Association:
    """Serves one peer until it leaves."""

    def __init__(self, layer: UpperLayer, application: Application, transfer_syntaxes: Collection[str]) -> None:
        self._layer = layer
        self._application = application
        self._transfer_syntaxes = transfer_syntaxes
        self._accepted: dict[int, Accepted] = {}
        self._reports = 0

    def run(self, certificate: bytes, address: str) -> None:
        """Negotiate and serve; raises `AssociationEnded`, having said so to the peer."""
        try:
            session = self._negotiate(certificate, address)
            try:
                while True:
                    self._serve(session)
            finally:
                session.close()
        except Rejected as rejected:
            self._layer.send(rejected.encode())
        except PeerReleased:
            self._layer.release()
        except ProtocolViolated as violation:
            self._layer.abort(violation.reason)
            raise
        except PeerSilent:
            self._layer.abort(AbortReason.NOT_SPECIFIED)
            raise

    def _negotiate(self, certificate: bytes, address: str) -> Session:
        kind, body = self._layer.read_pdu(REQUEST_SECONDS, MOST_PROPOSAL_BYTES)
        proposal = read_proposal(kind, bytes(body))
        session = self._application.associate(
            Requester(
                proposal.called_ae_title, proposal.calling_ae_title, certificate, address, proposal.implementation
            )
        )
        try:
            answer, self._accepted = accept(proposal, self._transfer_syntaxes)
            self._layer.most_sent_bytes = proposal.most_bytes
            self._layer.send(answer)
        except BaseException:
            session.close()
            raise
        return session

    def _serve(self, session: Session) -> None:
        """One message of the peer."""
        request = self._read_request()
        context = self._accepted.get(request.context_id)
        if context is None:
            raise ProtocolViolated(AbortReason.INVALID_PARAMETER)
        if request.field == Field.STORE_RQ and context.is_storage and request.has_data_set:
            self._store(session, request, context)
        elif request.field == Field.ECHO_RQ and context.abstract_syntax == VERIFICATION:
            self._respond(request, session.verify())
        elif request.field == Field.ACTION_RQ and context.abstract_syntax == STORAGE_COMMITMENT:
            self._commit(session, request, context)
        elif request.field not in (Field.CANCEL_RQ, Field.EVENT_REPORT_RSP):  # of these two, nothing follows
            raise ProtocolViolated(AbortReason.UNEXPECTED_PDU)

    def _read_request(self) -> Request:
        fragment = self._layer.next_fragment(IDLE_SECONDS)
        context_id, content = fragment.context_id, bytearray()
        while True:
            if not fragment.is_command or fragment.context_id != context_id:
                raise ProtocolViolated(AbortReason.UNEXPECTED_PDU)
            content += fragment.content
            if len(content) > MOST_COMMAND_BYTES:
                raise ProtocolViolated(AbortReason.INVALID_PARAMETER)
            if fragment.is_last:
                return read_request(context_id, bytes(content))
            fragment = self._layer.next_fragment(PDU_SECONDS)

    def _store(self, session: Session, request: Request, context: Accepted) -> None:
        chunks = self._data_set(request.context_id)
        incoming = IncomingInstance(request.sop_class_uid, request.sop_instance_uid, context.transfer_syntax, chunks)
        answer = session.store(incoming)
        for _ in chunks:  # what nobody wanted
            pass
        self._respond(request, answer)

    def _commit(self, session: Session, request: Request, context: Accepted) -> None:
        content = self._small_data_set(request) if request.has_data_set else b""
        if request.action_type != REQUEST_STORAGE_COMMITMENT:
            return self._respond(request, Answer(Status.NO_SUCH_ACTION))
        if request.sop_instance_uid != STORAGE_COMMITMENT_INSTANCE:
            return self._respond(request, Answer(Status.NO_SUCH_INSTANCE))
        try:
            wanted = read_commitment_request(content, context.transfer_syntax)
        except RequestUnreadable:
            return self._respond(request, Answer(Status.INVALID_ARGUMENT))
        uncommitted = session.find_uncommitted(wanted.references)
        if isinstance(uncommitted, Answer):
            return self._respond(request, uncommitted)
        self._respond(request, Answer(Status.SUCCESS))
        event, report = write_commitment_report(wanted, uncommitted, context.transfer_syntax)
        self._reports = self._reports % 0xFFFF + 1
        command = write_event_report(self._reports, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, event)
        return self._layer.send_message(request.context_id, command, report)

    def _respond(self, request: Request, answer: Answer) -> None:
        self._layer.send_message(request.context_id, write_response(request, answer))
        if answer.ends:
            self._layer.abort(AbortReason.NOT_SPECIFIED)
            raise AssociationEnded(f"status {answer.status:04x}")

    def _small_data_set(self, request: Request) -> bytes:
        content = bytearray()
        for chunk in self._data_set(request.context_id):
            content += chunk
            if len(content) > MOST_REQUEST_BYTES:
                raise ProtocolViolated(AbortReason.INVALID_PARAMETER)
        return bytes(content)

    def _data_set(self, context_id: int) -> Iterator[bytes]:
        """The data set in pieces of some size, however small the fragments are."""
        pieces, size, is_last = bytearray(), 0, False
        began = time.monotonic()
        while not is_last:
            fragment = self._layer.next_fragment(PDU_SECONDS)
            if fragment.is_command or fragment.context_id != context_id:
                raise ProtocolViolated(AbortReason.UNEXPECTED_PDU)
            is_last, size = fragment.is_last, size + len(fragment.content)
            if time.monotonic() > began + GRACE_SECONDS + size / SLOWEST_BYTES_PER_SECOND:
                raise PeerSilent
            pieces += fragment.content
            if len(pieces) >= _CHUNK_BYTES:
                yield bytes(pieces)
                pieces.clear()
        if pieces:
            yield bytes(pieces)
