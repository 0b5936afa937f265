"""A finding made small: bytes are left out as long as the same error remains."""

from collections.abc import Callable

_MOST_TRIES = 20_000


def reduce(data: bytes, target: Callable[[bytes], None]) -> tuple[bytes, str]:
    """(the smallest input found that fails alike, how it fails); '' if it does not fail at all."""
    kind = failure(data, target)
    if not kind:
        return data, ""
    tries, size = 0, max(1, len(data) // 2)
    while size and tries < _MOST_TRIES:
        at, smaller = 0, False
        while at < len(data) and tries < _MOST_TRIES:
            shorter, tries = data[:at] + data[at + size :], tries + 1
            if failure(shorter, target).split(":")[0] == kind.split(":")[0]:
                data, smaller = shorter, True
            else:
                at += size
        size = size if smaller and size < len(data) else size // 2
    return data, failure(data, target)


def failure(data: bytes, target: Callable[[bytes], None]) -> str:
    """The error's type and words, '' for none."""
    try:
        target(data)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:500]
    return ""
