"""Sealed objects with their rows, put straight into both regions, and every way to spoil one."""

import random
from pathlib import Path
from uuid import UUID, uuid4

from blake3 import blake3
from django.core.files.storage import storages
from django.utils import timezone

from imaging.adapters.vault import object_name
from imaging.models import Instance, Series, Study, VaultObject
from imaging.services.regions import ensure_tenant_keys, get_vault
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.imaging.dicom.hostile import ROOT

DIRECTORY = b"the directory of the pack"
SPOILERS = ("flip", "flip-key", "truncate", "truncate-key", "extend", "empty", "delete", "delete-key")


def add_series(tenant: Tenant, number: int = 1) -> UUID:
    """A series of a study of its own; its id."""
    now = timezone.now()
    with tenant_scope(tenant.id):
        study, _ = Study.objects.get_or_create(
            study_instance_uid=f"{ROOT}.{number}", defaults={"received_at": now, "last_received_at": now}
        )
        return Series.objects.create(
            study=study, series_instance_uid=f"{ROOT}.{number}.1", last_received_at=now, instance_count=1
        ).id


def keep_object(tenant: Tenant, content: bytes, kind: str = "pack", series_id: UUID | None = None) -> UUID:
    """One sealed object, the same and known to be good in both regions; its id."""
    ensure_tenant_keys(tenant.id)
    object_id, now = uuid4(), timezone.now()
    get_vault(1).seal(tenant.id, object_id, [content])
    get_vault(1).copy_to(get_vault(2), tenant.id, object_id)
    series_id = series_id or add_series(tenant, object_id.int % 10**12)
    with tenant_scope(tenant.id):
        VaultObject.objects.create(
            id=object_id, series_id=series_id, kind=kind, size=len(content), home_region=1, created_at=now,
            in_1_at=now, in_2_at=now,
        )  # fmt: skip
    return object_id


def keep_pack(tenant: Tenant, *files: bytes, series_id: UUID | None = None) -> UUID:
    """A pack of the files, each an instance; its id."""
    object_id = keep_object(tenant, b"".join(files) + DIRECTORY, series_id=series_id)
    offset = 0
    with tenant_scope(tenant.id):
        pack = VaultObject.objects.get(id=object_id)
        for number, file in enumerate(files):
            Instance.objects.create(
                series_id=pack.series_id, sop_instance_uid=f"{ROOT}.{object_id.int % 10**12}.{number}",
                sop_class_uid="1.2", transfer_syntax_uid="1.2", size=len(file), digest=blake3(file).digest(), crc32=0,
                pack=pack, pack_offset=offset, received_at=pack.created_at, sealed_at=pack.created_at,
                mirrored_at=pack.created_at,
            )  # fmt: skip
            offset += len(file)
    return object_id


def file_of(tenant: Tenant, object_id: UUID, region: int, suffix: str = ".sealed") -> Path:
    """Where one of the object's two files lies."""
    return Path(storages[f"vault-{region}"].path(object_name(tenant.id, object_id, suffix)))


def files_of(tenant: Tenant, object_id: UUID, region: int) -> tuple[bytes | None, bytes | None]:
    """The bytes of both files, None for one that is not there."""
    paths = [file_of(tenant, object_id, region, suffix) for suffix in (".key", ".sealed")]
    key, sealed = (path.read_bytes() if path.exists() else None for path in paths)
    return key, sealed


def spoil(tenant: Tenant, object_id: UUID, region: int, how: str, chance: random.Random | None = None) -> None:
    """Spoil one region's copy."""
    chance = chance or random.Random(1)
    path = file_of(tenant, object_id, region, ".key" if how.endswith("-key") else ".sealed")
    data = bytearray(path.read_bytes())
    if how.startswith("delete"):
        path.unlink()
        return
    if how.startswith("flip"):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif how == "extend":
        data += b"\0"
    else:
        del data[0 if how == "empty" else chance.randrange(len(data)) :]
    path.write_bytes(data)


def swap(tenant: Tenant, first: UUID, other: Tenant, second: UUID, region: int) -> None:
    """Put each object, both files, into the other's place."""
    for suffix in (".key", ".sealed"):
        one, two = file_of(tenant, first, region, suffix), file_of(other, second, region, suffix)
        kept = one.read_bytes()
        one.write_bytes(two.read_bytes())
        two.write_bytes(kept)


def content_of(tenant: Tenant, object_id: UUID, region: int) -> bytes:
    """The plaintext that the region gives."""
    with get_vault(region).open(tenant.id, object_id) as reader:
        return b"".join(reader.iter_all())
