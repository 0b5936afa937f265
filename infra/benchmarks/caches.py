"""Making files cold: the page cache forgets them."""

import os
from collections.abc import Iterable
from pathlib import Path

_DROP = Path("/proc/sys/vm/drop_caches")
_PAGES = "1"  # proc(5): the page cache; not directories and inodes


class ColdFiles:
    """Forgets the files below some folders. `how` says by which means.

    The whole page cache where the kernel lets us and `everything` is wanted, else these files one by one.
    """

    def __init__(self, folders: Iterable[Path], *, everything: bool) -> None:
        self._folders = list(folders)
        self._whole = everything and _may_drop()
        self.how = "vm.drop_caches=1" if self._whole else "posix_fadvise(DONTNEED) on the stored files"

    def forget(self) -> None:
        """Write out what is dirty first: only clean pages can go."""
        if self._whole:
            os.sync()
            _DROP.write_text(_PAGES)
        else:
            for folder in self._folders:
                _advise(path for path in folder.rglob("*") if path.is_file())


def _may_drop() -> bool:
    return os.access(_DROP, os.W_OK) and os.geteuid() == 0


def _advise(paths: Iterable[Path]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fdatasync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
