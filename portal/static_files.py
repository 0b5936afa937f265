"""Where static files go: packed when they are collected, but for those that come packed."""

from collections.abc import Iterator
from typing import Any

from whitenoise.storage import CompressedStaticFilesStorage

PACKED_ALREADY = "ohif/"  # by static/ohif/build.js, once; packing it for every stack would cost each a minute


class StaticFilesStorage(CompressedStaticFilesStorage):
    """whitenoise's, which leaves alone what lies below `PACKED_ALREADY`."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Pack what is not packed yet; yields as Django's."""
        unpacked = {path: source for path, source in paths.items() if not path.startswith(PACKED_ALREADY)}
        return super().post_process(unpacked, dry_run, **options)
