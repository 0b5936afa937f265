"""The keys of an office copy: the practice's own, wrapped by a master key that is never kept with the copy.

Whoever steals the disk has noise; whoever finds the key file has nothing to open with it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from imaging.adapters.keys import FileKeyring, KeyDestroyed, Keyring, KeyUnknown
from imaging.adapters.storage import DirectoryStorage, fsync_path
from imaging.adapters.vault import Vault
from imaging.crypto.envelope import new_key
from imaging.crypto.layout import KEY_SIZE, SealBroken
from imaging.services.active_region import read_order
from imaging.services.office_copy_folder import CopyFolder, OfficeCopyRefused, replace_file
from imaging.services.regions import ensure_tenant_keys, get_keyring

OFFICE = 0  # the number that stands for this place where the two regions are 1 and 2


class KeyFileUnsuitable(OfficeCopyRefused):
    """The key file lies with the copy, is missing, or is none."""


class KeyWrong(OfficeCopyRefused):
    """The key file does not open this copy."""


class KeysUnavailable(OfficeCopyRefused):
    """No region gives the practice's key."""


@dataclass(frozen=True)
class CopyVaults:
    """The two vaults of a copy, opened with its own keys."""

    objects: Vault
    index: Vault


def require_kept_apart(folder: CopyFolder, key_file: Path) -> None:
    """Refuse a key that would be stolen with the disk; raises `KeyFileUnsuitable`."""
    if key_file.resolve().is_relative_to(folder.path.resolve()):
        raise KeyFileUnsuitable(f"{key_file} lies inside {folder.path}. Keep the key on another medium than the copy.")


def is_on_same_disk(folder: CopyFolder, key_file: Path) -> bool:
    """Whether one theft takes both; allowed, but to be told."""
    return folder.path.stat().st_dev == key_file.stat().st_dev


def ensure_key_file(folder: CopyFolder, tenant_id: UUID, key_file: Path) -> None:
    """Make the copy's master key at its first run; raises `KeyFileUnsuitable` when a later run finds it missing."""
    if key_file.exists():
        return
    if _wrapped(folder, tenant_id).exists():
        raise KeyFileUnsuitable(
            f"{key_file} is missing. Attach the medium with the key of {folder.path}. If the key is lost for good, "
            f"delete {folder.keys} and run again: a new key is made, and what is in the copy stays."
        )
    key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(key_file, new_key())


@contextmanager
def open_vaults(folder: CopyFolder, tenant_id: UUID, key_file: Path) -> Iterator[CopyVaults]:
    """The copy's vaults, while the context lasts; touches nothing in the folder.

    Raises `KeyFileUnsuitable`, `KeyWrong`.
    """
    with _open_keyring(folder, tenant_id, key_file) as (keyring, _):
        require_right_key(keyring, folder, tenant_id, key_file)
        yield CopyVaults(
            Vault(DirectoryStorage(folder.vault), keyring, OFFICE),
            Vault(DirectoryStorage(folder.index), keyring, OFFICE),
        )


def adopt_key(folder: CopyFolder, tenant_id: UUID, key_file: Path) -> bool:
    """Bring the copy's wrapped keys up to date from the first region that gives them; True if there were none.

    Raises `KeyFileUnsuitable`, `KeyWrong`, `KeysUnavailable`.
    """
    with _open_keyring(folder, tenant_id, key_file) as (keyring, private):
        known = _wrapped(folder, tenant_id).exists()
        if known:
            require_right_key(keyring, folder, tenant_id, key_file)
        _adopt(keyring, folder, tenant_id)
        fresh = (private / f"{tenant_id}.json").read_bytes()
    folder.keys.mkdir(mode=0o700, exist_ok=True)
    fsync_path(folder.path)
    if not known or _wrapped(folder, tenant_id).read_bytes() != fresh:
        replace_file(_wrapped(folder, tenant_id), fresh)
    return not known


def require_right_key(keyring: Keyring, folder: CopyFolder, tenant_id: UUID, key_file: Path) -> None:
    """Raise `KeyWrong` unless the key file opens the copy's keys."""
    try:
        keyring.export_tenant_keys(tenant_id)
    except (SealBroken, KeyUnknown):
        raise KeyWrong(
            f"{key_file} does not open {folder.path}: it is the key of another copy, or {folder.keys} is damaged. "
            "Give the key that was made with this copy; if the folder is damaged, delete it and run manage.py snapshot "
            "again."
        ) from None


@contextmanager
def _open_keyring(folder: CopyFolder, tenant_id: UUID, key_file: Path) -> Iterator[tuple[FileKeyring, Path]]:
    """A keyring and its directory, beside the copy and not in it: a link to the master key, and the wrapped keys."""
    _require_key_file(key_file)
    with tempfile.TemporaryDirectory(prefix="collimate-copy-") as private:
        os.symlink(key_file.resolve(), Path(private) / "master.key")
        if _wrapped(folder, tenant_id).exists():
            shutil.copyfile(_wrapped(folder, tenant_id), Path(private) / f"{tenant_id}.json")
        yield FileKeyring(Path(private)), Path(private)


def _require_key_file(key_file: Path) -> None:
    try:
        size = key_file.stat().st_size
    except FileNotFoundError:
        raise KeyFileUnsuitable(f"There is no key file {key_file}. Attach the medium that holds it.") from None
    if size != KEY_SIZE:
        raise KeyFileUnsuitable(f"{key_file} is not a key file: it must hold {KEY_SIZE} bytes.")


def _adopt(keyring: Keyring, folder: CopyFolder, tenant_id: UUID) -> None:
    unknown = 0
    for region in read_order():
        try:
            keyring.adopt_tenant_key(tenant_id, get_keyring(region))
            return
        except KeyUnknown:
            unknown += 1
        except KeyDestroyed:
            raise KeysUnavailable(
                f"The practice's keys were destroyed on purpose. Destroy its copy in {folder.path} and that key, too."
            ) from None
        except OSError:
            continue
    if not unknown:
        raise KeysUnavailable("No region gives the practice's key now. Run again when one of them answers.")
    # A practice that never took an image in has no key yet.
    ensure_tenant_keys(tenant_id)
    keyring.adopt_tenant_key(tenant_id, get_keyring(read_order()[0]))


def _wrapped(folder: CopyFolder, tenant_id: UUID) -> Path:
    return folder.keys / f"{tenant_id}.json"
