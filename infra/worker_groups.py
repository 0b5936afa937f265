"""A plugin for pytest-xdist: one worker runs all end-to-end tests, because they share one running stack.

`--dist loadgroup` should do it by mark, but pytest-xdist 3.8 writes the group into an attribute that pytest 9.2 no
longer reads: every worker would start a stack of its own.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TOGETHER = "tests/e2e/"


class OneStackScheduling(LoadScopeScheduling):
    """Hands out single tests, and those below TOGETHER as one piece of work, which comes first as the largest."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER if nodeid.startswith(TOGETHER) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneStackScheduling:
    """Called by pytest-xdist, in the controller."""
    return OneStackScheduling(config, log)
