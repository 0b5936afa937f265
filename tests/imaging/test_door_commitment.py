"""Storage commitment: promised only for what is here, of the class that was named, as durably as the practice wants."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StorageCommitmentPushModelInstance

from imaging.adapters.vault import Batch
from imaging.models import Finding, Instance, VaultObject
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.doors import (
    COMMITMENT,
    CT,
    EXPLICIT,
    DoorSite,
    Sender,
    door,  # noqa: F401  fixture
    door_files,  # noqa: F401  fixture
    send,
)
from tests.imaging.incoming import instance

NOT_HERE, CONFLICT, NOT_YET = 0x0112, 0x0119, 0x0110
FIRST = f"{ROOT}.1.1.1"


class Reports:
    """What the door reports of the transactions it was asked about."""

    def __init__(self) -> None:
        self.found: list[tuple[int, Dataset]] = []
        self.came = threading.Event()

    def take(self, event: evt.Event) -> tuple[int, None]:
        self.found.append((event.event_type, event.event_information))
        self.came.set()
        return 0, None


@contextmanager
def asking(site: DoorSite, sender: Sender, called: str = "NORTHSIDE") -> Iterator[tuple[object, Reports]]:
    """An association over which reports come back."""
    ae, reports = AE(sender.ae_title), Reports()
    association = ae.associate(
        "127.0.0.1", site.port, contexts=[build_context(CT, EXPLICIT), build_context(COMMITMENT, EXPLICIT)],
        ae_title=called, tls_args=(sender.context(), "127.0.0.1"),
        evt_handlers=[(evt.EVT_N_EVENT_REPORT, reports.take)],
    )  # fmt: skip
    assert association.is_established
    yield association, reports
    association.release()


def ask(association: object, reports: Reports, *references: tuple[str, str]) -> tuple[int, set[str], dict[str, int]]:
    """Event type, instances that are safe, and the reasons of those that are not."""
    wanted = Dataset()
    wanted.TransactionUID, wanted.ReferencedSOPSequence = "1.2.3", []
    for sop_class_uid, sop_instance_uid in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
        wanted.ReferencedSOPSequence.append(item)
    reports.came.clear()
    status, _ = association.send_n_action(wanted, 1, COMMITMENT, StorageCommitmentPushModelInstance)
    assert status.Status == 0
    assert reports.came.wait(20)
    event_type, report = reports.found[-1]
    assert report.TransactionUID == "1.2.3"
    safe = {item.ReferencedSOPInstanceUID for item in report.get("ReferencedSOPSequence", [])}
    failed = {item.ReferencedSOPInstanceUID: item.FailureReason for item in report.get("FailedSOPSequence", [])}
    return event_type, safe, failed


def test_what_was_stored_is_promised_and_what_is_not_here_is_not(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    with asking(door, sender) as (association, reports):
        assert send(association, instance(1)) == 0

        assert ask(association, reports, (CT, FIRST)) == (1, {FIRST}, {})
        told = ask(association, reports, (CT, FIRST), (CT, "1.2.9"), ("1.2.840.10008.5.1.4.1.1.4", FIRST))

    assert told == (2, {FIRST}, {"1.2.9": NOT_HERE, FIRST: CONFLICT})


def test_another_practices_instance_is_not_here(door: DoorSite) -> None:
    north, south = door.known_sender(door.northside, "ct"), door.known_sender(door.southside, "mr", "MR1")
    with asking(door, north) as (association, _):
        assert send(association, instance(1)) == 0

    with asking(door, south, "SOUTHSIDE") as (association, reports):
        assert ask(association, reports, (CT, FIRST)) == (2, set(), {FIRST: NOT_HERE})


def test_nothing_is_promised_while_the_vault_still_makes_it_durable(
    door: DoorSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_go_on, publish = threading.Event(), threading.Event(), Batch.publish

    def slow(batch: Batch) -> None:
        begun.set()
        may_go_on.wait(20)
        publish(batch)

    sender = door.known_sender(door.northside, "ct")
    monkeypatch.setattr(Batch, "publish", slow)
    answered: list[int] = []
    with asking(door, sender) as (storing, _), asking(door, sender) as (association, reports):
        thread = threading.Thread(target=lambda: answered.append(send(storing, instance(1))))
        thread.start()
        assert begun.wait(10)
        assert ask(association, reports, (CT, FIRST)) == (2, set(), {FIRST: NOT_HERE})
        time.sleep(0.1)
        assert answered == []
        may_go_on.set()
        thread.join(20)
        assert answered == [0]
        assert ask(association, reports, (CT, FIRST)) == (1, {FIRST}, {})


def test_a_practice_that_wants_both_regions_is_promised_only_what_is_in_both(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    with asking(door, sender) as (association, reports):
        assert send(association, instance(1)) == 0
        Tenant.objects.filter(id=door.northside.id).update(acknowledge_in=2)
        assert ask(association, reports, (CT, FIRST)) == (2, set(), {FIRST: NOT_YET})
        assert send(association, instance(2)) == 0
        assert ask(association, reports, (CT, f"{ROOT}.1.1.2")) == (1, {f"{ROOT}.1.1.2"}, {})


def test_a_copy_found_faulty_is_not_promised(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    with asking(door, sender) as (association, reports):
        assert send(association, instance(1)) == 0
        with tenant_scope(door.northside.id):
            pack = VaultObject.objects.get(id=Instance.objects.get().pack_id)
            Finding.objects.create(
                kind="damaged", region=pack.home_region, object_id=pack.id, found_at=timezone.now() - timedelta(1)
            )
        assert ask(association, reports, (CT, FIRST)) == (2, set(), {FIRST: NOT_YET})


def test_a_request_that_names_nothing_is_an_invalid_argument(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    wanted = Dataset()
    wanted.TransactionUID = "1.2.3"
    with asking(door, sender) as (association, reports):
        status, _ = association.send_n_action(wanted, 1, COMMITMENT, StorageCommitmentPushModelInstance)
        assert status.Status == 0x0115
        assert association.send_n_action(wanted, 2, COMMITMENT, StorageCommitmentPushModelInstance)[0].Status == 0x0123
    assert reports.found == []
