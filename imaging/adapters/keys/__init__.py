"""Keys of tenants and nodes, each region with its own wrapped copies (crypto/FORMAT.md §5)."""

from imaging.adapters.keys.keyring import FileKeyring
from imaging.adapters.keys.masters import (
    FileMaster,
    KeyDestroyed,
    KeyUnknown,
    Master,
    MasterKeyMissing,
    MasterUnavailable,
    make_master,
)
from imaging.adapters.keys.protocol import Keyring
from imaging.adapters.keys.records import ACTIVE, COMPROMISED, DESTROYED, PRE_ACTIVE, RETIRED, StateRefused, TenantKey

__all__ = [
    "ACTIVE",
    "COMPROMISED",
    "DESTROYED",
    "PRE_ACTIVE",
    "RETIRED",
    "FileKeyring",
    "FileMaster",
    "KeyDestroyed",
    "KeyUnknown",
    "Keyring",
    "Master",
    "MasterKeyMissing",
    "MasterUnavailable",
    "StateRefused",
    "TenantKey",
    "make_master",
]
