"""What a client has already, and which bytes it wants: conditional and range requests (RFC 9110 §13, §14)."""

import json
from dataclasses import dataclass
from uuid import UUID

from blake3 import blake3

_TAG_BYTES = 16


class NotModified(Exception):
    """The client has the very bytes it asks for; that it looks at them again is in the trail."""

    def __init__(self, etag: str) -> None:
        super().__init__(etag)
        self.etag = etag


class RangeNotSatisfiable(Exception):
    """The range begins behind the end of the `length` bytes there are."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length


@dataclass(frozen=True)
class ByteRange:
    """`first` to `last` inclusive; without `first` the last `last` bytes, without `last` to the end."""

    first: int | None
    last: int | None

    def extent(self, length: int) -> tuple[int, int]:
        """(start, length) of `length` bytes; raises `RangeNotSatisfiable`."""
        if self.first is None:
            start, end = max(0, length - (self.last or 0)), length
        else:
            start, end = self.first, length if self.last is None else min(length, self.last + 1)
        if start >= end:
            raise RangeNotSatisfiable(length)
        return start, end - start


@dataclass(frozen=True)
class Conditions:
    """Of one request; none by default. `if_range` must be the entity tag, or the range is not for these bytes."""

    none_match: frozenset[str] = frozenset()
    range: ByteRange | None = None
    if_range: str = ""

    def has_already(self, etag: str) -> bool:
        """Whether the client holds what this entity tag stands for."""
        return "*" in self.none_match or etag in self.none_match

    def extent(self, etag: str, length: int) -> tuple[int, int] | None:
        """(start, length) of the bytes wanted, None for all of them; raises `RangeNotSatisfiable`."""
        if self.range is None or (self.if_range and self.if_range != etag):
            return None
        return self.range.extent(length)


ANYTHING = Conditions()


def entity_tag(tenant_id: UUID, *facts: object) -> str:
    """A strong entity tag for what follows from the facts: digests, numbers, parameters, media types.

    It tells nobody a digest, and is another one in every practice.
    """
    text = json.dumps([str(tenant_id), *facts], default=_plain, separators=(",", ":"))
    return f'"{blake3(text.encode()).digest(length=_TAG_BYTES).hex()}"'


def _plain(fact: object) -> str:
    return blake3(fact).hexdigest() if isinstance(fact, (bytes, memoryview)) else str(fact)
