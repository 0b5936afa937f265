"""The DICOM door: one more way into the intake, for devices that prove who they are.

The called AE title names the practice; the certificate and the calling AE title name one of its devices. A certificate
that is not the practice's gets the same answer as a practice that is not there. What comes goes through the same gate,
seal and index as everything else, and success is answered only once it is durable.
"""

import logging
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections, connections
from django.utils import timezone

from audit.actions import Action, Outcome
from audit.actor import Actor, ActorKind
from audit.services import record
from imaging.access import StudyNotFound, require_sender
from imaging.adapters.dicom_association import IncomingInstance, Requester
from imaging.adapters.dicom_commitment import Reference
from imaging.adapters.dicom_messages import Answer, Status
from imaging.adapters.dicom_negotiation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, Rejected
from imaging.adapters.dicom_scp import Listener
from imaging.adapters.dicom_upper_layer import AssociationEnded
from imaging.adapters.vault import VaultUnavailable
from imaging.dicom.part10_head import Head, write_part10_head
from imaging.dicom.transfer_syntaxes import ACCEPTED
from imaging.models import ApplicationEntity
from imaging.models import Outcome as Fate
from imaging.selectors.devices import find_called_tenant, list_devices_of_certificate
from imaging.services.door_commitment import find_uncommitted
from imaging.services.door_trust import Trust
from imaging.services.intake import STORAGE_UNAVAILABLE, IncomingFile, Receipt, receive, require_may_store
from tenants.baas.access import NoAgreementInForce, require_agreement
from tenants.models import Tenant
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

MOST_PER_DEVICE = 10
SEEN_RESOLUTION = timedelta(minutes=1)
_FINGERPRINT_SHOWN = 16  # hexadecimal digits in the trail


