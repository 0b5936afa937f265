"""Data sets of the Storage Commitment Service Class, push model (PS3.4 Annex J)."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID
from pynetdicom.dsutils import decode, encode

from imaging.adapters.dicom_negotiation import IMPLICIT_LITTLE

REQUEST_STORAGE_COMMITMENT = 1  # Action Type ID
ALL_COMMITTED, SOME_FAILED = 1, 2  # Event Type IDs
MOST_REQUEST_BYTES = 4 << 20
MOST_REFERENCES = 50_000


class RequestUnreadable(Exception):
    """The data set of an N-ACTION is none, or names no transaction or no instance."""


@dataclass(frozen=True)
class Reference:
    """An instance that a device wants to be told of whether it is safe here."""

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class CommitmentRequest:
    """What a device asks for."""

    transaction_uid: str
    references: list[Reference]


def read_commitment_request(content: bytes, transfer_syntax_uid: str) -> CommitmentRequest:
    """The request in an N-ACTION's data set; raises `RequestUnreadable`."""
    try:
        found = decode(io.BytesIO(content), transfer_syntax_uid == IMPLICIT_LITTLE, True)
        items = list(islice(found.ReferencedSOPSequence, MOST_REFERENCES + 1))
        references = [Reference(str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID)) for item in items]
        transaction_uid = str(found.TransactionUID)
    except Exception as error:  # of pydicom, over whatever was sent
        raise RequestUnreadable from error
    uids = [transaction_uid, *(uid for each in references for uid in (each.sop_class_uid, each.sop_instance_uid))]
    if not 0 < len(references) <= MOST_REFERENCES or not all(UID(uid).is_valid for uid in uids):
        raise RequestUnreadable
    return CommitmentRequest(transaction_uid, references)


def write_commitment_report(
    request: CommitmentRequest, failures: Mapping[Reference, int], transfer_syntax_uid: str
) -> tuple[int, bytes]:
    """Event type and data set of the N-EVENT-REPORT: which are safe, and why others are not (PS3.4 Table J.3-2)."""
    report = Dataset()
    report.TransactionUID = request.transaction_uid
    committed = [each for each in request.references if each not in failures]
    if committed:
        report.ReferencedSOPSequence = _items(committed)
    if failures:
        report.FailedSOPSequence = _items(list(failures))
        for item, reason in zip(report.FailedSOPSequence, failures.values(), strict=True):
            item.FailureReason = reason
    content = encode(report, transfer_syntax_uid == IMPLICIT_LITTLE, True)
    if content is None:
        raise RequestUnreadable
    return SOME_FAILED if failures else ALL_COMMITTED, content


def _items(references: Sequence[Reference]) -> Items:
    found = Items()
    for reference in references:
        item = Dataset()
        item.ReferencedSOPClassUID = reference.sop_class_uid
        item.ReferencedSOPInstanceUID = reference.sop_instance_uid
        found.append(item)
    return found
