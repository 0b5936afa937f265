"""Sealed objects of a practice in both regions, and a check that every one of them still opens in each."""

import json
from io import StringIO
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.files.storage import storages
from django.core.management import call_command

from imaging.adapters.vault import Vault, VaultUnavailable, object_name
from imaging.models import KeyRotation
from imaging.services.regions import ensure_tenant_keys, get_keyring, get_vault
from tenants.models import Tenant
from tenants.scoping import tenant_scope

Sealed = dict[UUID, bytes]


def seal_in_both(tenant_id: UUID, count: int) -> Sealed:
    """So many new objects, each with a content of its own."""
    ensure_tenant_keys(tenant_id)
    sealed = {uuid4(): f"the images of {number}".encode() for number in range(count)}
    with get_vault(1).batch() as batch:
        for object_id, content in sealed.items():
            batch.seal(tenant_id, object_id, [content])
    for object_id in sealed:
        get_vault(1).copy_to(get_vault(2), tenant_id, object_id)
    return sealed


def list_unreadable(tenant_id: UUID, sealed: Sealed) -> list[tuple[int, UUID]]:
    """(region, object) of every copy that does not open to its content; a `.key` of a killed writer counts too."""
    return [
        (region, object_id)
        for region in (1, 2)
        for object_id, content in sealed.items()
        if _read(region, tenant_id, object_id) != content
    ]


def _read(region: int, tenant_id: UUID, object_id: UUID) -> bytes | str:
    try:
        with get_vault(region).open(tenant_id, object_id) as reader:
            return b"".join(reader.iter_all())
    except Exception as error:
        return type(error).__name__


def key_path(region: int, tenant_id: UUID, object_id: UUID) -> Path:
    """Where an object's `.key` file lies."""
    return Path(storages[f"vault-{region}"].location, object_name(tenant_id, object_id, ".key"))


def versions_named(region: int, tenant_id: UUID, sealed: Sealed) -> set[UUID]:
    """Which versions of the key the `.key` files name."""
    return {UUID(bytes=key_path(region, tenant_id, each).read_bytes()[40:56]) for each in sealed}


def states(region: int, tenant: Tenant) -> list[str]:
    """The states of the versions a region holds, oldest first."""
    return [key.state for key in get_keyring(region).list_tenant_keys(tenant.id)]


def rotations(tenant: Tenant) -> list[KeyRotation]:
    """The practice's rotations, oldest first."""
    with tenant_scope(tenant.id):
        return list(KeyRotation.objects.order_by("started_at"))


def run(*arguments: str) -> list[dict]:
    """What `manage.py rotate_keys` says."""
    out = StringIO()
    call_command("rotate_keys", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def fail_in(region: int, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """The region's vault goes away after so many data keys."""
    count, rewrap = iter(range(10_000)), Vault.wrap_anew

    def failing(vault: Vault, tenant_id: UUID, object_id: UUID) -> bytes | None:
        if vault.region == region and next(count) >= after:
            raise VaultUnavailable(f"the vault of region {region} failed")
        return rewrap(vault, tenant_id, object_id)

    monkeypatch.setattr(Vault, "wrap_anew", failing)
