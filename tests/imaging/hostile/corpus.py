"""The whole corpus, the same for the same seed: every class of compliance.md B4 that concerns taking in."""

import hashlib
import random
from collections.abc import Iterator

from tests.imaging.hostile import (  # noqa: F401 - they register their generators
    deflating,
    differing,
    encapsulating,
    findings,
    identities,
    images,
    lengths,
    metas,
    mutations,
    nesting,
    prefixes,
    tails,
    texts,
)
from tests.imaging.hostile.cases import KINDS, Case

SEED = 20260102
LEAST = 30_000  # without one failure: fewer than one in 10,000 (compliance.md B5)
USUAL = 136  # of 256: the share of the everyday run


def generate(share: int = 256, seed: int = SEED) -> Iterator[Case]:
    """Distinct inputs, one at a time; bytes that came before are passed over.

    Of each 256, `share` are taken, chosen by their digest.
    """
    seen: set[bytes] = set()
    for name in sorted(KINDS):
        for generator in KINDS[name]:
            source = random.Random(f"{seed} {name} {generator.__name__}")
            for variant, expected, data in generator(source):
                digest = hashlib.blake2b(data, digest_size=16).digest()
                if digest[0] < share and digest not in seen:
                    seen.add(digest)
                    yield Case(name, f"{generator.__name__}: {variant}", expected, data)
