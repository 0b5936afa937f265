"""What a drill restores, when the next is due, and how much a loss now would cost."""

from datetime import timedelta

import pytest
from django.utils import timezone

from imaging.models import Drill, Instance, Study, VaultObject
from imaging.selectors.drills import (
    find_last_drill,
    find_not_there,
    find_restore_estimate,
    list_drills,
    next_drill_due,
)
from imaging.services.drill_sample import LARGEST, Sample, choose_sample
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.drilling import drill_settings, keep_studies  # noqa: F401  fixture

NOW = timezone.now()
pytestmark = pytest.mark.usefixtures("nodes", "empty_vaults", "drill_settings")


def choose(tenant: Tenant, count: int, seed: int = 1) -> Sample:
    return choose_sample(tenant.id, 2, count, seed)


@pytest.fixture
def eight(northside: Tenant, bob: User) -> list[str]:
    """UIDs of eight studies, the largest first, of one image each: sizes are written over."""
    studies = keep_studies(northside, bob, [1] * 8)
    with tenant_scope(northside.id):
        for place, study in enumerate(studies):
            Study.objects.filter(id=study.id).update(size=1000 - place)
    return [study.study_instance_uid for study in studies]


def test_the_five_largest_studies_are_always_chosen(northside: Tenant, eight: list[str]) -> None:
    sample = choose(northside, 0)

    assert sample.study_instance_uids == tuple(eight[:5])
    assert (sample.largest, len(sample.rows)) == (LARGEST, 5)


def test_the_others_are_chosen_at_random_and_never_twice(northside: Tenant, eight: list[str]) -> None:
    chosen = {choose(northside, 1, seed).study_instance_uids[5] for seed in range(30)}

    assert chosen == set(eight[5:])


def test_the_same_seed_chooses_the_same_studies(northside: Tenant, eight: list[str]) -> None:
    assert choose(northside, 2, 7).study_instance_uids == choose(northside, 2, 7).study_instance_uids


def test_more_than_there_is_chooses_all(northside: Tenant, eight: list[str]) -> None:
    sample = choose(northside, 100)

    assert sorted(sample.study_instance_uids) == sorted(eight)
    assert (sample.holdings.studies, sample.holdings.instances) == (8, 8)


def test_images_are_counted_by_modality(northside: Tenant, eight: list[str]) -> None:
    sample = choose(northside, 0)

    [(modality, images, size)] = sample.by_modality()
    assert (bool(modality), images, size) == (True, 5, sample.size)


@pytest.mark.parametrize(
    ("where", "lacking"),
    [
        ({"mirrored_at": None, "pack": {"in_2_at": None}}, 1),
        ({"mirrored_at": NOW, "pack": {"in_2_at": None}}, 0),
        ({"mirrored_at": None, "pack": {"in_2_at": NOW}}, 0),
        ({"mirrored_at": None, "pack": {"in_2_at": None, "home_region": 2}}, 0),
    ],
)
def test_an_image_is_not_there_until_it_was_sealed_there_or_copied_and_read_back(
    northside: Tenant, bob: User, where: dict, lacking: int
) -> None:
    keep_studies(northside, bob, [1])
    with tenant_scope(northside.id):
        VaultObject.objects.update(**where["pack"])
        Instance.objects.update(mirrored_at=where["mirrored_at"])

        found = find_not_there(2)

    assert found.instances == lacking
    assert bool(found.oldest_at) is bool(lacking)
    assert len(choose(northside, 0).rows) == 1 - lacking


def test_the_recovery_point_is_the_age_of_the_oldest_image_that_is_not_there(northside: Tenant, bob: User) -> None:
    keep_studies(northside, bob, [3], mirrored=False)
    with tenant_scope(northside.id):
        for number, minutes in ((1, 5), (2, 40), (3, 20)):
            Instance.objects.filter(instance_number=number).update(received_at=NOW - timedelta(minutes=minutes))

    assert choose(northside, 0).rpo_seconds(NOW) == 40 * 60


def test_a_clock_that_jumped_back_makes_no_negative_recovery_point(northside: Tenant, bob: User) -> None:
    keep_studies(northside, bob, [1], mirrored=False)

    assert choose(northside, 0).rpo_seconds(NOW - timedelta(days=1)) == 1


def add_drill(tenant: Tenant, days_ago: int, *, passed: bool, finished: bool = True) -> Drill:
    at = NOW - timedelta(days=days_ago)
    with tenant_scope(tenant.id):
        return Drill.objects.create(started_at=at, finished_at=at if finished else None, passed=passed)


def test_the_next_drill_is_due_so_many_days_after_the_last_that_passed(northside: Tenant) -> None:
    add_drill(northside, 100, passed=True)
    passed = add_drill(northside, 50, passed=True)
    add_drill(northside, 10, passed=False)

    assert next_drill_due(northside.id) == passed.started_at + timedelta(days=90)


def test_a_practice_that_never_drilled_is_due_so_many_days_after_it_began(northside: Tenant) -> None:
    add_drill(northside, 10, passed=False)

    assert next_drill_due(northside.id) == northside.created_at + timedelta(days=90)


def test_the_last_drill_is_the_last_that_finished(northside: Tenant, southside: Tenant) -> None:
    add_drill(southside, 1, passed=True)
    last = add_drill(northside, 20, passed=False)
    add_drill(northside, 30, passed=True)
    running = add_drill(northside, 0, passed=False, finished=False)

    assert find_last_drill(northside.id) == last
    assert list_drills(northside.id)[:2] == [running, last]
    assert len(list_drills(northside.id, limit=1)) == 1


def test_without_a_drill_there_is_no_estimate(northside: Tenant) -> None:
    assert find_last_drill(northside.id) is None
    assert find_restore_estimate(northside.id) is None
