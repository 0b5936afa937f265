"""Taking in: each file streams through gate, digests and seal; what is acknowledged is durable and indexed.

The order is what keeps it safe: sealed bytes first, then the batch's durability barrier, then rows and audit
events in one transaction, then the answer. A crash in between leaves sealed objects that no row names, and never
a row without its bytes. Nothing plaintext touches a disk, and no transaction is open while bytes come in.

Small files of one series go into one pack; a large file is a pack of its own (`imaging.services.spool`).
"""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.conf import settings

from audit.actions import Action
from audit.actions import Outcome as Verdict
from audit.actor import Actor
from audit.services import record
from imaging.access import require_sender
from imaging.adapters.keys import KeyDestroyed, KeyUnknown
from imaging.adapters.vault import CopyDiffers, KeyMissing, ObjectMissing, Vault, VaultUnavailable
from imaging.crypto.layout import SealBroken
from imaging.dicom.gate import Refused
from imaging.dicom.reasons import DATA_SET_DOES_NOT_MATCH_SOP_CLASS, OUT_OF_RESOURCES, Reason
from imaging.models import Outcome
from imaging.services.active_region import active_region, other_region
from imaging.services.catalog import Arrival, NewPack, Registered, register
from imaging.services.regions import ensure_tenant_keys, get_vault
from imaging.services.spool import IncomingFile, LineBroke, Spool, Stream
from tenants.baas.access import require_agreement
from tenants.scoping import tenant_scope
from tenants.selectors import get_tenant

logger = logging.getLogger(__name__)

_ = str  # marks a text for translators; it is translated where it is shown (imaging/selectors/refusals.py)
BATCH_FILES = 1000
BATCH_BYTES = 256 << 20
DUPLICATE_SOP_INSTANCE = 0x0111  # PS3.7 Annex C
DIFFERS_FROM_DATA_SET = 0xB007  # PS3.18 Table I.2-1: the nearest of its warnings

CONFLICT = Reason(
    "CONFLICT",
    _("Another file with the same identifier (SOP Instance UID) is already here."),
    DUPLICATE_SOP_INSTANCE,
)
OTHER_STUDY = Reason(
    "OTHER_STUDY",
    _("The file belongs to another study than the one it was sent to."),
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
)
STORAGE_UNAVAILABLE = Reason("STORAGE_UNAVAILABLE", _("Could not be stored durably; try again."), OUT_OF_RESOURCES)
PATIENT_DIFFERS = _("Patient differs from the study already here.")
_NOT_COPIED = (
    VaultUnavailable, ObjectMissing, KeyMissing, CopyDiffers, SealBroken, KeyUnknown, KeyDestroyed,
)  # fmt: skip


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
        Neither owner nor uploader there, nor a device of theirs.
    NoAgreementInForce
    """
    with tenant_scope(tenant_id):
        require_sender(actor)
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
        The keys or the vault are out of reach; before anything is read.
    """
    require_may_store(actor, tenant_id, now)
    prepare_keys(tenant_id)
    source, receipts = _Source(files), []
    while not source.ended:
        batch = Intake(actor, tenant_id, now, study_instance_uid)
        taken = batch.run(source)
        if batch.failure and not taken:
            raise batch.failure  # another batch would fare no better
        receipts += taken
    if source.error:
        raise source.error
    return receipts


def receive_file(actor: Actor, tenant_id: UUID, file: IncomingFile, now: datetime) -> Receipt | LineBroke:
    """Take in one file whose length is known: its receipt, or what came of it when the line broke.

    Raises
    ------
    VaultUnavailable
        Also when the file could not be stored.
    """
    source = _Source([file])
    batch = Intake(actor, tenant_id, now)
    receipts = batch.run(source)
    if source.error:
        raise source.error
    if batch.failure:
        raise batch.failure
    if batch.cut:
        return batch.cut
    return receipts[0]


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


