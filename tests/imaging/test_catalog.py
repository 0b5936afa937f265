"""The index adds up: counts, sizes, what the worklist searches; also when many write at once."""

import threading

import pytest
from django.db import connection, connections
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.models import Instance, Series, Study
from imaging.services.intake import IncomingFile, Receipt, receive
from imaging.services.regions import get_vault
from tenants.models import Role, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, add_person, add_tenant
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance, take_in


def only_study(tenant: Tenant) -> Study:
    with tenant_scope(tenant.id):
        return Study.objects.get()


def test_counts_and_sizes_add_up(northside: Tenant, bob: User) -> None:
    files = {"a": instance(1), "b": instance(2), "c": instance(1, series=2)}

    take_in(actor(bob), northside, files)
    take_in(actor(bob), northside, {"a": instance(1), "d": instance(3)})

    study = only_study(northside)
    total = sum(map(len, files.values())) + len(instance(3))
    assert (study.instance_count, study.series_count, study.size) == (4, 2, total)
    with tenant_scope(northside.id):
        counts = dict(Series.objects.values_list("series_instance_uid", "instance_count"))
        assert sum(Series.objects.values_list("size", flat=True)) == total
    assert counts == {f"{ROOT}.1.1": 3, f"{ROOT}.1.2": 1}


def test_modalities_of_all_series_are_listed_once(northside: Tenant, bob: User) -> None:
    take_in(
        actor(bob), northside, {"a": instance(1), "b": instance(1, series=2, Modality="SR"), "c": instance(2)}
    )

    assert only_study(northside).modalities == "CT\\SR"


def test_the_search_text_holds_names_ids_dates_and_modality(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"a": instance(1, StudyDescription="Knee  LEFT", StudyID="S9")})

    assert only_study(northside).search_text == " doe jane p1 1 a1 s9 9 knee left 1970-01-31 2026-01-02 ct "


def test_texts_longer_than_their_columns_are_cut(northside: Tenant, bob: User) -> None:
    (receipt,) = take_in(actor(bob), northside, {"a": instance(1, PatientID="7" * 100)})

    assert receipt.outcome == "stored"
    assert only_study(northside).patient_id == "7" * 64


def test_a_study_that_was_purged_may_come_again(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"a": instance(1)})
    with tenant_scope(northside.id):
        Study.objects.all().delete()

    (receipt,) = take_in(actor(bob), northside, {"a": instance(1)})

    assert receipt.outcome == "stored"


def test_a_batch_costs_as_many_queries_as_one_file(
    northside: Tenant, bob: User, django_assert_max_num_queries
) -> None:
    take_in(actor(bob), northside, {"a": instance(1)})

    with django_assert_max_num_queries(60):
        take_in(actor(bob), northside, {str(number): instance(number) for number in range(2, 50)})


@pytest.fixture
def practice(live_db: None) -> tuple[Tenant, User]:
    tenant = add_tenant("northside", "Northside Dental")
    return tenant, add_person("Bob", tenant, Role.UPLOADER)


def at_once(practice: tuple[Tenant, User], loads: list[list[bytes]]) -> list[list[Receipt]]:
    """Each load taken in by a thread of its own, all beginning together."""
    tenant, bob = practice
    barrier, receipts = threading.Barrier(len(loads)), [[] for _ in loads]

    def work(index: int) -> None:
        files = [IncomingFile("a", [data]) for data in loads[index]]
        barrier.wait()
        receipts[index] = receive(actor(bob), tenant.id, iter(files), timezone.now())
        connections.close_all()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(loads))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return receipts


def test_eight_threads_with_the_same_instance_make_one_row(practice: tuple[Tenant, User]) -> None:
    receipts = at_once(practice, [[instance(1)]] * 8)

    assert sorted(receipt.outcome for (receipt,) in receipts) == ["already_here"] * 7 + ["stored"]
    with tenant_scope(practice[0].id):
        row = Instance.objects.get()
        assert Study.objects.get().instance_count == Series.objects.get().instance_count == 1
        assert AuditEvent.objects.filter(action=Action.INSTANCES_RECEIVED).count() == 1
    assert list(get_vault(1).list_objects(practice[0].id)) == [row.pack_id]


def test_a_study_purged_meanwhile_is_made_anew(practice: tuple[Tenant, User]) -> None:
    tenant, bob = practice
    take_in(actor(bob), tenant, {"a": instance(1)})
    receipts: list[Receipt] = []

    def work() -> None:
        receipts.extend(take_in(actor(bob), tenant, {"b": instance(2)}))
        connections.close_all()

    with tenant_scope(tenant.id):
        Study.objects.select_for_update().get().delete()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(1)
        assert thread.is_alive()  # it waits for the purge
    thread.join(30)

    assert [receipt.outcome for receipt in receipts] == ["stored"]
    with tenant_scope(tenant.id):
        assert Study.objects.get().instance_count == 1


def test_studies_in_opposite_orders_do_not_lock_each_other_out(practice: tuple[Tenant, User]) -> None:
    studies = list(range(1, 7))
    loads = [[instance(thread, study=study) for study in studies[:: (-1) ** thread]] for thread in range(4)]

    receipts = at_once(practice, loads)

    assert [[receipt.outcome for receipt in each] for each in receipts] == [["stored"] * 6] * 4
    with tenant_scope(practice[0].id):
        assert list(Study.objects.values_list("instance_count", flat=True)) == [4] * 6


def test_one_uid_in_two_studies_at_once_is_stored_in_one(practice: tuple[Tenant, User]) -> None:
    loads = [
        [instance(1, SOPInstanceUID=f"{ROOT}.5", StudyInstanceUID=f"{ROOT}.{study}")]
        for study in (1, 2, 3, 4)
    ]

    receipts = at_once(practice, loads)

    assert sorted(receipt.reason for (receipt,) in receipts) == ["", "CONFLICT", "CONFLICT", "CONFLICT"]
    with tenant_scope(practice[0].id):
        assert Study.objects.get().instance_count == Instance.objects.count() == 1
    assert connection.in_atomic_block is False
