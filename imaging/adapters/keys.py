"""Keys of tenants and nodes, each region with its own wrapped copies (crypto/FORMAT.md §5)."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

from imaging.adapters.storage import fsync_path
from imaging.crypto import envelope
from imaging.crypto.layout import KEY_SIZE, SealBroken

ACTIVE, RETIRED, DESTROYED = "active", "retired", "destroyed"


class KeyUnknown(Exception):
    """This keyring never held the key."""


class KeyDestroyed(Exception):
    """The key was destroyed on purpose: what it sealed is gone for good."""


class MasterKeyMissing(OSError):
    """The directory holds wrapped keys but not the master key that opens them: restore it, never replace it.

    To callers the keyring is out of service, hence an `OSError`: they wait or turn to the other region.
    """


@dataclass(frozen=True)
class TenantKey:
    """One version of a tenant's key. Active wraps new data keys, retired still opens old ones."""

    key_id: UUID
    state: str
    created_at: datetime
    secret: bytes | None = field(default=None, repr=False)


class Keyring(Protocol):
    """What a vault needs of a key store. Every method may raise `OSError` when the store is out of reach."""

    def create_tenant_key(self, tenant_id: UUID) -> UUID:
        """Return the active key's id, creating the key at first; raises `KeyDestroyed` after destruction."""

    def rotate_tenant_key(self, tenant_id: UUID) -> UUID:
        """Retire the active key and return the id of a new one."""

    def export_tenant_keys(self, tenant_id: UUID) -> tuple[TenantKey, ...]:
        """Return all versions with their secrets, oldest first, for another region's keyring only.

        Raises `KeyUnknown`, `KeyDestroyed`.
        """

    def adopt_tenant_key(self, tenant_id: UUID, source: "Keyring") -> None:
        """Wrap for this region what `source` holds. Repeatable; never revives a key destroyed here."""

    def new_data_key(self, tenant_id: UUID, object_id: UUID) -> tuple[bytes, bytes]:
        """Return (data key, 116 bytes of its `.key` file); raises `KeyUnknown`, `KeyDestroyed`."""

    def open_data_key(self, tenant_id: UUID, object_id: UUID, key_file: bytes) -> bytes:
        """Return the data key; raises `KeyUnknown`, `KeyDestroyed`, `SealBroken`."""

    def destroy_tenant_key(self, tenant_id: UUID) -> None:
        """Destroy every key of the tenant in this region, for ever; repeatable; raises `KeyUnknown`."""

    def node_key(self, tenant_id: UUID) -> bytes:
        """Return 32 bytes for the tenant's Orthanc in this region, made at first; raises `KeyDestroyed`."""


@dataclass(frozen=True)
class _Record:
    keys: tuple[TenantKey, ...] = ()
    node_key: bytes | None = field(default=None, repr=False)
    destroyed: bool = False

    def require_not_destroyed(self) -> None:
        if self.destroyed:
            raise KeyDestroyed("the tenant's keys were destroyed")

    def require_keys(self) -> None:
        self.require_not_destroyed()
        if not self.keys:
            raise KeyUnknown("the tenant has no key here")

    def get_active(self) -> TenantKey:
        self.require_keys()
        return next(key for key in self.keys if key.state == ACTIVE)

    def get_secret(self, key_id: UUID) -> bytes:
        key = next((key for key in self.keys if key.key_id == key_id), None)
        if key is None:
            raise KeyUnknown("this keyring does not hold the key")
        if key.secret is None:
            raise KeyDestroyed("the tenant's key was destroyed")
        return key.secret