class Intake:
    """One batch: files that become durable together and are indexed in one transaction."""

    def __init__(self, actor: Actor, tenant_id: UUID, now: datetime, study_instance_uid: str = "") -> None:
        self._actor = actor
        self._tenant_id = tenant_id
        self._now = now
        self._region = active_region()
        self._vault = get_vault(self._region)
        self._study_instance_uid = study_instance_uid
        self._receipts: list[Receipt] = []
        self._arrivals: dict[int, Arrival] = {}  # by the position of their receipt
        self._packs: list[NewPack] = []
        self.cut: LineBroke | None = None
        self.failure: VaultUnavailable | None = None

    def run(self, source: _Source) -> list[Receipt]:
        """Take what `source` gives, up to a batch; one receipt for each file."""
        try:
            with self._vault.batch() as batch:
                spool = Spool(batch, self._tenant_id, self._now)
                self._fill(source, spool)
                self._packs = spool.finish()
            self._lose({pack.id for pack in self._packs})
            self._copy()
        except VaultUnavailable as error:
            self.failure = error
            logger.warning("The vault of region %s could not make a batch durable.", self._region)
            self._lose(kept=set())
        self._index()
        return self._receipts

    def _fill(self, source: _Source, spool: Spool) -> None:
        taken = 0
        while len(self._receipts) < BATCH_FILES and taken < BATCH_BYTES and (file := source.find_next()):
            stream = Stream(file, settings.UPLOAD_MAX_BYTES)
            try:
                self._take(stream, spool)
            except Exception as error:
                # The sender broke off, or this is a fault of ours: what came whole before is kept either way.
                source.fail(error)
                return
            taken += stream.size

    def _take(self, stream: Stream, spool: Spool) -> None:
        try:
            self._arrivals[len(self._receipts)] = spool.take(stream, self._require_study)
            receipt = Receipt(stream.name, stream.size, Outcome.STORED)
        except Refused as refused:
            stream.drain()
            receipt = _refusal(stream, refused.reason)
        except LineBroke as cut:
            self.cut = cut
            return
        except VaultUnavailable as error:
            self.failure = error
            logger.warning("The vault of region %s could not take a file.", self._region)
            stream.drain()
            receipt = _refusal(stream, STORAGE_UNAVAILABLE)
        self._receipts.append(receipt)

    def _require_study(self, study_instance_uid: str) -> None:
        if self._study_instance_uid not in ("", study_instance_uid):
            raise Refused(OTHER_STUDY)

    def _copy(self) -> None:
        """Where the practice wants its images durable in both regions before they are acknowledged, make them so.

        Raises
        ------
        VaultUnavailable
        """
        if get_tenant(self._tenant_id).acknowledge_in == 1:
            return
        for number, pack in enumerate(self._packs):
            copy_now(self._vault, get_vault(other_region(self._region)), self._tenant_id, pack.id)
            self._packs[number] = replace(pack, copied_at=self._now)

    def _lose(self, kept: set[UUID]) -> None:
        """What does not lie in one of the packs `kept` is not as durable as it must be, so it is not acknowledged."""
        for position in [at for at, arrival in self._arrivals.items() if arrival.pack_id not in kept]:
            self._receipts[position] = _refused(self._receipts[position], STORAGE_UNAVAILABLE)
            del self._arrivals[position]

    def _index(self) -> None:
        with tenant_scope(self._tenant_id):
            arrivals = list(self._arrivals.values())
            answers = register(self._actor, arrivals, self._packs, self._now) if arrivals else []
            self._record_refusals()
        used = set()
        for (position, arrival), answer in zip(self._arrivals.items(), answers, strict=True):
            self._receipts[position] = _receipt(self._receipts[position], arrival, answer)
            if answer.stored or answer.rescued:
                used.add(arrival.pack_id)
        self._delete([pack.id for pack in self._packs if pack.id not in used])

    def _record_refusals(self) -> None:
        counts = Counter(receipt.reason for receipt in self._receipts if receipt.outcome == Outcome.REFUSED)
        if counts:
            record(
                Action.INSTANCE_REFUSED, self._actor, outcome=Verdict.DENIED, details=dict(counts), now=self._now
            )  # fmt: skip

    def _delete(self, object_ids: list[UUID]) -> None:
        for vault in (self._vault, get_vault(other_region(self._region))):
            try:
                for object_id in object_ids:
                    vault.delete(self._tenant_id, object_id)
            except VaultUnavailable:
                logger.warning("Sealed objects that no row names were left behind.")


def copy_now(source: Vault, target: Vault, tenant_id: UUID, object_id: UUID) -> None:
    """Copy an object and open all of the copy; whatever stands in the way is `VaultUnavailable`."""
    try:
        source.copy_to(target, tenant_id, object_id)
        target.verify(tenant_id, object_id)
    except _NOT_COPIED as error:
        raise VaultUnavailable("the other region could not take a copy") from error


def _refusal(stream: Stream, reason: Reason) -> Receipt:
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
        differs = {"message": PATIENT_DIFFERS, "warning": DIFFERS_FROM_DATA_SET} if answer.patient_differs else {}
        return replace(receipt, **differs)
    if answer.already_here:
        return replace(receipt, outcome=Outcome.ALREADY_HERE)
    return _refused(receipt, CONFLICT)
