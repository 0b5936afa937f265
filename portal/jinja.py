"""Jinja2, for what is drawn so often that Django's templates cost more than all the rest of its answer (ADR 0013)."""

from datetime import date, datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from jinja2 import Environment, StrictUndefined

_NONE = "–"


def environment(**options: object) -> Environment:
    """Called by Django with the options of its setting; everything is escaped, and what is not there raises."""
    found = Environment(**options | {"undefined": StrictUndefined})
    found.globals |= {"_": gettext, "day": day, "moment": moment}
    return found


def day(value: date | None) -> str:
    """As the reader's language writes a day in short, or a dash."""
    return date_format(value, "SHORT_DATE_FORMAT") if value else _NONE


def moment(value: datetime) -> str:
    """As the reader's language writes a time in short, on the reader's clock."""
    return date_format(localtime(value), "SHORT_DATETIME_FORMAT")
