"""Readers of the environment that fail loudly: a value, or the file that `NAME_FILE` points to."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def read(name: str, default: str | None = None) -> str:
    """The value of `name`, of the file named by `name`_FILE, or the default; without any: an error."""
    if name in os.environ:
        return os.environ[name]
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    if default is None:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE.")
    return default


def read_bool(name: str, default: bool = False) -> bool:
    """`1`, `true`, `yes`, `on` are true; anything else but their opposites is an error."""
    value = read(name, str(default)).lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off", ""):
        return False
    raise ImproperlyConfigured(f"{name} is neither true nor false.")


def read_int(name: str, default: int) -> int:
    """A whole number."""
    value = read(name, str(default))
    try:
        return int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not a whole number.") from error
