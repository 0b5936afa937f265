"""What vaults and services need of a keyring."""

from typing import Protocol
from uuid import UUID

from imaging.adapters.keys.records import TenantKey


class Keyring(Protocol):
    """What a vault needs of a key store. Every method may raise `OSError` when the store is out of reach."""

    master_name: str

    def create_tenant_key(self, tenant_id: UUID) -> UUID:
        """Return the active key's id, creating the key at first; raises `KeyDestroyed` after destruction."""

    def rotate_tenant_key(self, tenant_id: UUID) -> UUID:
        """Retire the active key and return the id of a new one."""

    def stage_tenant_key(self, tenant_id: UUID, anew: bool = False) -> UUID:
        """Return the id of a version that waits to be activated, made unless one waits already.

        With `anew` one is made in any case, and what waited never comes to wrap. Raises `KeyUnknown`, `KeyDestroyed`.
        """

    def activate_tenant_key(self, tenant_id: UUID, key_id: UUID, compromised: bool = False) -> None:
        """From now on wrap with this version; the others only open, marked compromised if they are; repeatable.

        Raises `KeyUnknown`, `KeyDestroyed`, `StateRefused`.
        """

    def destroy_version(self, tenant_id: UUID, key_id: UUID) -> None:
        """Destroy one retired or compromised version for ever; repeatable; raises `KeyUnknown`, `StateRefused`."""

    def list_tenant_keys(self, tenant_id: UUID) -> tuple[TenantKey, ...]:
        """Return all versions without their secrets, oldest first; needs no master; empty for an unknown tenant."""

    def is_destroyed(self, tenant_id: UUID) -> bool:
        """Whether the tenant's keys were destroyed in this region; needs no master."""

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

    def rewrap_data_key(self, tenant_id: UUID, object_id: UUID, key_file: bytes) -> bytes | None:
        """Return the `.key` file wrapped by the active version, None if it is; raises as `open_data_key`."""

    def destroy_tenant_key(self, tenant_id: UUID) -> None:
        """Destroy every key of the tenant in this region, for ever; repeatable; raises `KeyUnknown`."""

    def node_key(self, tenant_id: UUID) -> bytes:
        """Return 32 bytes for the tenant's Orthanc in this region, made at first; raises `KeyDestroyed`."""
