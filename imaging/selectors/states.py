"""How far a study has come: received, in the PACS, sealed, mirrored; counted over its instances."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imaging.models import Instance, Series, Study

_STEPS = ("stored_at", "sealed_at", "mirrored_at")
# Whether the study `s` has an image that has not arrived somewhere: a look into the index of what waits, per step.
IS_WAITING = "({})".format(
    " OR ".join(
        f"EXISTS (SELECT FROM {Series._meta.db_table} x JOIN {Instance._meta.db_table} i ON i.tenant_id = x.tenant_id"
        f" AND i.series_id = x.id AND i.{step} IS NULL WHERE x.tenant_id = s.tenant_id AND x.study_id = s.id)"
        for step in _STEPS
    )
)


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
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {IS_WAITING} FROM {Study._meta.db_table} s WHERE s.id = %s", [study.id])
        (is_waiting,) = cursor.fetchone()
    return count_states([study.id])[study.id] if is_waiting else settled(study.instance_count)


def count_states(study_ids: Sequence[UUID]) -> dict[UUID, StudyState]:
    """The state of each study by its images, of which some have not arrived everywhere."""
    if not study_ids:
        return {}
    counted = (
        Instance.objects.filter(series__study__in=study_ids)
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
    return {study_id: _state(counts.get(study_id, {})) for study_id in study_ids}


def settled(count: int) -> StudyState:
    """The state of a study whose images, so many, have all arrived everywhere."""
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
