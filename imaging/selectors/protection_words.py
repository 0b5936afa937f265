"""Counts, sizes and times as the protection page says them: plain words, no time zone needed."""

from datetime import datetime

from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_NOUNS = {
    "day": lambda count: ngettext("{count} day", "{count} days", count),
    "hour": lambda count: ngettext("{count} hour", "{count} hours", count),
    "minute": lambda count: ngettext("{count} minute", "{count} minutes", count),
    "second": lambda count: ngettext("{count} second", "{count} seconds", count),
    "image": lambda count: ngettext("{count} image", "{count} images", count),
    "file": lambda count: ngettext("{count} file", "{count} files", count),
    "study": lambda count: ngettext("{count} study", "{count} studies", count),
    "difference": lambda count: ngettext("{count} difference", "{count} differences", count),
}


def say_number(count: int) -> str:
    """'12,345', as the reader's language groups digits."""
    return number_format(count, force_grouping=True)


def say_count(count: int, noun: str = "image") -> str:
    """'1 image', '12,345 images'; `noun` is one of `_NOUNS`."""
    return _NOUNS[noun](count).format(count=say_number(count))


def say_size(size: int) -> str:
    """Bytes as '2.3 GB'."""
    return filesizeformat(size).replace("\xa0", " ")


def say_duration(seconds: float) -> str:
    """The two largest units that matter: '3 minutes', '1 day 4 hours'; 'less than a second' for none."""
    left = round(seconds)
    said: list[str] = []
    for noun, length in _UNITS:
        count, rest = divmod(left, length)
        if count:
            said.append(say_count(count, noun))
        # Next to days, minutes tell nobody anything, nor seconds next to many minutes.
        if len(said) == 2 or (said and not count) or (noun == "minute" and count >= 10):
            break
        left = rest
    return " ".join(said) or _("less than a second")


def say_age(moment: datetime, now: datetime) -> str:
    """'just now', '5 minutes ago', '3 days ago': one unit."""
    seconds = (now - moment).total_seconds()
    if seconds < 60:
        return _("just now")
    noun, length = next((noun, length) for noun, length in _UNITS if seconds >= length)
    return _("{time} ago").format(time=say_count(int(seconds // length), noun))
