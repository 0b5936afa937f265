"""How a member wants their worklist, and which saved searches are theirs to use."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from imaging.models import SavedFilter, WorklistSettings

COLUMNS = (
    "preview", "born", "modality", "date", "images", "accession", "referrer", "received", "assigned", "state",
)  # fmt: skip
USUAL = ("preview", "modality", "date", "images", "assigned", "state")
DENSITIES = ("compact", "normal", "spacious")
ORDERS = ("latest", "oldest")
MOST_SHARED = 20  # tabs that others' filters add


@dataclass(frozen=True)
class Settings:
    """Which columns stand beside the patient's name, how dense, and which end of time comes first."""

    columns: tuple[str, ...] = USUAL
    density: str = "normal"
    order: str = "latest"

    @property
    def oldest_first(self) -> bool:
        return self.order == "oldest"


@dataclass(frozen=True)
class FilterTab:
    """A saved search. `wanted` are values of the worklist's form."""

    id: UUID
    name: str
    wanted: dict[str, object]
    shared: bool
    pinned: bool
    is_own: bool


def get_settings(user_id: int) -> Settings:
    """The member's settings; the usual ones until they change something."""
    found = WorklistSettings.objects.filter(user_id=user_id).first()
    if found is None:
        return Settings()
    known = tuple(each for each in COLUMNS if each in found.columns)
    return Settings(
        known, found.density if found.density in DENSITIES else "normal",
        found.order if found.order in ORDERS else "latest",
    )  # fmt: skip


def list_filters(user_id: int) -> list[FilterTab]:
    """The member's own saved searches and those shared with the practice, by name."""
    found = SavedFilter.objects.filter(Q(owner_id=user_id) | Q(shared=True)).order_by("name", "id")
    tabs = [
        FilterTab(each.id, each.name, dict(each.wanted), each.shared, each.pinned, each.owner_id == user_id)
        for each in found[: 20 + MOST_SHARED]
    ]
    return tabs
