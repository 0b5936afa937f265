"""The one picture of the protection page: where each copy is and how it fares, as places that the template draws."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imaging.selectors.protection_words import say_count, say_number, say_size

OK, WARN, BAD, NONE = "ok", "warn", "bad", "none"
_SEVERITY = (NONE, OK, WARN, BAD)
_FIRST_ENTRY_Y, _ENTRY_HEIGHT = 84, 42  # px of the drawing: where entries begin, and how far apart they are


@dataclass(frozen=True)
class Entry:
    """A line of a place, at `y`. `state` is ok, warn, bad or none: a colour and a sign."""

    label: str
    text: str
    state: str
    y: int

    @property
    def text_y(self) -> int:
        """Where the second line of words begins."""
        return self.y + 18


@dataclass(frozen=True)
class Place:
    """A box of the picture; its state is the worst of its entries'."""

    title: str
    note: str
    state: str
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Picture:
    """The practice, the region that takes new images, the other one, and the copies beside them."""

    images: Place
    first: Place
    second: Place
    office: Place
    database: Place
    link: str  # the state of the way from the first region to the second
    description: str


@dataclass(frozen=True)
class RegionCopy:
    """What one region holds of the practice. `checked` says in words when every copy there was last read."""

    region: int
    serves: bool
    total: int
    in_vault: int
    in_pacs: int
    refused: int  # images the PACS does not take; the vault has them all the same
    faults: int
    checked: str
    late: bool  # what is missing has been missing for too long

    @property
    def vault_state(self) -> str:
        """Damaged copies are bad; missing ones are bad when they are late."""
        if self.faults:
            return BAD
        return _share_state(self.in_vault, self.total, self.late)

    @property
    def pacs_state(self) -> str:
        """The PACS is rebuilt from the vault at any time: what it lacks is never worse than a warning."""
        return OK if self.total and self.in_pacs + self.refused >= self.total else WARN if self.total else NONE

    @property
    def vault_words(self) -> str:
        """How many of the images are known to be good here."""
        return say_share(self.in_vault, self.total)

    @property
    def pacs_words(self) -> str:
        """How many of the images the PACS has."""
        return say_share(self.in_pacs, self.total)

    @property
    def state(self) -> str:
        """The worst of both."""
        return worst(self.vault_state, self.pacs_state)


def worst(*states: str) -> str:
    """The state that needs attention most."""
    return max(states, key=_SEVERITY.index)


def draw(regions: tuple[RegionCopy, ...], size: int, office: Place, database: Place) -> Picture:
    """The picture of a practice whose images take `size` bytes; the region that takes new images comes first."""
    first, second = sorted(regions, key=lambda region: not region.serves)
    total = first.total
    count = Entry(say_number(total) if total else _("None yet"), "", OK if total else NONE, 0)
    places = (_draw_region(first), _draw_region(second))
    return Picture(
        images=Place(_("Your images"), say_size(size) if total else "", count.state, (count,)),
        first=places[0],
        second=places[1],
        office=office,
        database=database,
        link=second.vault_state,
        description=" ".join(_describe(place) for place in (*places, office, database)),
    )


def say_share(part: int, total: int) -> str:
    """'All 120 images', '118 of 120 images'."""
    if not total:
        return _("None yet")
    if part >= total:
        return ngettext("Its one image", "All {count} images", total).format(count=say_number(total))
    return _("{part} of {images}").format(part=say_number(part), images=say_count(total))


def _draw_region(copy: RegionCopy) -> Place:
    faulty = _("{faults} to repair").format(faults=say_number(copy.faults))
    checked_state = BAD if copy.faults else OK if copy.checked else NONE
    entries = (
        (_("Vault"), _say_briefly(copy.in_vault, copy.total), copy.vault_state),
        ("PACS", _say_briefly(copy.in_pacs, copy.total), copy.pacs_state),
        (_("Checked"), faulty if copy.faults else copy.checked or _("Not yet"), checked_state),
    )
    return Place(
        title=_("Region {region}").format(region=copy.region),
        note=_say_role(copy),
        state=copy.state,
        entries=tuple(
            Entry(label, text, state, _FIRST_ENTRY_Y + place * _ENTRY_HEIGHT)
            for place, (label, text, state) in enumerate(entries)
        ),
    )


def _say_briefly(part: int, total: int) -> str:
    """As short as a box of the picture is narrow: 'All 120', 'All but 2'."""
    if not total or not part:
        return _("None yet")
    if part >= total:
        return _("All {count}").format(count=say_number(total))
    return _("All but {count}").format(count=say_number(total - part))


def _share_state(part: int, total: int, late: bool) -> str:
    if not total:
        return NONE
    if part >= total:
        return OK
    return BAD if late else WARN


def _describe(place: Place) -> str:
    words = [f"{entry.label}: {entry.text.lower()}" for entry in place.entries]
    return f"{place.title}: {'; '.join(words) or place.note.lower()}."


def _say_role(copy: RegionCopy) -> str:
    if copy.serves:
        return _("Takes new images")
    return _("Ready to take over") if copy.vault_state in (OK, NONE) else _("Takes over if needed")
