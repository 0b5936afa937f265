"""A region that hangs is left for the other one."""

import os
import threading
import time

import pytest

from imaging.adapters.vault import Vault
from imaging.models import Instance
from imaging.services import deadlines
from imaging.services.originals import iter_original
from imaging.services.regions import get_vault
from imaging.services.sealed import NoCopyReadable
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.incoming import instance, take_in


@pytest.fixture
def row(northside: Tenant, bob: User, settings: object) -> Instance:
    settings.READ_DEADLINE_SECONDS = 0.2
    take_in(actor(bob), northside, {"1.dcm": instance(1)})
    with tenant_scope(northside.id):
        found = Instance.objects.get()
    get_vault(1).copy_to(get_vault(2), northside.id, found.pack_id)
    return found


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Regions that do not answer until the test is over; how often they were asked."""
    over, asked, opened = threading.Event(), [], Vault.open

    def hang(self: Vault, *args: object) -> object:
        if self.region in hanging_regions:
            asked.append(self.region)
            over.wait(10)
        return opened(self, *args)

    hanging_regions = {1}
    monkeypatch.setattr(Vault, "open", hang)
    monkeypatch.setattr(deadlines, "_shunned", {})
    monkeypatch.setattr(deadlines, "_waiting", {})
    yield asked
    over.set()
    deadlines._threads(1).submit(lambda: None).result(5)


def test_the_other_region_answers_within_the_deadline(row: Instance, hanging: list[int]) -> None:
    begun = time.monotonic()

    assert b"".join(iter_original(row)) == instance(1)

    assert time.monotonic() - begun < 5


def test_a_region_that_hung_is_not_asked_first_again(row: Instance, hanging: list[int]) -> None:
    for _ in range(3):
        b"".join(iter_original(row))

    assert hanging == [1]
    assert deadlines.answering_first() == [2, 1]


def test_a_region_whose_threads_all_hang_is_not_asked_at_all(
    row: Instance, hanging: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "THREADS", 1)
    monkeypatch.setattr(deadlines, "SHUNNED_S", 0.0)
    for _ in range(3):
        b"".join(iter_original(row))

    assert hanging == [1]


def test_both_hanging_is_said(row: Instance, hanging: list[int], northside: Tenant) -> None:
    get_vault(2).delete(northside.id, row.pack_id)

    with pytest.raises(NoCopyReadable):
        b"".join(iter_original(row))


def test_a_forked_child_reads_with_threads_of_its_own(row: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "_shunned", {})
    assert deadlines.within_deadline(1, lambda: 1) == 1
    if not (pid := os.fork()):
        os._exit(0 if deadlines.within_deadline(1, lambda: 2) == 2 else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
