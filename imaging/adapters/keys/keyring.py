"""A region's keyring: a directory of records, opened by the region's master and kept open in memory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from imaging.adapters.keys.files import overwrite, replace_durably
from imaging.adapters.keys.masters import FileMaster, KeyDestroyed, KeyUnknown, Master
from imaging.adapters.keys.protocol import Keyring
from imaging.adapters.keys.records import (
    ACTIVE,
    COMPROMISED,
    DESTROYED,
    PRE_ACTIVE,
    RETIRED,
    Record,
    StateRefused,
    TenantKey,
    Version,
    read_record,
    write_record,
)
from imaging.crypto import envelope
from imaging.crypto.layout import KEY_SIZE, SealBroken

_Signature = tuple[int, int, int]


class FileKeyring:
    """A keyring in a directory of its own: one file of wrapped keys per tenant; the master opens them.

    Folder 0700, files 0600; every change is written aside, flushed and renamed under a lock shared by all
    processes. Unwrapped keys stay in memory until the tenant's file changes, so sealing asks no master.
    """

    def __init__(self, directory: Path, master: Master | None = None) -> None:
        self._directory = Path(directory)
        self._master = master or FileMaster(self._directory)
        self._records: dict[UUID, tuple[_Signature, Record]] = {}
        self._opened: dict[UUID, dict[bytes, bytes]] = {}

    @property
    def master_name(self) -> str:
        """What kind of master wraps here: file, openbao or kms."""
        return self._master.name

    def create_tenant_key(self, tenant_id: UUID) -> UUID:
        """See `Keyring`."""
        with self._locked():
            record = self._load(tenant_id)
            record.require_not_destroyed()
            if not record.keys:
                self._prepare(tenant_id)
                record = record.put([self._make_version(tenant_id, ACTIVE)])
                self._store(tenant_id, record)
            return record.get_active().key_id

    def rotate_tenant_key(self, tenant_id: UUID) -> UUID:
        """See `Keyring`."""
        key_id = self.stage_tenant_key(tenant_id)
        self.activate_tenant_key(tenant_id, key_id)
        return key_id

    def stage_tenant_key(self, tenant_id: UUID, anew: bool = False) -> UUID:
        """See `Keyring`."""
        with self._locked():
            record = self._load(tenant_id)
            record.require_keys()
            waiting = record.find(PRE_ACTIVE)
            if waiting is not None and not anew:
                return waiting.key_id
            fresh = self._make_version(tenant_id, PRE_ACTIVE)
            aside = [key.at_least(COMPROMISED) for key in record.keys if key.state == PRE_ACTIVE]
            self._store(tenant_id, record.put([*aside, fresh]))
            return fresh.key_id

    def activate_tenant_key(self, tenant_id: UUID, key_id: UUID, compromised: bool = False) -> None:
        """See `Keyring`."""
        with self._locked():
            record = self._load(tenant_id)
            record.require_not_destroyed()
            changed = record.activate(key_id, COMPROMISED if compromised else RETIRED)
            if changed != record:
                self._store(tenant_id, changed)

    def destroy_version(self, tenant_id: UUID, key_id: UUID) -> None:
        """See `Keyring`."""
        with self._locked():
            record = self._load(tenant_id)
            version = record.get(key_id)
            if version.state in (PRE_ACTIVE, ACTIVE):
                raise StateRefused("a version in use is not destroyed")
            if version.state != DESTROYED:
                self._store_over(tenant_id, record.put([version.destroyed()]))

    def list_tenant_keys(self, tenant_id: UUID) -> tuple[TenantKey, ...]:
        """See `Keyring`."""
        return tuple(TenantKey(key.key_id, key.state, key.created_at) for key in self._load(tenant_id).keys)

    def is_destroyed(self, tenant_id: UUID) -> bool:
        """See `Keyring`."""
        return self._load(tenant_id).destroyed

    def export_tenant_keys(self, tenant_id: UUID) -> tuple[TenantKey, ...]:
        """See `Keyring`."""
        record = self._load(tenant_id)
        record.require_keys()
        return tuple(self._export(tenant_id, key) for key in record.keys)

    def adopt_tenant_key(self, tenant_id: UUID, source: Keyring) -> None:
        """See `Keyring`. A destruction in `source` does not travel: each region destroys on its own order."""
        offered = source.export_tenant_keys(tenant_id)
        with self._locked():
            record = self._load(tenant_id)
            record.require_not_destroyed()
            if not record.keys:
                self._prepare(tenant_id)
            held = {key.key_id: key for key in record.keys}
            merged = record.put(self._merge(tenant_id, held.get(key.key_id), key) for key in offered).settle()
            if merged != record:
                self._store(tenant_id, merged)

    def new_data_key(self, tenant_id: UUID, object_id: UUID) -> tuple[bytes, bytes]:
        """See `Keyring`."""
        data_key = envelope.new_key()
        return data_key, self._wrap_data_key(tenant_id, object_id, self._load(tenant_id).get_active(), data_key)

    def open_data_key(self, tenant_id: UUID, object_id: UUID, key_file: bytes) -> bytes:
        """See `Keyring`."""
        parsed = envelope.read_key_file(tenant_id, object_id, key_file)
        version = self._load(tenant_id).get(parsed.key_id)
        return envelope.unwrap_data_key(self._open(tenant_id, version), parsed)

    def rewrap_data_key(self, tenant_id: UUID, object_id: UUID, key_file: bytes) -> bytes | None:
        """See `Keyring`. A file that names the active version is opened too: a forged name is no wrap."""
        active = self._load(tenant_id).get_active()
        data_key = self.open_data_key(tenant_id, object_id, key_file)
        if envelope.read_key_file(tenant_id, object_id, key_file).key_id == active.key_id:
            return None
        return self._wrap_data_key(tenant_id, object_id, active, data_key)

    def destroy_tenant_key(self, tenant_id: UUID) -> None:
        """See `Keyring`. Here first, then at the master: a master that is away leaves nothing that opens here."""
        with self._locked():
            record = self._load(tenant_id)
            if record == Record():
                raise KeyUnknown("the tenant has no key here")
            gone = tuple(key.destroyed() for key in record.keys)
            self._store_over(tenant_id, Record(gone, None, destroyed=True))
            self._master.destroy(tenant_id)

    def node_key(self, tenant_id: UUID) -> bytes:
        """See `Keyring`."""
        with self._locked():
            record = self._load(tenant_id)
            record.require_not_destroyed()
            if record.node_key is None:
                self._prepare(tenant_id)
                wrapped = self._master.wrap(tenant_id, envelope.new_key(), _node_context(tenant_id))
                record = replace(record, node_key=wrapped)
                self._store(tenant_id, record)
            return self._unwrap(tenant_id, record.node_key or b"", _node_context(tenant_id))

    def _prepare(self, tenant_id: UUID) -> None:
        # Only a tenant without a record: a master that lost what opens an existing one must say so.
        if not self._path(tenant_id).exists():
            self._master.prepare(tenant_id)

    def _make_version(self, tenant_id: UUID, state: str, secret: bytes | None = None) -> Version:
        key_id = uuid4()
        return Version(key_id, state, datetime.now(UTC), self._wrap(tenant_id, key_id, secret or envelope.new_key()))

    def _wrap(self, tenant_id: UUID, key_id: UUID, secret: bytes) -> bytes:
        return self._master.wrap(tenant_id, secret, _tenant_context(tenant_id, key_id))

    def _merge(self, tenant_id: UUID, held: Version | None, offered: TenantKey) -> Version:
        if held is not None:
            return held if offered.state == DESTROYED else held.at_least(offered.state)
        wrapped = None if offered.secret is None else self._wrap(tenant_id, offered.key_id, offered.secret)
        return Version(offered.key_id, offered.state, offered.created_at, wrapped)

    def _export(self, tenant_id: UUID, key: Version) -> TenantKey:
        secret = None if key.wrapped is None else self._open(tenant_id, key)
        return TenantKey(key.key_id, key.state, key.created_at, secret)

    def _wrap_data_key(self, tenant_id: UUID, object_id: UUID, active: Version, data_key: bytes) -> bytes:
        return envelope.wrap_data_key(self._open(tenant_id, active), active.key_id, tenant_id, object_id, data_key)

    def _open(self, tenant_id: UUID, key: Version) -> bytes:
        if key.wrapped is None:
            raise KeyDestroyed("the tenant's key was destroyed")
        return self._unwrap(tenant_id, key.wrapped, _tenant_context(tenant_id, key.key_id))

    def _unwrap(self, tenant_id: UUID, wrapped: bytes, context: bytes) -> bytes:
        # By context and wrap: whoever swaps two wraps in a record must not meet what the right place opened.
        opened, place = self._opened.setdefault(tenant_id, {}), context + wrapped
        if place not in opened:
            secret = self._master.unwrap(tenant_id, wrapped, context)
            if len(secret) != KEY_SIZE:
                raise SealBroken("a wrapped key has a wrong length")
            opened[place] = secret
        return opened[place]

    def _path(self, tenant_id: UUID) -> Path:
        return self._directory / f"{tenant_id}.json"

    def _load(self, tenant_id: UUID) -> Record:
        try:
            status = self._path(tenant_id).stat()
        except FileNotFoundError:
            return Record()
        signature = (status.st_mtime_ns, status.st_ino, status.st_size)
        known = self._records.get(tenant_id)
        if known is None or known[0] != signature:
            known = (signature, read_record(self._path(tenant_id).read_bytes(), self._master.name))
            self._records[tenant_id] = known
            self._forget_all_but(tenant_id, known[1])
        return known[1]

    def _forget_all_but(self, tenant_id: UUID, record: Record) -> None:
        """Drop what was destroyed; keep the rest open, for the master may be away just now."""
        places = {_tenant_context(tenant_id, key.key_id) + key.wrapped for key in record.keys if key.wrapped}
        if record.node_key:
            places.add(_node_context(tenant_id) + record.node_key)
        opened = self._opened.get(tenant_id, {})
        self._opened[tenant_id] = {place: secret for place, secret in opened.items() if place in places}

    def _store(self, tenant_id: UUID, record: Record) -> None:
        replace_durably(self._path(tenant_id), write_record(record, self._master.name))
        self._records.pop(tenant_id, None)

    def _store_over(self, tenant_id: UUID, record: Record) -> None:
        """Store, then overwrite where the old record lay."""
        with open(self._path(tenant_id), "rb+", buffering=0) as old:
            self._store(tenant_id, record)
            overwrite(old.fileno())
        self._load(tenant_id)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _tenant_context(tenant_id: UUID, key_id: UUID) -> bytes:
    return b"collimate tenant key v1" + tenant_id.bytes + key_id.bytes


def _node_context(tenant_id: UUID) -> bytes:
    return b"collimate node key v1" + tenant_id.bytes
