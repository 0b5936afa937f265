"""Association negotiation as the acceptor (PS3.8 §7.1, PS3.7 Annex D), in pynetdicom's words."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pydicom.uid import UID
from pynetdicom import AllStoragePresentationContexts
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import PresentationContext

from imaging.adapters.dicom_upper_layer import (
    MOST_PDU_BYTES,
    AbortReason,
    Kind,
    ProtocolViolated,
)

# Ours for good: they are in the file meta of every instance that came by association (PS3.7 §D.3.3.2).
IMPLEMENTATION_CLASS_UID = "2.25.218995345265950064800239134323698370658"
IMPLEMENTATION_VERSION_NAME = "COLLIMATE"
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
VERIFICATION = "1.2.840.10008.1.1"
STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"  # Push Model SOP Class
STORAGE_COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"
IMPLICIT_LITTLE, EXPLICIT_LITTLE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
_STORAGE = frozenset(context.abstract_syntax for context in AllStoragePresentationContexts)
_LEAST_SENT_BYTES = 512
_MOST_SENT_BYTES = 64 << 10

# Their complaints quote what the peer sent.
for _name in ("pynetdicom", "pydicom"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Rejected(Exception):
    """No association (PS3.8 Table 9-21): `result` 1 is permanent, 2 transient; `source` and `reason` say why."""

    def __init__(self, result: int, source: int, reason: int) -> None:
        super().__init__(f"{result}/{source}/{reason}")
        self.result, self.source, self.reason = result, source, reason

    @classmethod
    def no_reason_given(cls) -> "Rejected":
        """Permanently, by the service user."""
        return cls(1, 1, 1)

    @classmethod
    def calling_not_recognised(cls) -> "Rejected":
        """This device is none of the practice's."""
        return cls(1, 1, 3)

    @classmethod
    def called_not_recognised(cls) -> "Rejected":
        """There is no such practice."""
        return cls(1, 1, 7)

    @classmethod
    def temporary_congestion(cls) -> "Rejected":
        """Nobody can tell at the moment."""
        return cls(2, 3, 1)

    @classmethod
    def local_limit_exceeded(cls) -> "Rejected":
        """Too many associations at once; later it may be otherwise."""
        return cls(2, 3, 2)

    def encode(self) -> bytes:
        """The A-ASSOCIATE-RJ."""
        pdu = A_ASSOCIATE_RJ()
        pdu.result, pdu.source, pdu.reason_diagnostic = self.result, self.source, self.reason
        return bytes(pdu.encode())


@dataclass(frozen=True)
class Proposal:
    """An A-ASSOCIATE-RQ that could be read."""

    called_ae_title: str
    calling_ae_title: str
    implementation: str
    most_bytes: int  # of a PDU that the peer takes
    primitive: A_ASSOCIATE


@dataclass(frozen=True)
class Accepted:
    """A presentation context both sides agreed on."""

    abstract_syntax: str
    transfer_syntax: str

    @property
    def is_storage(self) -> bool:
        return self.abstract_syntax not in (VERIFICATION, STORAGE_COMMITMENT)


def read_proposal(kind: Kind, body: bytes) -> Proposal:
    """The proposal of an association; raises `ProtocolViolated`."""
    if kind is not Kind.ASSOCIATE_RQ:
        raise ProtocolViolated(AbortReason.UNEXPECTED_PDU)
    try:
        pdu = A_ASSOCIATE_RQ()
        pdu.decode(bytes((kind, 0)) + len(body).to_bytes(4, "big") + body)
        primitive = pdu.to_primitive()
        called, calling = primitive.called_ae_title.strip(), primitive.calling_ae_title.strip()
        contexts, items = primitive.presentation_context_definition_list, primitive.user_information
        implementation = " ".join(_implementation_names(items))
        most_bytes = primitive.maximum_length_received or 0
    except Exception as error:  # whatever hostile bytes provoke in it means the same
        raise ProtocolViolated(AbortReason.INVALID_PARAMETER) from error
    if not contexts or not all(each.transfer_syntax for each in contexts) or not called or not calling:
        raise ProtocolViolated(AbortReason.INVALID_PARAMETER)
    return Proposal(called, calling, implementation, _sendable(most_bytes), primitive)


def accept(proposal: Proposal, transfer_syntaxes: Collection[str]) -> tuple[bytes, dict[int, Accepted]]:
    """The A-ASSOCIATE-AC, and what was agreed on by context id; storage SOP classes are taken in `transfer_syntaxes`.

    Of those, it is the sender's first: senders put what the pixels are in at that place, and what comes is kept as it
    comes. One of ours would make them convert, which loses, or fails where they cannot.
    """
    proposed = proposal.primitive
    results = [_judge(each, transfer_syntaxes) for each in proposed.presentation_context_definition_list]
    answer = A_ASSOCIATE()
    answer.application_context_name = UID(APPLICATION_CONTEXT)
    answer.calling_ae_title, answer.called_ae_title = proposed.calling_ae_title, proposed.called_ae_title
    answer.result, answer.result_source = 0, 1
    answer.presentation_context_definition_results_list = results
    answer.user_information = _our_user_information()
    pdu = A_ASSOCIATE_AC()
    pdu.from_primitive(answer)
    agreed = {
        context.context_id: Accepted(str(context.abstract_syntax), str(context.transfer_syntax[0]))
        for context in results
        if context.result == 0
    }
    return bytes(pdu.encode()), agreed


def _judge(proposed: PresentationContext, storage: Collection[str]) -> PresentationContext:
    """Verification, storage and its commitment; nothing that finds or gives out (PS3.8 Table 9-18 for the results)."""
    taken: Collection[str] = ()
    if proposed.abstract_syntax in _STORAGE:
        taken = storage
    elif proposed.abstract_syntax in (VERIFICATION, STORAGE_COMMITMENT):
        taken = (EXPLICIT_LITTLE, IMPLICIT_LITTLE)
    found = next((each for each in proposed.transfer_syntax if each in taken), None)
    context = PresentationContext()
    context.context_id, context.abstract_syntax = proposed.context_id, proposed.abstract_syntax
    context.transfer_syntax = [found or proposed.transfer_syntax[0]]
    context.result = 0 if found else (4 if taken else 3)
    return context


def _implementation_names(items: Sequence[object]) -> list[str]:
    found = [item for item in items if isinstance(item, ImplementationVersionNameNotification)]
    return [str(item.implementation_version_name) for item in found]


def _sendable(announced: int) -> int:
    """0 means that the peer takes any (PS3.8 §D.1)."""
    if 0 < announced < _LEAST_SENT_BYTES:
        raise ProtocolViolated(AbortReason.INVALID_PARAMETER)
    return min(announced or _MOST_SENT_BYTES, _MOST_SENT_BYTES)


def _our_user_information() -> list[object]:
    length = MaximumLengthNotification()
    length.maximum_length_received = MOST_PDU_BYTES
    uid = ImplementationClassUIDNotification()
    uid.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    name = ImplementationVersionNameNotification()
    name.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    return [length, uid, name]
