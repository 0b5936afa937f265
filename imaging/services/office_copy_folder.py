"""The folder of an office copy: what lies where, whose it is, and who may write to it now.

`vault/` holds the practice's sealed objects as they are, `index/` its sealed rows of the database, `keys/` its key
wrapped by the copy's own master key (which is kept elsewhere), `manifest.json` names the index that counts.
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from imaging.adapters.storage import fsync_path
from imaging.adapters.vault import VaultUnavailable

FORMAT = 1
_LOCK, _PROBE, _MANIFEST, _PART = "lock", "lock.probe", "manifest.json", ".part"
# What an empty disk holds of its own accord.
_OF_THE_DISK = {"lost+found", "System Volume Information", "$RECYCLE.BIN"}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSING = {errno.EROFS, errno.EACCES, errno.EPERM}


class OfficeCopyRefused(Exception):
    """The copy cannot be made or loaded. The text names the path and says what to do; it holds no PHI."""


class FolderForeign(OfficeCopyRefused):
    """The folder holds something else, or the copy of another practice."""


class FolderBusy(OfficeCopyRefused):
    """Another run writes to the folder."""


class DiskUnsuitable(OfficeCopyRefused):
    """The disk is full, read-only, broken, or of a kind that cannot hold a copy."""


class CopyUnknown(OfficeCopyRefused):
    """There is no complete copy in the folder that this version can read."""


@dataclass(frozen=True)
class Facts:
    """What the index says of itself and the manifest repeats: counts, and the last event of the audit trail."""

    taken_at: datetime
    studies: int
    series: int
    instances: int
    audit_seq: int
    audit_digest: str  # hex

    def as_json(self) -> dict[str, Any]:
        """For the manifest and the index alike."""
        return asdict(self) | {"taken_at": self.taken_at.isoformat()}

    @classmethod
    def of_json(cls, raw: dict[str, Any]) -> "Facts":
        """Undo `as_json`; raises `KeyError`, `TypeError`, `ValueError`."""
        return cls(**raw | {"taken_at": datetime.fromisoformat(raw["taken_at"])})


@dataclass(frozen=True)
class Manifest:
    """`manifest.json`: whose copy it is and which index counts; without one, a first run that has not ended."""

    tenant_id: UUID
    index: UUID | None = None
    facts: Facts | None = None
    objects: int = 0  # sealed objects in the copy
    size: int = 0  # bytes of ciphertext in the copy
    missing: int = 0  # objects that the index names and no region could give

    def as_json(self) -> dict[str, Any]:
        """No PHI: ids, times and counts."""
        return asdict(self) | {
            "format": FORMAT,
            "tenant_id": str(self.tenant_id),
            "index": self.index and str(self.index),
            "facts": self.facts and self.facts.as_json(),
        }


@dataclass(frozen=True)
class CopyFolder:
    """One office copy on a disk."""

    path: Path

    @property
    def vault(self) -> Path:
        return self.path / "vault"

    @property
    def index(self) -> Path:
        return self.path / "index"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    def find_manifest(self) -> Manifest | None:
        """The manifest, if there is one; raises `CopyUnknown` if it cannot be read."""
        try:
            raw = json.loads((self.path / _MANIFEST).read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            raise CopyUnknown(f"{self.path / _MANIFEST} is damaged. {_ANEW}") from None
        return self._parse_manifest(raw)

    def get_manifest(self) -> Manifest:
        """The manifest of a complete copy; raises `CopyUnknown`."""
        manifest = self.find_manifest()
        if manifest is None:
            raise CopyUnknown(
                f"{self.path} holds no office copy. Give the folder that `manage.py snapshot --to` filled."
            )
        if manifest.index is None:
            raise CopyUnknown(f"The copy in {self.path} was never completed. Run manage.py snapshot again.")
        return manifest

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest in one step: from here on its index counts."""
        replace_file(self.path / _MANIFEST, json.dumps(manifest.as_json(), indent=1).encode())

    def claim(self, tenant_id: UUID) -> None:
        """Make the folder the practice's copy, unless it is already; raises `FolderForeign`, `CopyUnknown`."""
        manifest = self.find_manifest()
        if manifest is None:
            self._require_empty()
            self.write_manifest(Manifest(tenant_id))
        elif manifest.tenant_id != tenant_id:
            raise FolderForeign(f"{self.path} is the copy of another practice. Give each practice a folder of its own.")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Create the folder where it is missing, and keep other runs out.

        Raises `FolderBusy`, `DiskUnsuitable`; what the disk refuses inside becomes a `DiskUnsuitable`, too.
        """
        with self._plain_words():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._lock(descriptor, fcntl.LOCK_EX)
                self._require_links()
                yield
            finally:
                os.close(descriptor)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep writers out without touching the folder; raises `FolderBusy`."""
        try:
            descriptor = os.open(self.path / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            yield
            return
        try:
            self._lock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    def require_writable(self) -> None:
        """Whether the disk still takes a file, when it is unclear what failed; raises `DiskUnsuitable`."""
        with self._plain_words():
            replace_file(self.path / _PROBE, bytes(1 << 16))
            (self.path / _PROBE).unlink()

    def _lock(self, descriptor: int, kind: int) -> None:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderBusy(f"Another run is writing to {self.path}. Wait until it has ended.") from None

    def _require_links(self) -> None:
        """Sealed files get their names by hard links, so that none is ever overwritten; FAT and exFAT have none."""
        (self.path / _PROBE).unlink(missing_ok=True)
        try:
            os.link(self.path / _LOCK, self.path / _PROBE)
        except OSError:
            raise DiskUnsuitable(
                f"The file system of {self.path} has no hard links. Format the disk as ext4, XFS or APFS."
            ) from None
        (self.path / _PROBE).unlink()

    def _require_empty(self) -> None:
        found = {entry.name for entry in os.scandir(self.path)} - _OF_THE_DISK - {_LOCK}
        if any(not name.startswith(".") and not name.endswith(_PART) for name in found):
            raise FolderForeign(f"{self.path} is not empty and not an office copy. Give an empty or a new folder.")

    def _parse_manifest(self, raw: Any) -> Manifest:
        try:
            if raw["format"] != FORMAT:
                raise CopyUnknown(f"{self.path} was made by another version of Collimate. {_ANEW}")
            index, facts = raw["index"] and UUID(raw["index"]), raw["facts"] and Facts.of_json(raw["facts"])
            counts = (int(raw[name]) for name in ("objects", "size", "missing"))
            return Manifest(UUID(raw["tenant_id"]), index, facts, *counts)
        except (KeyError, TypeError, ValueError):
            raise CopyUnknown(f"{self.path / _MANIFEST} is damaged. {_ANEW}") from None

    @contextmanager
    def _plain_words(self) -> Iterator[None]:
        try:
            yield
        except (OSError, VaultUnavailable) as error:
            cause = error.__cause__ if isinstance(error, VaultUnavailable) else error
            if words := self._explain(cause):
                raise DiskUnsuitable(words) from error
            raise

    def _explain(self, cause: BaseException | None) -> str:
        number, file = getattr(cause, "errno", None), getattr(cause, "filename", None)
        # The key file lies elsewhere.
        where = Path(file) if isinstance(file, str) and not Path(file).is_relative_to(self.path) else self.path
        if number in _FULL:
            return f"The disk of {where} is full. {_GOES_ON}"
        if number in _REFUSING:
            return f"{where} cannot be written to ({os.strerror(number)}). Run as a user who may, on a disk that can."
        return f"The disk of {where} fails. Replace it. {_ANEW}" if number == errno.EIO else ""


_ANEW = "Make a new copy in an empty folder."
_GOES_ON = "Make room or take a larger disk with the copy moved onto it, and run again: it goes on where it stopped."


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` in the place of `path`, durably: at any moment there is the old file or the new, of mode 0600."""
    part = path.with_name(f"{path.name}{_PART}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    fsync_path(path.parent)
