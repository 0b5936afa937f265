"""What wraps a tenant's keys: a file, an OpenBao server or AWS KMS. One master per region; regions share none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from uuid import UUID

from imaging.adapters.keys.files import replace_durably
from imaging.crypto import envelope
from imaging.crypto.layout import KEY_SIZE, SealBroken


class KeyUnknown(Exception):
    """This keyring, or the system behind it, does not hold the key."""


class KeyDestroyed(Exception):
    """The key was destroyed on purpose: what it sealed is gone for good."""


class MasterKeyMissing(OSError):
    """The directory holds wrapped keys but not the master that opens them: restore it, never replace it.

    To callers the keyring is out of service, hence an `OSError`: they wait or turn to the other region.
    """


class MasterUnavailable(OSError):
    """The outside key system cannot be reached, is sealed, or refuses our token. The text names no key."""


class Master(Protocol):
    """Wraps the secrets of a keyring's records. Every method may raise `OSError` when it is out of reach.

    `context` says what the secret is (FORMAT.md §5); a wrap opens only for the tenant and context it was made for.
    """

    name: str

    def prepare(self, tenant_id: UUID) -> None:
        """Make ready for a tenant that has no record yet; repeatable; raises `MasterKeyMissing`."""

    def wrap(self, tenant_id: UUID, secret: bytes, context: bytes) -> bytes:
        """Return `secret` wrapped; raises `KeyUnknown` for a tenant that was never prepared or is destroyed."""

    def unwrap(self, tenant_id: UUID, wrapped: bytes, context: bytes) -> bytes:
        """Return the secret; raises `SealBroken`, `KeyUnknown`, `KeyDestroyed`."""

    def destroy(self, tenant_id: UUID) -> None:
        """Destroy what is kept for this tenant alone, for ever; repeatable."""


class FileMaster:
    """32 random bytes in `master.key`, made for the first record and never again."""

    name = "file"

    def __init__(self, directory: Path) -> None:
        self._directory = Path(directory)

    def prepare(self, tenant_id: UUID) -> None:
        """See `Master`. The caller holds the keyring's lock."""
        path = self._directory / "master.key"
        if path.exists():
            return
        if any(self._directory.glob("*.json")):
            raise MasterKeyMissing("wrapped keys without their master key")
        replace_durably(path, envelope.new_key())

    def wrap(self, tenant_id: UUID, secret: bytes, context: bytes) -> bytes:
        """See `Master`: nonce, ciphertext and tag of FORMAT.md §5."""
        return envelope.wrap_secret(self._read(), secret, context)

    def unwrap(self, tenant_id: UUID, wrapped: bytes, context: bytes) -> bytes:
        """See `Master`."""
        return envelope.unwrap_secret(self._read(), wrapped, context)

    def destroy(self, tenant_id: UUID) -> None:
        """Do nothing: `master.key` serves every tenant; the keyring overwrites the tenant's wraps."""

    def _read(self) -> bytes:
        try:
            master = (self._directory / "master.key").read_bytes()
        except FileNotFoundError:
            raise MasterKeyMissing("wrapped keys without their master key") from None
        if len(master) != KEY_SIZE:
            raise SealBroken("the master key has a wrong length")
        return master


def make_master(directory: Path, config: Mapping[str, str]) -> Master:
    """The master of a region's settings: `kind` is file, openbao or kms, the rest are its arguments.

    Raises `ValueError` for another kind, `TypeError` for arguments it does not take.
    """
    options = dict(config)
    kind = options.pop("kind", FileMaster.name)
    # Imported when wanted: the AWS client alone costs each worker 20 MB.
    if kind == FileMaster.name:
        return FileMaster(directory, **options)
    if kind == "openbao":
        from imaging.adapters.keys.openbao import OpenBaoMaster

        return OpenBaoMaster(**options)
    if kind == "kms":
        from imaging.adapters.keys.kms import KmsMaster

        return KmsMaster.connect(**options)
    raise ValueError(f"there is no master of the kind {kind}")
