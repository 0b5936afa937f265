"""Office copies for tests: a practice worth copying, a run of the copy, and what lies in its folder."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.utils import timezone

from audit.actor import SYSTEM
from imaging.models import Series, VaultObject
from imaging.services import regions, thumbnails
from imaging.services.manifests import write_series_manifest
from imaging.services.office_copy import CopyReport, Wishes, make_copy
from imaging.services.office_copy_folder import CopyFolder
from imaging.services.office_copy_index import read_lines
from imaging.services.office_copy_keys import open_vaults
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.incoming import instance, take_in

ADULT = {"PatientBirthDate": "19700131"}


@dataclass(frozen=True)
class Office:
    """A disk and a key, and the practice whose copy they hold."""

    tenant: Tenant
    disk: Path
    key: Path

    @property
    def folder(self) -> CopyFolder:
        return CopyFolder(self.disk)

    def snapshot(self, **wishes: bool) -> CopyReport:
        """One run."""
        return make_copy(SYSTEM, self.tenant.id, self.disk, self.key, timezone.now(), Wishes(**wishes))

    def objects(self) -> set[UUID]:
        """The sealed objects in the copy."""
        return {UUID(path.stem) for path in (self.disk / "vault").rglob("*.sealed")}

    def sealed(self, object_id: UUID) -> Path:
        """The file of one of them."""
        return next((self.disk / "vault").rglob(f"{object_id}.sealed"))

    def index(self) -> list[str]:
        """The lines of the decrypted index that counts."""
        manifest = self.folder.get_manifest()
        with (
            open_vaults(self.folder, self.tenant.id, self.key) as vaults,
            vaults.index.open(self.tenant.id, manifest.index) as reader,
        ):
            return list(read_lines(reader.iter_all()))


@pytest.fixture
def office(northside: Tenant, bob: User, empty_vaults: None, drawn: None, tmp_path: Path) -> Office:
    """Northside with two studies, copied once."""
    take_in_studies(northside, bob, 1, 2)
    office = Office(northside, tmp_path / "disk", tmp_path / "stick" / "office.key")
    office.snapshot()
    return office


def digest_of_folder(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Digest, mode and time of change of everything in a folder, itself included."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (hashlib.sha256(content).hexdigest(), status.st_mode, status.st_mtime_ns)
    return found


def take_in_studies(tenant: Tenant, user: User, *studies: int, name: str = "Doe^Jane") -> None:
    """Studies of two images each, with thumbnails and manifests."""
    tags = {**ADULT, "PatientName": name}
    take_in(actor(user), tenant, {f"{s}-{n}": instance(n, study=s, **tags) for s in studies for n in (1, 2)})
    with tenant_scope(tenant.id):
        series = list(Series.objects.values_list("id", flat=True))
    for series_id in series:
        thumbnails.draw_thumbnail(tenant.id, series_id)
        write_series_manifest(tenant.id, series_id, timezone.now() + timedelta(hours=1))


def list_objects(tenant: Tenant) -> set[UUID]:
    """The practice's sealed objects in service."""
    with tenant_scope(tenant.id):
        return set(VaultObject.objects.filter(retired_at=None).values_list("id", flat=True))


def serve_from(office: Office) -> None:
    """Put the copy in the place of region 1, and lose region 2, as `infra/up --from-snapshot` does."""
    for region in settings.REGIONS:
        shutil.rmtree(storages[f"vault-{region}"].location, ignore_errors=True)
        shutil.rmtree(settings.VAULT_KEYS[region], ignore_errors=True)
    os.symlink(office.disk / "vault", storages["vault-1"].location)
    shutil.copytree(office.disk / "keys", settings.VAULT_KEYS[1])
    shutil.copyfile(office.key, settings.VAULT_KEYS[1] / "master.key")
    storages._storages.clear()
    regions.get_vault.cache_clear()
    regions.get_keyring.cache_clear()


def stop_serving() -> None:
    """Give region 1 its own place back."""
    Path(storages["vault-1"].location).unlink()
    regions.get_vault.cache_clear()
