"""DICOM unique identifiers (PS3.5 §9)."""

import re

MAX_LENGTH = 64
_UID = re.compile(r"[0-9]+(\.[0-9]+)*", re.ASCII)


class InvalidUID(ValueError):
    """The text is no UID. Carries no value, so that it can be logged."""


def validate_uid(value: str) -> str:
    """Return `value` if it is dotted digits of at most 64 characters, else raise InvalidUID.

    A component with a leading zero is let through: real devices write them and nothing depends on it.
    """
    if len(value) > MAX_LENGTH or not _UID.fullmatch(value):
        raise InvalidUID(f"not a UID ({len(value)} characters)")
    return value


def strip_uid_padding(value: str) -> str:
    """Drop the NUL that pads a UID to even length (PS3.5 §9.1), or the spaces some writers use.

    Only at the end: readers disagree about what stands in front, and to some of them a NUL there is the end.
    """
    return value.rstrip(" \0")
