"""What a drill restores: the largest studies, and some at random, as far as the source region holds them."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from imaging.selectors.drills import (
    Holdings,
    IndexRow,
    NotThere,
    count_holdings,
    find_not_there,
    list_largest_studies,
    list_rows_held_by,
    list_study_uids,
)
from tenants.scoping import tenant_scope

LARGEST = 5


@dataclass(frozen=True)
class Sample:
    """The chosen studies, what must come back of them, and what the practice keeps in all, at one moment."""

    study_instance_uids: tuple[str, ...]
    largest: int  # how many of the studies were chosen for their size
    rows: tuple[IndexRow, ...]
    holdings: Holdings
    not_there: NotThere
    seed: int  # the same seed chooses the same studies again

    @property
    def size(self) -> int:
        """Bytes of Part 10 files."""
        return sum(row.size for row in self.rows)

    def by_modality(self) -> list[tuple[str, int, int]]:
        """(Modality, images, bytes), by name."""
        images, sizes = Counter(row.modality for row in self.rows), Counter()
        for row in self.rows:
            sizes[row.modality] += row.size
        return [(modality or "none given", images[modality], sizes[modality]) for modality in sorted(images)]

    def rpo_seconds(self, now: datetime) -> int:
        """The age of the oldest acknowledged instance that the source region lacks; 0 if it lacks none."""
        oldest = self.not_there.oldest_at
        return 0 if oldest is None else max(1, round((now - oldest).total_seconds()))


def choose_sample(tenant_id: UUID, source_region: int, random_studies: int, seed: int) -> Sample:
    """The five largest studies and `random_studies` others, or as many as there are, in one transaction."""
    with tenant_scope(tenant_id):
        largest = list_largest_studies(LARGEST)
        others = sorted(set(list_study_uids()) - set(largest))
        chance = random.Random(seed).sample(others, min(random_studies, len(others)))
        chosen = (*largest, *chance)
        rows = list_rows_held_by(source_region, chosen)
        return Sample(chosen, len(largest), tuple(rows), count_holdings(), find_not_there(source_region), seed)
