"""What stands in each region: the vault, the keys, and the tenant's Orthanc. The one place that builds adapters."""

import contextlib
import hashlib
import hmac
import logging
from functools import cache, partial
from uuid import UUID

from django.conf import settings
from django.core.files.storage import storages

from imaging.adapters.keys import FileKeyring, Keyring, KeyUnknown, make_master
from imaging.adapters.orthanc import NodeUnavailable, OrthancNode
from imaging.adapters.vault import Vault, VaultUnavailable
from imaging.crypto.layout import SealBroken
from imaging.services.active_region import read_order
from imaging.services.deadlines import within_deadline
from tenants.models import StorageNode
from tenants.selectors import get_node, list_nodes

logger = logging.getLogger(__name__)

_NOBODY = UUID(int=0)
_ABANDONED_AFTER_S = 24 * 60 * 60


@cache
def get_keyring(region: int) -> Keyring:
    """The keyring of the region."""
    directory = settings.VAULT_KEYS[region]
    return FileKeyring(directory, make_master(directory, settings.VAULT_MASTERS[region]))


@cache
def get_vault(region: int) -> Vault:
    """The vault of the region, opened with the region's own keyring."""
    return Vault(storages[f"vault-{region}"], get_keyring(region), region)


def discard_abandoned() -> int:
    """Remove what killed writers left unpublished in the vaults: no row names it, so no purge would find it."""
    return sum(get_vault(region).discard_abandoned(_ABANDONED_AFTER_S) for region in settings.REGIONS)


def ensure_tenant_keys(tenant_id: UUID) -> None:
    """The active region holds the tenant's key, and so does the other if it can be reached.

    A key is made only where no region has one: a region that lost its keys gets them from the other. One that is away
    gets them later, before anything is copied to it.

    Raises
    ------
    OSError
        The active region's keyring is out of reach, or the tenant has no key yet and the other one is.
    """
    active, other = read_order()
    here, there = get_keyring(active), get_keyring(other)
    try:
        here.export_tenant_keys(tenant_id)
    except KeyUnknown:
        with contextlib.suppress(KeyUnknown):
            here.adopt_tenant_key(tenant_id, there)
        here.create_tenant_key(tenant_id)
    try:
        within_deadline(other, partial(there.adopt_tenant_key, tenant_id, here))
    except (OSError, SealBroken, VaultUnavailable) as error:
        logger.warning("The keys of a tenant could not be given to the other region: %s", type(error).__name__)


def get_orthanc(tenant_id: UUID, region: int) -> OrthancNode:
    """The tenant's own Orthanc of the region; raises `StorageNode.DoesNotExist`."""
    node = get_node(tenant_id, region)
    return OrthancNode(node.url, *node_credentials(node))


def node_key(node: StorageNode) -> bytes:
    """The key of the node's storage plugin: 32 bytes, one per tenant and region."""
    return get_keyring(node.region).node_key(node.tenant_id)


def node_credentials(node: StorageNode) -> tuple[str, str]:
    """The node's only user and its password, derived from the node's key: no database row holds a secret."""
    secret = hmac.new(node_key(node), b"collimate-node-password-v1" + node.id.bytes, hashlib.sha256)
    return f"collimate-{node.id.hex[:8]}", secret.hexdigest()


def describe_regions() -> dict[str, str]:
    """`ok` or what is wrong, for each region's vault and for its nodes together; counts, no tenant's name."""
    states = {f"vault-{region}": _ask_vault(region) for region in settings.REGIONS}
    for region in settings.REGIONS:
        nodes = [node for node in list_nodes() if node.region == region]
        away = sum(not get_orthanc(node.tenant_id, region).is_alive() for node in nodes)
        states[f"nodes-{region}"] = f"{away} of {len(nodes)} away" if away else "ok"
    return states


def _ask_vault(region: int) -> str:
    try:
        next(iter(get_vault(region).list_objects(_NOBODY)), None)
    except VaultUnavailable as error:
        return type(error).__name__
    return "ok"


def list_node_versions() -> list[str]:
    """What each node that answers says its version is."""
    versions = []
    for node in list_nodes():
        with contextlib.suppress(NodeUnavailable):
            versions.append(str(get_orthanc(node.tenant_id, node.region).system()["Version"]))
    return versions
