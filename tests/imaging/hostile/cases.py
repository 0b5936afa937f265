"""What a hostile input is, and the generators of them by class."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum


class Expected(Enum):
    """What the gate must do; with EITHER it may let the file in, as long as every reader sees the same object."""

    REFUSED = "refused"
    PASSES = "passes"
    EITHER = "either"


@dataclass(frozen=True)
class Case:
    """One input. `kind` names its class, `name` the variant."""

    kind: str
    name: str
    expected: Expected
    data: bytes


Variant = tuple[str, Expected, bytes]
Generator = Callable[[random.Random], Iterator[Variant]]
KINDS: dict[str, list[Generator]] = {}
REFUSED, PASSES, EITHER = Expected


def kind(name: str) -> Callable[[Generator], Generator]:
    """Register a generator under a class of compliance.md B4, such as "DCM-05 lengths"."""

    def register(generator: Generator) -> Generator:
        KINDS.setdefault(name, []).append(generator)
        return generator

    return register
