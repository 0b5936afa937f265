"""The local copy for the office: one practice, sealed, on a disk of its own; brought up to date by every run.

The order keeps it whole wherever a run is interrupted. First the practice's rows are sealed as they are at one moment,
together with the list of objects that they name; then those objects are copied; then the manifest is replaced, in one
step, and from there on the new index counts; only then goes what nothing names any more, keys first.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from django.utils import timezone

from audit.actions import Action
from audit.actor import Actor
from audit.models import AuditEvent
from audit.services import record
from imaging.adapters.vault import Vault, VaultUnavailable
from imaging.models import OfficeCopy
from imaging.services.office_copy_folder import CopyFolder, Facts, Manifest, OfficeCopyRefused
from imaging.services.office_copy_index import frozen_view, list_wanted, read_facts, write_index
from imaging.services.office_copy_keys import (
    CopyVaults,
    adopt_key,
    ensure_key_file,
    is_on_same_disk,
    open_vaults,
    require_kept_apart,
)
from imaging.services.office_copy_objects import Copying, list_found, require_little_to_remove, size_of
from tenants.scoping import tenant_scope

_ROUNDS = 3  # a purge during the run makes another one necessary


class CopyNewer(OfficeCopyRefused):
    """The copy knows of events that the database does not: the database was set back."""


@dataclass(frozen=True)
class CopyReport:
    """What a run did; sizes in bytes of ciphertext. `missing` objects no region could give: a finding."""

    taken_at: datetime
    studies: int
    instances: int
    objects: int
    size: int
    added: int
    healed: int
    removed: int
    missing: int
    key_on_same_disk: bool


@dataclass(frozen=True)
class _View:
    """The practice at one moment: its index, sealed in the copy but not counting yet, and what that names."""

    index: UUID
    facts: Facts
    wanted: dict[UUID, int]


@dataclass(frozen=True)
class Wishes:
    """What whoever runs it allows and asks for."""

    allow_removal: bool = False
    read_all: bool = False


def make_copy(
    actor: Actor, tenant_id: UUID, directory: Path, key_file: Path, now: datetime, wishes: Wishes = Wishes()
) -> CopyReport:
    """Bring the practice's copy in `directory` up to date, or begin it; `key_file` opens it and lies elsewhere.

    Interrupted anywhere, the copy is what it was before, and the next run goes on.

    Raises
    ------
    OfficeCopyRefused
        One of its kinds; the text says what to do.
    VaultUnavailable
    """
    folder = CopyFolder(directory)
    require_kept_apart(folder, key_file)
    with folder.writing():
        folder.claim(tenant_id)
        _require_older(folder, tenant_id)
        ensure_key_file(folder, tenant_id, key_file)
        copying, manifest = _update(folder, tenant_id, key_file, now, wishes)
        report = _report(manifest, copying, key_on_same_disk=is_on_same_disk(folder, key_file))
    _record(actor, tenant_id, report)
    return report


def _update(
    folder: CopyFolder, tenant_id: UUID, key_file: Path, now: datetime, wishes: Wishes
) -> tuple[Copying, Manifest]:
    # Without the keys that the copy had, objects under older versions of the practice's key may not open any more.
    read_all = adopt_key(folder, tenant_id, key_file) or wishes.read_all
    with open_vaults(folder, tenant_id, key_file) as vaults:
        for vault in (vaults.objects, vaults.index):
            vault.discard_abandoned(0)
        copying = Copying(folder, tenant_id, vaults.objects, now, read_all)
        view = _view_and_copy(copying, vaults, wishes)
        manifest = _manifest(folder, tenant_id, view, copying)
        folder.write_manifest(manifest)
        copying.remove_all_but(view.wanted)
        _remove_indexes(vaults.index, tenant_id, keep=view.index)
    return copying, manifest


def _view_and_copy(copying: Copying, vaults: CopyVaults, wishes: Wishes) -> _View:
    """A view whose every object is in the copy; what was purged between the two is looked for no further."""
    for _ in range(_ROUNDS):
        view = _seal_view(copying, vaults.index)
        try:
            if not wishes.allow_removal:
                found = list_found(copying.folder, copying.tenant_id)
                require_little_to_remove(copying.folder, found, view.wanted)
            copying.bring_in(view.wanted)
        except (OfficeCopyRefused, VaultUnavailable):
            with suppress(VaultUnavailable):
                vaults.index.delete(copying.tenant_id, view.index)
            raise
        if not copying.tally.missing or not _is_outdated(copying.tenant_id, copying.tally.missing):
            break
    return view


def _seal_view(copying: Copying, index: Vault) -> _View:
    # The one place that writes to a disk inside a transaction: it only reads, locks nothing, and spooling the rows
    # first would put them on a disk in the clear or the whole archive in memory.
    index_id = uuid4()
    with frozen_view(copying.tenant_id):
        facts = read_facts(copying.tenant_id, copying.now)
        wanted = list_wanted(copying.tenant_id)
        index.seal(copying.tenant_id, index_id, write_index(copying.tenant_id, facts))
    return _View(index_id, facts, wanted)


def _is_outdated(tenant_id: UUID, missing: set[UUID]) -> bool:
    with tenant_scope(tenant_id):
        return bool(missing - list_wanted(tenant_id).keys())


def _manifest(folder: CopyFolder, tenant_id: UUID, view: _View, copying: Copying) -> Manifest:
    objects, size = size_of(folder, tenant_id, view.wanted)
    return Manifest(tenant_id, view.index, view.facts, objects, size, len(copying.tally.missing))


def _remove_indexes(index: Vault, tenant_id: UUID, keep: UUID) -> None:
    """Older indexes still name what was purged since; and some were begun and never counted."""
    for object_id in list(index.list_objects(tenant_id)):
        if object_id != keep:
            index.delete(tenant_id, object_id)


def _require_older(folder: CopyFolder, tenant_id: UUID) -> None:
    """The copy's last event must be in the database's trail; raises `CopyNewer`."""
    manifest = folder.find_manifest()
    facts = manifest and manifest.facts
    if not facts or not facts.audit_seq:
        return
    with tenant_scope(tenant_id):
        event = AuditEvent.objects.filter(seq=facts.audit_seq).first()
    if event is None or bytes(event.digest).hex() != facts.audit_digest:
        raise CopyNewer(
            f"The copy in {folder.path}, of {facts.taken_at:%Y-%m-%d %H:%M} UTC, knows of more than the database, "
            "which was set back to an earlier state. Keep this copy: it may hold what was lost. "
            "Make a new one in an empty folder."
        )


def _report(manifest: Manifest, copying: Copying, *, key_on_same_disk: bool) -> CopyReport:
    facts, tally = manifest.facts, copying.tally
    assert facts is not None
    return CopyReport(
        facts.taken_at, facts.studies, facts.instances, manifest.objects, manifest.size, tally.added, tally.healed,
        tally.removed, manifest.missing, key_on_same_disk,
    )  # fmt: skip


def _record(actor: Actor, tenant_id: UUID, report: CopyReport) -> None:
    counts = {name: value for name, value in asdict(report).items() if name not in ("taken_at", "key_on_same_disk")}
    with tenant_scope(tenant_id):
        copy = OfficeCopy.objects.create(
            finished_at=timezone.now(), instances=report.instances, size=report.size, added=report.added
        )
        record(Action.OFFICE_COPY_MADE, actor, subject_id=copy.id, details=counts)
