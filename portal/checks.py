"""Refuses combinations of settings that would be unsafe where real patients are."""

import os
import re

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from imaging.services.regions import list_node_versions

OLDEST_ORTHANC = (1, 12, 11)


@register(Tags.security)
def check_demo_is_local(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Demo accounts have printed passwords: never on an address that others reach."""
    if settings.DEMO and not settings.ORIGIN.startswith(("http://127.0.0.1", "http://localhost")):
        return [Error("COLLIMATE_DEMO is on, but COLLIMATE_ORIGIN is not this machine.", id="collimate.E001")]
    return []


@register(Tags.security)
def check_origin_is_encrypted(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Only loopback may be spoken to in the clear (45 CFR 164.312(e))."""
    if not settings.OVER_TLS and not settings.ORIGIN.startswith(("http://127.0.0.1", "http://localhost")):
        return [Error("COLLIMATE_ORIGIN must begin with https:// anywhere but on this machine.", id="collimate.E002")]
    return []


@register(Tags.security)
def check_debug_is_off(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Debug pages show PHI."""
    if settings.DEBUG and not settings.DEMO:
        return [Error("COLLIMATE_DEBUG is on outside demo mode: its pages show PHI.", id="collimate.E003")]
    return []


@register(Tags.security)
def check_two_roles(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """The app must not connect as the tables' owner, or row-level security is no second wall."""
    # Processes that never migrate are not given the owner's address at all.
    given = {"DATABASE_OWNER_URL", "DATABASE_OWNER_URL_FILE"} & os.environ.keys()
    if given and settings.DATABASES["default"]["USER"] == settings.DATABASES["owner"]["USER"]:
        return [Warning("DATABASE_URL and DATABASE_OWNER_URL name the same role.", id="collimate.W001")]
    return []


@register(Tags.security, deploy=True)
def check_orthancs_are_patched(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Outside the demo every node must have the fixes of CVE-2026-5437…5445 (orthanc.md §6): `check --deploy`."""
    if settings.DEMO:
        return []
    old = sorted({version for version in list_node_versions() if not _is_patched(version)})
    return [Error(f"Orthanc {version} runs; at least 1.12.11 is needed.", id="collimate.E004") for version in old]


def _is_patched(version: str) -> bool:
    numbers = re.findall(r"\d+", version)
    # What names no number is a build from the main line.
    return not numbers or tuple(int(number) for number in numbers[:3]) >= OLDEST_ORTHANC
