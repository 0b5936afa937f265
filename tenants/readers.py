"""In which language and on which clock somebody reads: their own choice, else their browser's or the practice's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.formats import date_format

from tenants.models import Tenant, User

CHOICE = "page_language"
_PROGRAMS = re.compile(r"^/(api/|healthz$|readyz$|metrics$|t/[^/]+/dicomweb/)")
REGIONS_OF_ZONES = ("America/", "Europe/", "Africa/", "Asia/", "Atlantic/", "Australia/", "Indian/", "Pacific/")


def is_for_programs(path: str) -> bool:
    """Whether the answer is read by programs, whatever language the person beside them speaks."""
    return bool(_PROGRAMS.match(path))


def find_choice(request: HttpRequest) -> str:
    """The language that a link of the page's own chooser asks for (`?page_language=es`), or nothing.

    A link and not a form: its address is relative, so that the secret in the address of a share link is nowhere in the
    page; and it works without an account, a session or a script.
    """
    choice = request.GET.get(CHOICE, "") if request.method == "GET" else ""
    return choice if is_spoken(choice) else ""


def find_language(request: HttpRequest) -> str:
    """The language kept with the account, else the one chosen in this browser, else what the browser asks for."""
    own = request.user.language if request.user.is_authenticated else ""
    return own if is_spoken(own) else translation.get_language_from_request(request)


def find_own_zone(request: HttpRequest) -> ZoneInfo | None:
    """The time zone that the person chose; None: the practice's."""
    chosen = request.user.time_zone if request.user.is_authenticated else ""
    return ZoneInfo(chosen) if chosen in available_zones() else None


def enter_clock(request: HttpRequest, tenant: Tenant) -> None:
    """From here on times are shown to people on the practice's clock, unless they chose their own."""
    if is_for_programs(request.path_info):
        return
    if find_own_zone(request) is None and tenant.time_zone in available_zones():
        timezone.activate(ZoneInfo(tenant.time_zone))


def is_spoken(language: str) -> bool:
    """Whether Collimate has texts in that language."""
    return language in dict(settings.LANGUAGES)


def language_of(person: User | None, tenant: Tenant | None) -> str:
    """The language to write to somebody in: their own choice, else the practice's."""
    for choice in (person and person.language, tenant and tenant.language):
        if choice and is_spoken(choice):
            return choice
    return settings.LANGUAGE_CODE


@contextmanager
def writing_to(person: User | None, tenant: Tenant | None) -> Iterator[None]:
    """Texts and times within are for somebody who is not the one asking: a mail's reader."""
    zone = (person and person.time_zone) or (tenant and tenant.time_zone) or ""
    clock = ZoneInfo(zone) if zone in available_zones() else None
    with translation.override(language_of(person, tenant)), timezone.override(clock):
        yield


def say_day(moment: date | datetime) -> str:
    """A date in words, as the reader writes it: '5 March 2026', '5 de marzo de 2026'."""
    local = timezone.localtime(moment) if isinstance(moment, datetime) else moment
    return date_format(local, "DATE_FORMAT")


def available_zones() -> frozenset[str]:
    """Names of the time zones that can be chosen."""
    return _ZONES


def list_zones() -> list[tuple[str, str]]:
    """Choices of a field: the name, and the name as people read it."""
    return [(name, name.replace("_", " ").replace("/", " / ")) for name in sorted(available_zones())]


_ZONES = frozenset(name for name in available_timezones() if name.startswith(REGIONS_OF_ZONES) or name == "UTC")
