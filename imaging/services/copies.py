"""Whether the copy of a sealed object that a region holds is good: every chunk opens, every member is what came in."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from blake3 import blake3

from imaging.adapters.keys import KeyUnknown
from imaging.adapters.vault import KeyMissing, ObjectMissing
from imaging.crypto.layout import SealBroken
from imaging.crypto.stream import SealedReader
from imaging.models import Finding, Instance, VaultObject
from imaging.services.locks import try_lock
from imaging.services.regions import get_vault

Member = tuple[int, int, bytes]  # offset and size in bytes of the pack's plaintext, BLAKE3 digest


class ContentDiffers(Exception):
    """The object opens, but holds something else than the index says; the text says what differs."""


@dataclass(frozen=True)
class Sealed:
    """A sealed object as the index knows it; `size` in bytes of plaintext, `members` by their offsets."""

    tenant_id: UUID
    id: UUID
    kind: str
    size: int
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Fault:
    """What is wrong with a copy; `why` is a code without PHI."""

    kind: Finding.Kind
    why: str

    @property
    def is_absence(self) -> bool:
        """Nothing to open, or nothing to open it with: what a region that is not mounted looks like."""
        return self.kind in (Finding.Kind.MISSING, Finding.Kind.KEY_MISSING) or self.why == "key-unknown"


def find_sealed(object_id: UUID) -> Sealed | None:
    """The object of the active tenant, if it was not purged."""
    row = VaultObject.objects.filter(id=object_id).first()
    if row is None:
        return None
    rows = Instance.objects.filter(pack=row).order_by("pack_offset").values_list("pack_offset", "size", "digest")
    members = tuple((offset, size, bytes(digest)) for offset, size, digest in rows)
    return Sealed(row.tenant_id, row.id, row.kind, row.size, members)


def find_fault(sealed: Sealed, region: int) -> Fault | None:
    """Read the region's copy from end to end; None if it is good.

    Never call it inside a tenant's scope: it reads up to 256 MB.

    Raises
    ------
    VaultUnavailable, KeyDestroyed
        Nothing was learnt about the copy.
    """
    try:
        with get_vault(region).open(sealed.tenant_id, sealed.id) as reader:
            _read_through(reader, sealed)
    except ObjectMissing:
        return Fault(Finding.Kind.MISSING, "missing")
    except KeyMissing:
        return Fault(Finding.Kind.KEY_MISSING, "key-missing")
    except KeyUnknown:
        # The key file names a version of the tenant's key that the region does not hold: 16 of its bytes are that name.
        return Fault(Finding.Kind.DAMAGED, "key-unknown")
    except SealBroken:
        return Fault(Finding.Kind.DAMAGED, "seal-broken")
    except ContentDiffers as difference:
        return Fault(Finding.Kind.DAMAGED, str(difference))
    return None


def _read_through(reader: SealedReader, sealed: Sealed) -> None:
    """One pass over every chunk; the members are digested on the way."""
    if reader.size != sealed.size:
        raise ContentDiffers("size-differs")
    position = 0
    for offset, size, digest in sealed.members:
        _digest(reader.iter_range(position, max(0, offset - position)))
        if _digest(reader.iter_range(offset, size)) != digest:
            raise ContentDiffers("digest-differs")
        position = offset + size
    _digest(reader.iter_range(position, max(0, reader.size - position)))


def _digest(pieces: Iterable[bytes]) -> bytes:
    digest = blake3()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def alone(work: str, *ids: object) -> AbstractContextManager[bool]:
    """Whether nobody else does this work now; the lock goes with the connection if we are killed."""
    name = ":".join([work, *map(str, ids)]).encode()
    return try_lock(int.from_bytes(blake3(name).digest()[:8], "big", signed=True))
