"""Taking in: each file streams through gate, digests and seal; what is acknowledged is durable and indexed.

The order is what keeps it safe: sealed bytes first, then the batch's durability barrier, then rows and audit
events in one transaction, then the answer. A crash in between leaves sealed objects that no row names, and never
a row without its bytes. Nothing plaintext touches a disk, and no transaction is open while bytes come in.
"""

import logging
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from blake3 import blake3
from django.conf import settings

from audit.actions import Action
from audit.actions import Outcome as Verdict
from audit.actor import Actor
from audit.services import record
from imaging.access import require_role
from imaging.adapters.vault import Batch, Vault, VaultUnavailable
from imaging.dicom.attributes import read_attributes
from imaging.dicom.gate import Gate, Limits, Passed, Refused
from imaging.dicom.reasons import DATA_SET_DOES_NOT_MATCH_SOP_CLASS, OUT_OF_RESOURCES, Reason
from imaging.dicom.text import clean
from imaging.models import Outcome
from imaging.services.catalog import Arrival, Registered, describe, register
from imaging.services.regions import ensure_tenant_keys, get_vault
from tenants.baas.access import require_agreement
from tenants.models import Role
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

BATCH_FILES = 64
BATCH_BYTES = 64 << 20
DUPLICATE_SOP_INSTANCE = 0x0111  # PS3.7 Annex C
DIFFERS_FROM_DATA_SET = 0xB007  # PS3.18 Table I.2-1: the nearest of its warnings

CONFLICT = Reason(
    "CONFLICT",
    "Another file with the same identifier (SOP Instance UID) is already here.",
    DUPLICATE_SOP_INSTANCE,
)
OTHER_STUDY = Reason(
    "OTHER_STUDY",
    "The file belongs to another study than the one it was sent to.",
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
)
STORAGE_UNAVAILABLE = Reason(
    "STORAGE_UNAVAILABLE", "Could not be stored durably; try again.", OUT_OF_RESOURCES
)
PATIENT_DIFFERS = "Patient differs from the study already here."


@dataclass(frozen=True)
class IncomingFile:
    """A file as it comes: its name as the sender knows it, and its bytes, which can be read once."""

    name: str
    chunks: Iterable[bytes]


@dataclass(frozen=True)
class Receipt:
    """What became of one file. `failure_reason` and `warning` are those of STOW-RS (PS3.18 Annex I.2)."""

    name: str
    size: int
    outcome: Outcome
    reason: str = ""
    message: str = ""
    failure_reason: int = 0
    warning: int | None = None
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""


def require_may_store(actor: Actor, tenant_id: UUID, now: datetime) -> None:
    """Whether the actor may bring images into the tenant.

    Raises
    ------
    StudyNotFound
        Neither owner nor uploader there.
    NoAgreementInForce
    """
    with tenant_scope(tenant_id):
        require_role(actor, Role.OWNER, Role.UPLOADER)
        require_agreement(tenant_id, now.date())


def receive(
    actor: Actor, tenant_id: UUID, files: Iterable[IncomingFile], now: datetime, study_instance_uid: str = ""
) -> list[Receipt]:
    """Take the files in, and return one receipt for each, in their order.

    A bad file costs its neighbours nothing. With `study_instance_uid`, files of other studies are refused.
    What `files` or its chunks raise (but Refused) ends the intake: what came whole is kept, then it is raised.

    Raises
    ------
    StudyNotFound, NoAgreementInForce
        Before anything is read.
    VaultUnavailable
        The keys are out of reach; before anything is read.
    """
    require_may_store(actor, tenant_id, now)
    prepare_keys(tenant_id)
    source, receipts = _Source(files), []
    while not source.ended:
        batch = _Intake(actor, tenant_id, get_vault(1), study_instance_uid)
        receipts += batch.run(source, now)
    if source.error:
        raise source.error
    return receipts


def prepare_keys(tenant_id: UUID) -> None:
    """The tenant's keys stand ready in every region; raises `VaultUnavailable`."""
    try:
        ensure_tenant_keys(tenant_id)
    except OSError as error:
        raise VaultUnavailable("the keys are out of reach") from error


class _Source:
    """The incoming files, remembering how they ended."""

    def __init__(self, files: Iterable[IncomingFile]) -> None:
        self._files = iter(files)
        self.ended = False
        self.error: Exception | None = None

    def find_next(self) -> IncomingFile | None:
        try:
            if not self.ended:
                return next(self._files)
        except StopIteration:
            self.ended = True
        except Exception as error:
            self.fail(error)
        return None

    def fail(self, error: Exception) -> None:
        self.ended, self.error = True, error


class _Intake:
    """One batch: files that become durable together and are indexed in one transaction."""

    def __init__(self, actor: Actor, tenant_id: UUID, vault: Vault, study_instance_uid: str) -> None:
        self._actor = actor
        self._tenant_id = tenant_id
        self._vault = vault
        self._study_instance_uid = study_instance_uid
        self._receipts: list[Receipt] = []
        self._arrivals: dict[int, Arrival] = {}  # by the position of their receipt

    def run(self, source: _Source, now: datetime) -> list[Receipt]:
        try:
            with self._vault.batch() as batch:
                self._fill(source, batch)
        except VaultUnavailable:
            self._lose_all()
        self._index(now)
        return self._receipts

    def _fill(self, source: _Source, batch: Batch) -> None:
        taken = 0
        while len(self._receipts) < BATCH_FILES and taken < BATCH_BYTES and (file := source.find_next()):
            stream = _Stream(file, self._study_instance_uid)
            try:
                self._take(stream, batch)
            except Exception as error:
                # The sender broke off, or this is a fault of ours: what came whole before is kept either way.
                source.fail(error)
                return
            taken += stream.size

    def _take(self, stream: "_Stream", batch: Batch) -> None:
        object_id = uuid4()
        try:
            batch.seal(self._tenant_id, object_id, stream)
            self._arrivals[len(self._receipts)] = stream.arrival(object_id)
            receipt = Receipt(stream.name, stream.size, Outcome.STORED)
        except Refused as refused:
            stream.drain()
            receipt = _refusal(stream, refused.reason)
        except VaultUnavailable:
            logger.warning("The vault of region 1 could not take a file.")
            stream.drain()
            receipt = _refusal(stream, STORAGE_UNAVAILABLE)
        self._receipts.append(receipt)

    def _lose_all(self) -> None:
        """The barrier failed: nothing of the batch is durable, so nothing of it is acknowledged."""
        logger.warning("The vault of region 1 could not make a batch durable.")
        for position in self._arrivals:
            self._receipts[position] = _refused(self._receipts[position], STORAGE_UNAVAILABLE)
        self._arrivals = {}

    def _index(self, now: datetime) -> None:
        with tenant_scope(self._tenant_id):
            answers = register(self._actor, list(self._arrivals.values()), now) if self._arrivals else []
            self._record_refusals(now)
        spare = []
        for (position, arrival), answer in zip(self._arrivals.items(), answers, strict=True):
            self._receipts[position] = _receipt(self._receipts[position], arrival, answer)
            if not answer.stored:
                spare.append(arrival.object_id)
        self._delete(spare)

    def _record_refusals(self, now: datetime) -> None:
        counts = Counter(receipt.reason for receipt in self._receipts if receipt.outcome == Outcome.REFUSED)
        if counts:
            record(
                Action.INSTANCE_REFUSED, self._actor, outcome=Verdict.DENIED, details=dict(counts), now=now
            )

    def _delete(self, object_ids: list[UUID]) -> None:
        try:
            for object_id in object_ids:
                self._vault.delete(self._tenant_id, object_id)
        except VaultUnavailable:
            logger.warning("Sealed objects that no row names were left behind.")


class _Stream:
    """One file on its way: whoever iterates gets its bytes after the gate and the digests have seen them."""

    def __init__(self, file: IncomingFile, study_instance_uid: str) -> None:
        self.name = clean(file.name)
        self.size = 0
        self._chunks = iter(file.chunks)
        self._study_instance_uid = study_instance_uid
        self._digest = blake3()
        self._crc32 = 0
        self._passed: Passed | None = None

    def __iter__(self) -> Iterator[bytes]:
        gate = Gate(Limits(file_bytes=settings.UPLOAD_MAX_BYTES))
        for chunk in self._chunks:
            self.size += len(chunk)
            gate.feed(chunk)
            self._digest.update(chunk)
            self._crc32 = zlib.crc32(chunk, self._crc32)
            yield chunk
        # Judged before the seal is closed: a refused file leaves nothing behind.
        self._passed = gate.finish()
        if self._study_instance_uid not in ("", self._passed.study_instance_uid):
            raise Refused(OTHER_STUDY)

    def drain(self) -> None:
        """Read over what is left, so that the next file can be reached."""
        try:
            for chunk in self._chunks:
                self.size += len(chunk)
        except Refused:
            return

    def arrival(self, object_id: UUID) -> Arrival:
        """What the index needs; the header is let go of."""
        passed = self._passed
        return Arrival(
            object_id=object_id, size=passed.size, digest=self._digest.digest(), crc32=self._crc32,
            sop_class_uid=passed.sop_class_uid, sop_instance_uid=passed.sop_instance_uid,
            study_instance_uid=passed.study_instance_uid, series_instance_uid=passed.series_instance_uid,
            transfer_syntax_uid=passed.transfer_syntax_uid, attributes=read_attributes(passed),
            pixels=describe(passed),
        )  # fmt: skip


def _refusal(stream: _Stream, reason: Reason) -> Receipt:
    return _refused(Receipt(stream.name, stream.size, Outcome.REFUSED), reason)


def _refused(receipt: Receipt, reason: Reason) -> Receipt:
    return replace(
        receipt, outcome=Outcome.REFUSED, reason=reason.code, message=reason.message, warning=None,
        failure_reason=reason.failure_reason,
    )  # fmt: skip


def _receipt(receipt: Receipt, arrival: Arrival, answer: Registered) -> Receipt:
    names = ("sop_class_uid", "sop_instance_uid", "study_instance_uid", "series_instance_uid")
    receipt = replace(receipt, **{name: getattr(arrival, name) for name in names})
    if answer.stored:
        differs = (
            {"message": PATIENT_DIFFERS, "warning": DIFFERS_FROM_DATA_SET} if answer.patient_differs else {}
        )
        return replace(receipt, **differs)
    if answer.already_here:
        return replace(receipt, outcome=Outcome.ALREADY_HERE)
    return _refused(receipt, CONFLICT)
