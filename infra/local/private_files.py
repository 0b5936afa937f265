"""Files only their owner can read."""

import os
import secrets
from pathlib import Path


def write_private(path: Path, content: str) -> Path:
    """Replace `path` in one step with a file of mode 0600."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    fresh.rename(path)
    return path


def ensure_secret(path: Path) -> str:
    """The secret kept in `path`; 256 random bits, written once, where there is none."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text().strip()
