"""The vault of one region: sealed objects in a Django storage, data keys wrapped by the region's keyring.

An object is two files, `<tenant>/<ab>/<object>.key` and `.sealed` (crypto/FORMAT.md). The key is a file of
its own so that a purge can destroy it first and a rotation can wrap it anew without touching pixel bytes.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from blake3 import blake3
from django.core.files import File
from django.core.files.storage import Storage

from imaging.adapters.keys import Keyring
from imaging.adapters.storage import ImmediateStaging, ObjectLocked, Part, StagedFile, Staging, replace_all, write_part
from imaging.crypto.layout import CHUNK_SIZE, KEY_FILE_SIZE, ObjectHeader, SealBroken
from imaging.crypto.stream import SealedReader, Sealer

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
        self.staging: Staging = storage if isinstance(storage, Staging) else ImmediateStaging(storage)

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

        The data key may be wrapped by another version of the tenant's key there: what counts is that it is the same.

        Raises `ObjectMissing`, `KeyMissing` and, if `other` holds different bytes, `CopyDiffers`.
        """
        self._require_key(tenant_id, object_id)
        absent = self._list_absent(other, tenant_id, object_id)
        try:
            with other.batch() as batch:
                for name in absent:
                    batch.write(name, self._read_pieces(name))
        except ObjectExists:
            # Another worker copied it meanwhile. Its two files appear together, so look at both.
            if self._list_absent(other, tenant_id, object_id):
                raise
            return False
        return bool(absent)

    def rewrap(self, tenant_id: UUID, object_id: UUID) -> bool:
        """Wrap the object's data key with the active version of the tenant's key; False if it was already.

        Touches the 116 bytes of the `.key` file only. Killed at any point it leaves the old wrap or the new.
        Raises `ObjectMissing`, `KeyMissing`, `KeyUnknown`, `KeyDestroyed`, `SealBroken`.
        """
        new = self.wrap_anew(tenant_id, object_id)
        self.replace_keys(tenant_id, {object_id: new} if new else {})
        return new is not None

    def wrap_anew(self, tenant_id: UUID, object_id: UUID) -> bytes | None:
        """The `.key` file that `rewrap` would write; None if there is nothing to write. Raises as `rewrap`."""
        with self._open_key_file(tenant_id, object_id) as file, _outages(self.region):
            old = file.read(KEY_FILE_SIZE + 1)
        with _outages(self.region):
            return self._keyring.rewrap_data_key(tenant_id, object_id, old)

    def replace_keys(self, tenant_id: UUID, key_files: Mapping[UUID, bytes]) -> None:
        """Put `.key` files made by `wrap_anew` in place, durably; one that was purged meanwhile stays gone.

        A purge at the very moment could still meet it: whoever rewraps or purges holds the practice's lock.
        """
        contents = {object_name(tenant_id, object_id, _KEY): content for object_id, content in key_files.items()}
        with _outages(self.region):
            replace_all(self.staging, contents)

    def destroy_key(self, tenant_id: UUID, object_id: UUID) -> None:
        """Remove the object's data key, after which nobody can open it in this region; repeatable."""
        self._delete(object_name(tenant_id, object_id, _KEY))

    def delete(self, tenant_id: UUID, object_id: UUID) -> None:
        """Remove the object, the key first, and what killed writers left of it; repeatable.

        A bucket that must keep the ciphertext keeps it out of sight: without its key it is noise.
        """
        self.destroy_key(tenant_id, object_id)
        with _outages(self.region), suppress(ObjectLocked):
            self._storage.delete(object_name(tenant_id, object_id, _SEALED))

    def discard_abandoned(self, older_than_s: float) -> int:
        """Remove files that writers, killed so many seconds ago or more, began and never published; how many."""
        with _outages(self.region):
            return self.staging.discard_abandoned(older_than_s)

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
        with self._open_key_file(tenant_id, object_id) as file, _outages(self.region):
            # One byte more than it may have, so that an extended file is refused.
            return self._keyring.open_data_key(tenant_id, object_id, file.read(KEY_FILE_SIZE + 1))

    def _open_key_file(self, tenant_id: UUID, object_id: UUID) -> File:
        try:
            return self._open_file(object_name(tenant_id, object_id, _KEY))
        except ObjectMissing:
            self._require_key(tenant_id, object_id)
            raise

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

    def _list_absent(self, other: "Vault", tenant_id: UUID, object_id: UUID) -> list[str]:
        """The files that `other` lacks; raises `CopyDiffers` if one that it has is not the same."""
        names = [object_name(tenant_id, object_id, suffix) for suffix in (_KEY, _SEALED)]
        absent = [name for name in names if not other._holds(name)]
        if names[0] not in absent and self._digest(names[0]) != other._digest(names[0]):
            self._require_same_key(other, tenant_id, object_id)
        if names[1] not in absent and self._digest(names[1]) != other._digest(names[1]):
            raise CopyDiffers("the other region holds different bytes")
        return absent

    def _require_same_key(self, other: "Vault", tenant_id: UUID, object_id: UUID) -> None:
        try:
            same = self._open_data_key(tenant_id, object_id) == other._open_data_key(tenant_id, object_id)
        except SealBroken:
            same = False
        if not same:
            raise CopyDiffers("the other region holds another data key")

    def _holds(self, name: str) -> bool:
        with _outages(self.region):
            return self._storage.exists(name)

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
        self._staging = vault.staging
        self._keyring = vault._keyring
        self.region = vault.region
        self._staged: list[StagedFile] = []

    def begin(self, tenant_id: UUID, object_id: UUID) -> "Sealing":
        """Start an object that is fed piece by piece.

        Raises `ObjectExists`, `KeyUnknown`, `KeyDestroyed`, `VaultUnavailable`.
        """
        with _outages(self.region):
            data_key, key_file = self._keyring.new_data_key(tenant_id, object_id)
            part = self._staging.begin(object_name(tenant_id, object_id, _SEALED))
        sealer = Sealer(data_key, ObjectHeader.new(tenant_id, object_id))
        return Sealing(self, part, sealer, object_name(tenant_id, object_id, _KEY), key_file)

    def seal(self, tenant_id: UUID, object_id: UUID, source: Iterable[bytes]) -> int:
        """Seal as `Vault.seal` does, but durable only when the batch ends."""
        sealing = self.begin(tenant_id, object_id)
        try:
            for piece in source:
                sealing.write(piece)
            return sealing.finish()
        except BaseException:
            sealing.abandon()
            raise

    def write(self, name: str, pieces: Iterable[bytes | memoryview]) -> int:
        """Stage one file of ciphertext and return its size in bytes."""
        watched = _Watched(pieces)
        with _outages(self.region, watched):
            staged = write_part(self._staging, name, watched)
        self._staged.append(staged)
        return staged.size

    def publish(self) -> None:
        """Make all durable, or raise and leave none."""
        with _outages(self.region):
            self._staging.publish(self._staged)

    def discard(self) -> None:
        """Remove what was staged."""
        with suppress(OSError):
            self._staging.discard(self._staged)


