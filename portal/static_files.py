"""Static files as they are collected: one style sheet, and packed copies beside the files that have none yet."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whitenoise.storage import CompressedStaticFilesStorage

# Packed once, when they are set up: OHIF by static/ohif/build.js, what Vite built by infra/setup. Here it would cost
# every stack half a minute.
LEFT_ALONE = ("ohif/", "viewer/", "upload/", "worklist/")
STYLES = "css/app.css"
_IMPORT = re.compile(r'^@import url\("([\w./-]+)"\) layer\((\w+)\);$', re.MULTILINE)


class StaticFilesStorage(CompressedStaticFilesStorage):
    """whitenoise's, which leaves alone what lies below `LEFT_ALONE` and puts what `STYLES` imports into it."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Pack what is not packed yet; yields as Django's."""
        if STYLES in paths and not dry_run:
            storage, path = paths[STYLES]
            # From the source: the copy here may be one that was joined before, and is then not copied again.
            Path(self.path(STYLES)).write_text(joined(Path(storage.path(path))))
        unpacked = {path: source for path, source in paths.items() if not path.startswith(LEFT_ALONE)}
        return super().post_process(unpacked, dry_run, **options)


def joined(sheet: Path) -> str:
    """The style sheet with its imports in their place: on a slow line a page waits for one file, not two."""

    def layer(found: re.Match[str]) -> str:
        return f"@layer {found[2]} {{\n{(sheet.parent / found[1]).read_text()}}}"

    return _IMPORT.sub(layer, sheet.read_text())
