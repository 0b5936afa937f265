"""Killed at random points of upload, pack, mirror, rotate and clean-up: nothing acknowledged is lost, no phantom.

Children are forked from this process, so that a kill costs milliseconds and not the start of an interpreter. Each child
is a web process or a worker of its own: it connects anew, and kill -9 ends it wherever it is. An upload is acknowledged
when its child has written the receipt down, which is what a browser would have seen.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from blake3 import blake3
from django.db import connections
from django.utils import timezone

from imaging.models import Instance, KeyRotation, Series, Study, VaultObject
from imaging.services import key_rotation, packing, steps, vault_objects
from imaging.services.originals import iter_original
from imaging.services.rebuild import rebuild_index
from tenants.models import Role, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, add_person, add_tenant
from tests.imaging.incoming import in_vault, instance, take_in
from tests.imaging.regions import empty_vaults  # noqa: F401

KILLS = 80
ALL_KILLS = 1000
# A child that lives longer than this has done several of its works.
LONGEST_LIFE_S = 0.8
SERIES = 6


@dataclass(frozen=True)
class Trial:
    """A practice under fire."""

    tenant: Tenant
    bob: User
    acknowledged: Path

    def series_ids(self) -> list[UUID]:
        with tenant_scope(self.tenant.id):
            return list(Series.objects.values_list("id", flat=True))


@pytest.fixture
def trial(live_db: None, empty_vaults: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    monkeypatch.setattr("imaging.pipeline._send", lambda *args, **options: None)
    tenant = add_tenant("northside", "Northside Dental")
    return Trial(tenant, add_person("Bob", tenant, Role.UPLOADER), tmp_path / "acknowledged")


def upload(trial: Trial, dice: random.Random) -> None:
    """One to five new instances of some series, and a line on disk for each receipt."""
    numbers = [dice.randrange(10**9) for _ in range(dice.randint(1, 5))]
    series = dice.randint(1, SERIES)
    files = {str(number): instance(number, series=series) for number in numbers}
    receipts = take_in(actor(trial.bob), trial.tenant, files)
    lines = (f"{each.sop_instance_uid} {blake3(files[each.name]).hexdigest()}\n" for each in receipts if is_kept(each))
    with open(trial.acknowledged, "ab", buffering=0) as file:
        file.write("".join(lines).encode())


def is_kept(receipt: object) -> bool:
    return receipt.outcome in ("stored", "already_here")


def pack(trial: Trial, dice: random.Random) -> None:
    packing.pack_series(trial.tenant.id, dice.choice(trial.series_ids()), timezone.now() + timedelta(minutes=1))


def mirror(trial: Trial, dice: random.Random) -> None:
    series_id = dice.choice(trial.series_ids())
    steps.verify_seal(trial.tenant.id, series_id)
    steps.mirror(trial.tenant.id, series_id)


def rotate(trial: Trial, dice: random.Random) -> None:
    key_rotation.rotate(trial.tenant.id, KeyRotation.Reason.SCHEDULED, timezone.now(), batch=5)


def clean_up(trial: Trial, dice: random.Random) -> None:
    vault_objects.remove_retired(trial.tenant.id, timezone.now() + timedelta(hours=25))


WEB = (upload,)
WORKER = (pack, mirror, mirror, rotate, clean_up)


def fork(trial: Trial, works: tuple[Callable, ...], seed: int) -> int:
    """A child that does one of `works` after the other until it is killed; its process id."""
    if pid := os.fork():
        return pid
    try:
        dice = random.Random(seed)
        while True:
            work(trial, works, dice)
    finally:
        os._exit(1)


def work(trial: Trial, works: tuple[Callable, ...], dice: random.Random) -> None:
    try:
        dice.choice(works)(trial, dice)
    except IndexError:
        time.sleep(0.01)  # no series yet
    except Exception as error:
        # A neighbour was killed or is at the same work: the next turn tries again. What is wrong shows at the end.
        os.write(2, f"{type(error).__name__}: {error}\n".encode()) if os.environ.get("KILLS_SHOW") else None


def kill_often(trial: Trial, kills: int) -> None:
    dice = random.Random(20261122)
    for turn in range(kills // 2):
        connections.close_all()
        children = [fork(trial, WEB, dice.getrandbits(32)), fork(trial, WORKER, dice.getrandbits(32))]
        for pid in children:
            time.sleep(dice.uniform(0.02, LONGEST_LIFE_S))
            os.kill(pid, signal.SIGKILL)
        for pid in children:
            assert os.WIFSIGNALED(os.waitpid(pid, 0)[1]), f"a child of turn {turn} ended by itself"


def settle(trial: Trial) -> None:
    """What the sweeper would do: every step until nothing waits."""
    rotate_until_done(trial)
    for series_id in trial.series_ids():
        for _ in range(2):
            steps.verify_seal(trial.tenant.id, series_id)
            steps.mirror(trial.tenant.id, series_id)
            packing.pack_series(trial.tenant.id, series_id, timezone.now() + timedelta(minutes=1))
    clean_up(trial, random.Random(1))


def rotate_until_done(trial: Trial) -> None:
    with tenant_scope(trial.tenant.id):
        unfinished = KeyRotation.objects.filter(finished_at=None).exists()
    if unfinished:
        rotate(trial, random.Random(1))


def acknowledged(trial: Trial) -> dict[str, str]:
    # A child killed while it wrote left half a line, which nobody has read.
    lines = trial.acknowledged.read_text().splitlines(keepends=True)
    return dict(line.split() for line in lines if line.endswith("\n") and len(line.split()[-1]) == 64)


def rows(trial: Trial) -> Iterator[Instance]:
    with tenant_scope(trial.tenant.id):
        yield from list(Instance.objects.select_related("series__study", "pack"))


def assert_nothing_lost(trial: Trial) -> None:
    found = {row.sop_instance_uid: row for row in rows(trial)}
    for uid, digest in acknowledged(trial).items():
        assert uid in found, "acknowledged, then lost"
        assert bytes(found[uid].digest).hex() == digest
    for row in found.values():
        # No phantom: whatever the index shows opens in both regions and is what came in.
        for region in (1, 2):
            assert blake3(in_vault(row, region)).digest() == bytes(row.digest)
        assert row.sealed_at
        assert row.mirrored_at


def assert_nothing_unnamed_of_workers(trial: Trial) -> None:
    with tenant_scope(trial.tenant.id):
        assert not VaultObject.objects.filter(kind=VaultObject.Kind.PACK, retired_at=None, members=None).exists()


def fly(trial: Trial, kills: int) -> None:
    upload(trial, random.Random(0))
    kill_often(trial, kills)
    assert len(acknowledged(trial)) > kills / 8, "too little was acknowledged for the trial to mean anything"
    for row in rows(trial):
        assert b"".join(iter_original(row)), "unreadable right after the last kill"

    settle(trial)

    assert_nothing_lost(trial)
    assert_nothing_unnamed_of_workers(trial)
    for region in (1, 2):
        with tenant_scope(trial.tenant.id):
            Study.objects.all().delete()
        rebuild_index(trial.tenant.id, region, timezone.now())
        held = {row.sop_instance_uid: bytes(row.digest).hex() for row in rows(trial)}
        assert acknowledged(trial).items() <= held.items()


def test_kills_at_random_points_lose_nothing(trial: Trial) -> None:
    fly(trial, KILLS)


@pytest.mark.full
def test_a_thousand_kills_at_random_points_lose_nothing(trial: Trial) -> None:
    fly(trial, ALL_KILLS)
