"""Processes killed at random points of a rotation: every object opens in both regions, each time (CRY-05)."""

import os
import random
import signal
import time

import pytest
from django.db import connections
from django.utils import timezone

from imaging.adapters.keys import ACTIVE, RETIRED
from imaging.models import KeyRotation
from imaging.services.key_locks import KeysBusy
from imaging.services.key_rotation import Reason, rotate
from imaging.services.regions import get_keyring
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.cast import add_tenant
from tests.imaging.key_vaults import list_unreadable, seal_in_both, versions_named

OBJECTS = 60


@pytest.fixture
def practice(live_db: None, empty_vaults: None) -> Tenant:
    return add_tenant("northside", "Northside Dental")


@pytest.mark.parametrize("kills", [60, pytest.param(1000, marks=pytest.mark.full)])
def test_no_kill_during_a_rotation_makes_an_object_unreadable(practice: Tenant, kills: int) -> None:
    sealed = seal_in_both(practice.id, OBJECTS)
    chance = random.Random(f"rotation {kills}")
    span, killed, finished = _time_one_rotation(practice), 0, 0

    while killed < kills:
        if _rotate_in_a_child(practice, chance.uniform(0.02, 1.0) * span):
            killed += 1
        else:
            finished += 1
            span *= 0.97  # the machine is quicker than when it was timed
        assert list_unreadable(practice.id, sealed) == []
        _require_agreement_of_regions(practice)

    report = _rotate_here(practice)
    assert report.finished
    assert finished < kills * 5
    for region in (1, 2):
        assert versions_named(region, practice.id, sealed) == {report.key_id}
    assert list_unreadable(practice.id, sealed) == []
    with tenant_scope(practice.id):
        assert not KeyRotation.objects.filter(finished_at=None).exists()


def _time_one_rotation(practice: Tenant) -> float:
    begun = time.monotonic()
    assert not _rotate_in_a_child(practice, 60)
    return time.monotonic() - begun


def _rotate_in_a_child(practice: Tenant, seconds: float) -> bool:
    """Whether the child was killed, after so many seconds, before it was done."""
    connections.close_all()  # a forked connection would be shared
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            _rotate_here(practice)
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _rotate_here(practice: Tenant):
    while True:
        try:
            return rotate(practice.id, Reason.SCHEDULED, timezone.now(), batch=16)
        except KeysBusy:
            time.sleep(0.005)  # the server has not yet noticed that the one before is dead


def _require_agreement_of_regions(practice: Tenant) -> None:
    """No version wraps in one region that the other does not hold."""
    held = [{key.key_id: key.state for key in get_keyring(region).list_tenant_keys(practice.id)} for region in (1, 2)]
    for one, other in (held, reversed(held)):
        assert [state for state in one.values() if state == ACTIVE] == [ACTIVE]
        assert {key_id for key_id, state in one.items() if state in (ACTIVE, RETIRED)} <= other.keys()
