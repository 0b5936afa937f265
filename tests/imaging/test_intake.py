"""What is taken in is sealed, indexed and acknowledged; what is refused costs its neighbours nothing."""

import datetime as dt
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.access import StudyNotFound
from imaging.adapters.vault import Batch, Sealing, Vault, VaultUnavailable
from imaging.models import Instance, Outcome, Series, Study, VaultObject
from imaging.services import intake, spool
from imaging.services.intake import IncomingFile, receive
from imaging.services.regions import get_vault
from tenants.baas.access import NoAgreementInForce
from tenants.baas.models import Agreement, Status
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom import hostile
from tests.imaging.dicom.hostile import ROOT, tiny_instance
from tests.imaging.incoming import bad_files, instance, pieces, read_back, take_in


def outcomes(receipts: list) -> list[tuple[str, str]]:
    return [(receipt.outcome, receipt.reason) for receipt in receipts]


def sealed_objects(tenant: Tenant) -> set:
    return set(get_vault(1).list_objects(tenant.id))


def files_of(tenant: Tenant) -> list[Path]:
    folder = Path(settings.STORAGES["vault-1"]["OPTIONS"]["location"], str(tenant.id))
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_instance_comes_back_byte_for_byte_and_is_indexed(northside: Tenant, bob: User) -> None:
    data = instance(1)

    (receipt,) = take_in(actor(bob), northside, {"a.dcm": data})

    assert (receipt.name, receipt.size, receipt.outcome) == ("a.dcm", len(data), Outcome.STORED)
    assert receipt.study_instance_uid == f"{ROOT}.1"
    assert read_back(northside, f"{ROOT}.1.1.1") == data
    with tenant_scope(northside.id):
        row = Instance.objects.select_related("series__study").get()
    assert (row.size, row.rows, row.number_of_frames) == (len(data), 16, 1)
    assert (row.series.study.patient_name, row.series.study.patient_birth_date) == (
        "Doe^Jane",
        dt.date(1970, 1, 31),
    )
    assert data[row.value_offset :] == hostile._pixels(16, 16)


def test_every_kind_of_bad_file_is_named_and_its_neighbours_are_stored(northside: Tenant, bob: User) -> None:
    bad = bad_files()
    files = {}
    for number, (name, (data, _)) in enumerate(bad.items()):
        files |= {name: data, f"good{number}.dcm": instance(number)}

    receipts = {receipt.name: receipt for receipt in take_in(actor(bob), northside, files)}

    assert {name: receipts[name].reason for name in bad} == {
        name: reason for name, (_, reason) in bad.items()
    }
    assert all(receipts[name].message and receipts[name].failure_reason for name in bad)
    assert {receipts[name].outcome for name in files if name not in bad} == {Outcome.STORED}
    with tenant_scope(northside.id):
        assert Instance.objects.count() == len(bad)
        assert sealed_objects(northside) == {VaultObject.objects.get().id}
        event = AuditEvent.objects.get(action=Action.INSTANCE_REFUSED)
    # A sealed object is two files; nothing is left of what was refused.
    assert len(files_of(northside)) == 2
    assert event.details["ACTIVE_PREAMBLE"] == 2
    assert "a.dcm" not in str(event.details)


def test_a_name_with_markup_is_kept_as_text(northside: Tenant, bob: User) -> None:
    (receipt,) = take_in(actor(bob), northside, {"<b>.dcm\x00\n": hostile.markup_name()})

    assert (receipt.name, receipt.outcome) == ("<b>.dcm", Outcome.STORED)


def test_the_same_bytes_again_are_already_here_and_leave_no_object(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"a.dcm": instance(1)})

    again = take_in(actor(bob), northside, {"b.dcm": instance(1), "c.dcm": instance(1)})

    assert outcomes(again) == [(Outcome.ALREADY_HERE, "")] * 2
    assert len(sealed_objects(northside)) == 1


def test_twins_in_one_batch_are_stored_once(northside: Tenant, bob: User) -> None:
    receipts = take_in(actor(bob), northside, {"a.dcm": instance(1), "b.dcm": instance(1)})

    assert outcomes(receipts) == [(Outcome.STORED, ""), (Outcome.ALREADY_HERE, "")]
    assert len(sealed_objects(northside)) == 1


