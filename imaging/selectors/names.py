"""How a DICOM person name is shown."""

from itertools import zip_longest

from django.utils.translation import gettext_lazy as _

NO_NAME = _("No name")


def display_name(name: str) -> str:
    """`DOE^JANE^A^DR^` as `DOE, JANE A DR`, `Yamada^Tarou=山田^太郎=やまだ^たろう` as `Yamada, Tarou (山田 太郎)`.

    The family's name comes first in every group, as the standard has it (PS3.5 §6.2.1): with a comma in letters,
    without one in ideographs, where no reader expects it. The phonetic group is how the ideographs are pronounced; it
    is shown where it stands for them alone.
    """
    groups = [_parts(group) for group in name.split("=")[:3]]
    letters, ideographs, sounds = (group or [] for group, _none in zip_longest(groups, range(3)))
    shown = _with_comma(letters)
    written = " ".join(ideographs or sounds)
    if shown and written and written != " ".join(letters):
        return f"{shown} ({written})"
    return shown or written or str(NO_NAME)


def _parts(group: str) -> list[str]:
    """Family name and the rest; the family's place is kept where it is empty."""
    parts = [part.strip() for part in group.split("^")]
    return [parts[0], *filter(None, parts[1:])] if any(parts) else []


def _with_comma(parts: list[str]) -> str:
    family, rest = (parts[0], " ".join(parts[1:])) if parts else ("", "")
    return ", ".join(filter(None, (family, rest)))


def initials(shown: str) -> str:
    """`DOE, JANE` as `D. J.`: what stands for a shown name where its identity is hidden."""
    letters = [part[0] for part in shown.replace(",", " ").split() if part[0].isalnum()]
    return " ".join(f"{letter.upper()}." for letter in letters[:3]) or "•"
