"""The access matrix (compliance.md TEN-01): every route, method, actor and object against a declared policy.

Generated from the URL resolver: a route without a verdict fails here. No call may cross, answer 500, show a word of
what is not the caller's, or let another's be told from what is not there.
"""

import gc
import logging
from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test.utils import override_settings

from tests.architecture.matrix import policy
from tests.architecture.matrix.calls import METHODS, find_faults, plan
from tests.architecture.matrix.scene import Scene, names_thing, set_scene
from tests.architecture.test_guards import ROUTES

GROUPS = 12
LEAST = 20_000
SETTINGS = {
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    "API_RATES": {"read": 10**9, "write": 10**9},
}


@pytest.fixture(scope="module")
def scene(django_db_setup: None, django_db_blocker: object) -> Iterator[Scene]:
    """Set once for all groups that a worker runs: each call is rolled back."""
    logging.disable(logging.ERROR)  # thousands of refusals, as there should be
    patched, changed = pytest.MonkeyPatch.context(), override_settings(**SETTINGS)
    with patched as patch, changed, django_db_blocker.unblock(), transaction.atomic():
        found = set_scene(patch)
        gc.freeze()  # what is loaded by now stays: looking through it again and again is a tenth of the time
        yield found
        gc.unfreeze()
        transaction.set_rollback(True)
    logging.disable(logging.NOTSET)


def group(number: int) -> list[tuple[str, object]]:
    """Routes dealt out like cards, so that the dear ones do not lie together."""
    return ROUTES[number::GROUPS]


@pytest.mark.parametrize("number", range(GROUPS))
def test_nobody_crosses_in_this_part_of_the_matrix(number: int, scene: Scene) -> None:
    calls = list(plan(group(number), scene))

    faults = list(find_faults(calls, scene))

    assert not faults, f"{len(faults)} faults in {len(calls)} calls:\n" + "\n".join(faults[:60])


def test_the_matrix_is_large_enough(scene: Scene) -> None:
    count = sum(1 for _ in plan(ROUTES, scene))
    actors = len(scene.callers)
    print(f"access matrix: {len(ROUTES)} routes x {len(METHODS)} methods x {actors} actors x objects: {count} calls")

    assert count >= LEAST
    assert actors >= 10


def test_every_route_has_a_verdict_and_every_verdict_a_route() -> None:
    names = {policy.key_of(pattern.name, names_thing=names_thing(route, pattern.name)) for route, pattern in ROUTES}

    assert names - policy.RULES.keys() == set(), "routes without a verdict in tests/architecture/matrix/policy.py"
    assert policy.RULES.keys() - names == set(), "verdicts for routes that are gone"