class FileKeyring:
    """A keyring in a directory of its own: `master.key` wraps one file of keys per tenant.

    Folder 0700, files 0600; every change is written aside, flushed and renamed under a lock shared by all
    processes. Unwrapped keys stay in memory until the tenant's file changes.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = Path(directory)
        self._cache: dict[UUID, tuple[tuple[int, int, int], _Record]] = {}

    def create_tenant_key(self, tenant_id: UUID) -> UUID:
        """See `Keyring`."""
        with self._locked():
            record = self._load(tenant_id)
            if not record.keys and not record.destroyed:
                record = replace(record, keys=(_new_version(),))
                self._store(tenant_id, record)
            return record.get_active().key_id

    def rotate_tenant_key(self, tenant_id: UUID) -> UUID:
        """See `Keyring`."""
        with self._locked():
            record = self._load(tenant_id)
            record.get_active()
            fresh = _new_version()
            self._store(tenant_id, replace(record, keys=(*map(_retire, record.keys), fresh)))
            return fresh.key_id

    def export_tenant_keys(self, tenant_id: UUID) -> tuple[TenantKey, ...]:
        """See `Keyring`."""
        record = self._load(tenant_id)
        record.require_keys()
        return record.keys

    def adopt_tenant_key(self, tenant_id: UUID, source: Keyring) -> None:
        """See `Keyring`. A destruction in `source` does not travel: each region destroys on its own order."""
        offered = source.export_tenant_keys(tenant_id)
        with self._locked():
            record = self._load(tenant_id)
            record.require_not_destroyed()
            held = {key.key_id: key for key in record.keys}
            keys = tuple(_merge(held.get(key.key_id), key) for key in offered)
            own = tuple(key for key in record.keys if key.key_id not in {each.key_id for each in offered})
            if own + keys != record.keys:
                self._store(tenant_id, replace(record, keys=own + keys))

    def new_data_key(self, tenant_id: UUID, object_id: UUID) -> tuple[bytes, bytes]:
        """See `Keyring`."""
        key = self._load(tenant_id).get_active()
        data_key = envelope.new_key()
        return data_key, envelope.wrap_data_key(key.secret or b"", key.key_id, tenant_id, object_id, data_key)

    def open_data_key(self, tenant_id: UUID, object_id: UUID, key_file: bytes) -> bytes:
        """See `Keyring`."""
        parsed = envelope.read_key_file(tenant_id, object_id, key_file)
        return envelope.unwrap_data_key(self._load(tenant_id).get_secret(parsed.key_id), parsed)

    def destroy_tenant_key(self, tenant_id: UUID) -> None:
        """See `Keyring`. The old file's blocks are overwritten too, which a copy-on-write disk may ignore."""
        with self._locked():
            record = self._load(tenant_id)
            if record == _Record():
                raise KeyUnknown("the tenant has no key here")
            gone = tuple(replace(key, state=DESTROYED, secret=None) for key in record.keys)
            with open(self._path(tenant_id), "rb+", buffering=0) as old:
                self._store(tenant_id, _Record(gone, None, destroyed=True))
                old.write(bytes(os.fstat(old.fileno()).st_size))
                os.fsync(old.fileno())

    def node_key(self, tenant_id: UUID) -> bytes:
        """See `Keyring`."""
        with self._locked():
            record = self._load(tenant_id)
            record.require_not_destroyed()
            if record.node_key is None:
                record = replace(record, node_key=envelope.new_key())
                self._store(tenant_id, record)
            return record.node_key or b""

    def _path(self, tenant_id: UUID) -> Path:
        return self._directory / f"{tenant_id}.json"

    def _load(self, tenant_id: UUID) -> _Record:
        try:
            status = self._path(tenant_id).stat()
        except FileNotFoundError:
            return _Record()
        signature = (status.st_mtime_ns, status.st_ino, status.st_size)
        cached = self._cache.get(tenant_id)
        if cached is None or cached[0] != signature:
            cached = (
                signature,
                _parse_record(self._read_master(), tenant_id, self._path(tenant_id).read_bytes()),
            )
            self._cache[tenant_id] = cached
        return cached[1]

    def _store(self, tenant_id: UUID, record: _Record) -> None:
        raw = _wrap_record(self._get_master(), tenant_id, record)
        self._write(self._path(tenant_id), json.dumps(raw, indent=1).encode())
        self._cache.pop(tenant_id, None)

    def _get_master(self) -> bytes:
        path = self._directory / "master.key"
        if not path.exists():
            if any(self._directory.glob("*.json")):
                raise MasterKeyMissing("wrapped keys without their master key")
            self._write(path, envelope.new_key())
        return self._read_master()

    def _read_master(self) -> bytes:
        try:
            master = (self._directory / "master.key").read_bytes()
        except FileNotFoundError:
            raise MasterKeyMissing("wrapped keys without their master key") from None
        if len(master) != KEY_SIZE:
            raise SealBroken("the master key has a wrong length")
        return master

    def _write(self, path: Path, content: bytes) -> None:
        """Replace `path` durably: at any moment it holds the old content or the new."""
        part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        fsync_path(self._directory)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _new_version() -> TenantKey:
    return TenantKey(uuid4(), ACTIVE, datetime.now(UTC), envelope.new_key())


def _retire(key: TenantKey) -> TenantKey:
    return replace(key, state=RETIRED) if key.state == ACTIVE else key


def _merge(held: TenantKey | None, offered: TenantKey) -> TenantKey:
    if held is None:
        return offered
    return _retire(held) if offered.state == RETIRED else held


def _tenant_context(tenant_id: UUID, key_id: UUID) -> bytes:
    return b"collimate tenant key v1" + tenant_id.bytes + key_id.bytes


def _node_context(tenant_id: UUID) -> bytes:
    return b"collimate node key v1" + tenant_id.bytes


def _wrap(master: bytes, secret: bytes | None, context: bytes) -> str | None:
    return None if secret is None else envelope.wrap_secret(master, secret, context).hex()


def _unwrap(master: bytes, wrapped: str | None, context: bytes) -> bytes | None:
    return None if wrapped is None else envelope.unwrap_secret(master, bytes.fromhex(wrapped), context)


def _wrap_record(master: bytes, tenant_id: UUID, record: _Record) -> dict[str, Any]:
    keys = [
        {
            "key_id": str(key.key_id),
            "state": key.state,
            "created_at": key.created_at.isoformat(),
            "wrapped": _wrap(master, key.secret, _tenant_context(tenant_id, key.key_id)),
        }
        for key in record.keys
    ]
    node_key = _wrap(master, record.node_key, _node_context(tenant_id))
    return {"version": 1, "keys": keys, "node_key": node_key, "destroyed": record.destroyed}


def _parse_record(master: bytes, tenant_id: UUID, content: bytes) -> _Record:
    try:
        return _unwrap_record(master, tenant_id, json.loads(content))
    except (ValueError, KeyError, TypeError):
        raise SealBroken("the tenant's file of keys is damaged") from None


def _unwrap_record(master: bytes, tenant_id: UUID, raw: dict[str, Any]) -> _Record:
    return _Record(
        tuple(_unwrap_version(master, tenant_id, each) for each in raw["keys"]),
        _unwrap(master, raw["node_key"], _node_context(tenant_id)),
        raw["destroyed"],
    )


def _unwrap_version(master: bytes, tenant_id: UUID, raw: dict[str, Any]) -> TenantKey:
    key_id = UUID(raw["key_id"])
    secret = _unwrap(master, raw["wrapped"], _tenant_context(tenant_id, key_id))
    return TenantKey(key_id, raw["state"], datetime.fromisoformat(raw["created_at"]), secret)
