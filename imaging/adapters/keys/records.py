"""A tenant's record in a keyring: versions, their states (SP 800-57 part 1 §7), and what may follow what."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from imaging.adapters.keys.masters import FileMaster, KeyDestroyed, KeyUnknown, MasterKeyMissing
from imaging.crypto.layout import SealBroken

PRE_ACTIVE, ACTIVE, RETIRED = "pre-active", "active", "retired"
COMPROMISED, DESTROYED = "compromised", "destroyed"
# A version only ever moves to the right.
_COURSE = (PRE_ACTIVE, ACTIVE, RETIRED, COMPROMISED, DESTROYED)


class StateRefused(Exception):
    """The version is not in a state for that: no key goes back, and only what wraps nothing may be destroyed."""


@dataclass(frozen=True)
class TenantKey:
    """One version of a tenant's key. Only an active one wraps; all but a destroyed one open what they wrapped.

    `secret` is there when it was asked for.
    """

    key_id: UUID
    state: str
    created_at: datetime
    secret: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Version:
    """A version as a record keeps it; `wrapped` is None once it is destroyed."""

    key_id: UUID
    state: str
    created_at: datetime
    wrapped: bytes | None = field(default=None, repr=False)

    def at_least(self, state: str) -> "Version":
        """The version moved to `state`, unless it is there or further already."""
        return replace(self, state=max(self.state, state, key=_COURSE.index))

    def destroyed(self) -> "Version":
        """The version without its secret."""
        return replace(self, state=DESTROYED, wrapped=None)

    def require_sound(self) -> None:
        """Raise `SealBroken` for a state that does not exist, or that does not fit what is there."""
        if self.state not in _COURSE or (self.state == DESTROYED) != (self.wrapped is None):
            raise SealBroken("the tenant's file of keys is damaged")


@dataclass(frozen=True)
class Record:
    """All versions of a tenant's key in one region, oldest first, and the key of its node."""

    keys: tuple[Version, ...] = ()
    node_key: bytes | None = field(default=None, repr=False)
    destroyed: bool = False

    def require_not_destroyed(self) -> None:
        """Raise `KeyDestroyed` if all of it was destroyed."""
        if self.destroyed:
            raise KeyDestroyed("the tenant's keys were destroyed")

    def require_keys(self) -> None:
        """Raise `KeyUnknown` or `KeyDestroyed` unless there are versions."""
        self.require_not_destroyed()
        if not self.keys:
            raise KeyUnknown("the tenant has no key here")

    def get(self, key_id: UUID) -> Version:
        """Return the version; raises `KeyUnknown`."""
        key = next((key for key in self.keys if key.key_id == key_id), None)
        if key is None:
            raise KeyUnknown("this keyring does not hold the key")
        return key

    def find(self, state: str) -> Version | None:
        """Return the version in `state`, if there is one; the newest of several."""
        return next((key for key in reversed(self.keys) if key.state == state), None)

    def get_active(self) -> Version:
        """Return the version that wraps; raises `KeyUnknown`, `KeyDestroyed`."""
        self.require_keys()
        active = self.find(ACTIVE)
        if active is None:
            raise KeyUnknown("the tenant has no active key here")
        return active

    def put(self, changed: Iterable[Version]) -> "Record":
        """The record with these versions in the place of the same ones, or added."""
        keys = {key.key_id: key for key in (*self.keys, *changed)}
        return replace(self, keys=tuple(sorted(keys.values(), key=lambda key: key.created_at)))

    def activate(self, key_id: UUID, others: str) -> "Record":
        """The record in which `key_id` wraps and every other version is at least in the state `others`.

        Raises `KeyUnknown`; `StateRefused` if the version has been active before and is no more.
        """
        if self.get(key_id).state not in (PRE_ACTIVE, ACTIVE):
            raise StateRefused("a version that was retired never wraps again")
        moved = (key.at_least(ACTIVE if key.key_id == key_id else others) for key in self.keys)
        return replace(self, keys=tuple(moved))

    def settle(self) -> "Record":
        """The record with at most one active version, the newest."""
        newest = self.find(ACTIVE)
        keys = (key if key is newest or key.state != ACTIVE else key.at_least(RETIRED) for key in self.keys)
        return replace(self, keys=tuple(keys))


def write_record(record: Record, master_name: str) -> bytes:
    """Return the JSON of FORMAT.md §5. It names its master unless that is the file."""
    raw: dict[str, Any] = {
        "version": 1,
        "keys": [
            {
                "key_id": str(key.key_id),
                "state": key.state,
                "created_at": key.created_at.isoformat(),
                "wrapped": _to_hex(key.wrapped),
            }
            for key in record.keys
        ],
        "node_key": _to_hex(record.node_key),
        "destroyed": record.destroyed,
    }
    if master_name != FileMaster.name:
        raw["master"] = master_name
    return json.dumps(raw, indent=1).encode()


def read_record(content: bytes, master_name: str) -> Record:
    """Undo `write_record`. Raises `SealBroken`; `MasterKeyMissing` if another master wrapped it."""
    try:
        raw = json.loads(content)
        wrapped_by = raw.get("master", FileMaster.name)
        keys = tuple(_read_version(each) for each in raw["keys"])
        record = Record(keys, _from_hex(raw["node_key"]), bool(raw["destroyed"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SealBroken("the tenant's file of keys is damaged") from None
    if wrapped_by != master_name:
        raise MasterKeyMissing(f"the keys were wrapped by a master of the kind {wrapped_by}")
    _require_sound(record)
    return record


def _require_sound(record: Record) -> None:
    for key in record.keys:
        key.require_sound()
    active = sum(key.state == ACTIVE for key in record.keys)
    secrets_left = any(key.wrapped for key in record.keys) or record.node_key is not None
    if active > 1 or (record.destroyed and secrets_left):
        raise SealBroken("the tenant's file of keys is damaged")


def _read_version(raw: dict[str, Any]) -> Version:
    created_at = datetime.fromisoformat(raw["created_at"])
    return Version(UUID(raw["key_id"]), raw["state"], created_at, _from_hex(raw["wrapped"]))


def _to_hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _from_hex(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value)