def test_other_bytes_under_the_same_uid_are_refused_and_audited(northside: Tenant, bob: User) -> None:
    first, other = instance(1), instance(1, PatientComments="changed")
    take_in(actor(bob), northside, {"a.dcm": first})

    (receipt,) = take_in(actor(bob), northside, {"b.dcm": other})

    assert (receipt.outcome, receipt.reason) == (Outcome.REFUSED, "CONFLICT")
    assert read_back(northside, f"{ROOT}.1.1.1") == first
    assert len(sealed_objects(northside)) == 1
    with tenant_scope(northside.id):
        details = AuditEvent.objects.get(action=Action.INSTANCE_CONFLICT).details
        digest = bytes(Instance.objects.get().digest).hex()
    assert details["kept"] == digest[:16]
    assert details["refused"] != details["kept"]


def test_an_instance_cannot_move_to_another_study(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"a.dcm": instance(1)})

    (receipt,) = take_in(actor(bob), northside, {"b.dcm": instance(1, StudyInstanceUID=f"{ROOT}.99")})

    assert receipt.reason == "CONFLICT"
    with tenant_scope(northside.id):
        assert Study.objects.count() == Series.objects.count() == 1


def test_the_same_uids_with_other_pixels_in_two_tenants_stay_apart(
    northside: Tenant, southside: Tenant, bob: User, carol: User
) -> None:
    ours, theirs = tiny_instance(), tiny_instance(pixels=bytes(512))

    for tenant, person, data in ((northside, bob, ours), (southside, carol, theirs)):
        assert outcomes(take_in(actor(person), tenant, {"a.dcm": data})) == [(Outcome.STORED, "")]

    assert read_back(northside, f"{ROOT}.1.2.3") == ours
    assert read_back(southside, f"{ROOT}.1.2.3") == theirs


def test_another_patient_in_the_same_study_is_stored_with_a_warning(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"a.dcm": instance(1)})

    (receipt,) = take_in(actor(bob), northside, {"b.dcm": instance(2, PatientID="P2")})

    assert (receipt.outcome, receipt.message) == (
        Outcome.STORED,
        "Patient differs from the study already here.",
    )
    assert receipt.warning


def test_files_of_another_study_than_asked_for_are_refused(northside: Tenant, bob: User) -> None:
    files = {"a.dcm": instance(1), "b.dcm": instance(1, study=2)}

    receipts = take_in(actor(bob), northside, files, study_instance_uid=f"{ROOT}.1")

    assert outcomes(receipts) == [(Outcome.STORED, ""), (Outcome.REFUSED, "OTHER_STUDY")]
    assert receipts[1].failure_reason == 0xA900


@pytest.mark.parametrize("name", ["nora", "carol", "eve", "vera"])
def test_only_owners_and_uploaders_may_bring_images(
    name: str, northside: Tenant, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(StudyNotFound):
        receive(actor(request.getfixturevalue(name)), northside.id, iter([]), timezone.now())


def test_without_an_agreement_nothing_is_read(northside: Tenant, bob: User) -> None:
    Agreement.objects.update(status=Status.TERMINATED)

    def files() -> Iterator[IncomingFile]:
        pytest.fail("a file was asked for")
        yield

    with pytest.raises(NoAgreementInForce):
        receive(actor(bob), northside.id, files(), timezone.now())


def test_what_was_received_is_in_the_trail_once_per_series(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"a": instance(1), "b": instance(2), "c": instance(1, series=2)})

    with tenant_scope(northside.id):
        events = AuditEvent.objects.filter(action=Action.INSTANCES_RECEIVED)
        counts = {event.series_instance_uid: event.details["count"] for event in events}
        assert {event.actor_id for event in events} == {str(bob.pk)}
    assert counts == {f"{ROOT}.1.1": 2, f"{ROOT}.1.2": 1}


