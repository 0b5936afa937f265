"""PDUs over one connection (PS3.8 §9.3): every length is judged before memory is given, and every wait has an end."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

MOST_PDU_BYTES = 128 << 10  # what we announce, and hold senders to (PS3.8 Annex D.1)
MOST_REQUEST_BYTES = 512 << 10  # 128 presentation contexts with every transfer syntax are 350 KB
PDU_SECONDS = 30.0  # a PDU that has begun must have come whole by then
LINGER_SECONDS = 3.0
_HEAD_BYTES = 6
_FRAGMENT_HEAD_BYTES = 6  # PS3.8 §9.3.5.1: length, context id, message control header
_DEFAULT_FRAGMENT_BYTES = 16 << 10


class Kind(IntEnum):
    """PDU types (PS3.8 §9.3)."""

    ASSOCIATE_RQ = 1
    ASSOCIATE_AC = 2
    ASSOCIATE_RJ = 3
    DATA = 4
    RELEASE_RQ = 5
    RELEASE_RP = 6
    ABORT = 7


_KINDS = frozenset(Kind)


class AbortReason(IntEnum):
    """Reasons of an A-ABORT of the service provider (PS3.8 Table 9-26)."""

    NOT_SPECIFIED = 0
    UNRECOGNISED_PDU = 1
    UNEXPECTED_PDU = 2
    INVALID_PARAMETER = 6


class AssociationEnded(Exception):
    """The association is over; whatever was under way did not come whole."""


class PeerLeft(AssociationEnded):
    """The peer aborted, or the connection broke."""


class PeerSilent(AssociationEnded):
    """The peer took longer than it may."""


class PeerReleased(AssociationEnded):
    """The peer asked for the release, which is due an answer."""


class ProtocolViolated(AssociationEnded):
    """The peer sent what the standard does not allow; `reason` goes into the A-ABORT."""

    def __init__(self, reason: AbortReason) -> None:
        super().__init__(reason.name)
        self.reason = reason


@dataclass(frozen=True)
class Fragment:
    """A presentation data value (PS3.8 §9.3.5.1): a piece of a command set or of a data set."""

    context_id: int
    is_command: bool
    is_last: bool
    content: memoryview


class UpperLayer:
    """One connection, as PDUs. Methods that read raise `AssociationEnded`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._fragments: Iterator[Fragment] = iter(())
        self.most_sent_bytes = _DEFAULT_FRAGMENT_BYTES

    def read_pdu(self, seconds: float, most_bytes: int = MOST_PDU_BYTES) -> tuple[Kind, bytearray]:
        """The next PDU's type and all behind its length; it must begin within so many seconds."""
        head = self._read(_HEAD_BYTES, seconds)
        if head[0] not in _KINDS:
            raise ProtocolViolated(AbortReason.UNRECOGNISED_PDU)
        length = int.from_bytes(head[2:], "big")
        if length > most_bytes:
            raise ProtocolViolated(AbortReason.INVALID_PARAMETER)
        return Kind(head[0]), self._read(length, PDU_SECONDS)

    def next_fragment(self, seconds: float) -> Fragment:
        """The next presentation data value, of this P-DATA-TF or the one that follows."""
        while (fragment := next(self._fragments, None)) is None:
            kind, body = self.read_pdu(seconds)
            if kind is Kind.RELEASE_RQ:
                raise PeerReleased
            if kind is Kind.ABORT:
                raise PeerLeft
            if kind is not Kind.DATA or not body:
                raise ProtocolViolated(AbortReason.UNEXPECTED_PDU)
            self._fragments = iter(split_fragments(body))
        return fragment

    def send(self, pdu: bytes) -> None:
        """Send a whole PDU; raises `PeerLeft`."""
        try:
            self._connection.settimeout(PDU_SECONDS)
            self._connection.sendall(pdu)
        except OSError as error:
            raise PeerLeft from error

    def send_message(self, context_id: int, command: bytes, data_set: bytes = b"") -> None:
        """Send a command set and its data set, cut to what the peer takes."""
        pieces = [*self._cut(context_id, command, is_command=True)]
        if data_set:
            pieces += self._cut(context_id, data_set, is_command=False)
        self.send(b"".join(pieces))

    def abort(self, reason: AbortReason) -> None:
        """Say that it is over (PS3.8 §9.3.8), as the service provider."""
        self.send(bytes((Kind.ABORT, 0, 0, 0, 0, 4, 0, 0, 2, reason)))

    def release(self) -> None:
        """Answer the peer's wish for release (PS3.8 §9.3.7)."""
        self.send(bytes((Kind.RELEASE_RP, 0, 0, 0, 0, 4, 0, 0, 0, 0)))

    def linger(self) -> None:
        """Let the peer read what was sent last, and close first: else TCP's reset may overtake it."""
        deadline = time.monotonic() + LINGER_SECONDS
        try:
            self._connection.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                self._connection.settimeout(left)
                if not self._connection.recv(1 << 16):
                    return
        except OSError:
            return

    def _cut(self, context_id: int, content: bytes, *, is_command: bool) -> Iterator[bytes]:
        most = self.most_sent_bytes - _FRAGMENT_HEAD_BYTES
        for start in range(0, len(content), most):
            piece = content[start : start + most]
            header = int(is_command) | (start + most >= len(content)) << 1
            length = len(piece) + 2
            yield bytes((Kind.DATA, 0)) + (length + 4).to_bytes(4, "big") + length.to_bytes(4, "big")
            yield bytes((context_id, header)) + piece

    def _read(self, size: int, seconds: float) -> bytearray:
        content, filled, deadline = bytearray(size), 0, time.monotonic() + seconds
        view = memoryview(content)
        try:
            while filled < size:
                # Anew each time: a peer that sends a byte now and then must not move the end.
                self._connection.settimeout(max(deadline - time.monotonic(), 1e-6))
                received = self._connection.recv_into(view[filled:])
                if not received:
                    raise PeerLeft
                filled += received
        except TimeoutError as error:
            raise PeerSilent from error
        except OSError as error:
            raise PeerLeft from error
        return content


def split_fragments(body: bytearray) -> Iterator[Fragment]:
    """The presentation data values of a P-DATA-TF; raises `ProtocolViolated` where their lengths lie."""
    view, at = memoryview(body), 0
    while at < len(view):
        length = int.from_bytes(view[at : at + 4], "big")
        start, end = at + _FRAGMENT_HEAD_BYTES, at + 4 + length
        if length < 2 or end > len(view):
            raise ProtocolViolated(AbortReason.INVALID_PARAMETER)
        header = view[start - 1]
        yield Fragment(view[start - 2], bool(header & 1), bool(header & 2), view[start:end])
        at = end
