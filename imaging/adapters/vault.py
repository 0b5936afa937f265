"""The vault of one region: sealed objects in a Django storage, data keys wrapped by the region's keyring.

An object is two files, `<tenant>/<ab>/<object>.key` and `.sealed` (crypto/FORMAT.md). The key is a file of
its own so that a purge can destroy it first and a rotation can wrap it anew without touching pixel bytes.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from blake3 import blake3
from django.core.files import File
from django.core.files.storage import Storage

from imaging.adapters.keys import Keyring
from imaging.adapters.storage import ImmediateStaging, StagedFile, Staging
from imaging.crypto.layout import CHUNK_SIZE, KEY_FILE_SIZE, ObjectHeader
from imaging.crypto.stream import SealedReader, plaintext_size, seal_chunks

_KEY, _SEALED = ".key", ".sealed"


class ObjectMissing(Exception):
    """The vault does not hold the object."""


class KeyMissing(Exception):
    """The object is there but its data key is gone: it was purged, and is unreadable for good."""


class ObjectExists(Exception):
    """The vault already holds this object id; sealed objects are never overwritten."""


class CopyDiffers(Exception):
    """Two regions hold different bytes for the same file of an object."""


class VaultUnavailable(Exception):
    """The storage or keyring behind the vault failed or cannot be reached; trying again later may work."""


class Vault:
    """Seals into and opens from one region, from any process. Any method may raise `VaultUnavailable`."""

    def __init__(self, storage: Storage, keyring: Keyring, region: int) -> None:
        self.region = region
        self._storage = storage
        self._keyring = keyring

    def seal(self, tenant_id: UUID, object_id: UUID, source: Iterable[bytes]) -> int:
        """Seal `source` (pieces of any size) and return its length in bytes; by then the object is durable.

        Raises `ObjectExists`, `KeyUnknown`, `KeyDestroyed`, and what `source` raises: then nothing remains.
        """
        with self.batch() as batch:
            return batch.seal(tenant_id, object_id, source)

    @contextmanager
    def batch(self) -> Iterator["Batch"]:
        """Yield a `Batch`: its objects exist and are durable, all together, once the block has been left.

        An exception that leaves the block discards them all.
        """
        batch = Batch(self)
        try:
            yield batch
            batch.publish()
        except BaseException:
            batch.discard()
            raise

    def open(self, tenant_id: UUID, object_id: UUID) -> SealedReader:
        """Return a reader to be closed by the caller (a context manager).

        Raises `ObjectMissing`, `KeyMissing`, `KeyUnknown`, `KeyDestroyed`, `SealBroken`; reading may raise
        `SealBroken` and `VaultUnavailable`.
        """
        data_key = self._open_data_key(tenant_id, object_id)
        file = _RemoteFile(self._open_file(object_name(tenant_id, object_id, _SEALED)), self.region)
        try:
            return SealedReader(data_key, tenant_id, object_id, file, file.size)
        except BaseException:
            file.close()
            raise

    def verify(self, tenant_id: UUID, object_id: UUID) -> int:
        """Open every chunk and return the plaintext size; raises what `open` and reading raise."""
        with self.open(tenant_id, object_id) as reader:
            return sum(len(piece) for piece in reader.iter_all())

    def copy_to(self, other: "Vault", tenant_id: UUID, object_id: UUID) -> bool:
        """Copy both files of an object, as ciphertext, durably; False if `other` had the same already.

        Raises `ObjectMissing`, `KeyMissing` and, if `other` holds different bytes, `CopyDiffers`.
        """
        self._require_key(tenant_id, object_id)
        names = [object_name(tenant_id, object_id, suffix) for suffix in (_KEY, _SEALED)]
        absent = [name for name in names if not self._same_in(other, name)]
        try:
            with other.batch() as batch:
                for name in absent:
                    batch.write(name, self._read_pieces(name))
        except ObjectExists:
            # Another worker copied it meanwhile. Its two files appear together, so look at both.
            if not all(self._same_in(other, name) for name in names):
                raise
            return False
        return bool(absent)

    def destroy_key(self, tenant_id: UUID, object_id: UUID) -> None:
        """Remove the object's data key, after which nobody can open it in this region; repeatable."""
        self._delete(object_name(tenant_id, object_id, _KEY))

    def delete(self, tenant_id: UUID, object_id: UUID) -> None:
        """Remove the object, the key first, and what killed writers left of it; repeatable."""
        self.destroy_key(tenant_id, object_id)
        self._delete(object_name(tenant_id, object_id, _SEALED))

    def discard_abandoned(self, older_than_s: float) -> int:
        """Remove files that writers, killed so many seconds ago or more, began and never published; how many."""
        if not isinstance(self._storage, Staging):
            return 0
        with _outages(self.region):
            return self._storage.discard_abandoned(older_than_s)

    def exists(self, tenant_id: UUID, object_id: UUID) -> bool:
        """Tell whether both files are there. It opens nothing; see `verify`."""
        with _outages(self.region):
            names = (object_name(tenant_id, object_id, suffix) for suffix in (_KEY, _SEALED))
            return all(self._storage.exists(name) for name in names)

    def list_objects(self, tenant_id: UUID) -> Iterator[UUID]:
        """Yield the ids of the tenant's sealed objects, with or without their keys, in no order."""
        for shard in self._list(str(tenant_id))[0]:
            for name in self._list(f"{tenant_id}/{shard}")[1]:
                if name.endswith(_SEALED):
                    yield UUID(name.removesuffix(_SEALED))

    def _open_data_key(self, tenant_id: UUID, object_id: UUID) -> bytes:
        self._require_key(tenant_id, object_id)
        with self._open_file(object_name(tenant_id, object_id, _KEY)) as file, _outages(self.region):
            # One byte more than it may have, so that an extended file is refused.
            return self._keyring.open_data_key(tenant_id, object_id, file.read(KEY_FILE_SIZE + 1))

    def _require_key(self, tenant_id: UUID, object_id: UUID) -> None:
        with _outages(self.region):
            if self._storage.exists(object_name(tenant_id, object_id, _KEY)):
                return
            if self._storage.exists(object_name(tenant_id, object_id, _SEALED)):
                raise KeyMissing("the object's key is gone")
        raise ObjectMissing("no such object")

    def _open_file(self, name: str) -> File:
        with _outages(self.region):
            try:
                return self._storage.open(name, "rb")
            except FileNotFoundError:
                raise ObjectMissing("no such object") from None

    def _read_pieces(self, name: str) -> Iterator[bytes]:
        with self._open_file(name) as file, _outages(self.region):
            yield from file.chunks(CHUNK_SIZE)

    def _same_in(self, other: "Vault", name: str) -> bool:
        with _outages(other.region):
            if not other._storage.exists(name):
                return False
        if self._digest(name) != other._digest(name):
            raise CopyDiffers("the other region holds different bytes")
        return True

    def _digest(self, name: str) -> bytes:
        digest = blake3()
        for piece in self._read_pieces(name):
            digest.update(piece)
        return digest.digest()

    def _delete(self, name: str) -> None:
        with _outages(self.region):
            self._storage.delete(name)

    def _list(self, folder: str) -> tuple[list[str], list[str]]:
        with _outages(self.region):
            try:
                return self._storage.listdir(folder)
            except FileNotFoundError:
                return [], []


