"""Opaque secrets in URLs: 256 random bits, kept as a digest, routed to their tenant (design.md, decision 8)."""

import hashlib
import secrets
from uuid import UUID

from tenants.models import SecretKind, SecretRoute


def digest_of(secret: str) -> bytes:
    """SHA-256 of the secret, 32 bytes: enough for 256 random bits (ASVS 6.5.2)."""
    return hashlib.sha256(secret.encode()).digest()


def issue_secret(kind: SecretKind, tenant_id: UUID) -> tuple[str, bytes]:
    """A fresh secret and its digest; the digest is routed to the tenant. The secret itself is stored nowhere."""
    secret = secrets.token_urlsafe(32)
    digest = digest_of(secret)
    SecretRoute.objects.create(digest=digest, kind=kind, tenant_id=tenant_id)
    return secret, digest


def find_tenant_of_secret(secret: str, kind: SecretKind) -> UUID | None:
    """The tenant behind whose wall the secret's row stands, or None."""
    route = SecretRoute.objects.filter(digest=digest_of(secret), kind=kind).values_list("tenant_id", flat=True).first()
    return route


def drop_secret(digest: bytes) -> None:
    """The secret leads nowhere from now on."""
    SecretRoute.objects.filter(digest=digest).delete()
