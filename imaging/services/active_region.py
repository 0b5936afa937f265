"""Which region is read first and takes new images; every process asks anew once a second."""

import time

from imaging.models import RegionState

_KEPT_S = 1.0
_known: tuple[float, int] | None = None


def active_region() -> int:
    """The region that takes new images; region 1 until a failover."""
    global _known
    known = _known
    if known is None or time.monotonic() - known[0] > _KEPT_S:
        found = RegionState.objects.values_list("active_region", flat=True).first()
        _known = known = (time.monotonic(), found or 1)
    return known[1]


def other_region(region: int) -> int:
    """The other one of the two."""
    return 3 - region


def read_order() -> tuple[int, int]:
    """Both regions, the active one first."""
    # Asked once: a switch between two questions would name one region twice.
    active = active_region()
    return active, other_region(active)


def forget() -> None:
    """Ask the database again next time."""
    global _known
    _known = None