class DeviceRefused(Exception):
    """The certificate does not stand for a device that may send now; `reason` is a code for the trail."""

    def __init__(self, reason: str, device: ApplicationEntity | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.device = device


def open_door(region: int, host: str, port: int) -> Listener:
    """The region's listener, bound; it serves when told to.

    Raises
    ------
    OSError
        The address is taken, or the door's own certificate is not there.
    """
    trust = Trust(settings.DICOM_CERTIFICATES[region], settings.DICOM_KEYS[region])
    trust.context()

    def find_context() -> ssl.SSLContext:
        try:
            return trust.context()
        finally:
            # A thread of a handshake that fails never comes to `Reception.close`.
            connections.close_all()

    return Listener((host, port), find_context, Door(region), ACCEPTED)


class Door:
    """Decides who may associate; counts the associations of each device."""

    def __init__(self, region: int, clock: Callable[[], datetime] = timezone.now) -> None:
        self._region = region
        self._clock = clock
        self._lock = threading.Lock()
        self._open: Counter[UUID] = Counter()

    def associate(self, requester: Requester) -> "Reception":
        """The device's reception; raises `Rejected`, which the trail of the practice that was called shows."""
        close_old_connections()
        try:
            tenant = find_called_tenant(requester.called_ae_title)
            if tenant is None:
                logger.info("A device at %s called a practice that is not there.", requester.address)
                raise Rejected.called_not_recognised()
            device = self._admit(tenant, requester)
            self._take_place(device.id)
            actor = Actor(
                ActorKind.DEVICE, str(device.id), device.name, requester.address, f"DICOM {requester.implementation}"
            )
            return Reception(actor, tenant, device, self._clock, lambda: self._leave_place(device.id))
        except Rejected:
            connections.close_all()
            raise
        except Exception as error:  # the database is away: later it may be otherwise
            connections.close_all()
            logger.error("A device could not be admitted: %s", type(error).__name__)
            raise Rejected.temporary_congestion() from error

    def _admit(self, tenant: Tenant, requester: Requester) -> ApplicationEntity:
        now = self._clock()
        refusal: DeviceRefused | NoAgreementInForce
        try:
            with tenant_scope(tenant.id):
                device = _get_device(requester, now)
                require_agreement(tenant.id, now.date())
                _note_seen(device, now)
                return device
        except (DeviceRefused, NoAgreementInForce) as error:
            refusal = error
        with tenant_scope(tenant.id):
            self._record(refusal, requester, now)
        raise _rejection(refusal)

    def _record(self, refusal: DeviceRefused | NoAgreementInForce, requester: Requester, now: datetime) -> None:
        details: dict[str, object] = {
            "region": self._region,
            "certificate": sha256(requester.certificate).hexdigest()[:_FINGERPRINT_SHOWN],
        }
        action, device = Action.GATE_REFUSED, None
        if isinstance(refusal, DeviceRefused):
            action, device, details["reason"] = Action.ASSOCIATION_REFUSED, refusal.device, refusal.reason
        actor = Actor(
            ActorKind.DEVICE if device else ActorKind.ANONYMOUS, str(device.id) if device else "",
            device.name if device else "", requester.address,
        )  # fmt: skip
        record(action, actor, outcome=Outcome.DENIED, details=details, now=now)

    def _take_place(self, device_id: UUID) -> None:
        with self._lock:
            if self._open[device_id] >= MOST_PER_DEVICE:
                raise Rejected.local_limit_exceeded()
            self._open[device_id] += 1

    def _leave_place(self, device_id: UUID) -> None:
        with self._lock:
            self._open[device_id] -= 1
            self._open += Counter()  # forgets devices at zero


class Reception:
    """One association of one device. Whether it may still send is asked anew with every message."""

    def __init__(
        self, actor: Actor, tenant: Tenant, device: ApplicationEntity, clock: Callable[[], datetime],
        leave: Callable[[], None],
    ) -> None:  # fmt: skip
        self._actor = actor
        self._tenant_id = tenant.id
        self._ae_title = device.ae_title
        self._clock = clock
        self._leave = leave

    def verify(self) -> Answer:
        """Answer a C-ECHO: success means that this device could send now."""
        return self._guarded(self._verify)

    def store(self, incoming: IncomingInstance) -> Answer:
        """Take an instance in; success only once it is durable and indexed. Lets `AssociationEnded` through."""
        return self._guarded(lambda: self._store(incoming))

    def find_uncommitted(self, references: Sequence[Reference]) -> Mapping[Reference, int] | Answer:
        """Which of the instances this practice does not hold as durably as it wants, with the reasons."""
        return self._guarded(lambda: self._find_uncommitted(references))

    def close(self) -> None:
        """Let go of the place and of this thread's connection to the database."""
        self._leave()
        connections.close_all()

    def _guarded(self, act: Callable[[], Result]) -> Result | Answer:
        """What `act` gives, or the answer for what stood in its way."""
        close_old_connections()
        try:
            return act()
        except AssociationEnded:
            raise
        except StudyNotFound:
            return self._refuse(
                Action.ASSOCIATION_REFUSED, "This device may no longer send.", {"reason": "NO_LONGER_TRUSTED"}
            )
        except NoAgreementInForce:
            return self._refuse(Action.GATE_REFUSED, "No agreement with this practice is in force.", {})
        except VaultUnavailable:
            return Answer(Status.OUT_OF_RESOURCES, STORAGE_UNAVAILABLE.message)
        except Exception as error:  # a fault of ours: the device keeps what it has and tries again
            logger.error("A request of a device failed: %s", type(error).__name__)
            return Answer(Status.PROCESSING_FAILURE)

    def _verify(self) -> Answer:
        require_may_store(self._actor, self._tenant_id, self._clock())
        return Answer(Status.SUCCESS)

    def _store(self, incoming: IncomingInstance) -> Answer:
        now = self._clock()
        file = IncomingFile(f"{incoming.sop_instance_uid}.dcm", self._part10(incoming))
        [receipt] = receive(self._actor, self._tenant_id, [file], now)
        return answer_of(receipt)

    def _part10(self, incoming: IncomingInstance) -> Iterator[bytes]:
        """The file: a head of ours, and the data set as the device encoded it."""
        head = Head(
            incoming.sop_class_uid, incoming.sop_instance_uid, incoming.transfer_syntax_uid,
            IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, self._ae_title,
        )  # fmt: skip
        return chain([write_part10_head(head)], incoming.chunks)

    def _find_uncommitted(self, references: Sequence[Reference]) -> Mapping[Reference, int]:
        now = self._clock()
        with tenant_scope(self._tenant_id):
            require_sender(self._actor)
            require_agreement(self._tenant_id, now.date())
            return find_uncommitted(references)

    def _refuse(self, action: Action, comment: str, details: dict[str, object]) -> Answer:
        with tenant_scope(self._tenant_id):
            record(action, self._actor, outcome=Outcome.DENIED, details=details, now=self._clock())
        return Answer(Status.NOT_AUTHORISED, comment, ends=True)


def answer_of(receipt: Receipt) -> Answer:
    """The C-STORE's status for what became of an instance (PS3.4 §B.2.3)."""
    if receipt.outcome in (Fate.STORED, Fate.ALREADY_HERE):
        return Answer(receipt.warning or Status.SUCCESS, receipt.message)
    return Answer(receipt.failure_reason, receipt.message)


def _get_device(requester: Requester, now: datetime) -> ApplicationEntity:
    found = list_devices_of_certificate(sha256(requester.certificate).digest())
    if not found:
        raise DeviceRefused("CERTIFICATE_UNKNOWN")
    named = [device for device in found if device.ae_title == requester.calling_ae_title]
    if not named:
        raise DeviceRefused("AE_TITLE_DIFFERS", found[0])
    device = named[0]
    if device.revoked_at is not None:
        raise DeviceRefused("REVOKED", device)
    if device.expires_at <= now:
        raise DeviceRefused("EXPIRED", device)
    return device


def _note_seen(device: ApplicationEntity, now: datetime) -> None:
    if device.last_seen_at is None or now - device.last_seen_at > SEEN_RESOLUTION:
        ApplicationEntity.objects.filter(id=device.id).update(last_seen_at=now)


def _rejection(refusal: DeviceRefused | NoAgreementInForce) -> Rejected:
    if isinstance(refusal, NoAgreementInForce):
        return Rejected.no_reason_given()
    return Rejected.calling_not_recognised() if refusal.device else Rejected.called_not_recognised()
