"""What a drill compares: a restored index with the live one, and each restored image with its live digest."""

import enum
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from blake3 import blake3

from imaging.adapters.orthanc import NodeError, NodeRefused, NodeUnavailable, OrthancNode
from imaging.adapters.stow import LengthMismatch
from imaging.adapters.vault import Vault
from imaging.crypto.stream import SealedReader
from imaging.selectors.drills import IndexRow, list_known_study_uids, list_known_uids
from imaging.services.sealed import UNREADABLE
from tenants.scoping import tenant_scope

Rows = dict[str, IndexRow]  # by SOP Instance UID


class Check(enum.StrEnum):
    """What is compared, in the words of the report."""

    MISSING = "Every image has its row in the restored index"
    EXTRA = "The restored index holds nothing else of these studies"
    ATTRIBUTES = "UIDs, sizes, digests and patient attributes are equal"
    VAULT = "Every image opens from the vault and has its digest"
    NODE = "Every image read back from the restored Orthanc has its digest"


@dataclass(frozen=True)
class Difference:
    """An instance that did not come back as it is, and the first check that found that."""

    instance_id: UUID
    check: Check


Found = tuple[IndexRow, Check]


def compare_index(live: Rows, restored: Rows) -> Iterator[Found]:
    """Rows that are missing, extra or different in the restored index."""
    yield from ((live[uid], Check.MISSING) for uid in live.keys() - restored.keys())
    yield from ((restored[uid], Check.EXTRA) for uid in restored.keys() - live.keys())
    both = live.keys() & restored.keys()
    yield from ((live[uid], Check.ATTRIBUTES) for uid in both if _differ(live[uid], restored[uid]))


def keep_what_still_holds(tenant_id: UUID, found: Iterable[Found]) -> tuple[Difference, ...]:
    """Without what purges and uploads explain that ran while the drill did."""
    found = list(found)
    with tenant_scope(tenant_id):
        uids = list_known_uids(row.sop_instance_uid for row, _ in found)
        studies = list_known_study_uids({row.study_instance_uid for row, _ in found})
    return tuple(
        Difference(row.instance_id, check)
        for row, check in found
        if row.study_instance_uid in studies and (row.sop_instance_uid in uids) is not (check is Check.EXTRA)
    )


@dataclass(frozen=True)
class ImageRestore:
    """Images of one tenant on their way from a vault into an empty node and back."""

    vault: Vault
    node: OrthancNode
    tenant_id: UUID
    refused_live: set[str]  # SOP Instance UIDs that the live nodes do not take either

    def restore(self, live: Rows, restored: Rows) -> Iterator[Found]:
        """Restore each image that both indexes hold, from where the restored one says that it lies.

        Raises
        ------
        NodeUnavailable
        """
        there = [row for uid, row in restored.items() if uid in live]
        for pack_id, rows in itertools.groupby(there, lambda row: row.pack_id):
            yield from self._restore_pack(pack_id, [(row, live[row.sop_instance_uid]) for row in rows])

    def _restore_pack(self, pack_id: UUID, pairs: list[tuple[IndexRow, IndexRow]]) -> Iterator[Found]:
        try:
            reader = self.vault.open(self.tenant_id, pack_id)
        except UNREADABLE:
            yield from ((live, Check.VAULT) for _, live in pairs)
            return
        with reader:
            for row, live in pairs:
                if check := self._restore_one(reader, row, live):
                    yield live, check

    def _restore_one(self, reader: SealedReader, row: IndexRow, live: IndexRow) -> Check | None:
        """The first check that the image fails."""
        opened = blake3()
        try:
            self.node.store_instance(_tee(reader.iter_range(row.pack_offset, row.size), opened), row.size)
        except (*UNREADABLE, LengthMismatch):
            return Check.VAULT
        except NodeRefused:
            return self._judge_refused(reader, row, live)
        if opened.digest() != live.digest:
            return Check.VAULT
        return None if self._digest_in_node(row) == live.digest else Check.NODE

    def _judge_refused(self, reader: SealedReader, row: IndexRow, live: IndexRow) -> Check | None:
        """The node may have stopped listening halfway: the vault's copy is read by itself."""
        if _digest_in_vault(reader, row) != live.digest:
            return Check.VAULT
        return None if row.sop_instance_uid in self.refused_live else Check.NODE

    def _digest_in_node(self, row: IndexRow) -> bytes | None:
        try:
            return _digest(self.node.read_instance(row.sop_instance_uid))
        except NodeUnavailable:
            raise
        except NodeError:
            return None


def _differ(live: IndexRow, restored: IndexRow) -> bool:
    return (live.size, live.digest, live.attributes) != (restored.size, restored.digest, restored.attributes)


def _digest_in_vault(reader: SealedReader, row: IndexRow) -> bytes | None:
    try:
        return _digest(reader.iter_range(row.pack_offset, row.size))
    except UNREADABLE:
        return None


def _digest(pieces: Iterable[bytes]) -> bytes:
    digest = blake3()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def _tee(pieces: Iterable[bytes], digest: blake3) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece
