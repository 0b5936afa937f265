"""Loading an office copy into an empty database, so that a read-only portal can serve it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from audit.selectors import find_alteration
from imaging.adapters.vault import KeyMissing, ObjectMissing, Vault
from imaging.crypto.layout import SealBroken
from imaging.services.office_copy_folder import CopyFolder, Facts, Manifest, OfficeCopyRefused
from imaging.services.office_copy_index import IndexUnreadable, load_index
from imaging.services.office_copy_keys import open_vaults
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope


class DatabaseNotEmpty(OfficeCopyRefused):
    """Somebody's rows are there already: a copy is never mixed with a portal that is at work."""


class TrailAltered(OfficeCopyRefused):
    """The audit trail in the copy does not hold together."""


@dataclass(frozen=True)
class LoadReport:
    """What was loaded, and when the copy was made. `missing` objects of it were in no region then."""

    tenant_id: UUID
    taken_at: datetime
    studies: int
    instances: int
    rows: int
    missing: int


def load_copy(directory: Path, key_file: Path) -> LoadReport:
    """Load the rows of the copy in `directory`, all or none; writes nothing there.

    Raises
    ------
    OfficeCopyRefused
        One of its kinds; the text says what to do.
    """
    folder = CopyFolder(directory)
    with folder.reading():
        manifest = folder.get_manifest()
        _require_empty_database()
        with open_vaults(folder, manifest.tenant_id, key_file) as vaults:
            return _load(folder, manifest, vaults.index)


def _require_empty_database() -> None:
    if Tenant.objects.exists() or User.objects.exists():
        raise DatabaseNotEmpty(
            "The database is not empty. Load a copy only into a fresh one: infra/up --from-snapshot does."
        )


def _load(folder: CopyFolder, manifest: Manifest, index: Vault) -> LoadReport:
    facts = manifest.facts
    if facts is None or manifest.index is None:
        raise IndexUnreadable(f"{folder.path} names no index. Run manage.py snapshot again.")
    try:
        with index.open(manifest.tenant_id, manifest.index) as reader, tenant_scope(manifest.tenant_id):
            counts = load_index(reader.iter_all(), facts)
            _require_unbroken_trail(facts)
    except (ObjectMissing, KeyMissing, SealBroken):
        raise IndexUnreadable(
            f"The index in {folder.index} is missing or damaged. Run manage.py snapshot again."
        ) from None
    return LoadReport(
        manifest.tenant_id, facts.taken_at, facts.studies, facts.instances, sum(counts.values()), manifest.missing
    )


def _require_unbroken_trail(facts: Facts) -> None:
    if found := find_alteration():
        raise TrailAltered(
            f"The audit trail in the copy breaks at event {found.seq} ({found.problem}). Use another copy."
        )
