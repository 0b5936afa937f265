"""How far a study has come: received, in the PACS, sealed, mirrored; counted over its instances."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

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
    def steps(self) -> tuple[tuple[str, Step], ...]:
        """Each step with the text of its name."""
        steps = (self.received, self.in_pacs, self.sealed, self.mirrored)
        return tuple(zip((_("received"), _("in the PACS"), _("sealed"), _("mirrored")), steps, strict=True))

    @property
    def is_done(self) -> bool:
        """Everything has arrived everywhere."""
        return all(step.state == "done" for step in (self.received, self.in_pacs, self.sealed, self.mirrored))

    @property
    def is_settled(self) -> bool:
        """Nothing more will change by itself."""
        steps = (self.received, self.in_pacs, self.sealed, self.mirrored)
        return all(step.state in ("done", "failed") for step in steps)


def get_state(study: Study) -> StudyState:
    """The state of one study."""
    return states_of([study])[study.id]


def states_of(studies: Iterable[Study]) -> dict[UUID, StudyState]:
    """The state of each study, in two queries; a study whose images have all arrived everywhere is not counted."""
    studies = list(studies)
    waiting = _find_waiting(studies)
    counted = (
        Instance.objects.filter(series__study__in=waiting)
        .values("series__study_id")
        .annotate(
            received=Count("id"),
            stored=Count("stored_at"),
            refused=Count("id", filter=~Q(store_refusal="") & Q(stored_at=None)),
            sealed=Count("sealed_at"),
            mirrored=Count("mirrored_at"),
        )
    )
    counts = {row["series__study_id"]: row for row in counted} if waiting else {}
    return {
        study.id: _state(counts.get(study.id, {})) if study.id in waiting else _settled(study.instance_count)
        for study in studies
    }


def _find_waiting(studies: list[Study]) -> set[UUID]:
    """Which studies have an image that has not arrived somewhere, by the indexes of what waits."""
    images = Instance.objects.filter(series__study_id=OuterRef("id"))
    some = [Exists(images.filter(**{name: None})) for name in ("stored_at", "sealed_at", "mirrored_at")]
    found = Study.objects.filter(id__in=[study.id for study in studies]).filter(some[0] | some[1] | some[2])
    return set(found.values_list("id", flat=True))


def _settled(count: int) -> StudyState:
    done = Step("done")
    return StudyState(Step("done" if count else "waiting", _images(count)), done, done, done, refused=0)


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
    text = _("{done} of {total}").format(done=done, total=total)
    if refused and done + refused == total:
        return Step("failed", text)
    return Step("doing" if done else "waiting", text)


def _images(count: int) -> str:
    return ngettext("{count} image", "{count} images", count).format(count=count)