class Sealing:
    """One object of a batch, being sealed."""

    def __init__(self, batch: Batch, part: Part, sealer: Sealer, key_name: str, key_file: bytes) -> None:
        self._batch = batch
        self._part = part
        self._sealer = sealer
        self._key_name = key_name
        self._key_file = key_file
        self._ended = False
        try:
            self._put(sealer.begin())
        except BaseException:
            self.abandon()
            raise

    @property
    def size(self) -> int:
        """Plaintext bytes so far."""
        return self._sealer.size

    def write(self, piece: bytes | memoryview) -> None:
        """Seal the next bytes; raises `VaultUnavailable`."""
        for sealed in self._sealer.feed(piece):
            self._put(sealed)

    def finish(self) -> int:
        """End the object and return its length in bytes; it is durable when its batch ends."""
        self._put(self._sealer.finish())
        with _outages(self._batch.region):
            staged = self._part.finish()
        # The key first: whoever sees the object can open it.
        self._batch.write(self._key_name, [self._key_file])
        self._batch._staged.append(staged)
        self._ended = True
        return self.size

    def abandon(self) -> None:
        """Leave nothing of it; does nothing once it is finished."""
        if not self._ended:
            self._part.abandon()

    def _put(self, sealed: memoryview) -> None:
        with _outages(self._batch.region):
            self._part.write(sealed)


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
