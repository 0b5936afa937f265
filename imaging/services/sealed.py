"""The plaintext of a sealed object, from the first region that can give it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from imaging.adapters.keys import KeyDestroyed, KeyUnknown
from imaging.adapters.vault import KeyMissing, ObjectMissing, VaultUnavailable
from imaging.crypto.layout import SealBroken
from imaging.services.deadlines import answering_first, iter_within_deadline, within_deadline
from imaging.services.open_objects import opened

UNREADABLE = (ObjectMissing, KeyMissing, KeyUnknown, KeyDestroyed, SealBroken, VaultUnavailable)
Extent = tuple[int, int]  # (offset, length) in bytes of plaintext


class NoCopyReadable(Exception):
    """No region can give the object's bytes now; trying again later may work."""


class RegionsAway(NoCopyReadable):
    """A region that may hold the bytes does not answer: trying again later may well work."""


class Truncated(Exception):
    """An object is shorter than the index says: the answer is broken off, never ended as if it were whole."""


@dataclass(frozen=True)
class SealedObject:
    """Names one object of one tenant, or `size` bytes of it from `offset`. It outlives the request's scope.

    Regions are tried in order, the active one first. One that fails in the middle is replaced by the next at the same
    byte: what a vault gives is authenticated by its position, so the bytes of both regions are the same.
    """

    tenant_id: UUID
    id: UUID
    offset: int = 0
    size: int | None = None

    def iter_extents(self, extents: Iterable[Extent]) -> Iterator[bytes]:
        """The bytes of each extent in turn, in pieces of at most a chunk.

        Raises
        ------
        NoCopyReadable
        Truncated
        """
        wanted, away = [self._place(extent) for extent in extents if extent[1]], False
        for region in answering_first():
            try:
                # A list of its own: a read that hung and comes back late must not move what is still wanted.
                for piece in iter_within_deadline(region, self._iter_from(region, list(wanted))):
                    _shrink(wanted, len(piece))
                    yield piece
                return
            except UNREADABLE as error:
                away |= isinstance(error, VaultUnavailable)
        raise RegionsAway if away else NoCopyReadable

    def read(self, offset: int, length: int) -> bytes:
        """Exactly the bytes [offset, offset + length); raises as `iter_extents`."""
        return b"".join(self.iter_extents([(offset, length)]))

    def read_all(self) -> bytes:
        """The whole of an object that is known to be small; raises `NoCopyReadable`."""
        for region in answering_first():
            try:
                return within_deadline(region, partial(self._read_all, region))
            except UNREADABLE:
                continue
        raise NoCopyReadable

    def require_readable(self) -> None:
        """Raise `NoCopyReadable` unless some region opens the object: for answers that cannot take back a status."""
        self.read(0, 1)

    def _read_all(self, region: int) -> bytes:
        with opened(region, self.tenant_id, self.id) as reader:
            return b"".join(reader.iter_all())

    def _place(self, extent: Extent) -> Extent:
        offset, length = extent
        if offset < 0 or (self.size is not None and offset + length > self.size):
            # Beyond its end lie a neighbour's bytes.
            raise Truncated
        return self.offset + offset, length

    def _iter_from(self, region: int, wanted: list[Extent]) -> Iterator[bytes]:
        """The bytes of each of `wanted`; no piece belongs to two."""
        with opened(region, self.tenant_id, self.id) as reader:
            for offset, length in wanted:
                if offset + length > reader.size:
                    raise Truncated
                yield from reader.iter_range(offset, length)


def _shrink(wanted: list[Extent], given: int) -> None:
    offset, length = wanted[0]
    if given < length:
        wanted[0] = (offset + given, length - given)
    else:
        del wanted[0]
