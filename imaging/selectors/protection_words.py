"""Counts, sizes and times as the protection page says them: plain words, no time zone needed."""

from datetime import datetime

from django.template.defaultfilters import filesizeformat

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


def say_count(count: int, noun: str = "image", plural: str = "") -> str:
    """'1 image', '12,345 images'."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


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
    return " ".join(said) or "less than a second"


def say_age(moment: datetime, now: datetime) -> str:
    """'just now', '5 minutes ago', '3 days ago': one unit."""
    seconds = (now - moment).total_seconds()
    if seconds < 60:
        return "just now"
    noun, length = next((noun, length) for noun, length in _UNITS if seconds >= length)
    return f"{say_count(int(seconds // length), noun)} ago"