class Batch:
    """Objects that become durable together; one that fails is dropped alone and may be caught."""

    def __init__(self, vault: Vault) -> None:
        storage = vault._storage
        self._staging: Staging = storage if isinstance(storage, Staging) else ImmediateStaging(storage)
        self._keyring = vault._keyring
        self._region = vault.region
        self._staged: list[StagedFile] = []

    def seal(self, tenant_id: UUID, object_id: UUID, source: Iterable[bytes]) -> int:
        """Seal as `Vault.seal` does, but durable only when the batch ends."""
        with _outages(self._region):
            data_key, key_file = self._keyring.new_data_key(tenant_id, object_id)
        chunks = seal_chunks(data_key, ObjectHeader.new(tenant_id, object_id), source)
        self.write(object_name(tenant_id, object_id, _KEY), [key_file])
        try:
            return plaintext_size(self.write(object_name(tenant_id, object_id, _SEALED), chunks))
        except BaseException:
            self._staging.discard([self._staged.pop()])
            raise

    def write(self, name: str, pieces: Iterable[bytes | memoryview]) -> int:
        """Stage one file of ciphertext and return its size in bytes."""
        watched = _Watched(pieces)
        with _outages(self._region, watched):
            staged = self._staging.stage(name, watched)
        self._staged.append(staged)
        return staged.size

    def publish(self) -> None:
        """Make all durable, or raise and leave none."""
        with _outages(self._region):
            self._staging.publish(self._staged)

    def discard(self) -> None:
        """Remove what was staged."""
        self._staging.discard(self._staged)


def object_name(tenant_id: UUID, object_id: UUID, suffix: str) -> str:
    """Return `<tenant>/<ab>/<object><suffix>`; `ab` ends the object id, where UUIDv4 and v7 are random."""
    return f"{tenant_id}/{str(object_id)[-2:]}/{object_id}{suffix}"


class _Watched:
    """A source that remembers what it raised, so that a client's broken pipe is not taken for the vault's."""

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self._pieces = pieces
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[bytes | memoryview]:
        try:
            yield from self._pieces
        except BaseException as error:
            self.error = error
            raise


class _RemoteFile:
    """The file of a reader: its failures are the vault's."""

    def __init__(self, file: File, region: int) -> None:
        self._file = file
        self._region = region
        self.size: int = file.size

    def seek(self, offset: int, whence: int = 0) -> Any:
        with _outages(self._region):
            return self._file.seek(offset, whence)

    def readinto(self, target: memoryview) -> int:
        with _outages(self._region):
            return self._file.readinto(target)

    def close(self) -> None:
        self._file.close()


@contextmanager
def _outages(region: int, watched: _Watched | None = None) -> Iterator[None]:
    """Translate the storage's errors into the vault's; what the caller's source raised passes as it is."""
    try:
        yield
    except OSError as error:
        if watched is not None and error is watched.error:
            raise
        if isinstance(error, FileExistsError):
            raise ObjectExists("the vault already holds this object") from error
        raise VaultUnavailable(f"the vault of region {region} failed: {type(error).__name__}") from error
