"""Hostile files among good ones, through the product's own intake: no good one is lost, and nobody else sees any."""

import random
from collections.abc import Iterator
from itertools import islice

import pytest

from imaging.dicom.gate import Passed
from imaging.models import Instance, Outcome, Study
from imaging.services.intake import Receipt
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.hostile.building import SOP_INSTANCE
from tests.imaging.hostile.corpus import generate
from tests.imaging.hostile.oracles import judge
from tests.imaging.incoming import in_vault, instance, take_in

BATCH = 50
EVERYDAY_BATCHES, ALL = 200, 10_000
LARGEST = 1 << 20
pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")
KEPT = {Outcome.STORED, Outcome.ALREADY_HERE}


def stamped(batches: int) -> Iterator[list[bytes]]:
    """The corpus in batches, each file an object of its own where its UID stands in it readably."""
    cases = generate(256 if batches == ALL else 60)
    small = (case.data for case in cases if len(case.data) <= LARGEST)  # bombs are for the gate's own trial
    named = (data.replace(SOP_INSTANCE.encode(), f"{ROOT}.5{number:08d}".encode()) for number, data in enumerate(small))
    for _ in range(batches):
        if not (batch := list(islice(named, BATCH))):
            return
        yield batch


def require_true(receipt: Receipt, name: str, data: bytes) -> None:
    """The receipt says what the gate says."""
    verdict = judge(data)
    assert (receipt.name, receipt.size) == (name, len(data))
    if isinstance(verdict, Passed):
        assert receipt.outcome in KEPT or receipt.reason == "CONFLICT", receipt
        assert receipt.sop_instance_uid == verdict.sop_instance_uid
    else:
        assert (receipt.outcome, receipt.reason) == (Outcome.REFUSED, verdict[0]) or verdict[0].startswith("DEFLATE_")
        assert receipt.message and receipt.failure_reason


def run_batches(northside: Tenant, bob: User, batches: int) -> dict[str, bytes]:
    """Each batch with one good file at a random place; the bytes of what was stored, by SOP Instance UID."""
    source, kept = random.Random(1), {}
    for number, batch in enumerate(stamped(batches), 1):
        good, place = instance(number, series=7, study=7), source.randrange(len(batch) + 1)
        sent = {f"disc/{at}.dcm": data for at, data in enumerate([*batch[:place], good, *batch[place:]])}
        receipts = take_in(actor(bob), northside, sent)
        assert receipts[place].outcome == Outcome.STORED
        for receipt, (name, data) in zip(receipts, sent.items(), strict=True):
            require_true(receipt, name, data)
            if receipt.outcome == Outcome.STORED:
                kept[receipt.sop_instance_uid] = data
    return kept


def require_kept(northside: Tenant, southside: Tenant, kept: dict[str, bytes]) -> None:
    """Exactly what was stored is there, byte for byte, and only in the one practice."""
    with tenant_scope(northside.id):
        rows = {row.sop_instance_uid: row for row in Instance.objects.all()}
    assert set(rows) == set(kept)
    assert all(in_vault(rows[uid]) == data for uid, data in kept.items())
    with tenant_scope(southside.id):
        assert not Instance.objects.exists() and not Study.objects.exists()


def test_no_good_file_is_lost_among_hostile_ones(northside: Tenant, southside: Tenant, bob: User) -> None:
    kept = run_batches(northside, bob, EVERYDAY_BATCHES)

    assert sum(uid.startswith(f"{ROOT}.7.7.") for uid in kept) == EVERYDAY_BATCHES
    require_kept(northside, southside, kept)


@pytest.mark.full
def test_no_good_file_is_lost_among_all_hostile_ones(northside: Tenant, southside: Tenant, bob: User) -> None:
    kept = run_batches(northside, bob, ALL)

    assert sum(uid.startswith(f"{ROOT}.7.7.") for uid in kept) > 600
    require_kept(northside, southside, kept)
