"""Wrapping the data keys of one region anew, many at a time."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from uuid import UUID

from imaging.adapters.keys import KeyDestroyed, KeyUnknown
from imaging.adapters.storage import DirectoryStorage
from imaging.adapters.vault import KeyMissing, ObjectMissing, Vault, VaultUnavailable
from imaging.crypto.layout import SealBroken
from imaging.services.regions import get_vault

BATCH = 1000
# Requests to a bucket overlap in the network; with files, threads only wait for each other.
_THREADS = 8
_REWRAPPED, _CURRENT, _GONE, _UNREADABLE = "rewrapped", "current", "gone", "unreadable"


class RegionAway(Exception):
    """A region's vault or keyring is out of service; what was done stays, and the same command goes on later."""

    def __init__(self, region: int, error: Exception) -> None:
        super().__init__(f"region {region} is out of service ({type(error).__name__}: {error})")
        self.region = region


def rewrap_region(
    tenant_id: UUID, region: int, batch: int = BATCH, note: Callable[[int], object] = lambda count: None
) -> tuple[int, int]:
    """Wrap every data key of the region with the active version: (how many were, how many could not be read).

    `note` is told after each batch how many were wrapped. Purged objects are passed over.

    Raises
    ------
    RegionAway
    """
    vault, total = get_vault(region), Counter[str]()
    with ThreadPoolExecutor(1 if isinstance(vault.staging, DirectoryStorage) else _THREADS) as pool:
        for ids in _list_batches(vault, tenant_id, batch):
            outcomes, outage = _rewrap_batch(pool, vault, tenant_id, ids)
            total += outcomes
            if outcomes[_REWRAPPED]:
                note(outcomes[_REWRAPPED])
            if outage is not None:
                raise RegionAway(region, outage) from outage
    return total[_REWRAPPED], total[_UNREADABLE]


def _list_batches(vault: Vault, tenant_id: UUID, size: int) -> Iterator[list[UUID]]:
    objects = vault.list_objects(tenant_id)
    while True:
        try:
            ids = list(islice(objects, size))
        except VaultUnavailable as error:
            raise RegionAway(vault.region, error) from error
        if not ids:
            return
        yield ids


def _rewrap_batch(
    pool: ThreadPoolExecutor, vault: Vault, tenant_id: UUID, ids: list[UUID]
) -> tuple[Counter[str], VaultUnavailable | None]:
    fresh: dict[UUID, bytes] = {}
    outages: list[VaultUnavailable] = []

    def wrap(object_id: UUID) -> str:
        if outages:
            return _GONE  # the next run comes back to it
        try:
            key_file = vault.wrap_anew(tenant_id, object_id)
        except (ObjectMissing, KeyMissing):
            return _GONE
        except (SealBroken, KeyUnknown, KeyDestroyed):
            return _UNREADABLE
        except VaultUnavailable as error:
            outages.append(error)
            return _GONE
        if key_file is None:
            return _CURRENT
        fresh[object_id] = key_file
        return _REWRAPPED

    outcomes = Counter(pool.map(wrap, ids, chunksize=1))
    try:
        vault.replace_keys(tenant_id, fresh)
    except VaultUnavailable as error:
        outages.append(error)
        outcomes[_REWRAPPED] = 0
    return outcomes, outages[0] if outages else None