def test_every_series_asks_for_its_steps(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        "imaging.pipeline.enqueue_after_intake", lambda tenant_id, series_id: asked.append(series_id)
    )

    take_in(actor(bob), northside, {"a": instance(1), "b": instance(1, series=2), "c": instance(2)})
    take_in(actor(bob), northside, {"a": instance(1)})

    with tenant_scope(northside.id):
        assert sorted(asked) == sorted(Series.objects.values_list("id", flat=True))


def test_many_files_come_in_as_several_batches(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BATCH_FILES", 3)

    receipts = take_in(actor(bob), northside, {f"{number}.dcm": instance(number) for number in range(7)})

    assert [receipt.name for receipt in receipts] == [f"{number}.dcm" for number in range(7)]
    with tenant_scope(northside.id):
        assert Study.objects.get().instance_count == 7
        assert AuditEvent.objects.filter(action=Action.INSTANCES_RECEIVED).count() == 3


def test_a_barrier_that_fails_acknowledges_nothing(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Batch) -> None:
        raise VaultUnavailable("no space")

    monkeypatch.setattr(Batch, "publish", fail)

    receipts = take_in(actor(bob), northside, {"a.dcm": instance(1), "b.dcm": b"x"})

    assert outcomes(receipts) == [(Outcome.REFUSED, "STORAGE_UNAVAILABLE"), (Outcome.REFUSED, "NOT_DICOM")]
    assert receipts[0].failure_reason == 0xA700
    with tenant_scope(northside.id):
        assert not Instance.objects.exists()
        assert not Study.objects.exists()
    assert not sealed_objects(northside)


def test_a_vault_that_begins_no_batch_is_away_and_is_not_asked_for_ever(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(vault: Vault) -> None:
        raise VaultUnavailable("away")

    monkeypatch.setattr(Vault, "batch", away)

    with pytest.raises(VaultUnavailable):
        take_in(actor(bob), northside, {"a.dcm": instance(1)})


def test_one_file_that_cannot_be_written_is_refused_alone(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, calls = Sealing.finish, []

    def sometimes(self: Sealing) -> int:
        calls.append(self)
        if len(calls) == 2:
            raise VaultUnavailable("EIO") from OSError(errno.EIO, "EIO")
        return finish(self)

    monkeypatch.setattr(spool, "SMALL_BYTES", 0)  # each file in a pack of its own
    monkeypatch.setattr(Sealing, "finish", sometimes)

    receipts = take_in(actor(bob), northside, {str(number): instance(number) for number in range(3)})

    assert [receipt.reason for receipt in receipts] == ["", "STORAGE_UNAVAILABLE", ""]


def test_a_row_is_written_only_after_its_bytes_are_durable(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, batch, register = [], Vault.batch, intake.register

    @contextmanager
    def watched(self: Vault) -> Iterator[Batch]:
        with batch(self) as each:
            yield each
        order.append("durable")

    monkeypatch.setattr(Vault, "batch", watched)
    monkeypatch.setattr(intake, "register", lambda *args: order.append("indexed") or register(*args))

    take_in(actor(bob), northside, {"a.dcm": instance(1)})

    assert order == ["durable", "indexed"]


def test_a_sender_that_breaks_off_keeps_what_came_whole(northside: Tenant, bob: User) -> None:
    def broken() -> Iterator[bytes]:
        yield instance(2)[:300]
        raise ConnectionResetError

    files = iter(
        [
            IncomingFile("a", pieces(instance(1))),
            IncomingFile("b", broken()),
            IncomingFile("c", [instance(3)]),
        ]
    )

    with pytest.raises(ConnectionResetError):
        receive(actor(bob), northside.id, files, timezone.now())

    with tenant_scope(northside.id):
        assert list(Instance.objects.values_list("instance_number", flat=True)) == [1]
    assert len(sealed_objects(northside)) == 1


def test_nothing_plaintext_touches_a_disk(northside: Tenant, bob: User) -> None:
    pixels = bytes(range(256)) * 2
    name = "Xylophonist^Quentin"

    take_in(actor(bob), northside, {"a.dcm": instance(1, PatientName=name, pixels=pixels)})

    for path in (path for path in Path(settings.VAR_DIR).rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert b"Xylophonist" not in content, path
        assert pixels[:64] not in content, path
