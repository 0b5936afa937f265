"""Small secret files, replaced durably."""

import os
import secrets
from pathlib import Path

from imaging.adapters.storage import fsync_path


def replace_durably(path: Path, content: bytes) -> None:
    """Put `content` at `path`, mode 0600: at any moment it holds the old content or the new."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    fsync_path(path.parent)


def overwrite(descriptor: int) -> None:
    """Write zeros over an open file's blocks, which a copy-on-write disk may ignore."""
    os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
    os.fsync(descriptor)
