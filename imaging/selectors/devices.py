"""Reads about devices that send by DICOM over TLS, and which practice an AE title calls."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from imaging.models import ApplicationEntity
from tenants.models import Tenant
from tenants.scoping import tenant_scope

EXPIRES_SOON = timedelta(days=30)
# A device that was revoked, or whose certificate ended, gets as far as being refused and written down.
REMEMBERED = timedelta(days=90)


@dataclass(frozen=True)
class DeviceRow:
    """A device as its practice's page lists it; `state` is live, ends-soon, expired or revoked."""

    id: UUID
    name: str
    ae_title: str
    fingerprint: str
    state: str
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime | None
    revoked_at: datetime | None


def list_devices(now: datetime) -> list[DeviceRow]:
    """The practice's devices, those that may send first. Runs in the tenant's scope."""
    rows = ApplicationEntity.objects.order_by("name", "created_at")
    return sorted((_row(device, now) for device in rows), key=lambda row: row.revoked_at is not None)


def list_devices_of_certificate(fingerprint: bytes) -> list[ApplicationEntity]:
    """The practice's devices that have this certificate, those not revoked first. Runs in the tenant's scope."""
    found = ApplicationEntity.objects.filter(fingerprint=fingerprint).order_by("-created_at")
    return sorted(found, key=lambda device: device.revoked_at is not None)


def find_called_tenant(ae_title: str) -> Tenant | None:
    """The practice that devices call by this AE title."""
    return Tenant.objects.filter(ae_title=ae_title).first()


def list_known_certificates(now: datetime) -> Iterator[str]:
    """PEM of every certificate of every practice that is trusted or was until lately. Runs outside any scope."""
    for tenant_id in Tenant.objects.exclude(ae_title=None).values_list("id", flat=True):
        with tenant_scope(tenant_id):
            known = ApplicationEntity.objects.exclude(revoked_at__lt=now - REMEMBERED)
            certificates = list(known.exclude(expires_at__lt=now - REMEMBERED).values_list("certificate", flat=True))
        yield from certificates


def _row(device: ApplicationEntity, now: datetime) -> DeviceRow:
    names = ("id", "name", "ae_title", "created_at", "expires_at", "last_seen_at", "revoked_at")
    values = {name: getattr(device, name) for name in names}
    fingerprint = bytes(device.fingerprint).hex(":").upper()
    return DeviceRow(fingerprint=fingerprint, state=_state(device, now), **values)


def _state(device: ApplicationEntity, now: datetime) -> str:
    if device.revoked_at:
        return "revoked"
    if device.expires_at <= now:
        return "expired"
    return "ends-soon" if device.expires_at <= now + EXPIRES_SOON else "live"
