"""The sealed objects of an office copy: what is there, what is missing, what is damaged, what has to go."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from imaging.adapters.keys import KeyDestroyed, KeyUnknown
from imaging.adapters.vault import CopyDiffers, KeyMissing, ObjectMissing, Vault, VaultUnavailable
from imaging.crypto.layout import KEY_FILE_SIZE, SealBroken
from imaging.crypto.stream import plaintext_size
from imaging.services.active_region import read_order
from imaging.services.office_copy_folder import CopyFolder, OfficeCopyRefused
from imaging.services.regions import get_vault

RE_READ_DAYS = 30  # a copy made every day is read through once in so many
_UNREADABLE = (ObjectMissing, KeyMissing, KeyUnknown, KeyDestroyed, SealBroken, CopyDiffers)
_BRAKE_COUNT, _BRAKE_SHARE = 10, 5  # more objects than ten, and more than a fifth


class TooMuchToRemove(OfficeCopyRefused):
    """So much of the copy is gone at the practice that somebody should look first."""


class RegionsAway(OfficeCopyRefused):
    """Neither region gives sealed objects now."""


@dataclass
class Found:
    """The files of one object on the disk, in bytes; None where there is no such file."""

    key: int | None = None
    sealed: int | None = None

    def is_whole(self, size: int) -> bool:
        """Both files are there, as long as `size` bytes of plaintext make them (0: that was never noted)."""
        if self.key != KEY_FILE_SIZE or self.sealed is None:
            return False
        try:
            return plaintext_size(self.sealed) == size or not size
        except SealBroken:
            return False


@dataclass
class Tally:
    """What one run did with objects."""

    added: int = 0
    healed: int = 0
    removed: int = 0
    missing: set[UUID] = field(default_factory=set)  # that no region gives


def list_found(folder: CopyFolder, tenant_id: UUID) -> dict[UUID, Found]:
    """What lies on the disk, by object."""
    found: dict[UUID, Found] = {}
    for file in (folder.vault / str(tenant_id)).glob("*/*"):
        # Not what the system of a removable disk adds beside files: its names begin with a dot.
        if file.suffix in (".key", ".sealed") and not file.name.startswith("."):
            each = found.setdefault(UUID(file.stem), Found())
            setattr(each, file.suffix[1:], file.stat().st_size)
    return found


def require_little_to_remove(folder: CopyFolder, found: Iterable[UUID], wanted: dict[UUID, int]) -> None:
    """The brake: what empties a practice by mistake or by malice must not empty its copy; raises `TooMuchToRemove`."""
    held = set(found)
    gone = len(held - wanted.keys())
    if gone > _BRAKE_COUNT and gone * _BRAKE_SHARE > len(held):
        raise TooMuchToRemove(
            f"{gone} of the {len(held)} sealed objects in {folder.path} are no longer at the practice. Nothing was "
            "changed. If they were purged or packed anew on purpose, run again with --allow-removal; if not, keep this "
            "copy."
        )


@dataclass
class Copying:
    """Brings the objects of one copy up to date."""

    folder: CopyFolder
    tenant_id: UUID
    target: Vault
    now: datetime
    read_all: bool
    tally: Tally = field(default_factory=Tally)

    def bring_in(self, wanted: dict[UUID, int]) -> None:
        """Copy what is missing and what proves damaged; raises `RegionsAway`, `VaultUnavailable`."""
        found = list_found(self.folder, self.tenant_id)
        self.tally.missing = set()
        for object_id, size in wanted.items():
            held = found.get(object_id)
            if held is None or not held.is_whole(size):
                self._note(object_id, self._fetch(object_id, damaged=held is not None), damaged=held is not None)
            elif self._is_due(object_id) and not self._opens(object_id):
                self._note(object_id, self._fetch(object_id, damaged=True), damaged=True)

    def remove_all_but(self, wanted: dict[UUID, int]) -> None:
        """Remove what nothing names any more: all keys first, so that whatever stays behind is noise."""
        gone = list_found(self.folder, self.tenant_id).keys() - wanted.keys()
        for object_id in gone:
            self.target.destroy_key(self.tenant_id, object_id)
        for object_id in gone:
            self.target.delete(self.tenant_id, object_id)
        self.tally.removed += len(gone)

    def _note(self, object_id: UUID, fetched: bool, damaged: bool) -> None:
        if not fetched:
            self.tally.missing.add(object_id)
        elif damaged:
            self.tally.healed += 1
        else:
            self.tally.added += 1

    def _is_due(self, object_id: UUID) -> bool:
        return self.read_all or object_id.int % RE_READ_DAYS == self.now.toordinal() % RE_READ_DAYS

    def _opens(self, object_id: UUID) -> bool:
        try:
            self.target.verify(self.tenant_id, object_id)
        except (*_UNREADABLE, VaultUnavailable):
            return False
        return True

    def _fetch(self, object_id: UUID, damaged: bool) -> bool:
        """Copy from the first region whose copy opens with the copy's own keys; False if none has such a one."""
        away: VaultUnavailable | None = None
        for region in read_order():
            try:
                if self._copy_from(get_vault(region), object_id, damaged):
                    return True
            except VaultUnavailable as error:
                # Ours or theirs? A disk that takes nothing any more is not the region's fault.
                self._require_room(error)
                away = error
        if away:
            raise RegionsAway(
                "Neither region gives the sealed objects now. Run again: it goes on where it stopped."
            ) from away
        return False

    def _copy_from(self, source: Vault, object_id: UUID, damaged: bool) -> bool:
        try:
            if damaged:
                # Never give up what is left of a copy before a good one is in sight.
                source.verify(self.tenant_id, object_id)
                self.target.delete(self.tenant_id, object_id)
            source.copy_to(self.target, self.tenant_id, object_id)
            self.target.verify(self.tenant_id, object_id)
        except _UNREADABLE:
            if not damaged:
                self.target.delete(self.tenant_id, object_id)
            return False
        return True

    def _require_room(self, error: VaultUnavailable) -> None:
        if getattr(error.__cause__, "errno", None) is not None:
            self.folder.require_writable()


def size_of(folder: CopyFolder, tenant_id: UUID, wanted: dict[UUID, int]) -> tuple[int, int]:
    """How many of the wanted objects the copy holds, and their bytes of ciphertext."""
    found = list_found(folder, tenant_id)
    held = [found[object_id] for object_id in found.keys() & wanted.keys()]
    whole = [each for each in held if each.key and each.sealed]
    return len(whole), sum((each.key or 0) + (each.sealed or 0) for each in whole)
