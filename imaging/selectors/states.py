"""How far a study has come: received, in the PACS, sealed, mirrored; counted over its instances."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q

from imaging.models import Instance, Study


@dataclass(frozen=True)
class Step:
    """`state` is done, doing, waiting or failed; `text` says how far, and is empty when done."""

    state: str
    text: str = ""


@dataclass(frozen=True)
class StudyState:
    """The four steps; `refused` counts images that the PACS does not take (the vault has them all the same)."""

    received: Step
    in_pacs: Step
    sealed: Step
    mirrored: Step
    refused: int

    @property
    def is_settled(self) -> bool:
        """Nothing more will change by itself."""
        steps = (self.received, self.in_pacs, self.sealed, self.mirrored)
        return all(step.state in ("done", "failed") for step in steps)


def get_state(study: Study) -> StudyState:
    """The state of one study."""
    return states_of([study])[study.id]


def states_of(studies: Iterable[Study]) -> dict[UUID, StudyState]:
    """The state of each study, in one query."""
    studies = list(studies)
    counted = (
        Instance.objects.filter(series__study__in=studies)
        .values("series__study_id")
        .annotate(
            received=Count("id"),
            stored=Count("stored_at"),
            refused=Count("id", filter=~Q(store_refusal="") & Q(stored_at=None)),
            sealed=Count("sealed_at"),
            mirrored=Count("mirrored_at"),
        )
    )
    counts = {row["series__study_id"]: row for row in counted}
    return {study.id: _state(counts.get(study.id, {})) for study in studies}


def _state(counts: dict[str, int]) -> StudyState:
    total, refused = counts.get("received", 0), counts.get("refused", 0)
    return StudyState(
        received=Step("done" if total else "waiting", _images(total)),
        in_pacs=_step(counts.get("stored", 0), total, refused),
        sealed=_step(counts.get("sealed", 0), total),
        mirrored=_step(counts.get("mirrored", 0), total),
        refused=refused,
    )


def _step(done: int, total: int, refused: int = 0) -> Step:
    if total and done == total:
        return Step("done")
    text = f"{done} of {total}"
    if refused and done + refused == total:
        return Step("failed", text)
    return Step("doing" if done else "waiting", text)


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
