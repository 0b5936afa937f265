"""Devices of a practice that may send by DICOM over TLS: owners add and revoke them. Runs in the tenant's scope."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from audit.actions import Action
from audit.actor import Actor
from audit.services import record
from imaging.access import require_role
from imaging.models import ApplicationEntity
from imaging.selectors.devices import DeviceRow, list_devices
from imaging.services.device_certificates import (
    Certificate,
    Issued,
    fingerprint_of,
    issue_certificate,
    read_certificate,
)
from imaging.services.door_trust import announce_change
from tenants.models import Role, Tenant
from tenants.scoping import active_tenant_id
from tenants.services.tenants import ensure_ae_title


class DeviceKnown(Exception):
    """The practice has a device with this AE title and this certificate already."""


class NoServerCertificate(Exception):
    """The region's door has no certificate here yet."""


@dataclass(frozen=True)
class Entrance:
    """Where devices find a region's door; `fingerprint` is empty where its certificate is not here yet."""

    region: int
    host: str
    port: int
    fingerprint: str


@dataclass(frozen=True)
class DevicesPage:
    """What the owner sees. `ae_title` is None until the first device is added."""

    ae_title: str | None
    entrances: list[Entrance]
    devices: list[DeviceRow]


def show_devices(actor: Actor, tenant: Tenant, now: datetime) -> DevicesPage:
    """The practice's devices and where they send to, for an owner; raises `StudyNotFound`."""
    require_role(actor, Role.OWNER)
    entrances = [
        Entrance(region, settings.DICOM_HOST, settings.DICOM_PORTS[region], _server_fingerprint(region))
        for region in settings.REGIONS
    ]
    return DevicesPage(tenant.ae_title, entrances, list_devices(now))


def add_device(actor: Actor, name: str, ae_title: str, certificate: bytes, now: datetime) -> ApplicationEntity:
    """Let the device that holds the certificate's key send, from the next connection on.

    Raises
    ------
    StudyNotFound
        The actor is no owner of the practice.
    CertificateUnfit, DeviceKnown
    """
    require_role(actor, Role.OWNER)
    return _add(actor, name, ae_title, read_certificate(certificate, now), now)


def add_device_with_new_key(actor: Actor, name: str, ae_title: str, now: datetime) -> tuple[ApplicationEntity, Issued]:
    """Let a device send with a key that is made here, given out once and kept nowhere; raises `StudyNotFound`."""
    require_role(actor, Role.OWNER)
    issued = issue_certificate(name, ae_title, now)
    return _add(actor, name, ae_title, issued.certificate, now), issued


def revoke_device(actor: Actor, device_id: UUID, now: datetime) -> None:
    """Let it send no more: what it sends next is refused, on an open association too.

    Raises
    ------
    StudyNotFound
    ApplicationEntity.DoesNotExist
    """
    require_role(actor, Role.OWNER)
    device = ApplicationEntity.objects.select_for_update().get(id=device_id)
    if device.revoked_at is None:
        device.revoked_at = now
        device.save(update_fields=["revoked_at"])
        record(Action.DEVICE_REVOKED, actor, subject_id=device.id, now=now)


def read_server_certificate(region: int) -> str:
    """PEM of the certificate that the region's door shows; raises `NoServerCertificate`."""
    try:
        return settings.DICOM_CERTIFICATES[region].read_text()
    except (KeyError, FileNotFoundError) as error:
        raise NoServerCertificate from error


def _add(actor: Actor, name: str, ae_title: str, certificate: Certificate, now: datetime) -> ApplicationEntity:
    ensure_ae_title(active_tenant_id())
    try:
        with transaction.atomic():
            device = ApplicationEntity.objects.create(
                name=name, ae_title=ae_title, certificate=certificate.pem, fingerprint=certificate.fingerprint,
                expires_at=certificate.expires_at, created_by_id=int(actor.id), created_at=now,
            )  # fmt: skip
    except IntegrityError as error:
        raise DeviceKnown from error
    details = {"certificate": certificate.fingerprint.hex()}
    record(Action.DEVICE_ADDED, actor, subject_id=device.id, details=details, now=now)
    transaction.on_commit(announce_change)
    return device


def _server_fingerprint(region: int) -> str:
    try:
        return fingerprint_of(read_server_certificate(region))
    except (NoServerCertificate, ValueError, OSError):
        return ""
