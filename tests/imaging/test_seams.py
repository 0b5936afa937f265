"""Where the parts meet: a crash, a race or a stranger's timing between two of them must lose and leave nothing."""

import threading
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from redis.exceptions import ResponseError

from audit.actions import Action
from audit.actor import Actor, ActorKind
from audit.models import AuditEvent
from imaging import access, pipeline, tasks
from imaging.access import StudyNotFound
from imaging.adapters.orthanc import NodeRefused
from imaging.adapters.storage import write_part
from imaging.models import Instance, PurgeOrder, Series, Study, Tombstone, Upload, VaultObject
from imaging.selectors.pipeline import list_stuck
from imaging.services import purge, retention, sharing, steps, thumbnails, uploads
from imaging.services.regions import get_vault
from tenants.models import Invitation, Role, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, add_person, add_tenant, sign_in
from tests.fakes.orthanc import FakeOrthancNode
from tests.imaging.incoming import instance, take_in

Nodes = dict[tuple[UUID, int], FakeOrthancNode]
ADULT = {"PatientBirthDate": "19700505"}
NOW = timezone.now()
LATER = NOW + timedelta(days=11 * 366)
AFTER_GRACE = LATER + timedelta(days=31)


def take_one(user: User, tenant: Tenant, study: int = 1) -> Study:
    take_in(actor(user), tenant, {"a.dcm": instance(1, study=study, **ADULT)})
    with tenant_scope(tenant.id):
        return Study.objects.get(study_instance_uid__endswith=f".{study}")


def series_of(study: Study) -> Series:
    with tenant_scope(study.tenant_id):
        return Series.objects.get(study=study)


def order(tenant: Tenant, asks: User, approves: User, study: Study) -> None:
    retention.mark_ended_retention(tenant.id, LATER)
    with tenant_scope(tenant.id):
        retention.request_purge(actor(asks), study.study_instance_uid, LATER)
        retention.approve_purge(actor(approves), study.study_instance_uid, LATER)


# --- Thumbnails and the purge --------------------------------------------------------------------------------


def test_two_workers_that_draw_at_once_leave_one_picture(
    northside: Tenant, bob: User, empty_vaults: None, drawn: None
) -> None:
    series = series_of(take_one(bob, northside))
    thumbnails.draw_thumbnail(northside.id, series.id)

    # The second read the series before the first had drawn.
    thumbnails._keep(northside.id, series, b"picture")

    with tenant_scope(northside.id):
        drawn = VaultObject.objects.filter(kind="thumbnail")
        assert [each.id for each in drawn if not each.retired_at] == [Series.objects.get().thumbnail]
        assert set(get_vault(1).list_objects(northside.id)) == set(VaultObject.objects.values_list("id", flat=True))


def test_a_picture_drawn_while_its_study_is_purged_does_not_outlive_it(
    live_db: None, nodes: Nodes, empty_vaults: None, drawn: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = add_tenant("northside", "Northside Dental")
    alice, bob = add_person("Alice", tenant, Role.OWNER), add_person("Bob", tenant, Role.UPLOADER)
    study = take_one(bob, tenant)
    order(tenant, bob, alice, study)
    worker = threading.Thread(target=draw_in_another_connection, args=(tenant.id, series_of(study).id))
    drop_links = purge._drop_links

    def draw_now(study: Study) -> None:
        # The tombstone is written, the rows are not gone yet.
        worker.start()
        worker.join(timeout=1)
        drop_links(study)

    monkeypatch.setattr(purge, "_drop_links", draw_now)
    assert purge.purge_approved(tenant.id, AFTER_GRACE) == 1
    worker.join(timeout=10)
    with tenant_scope(tenant.id):
        tombstone = Tombstone.objects.get()

    assert purge.finish_purge(tenant.id, tombstone.id)

    assert set(get_vault(1).list_objects(tenant.id)) == set()


def draw_in_another_connection(tenant_id: UUID, series_id: UUID) -> None:
    try:
        thumbnails.draw_thumbnail(tenant_id, series_id)
    finally:
        connection.close()


def test_a_node_that_refuses_does_not_keep_the_other_from_being_emptied(
    northside: Tenant, bob: User, alice: User, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = take_one(bob, northside)
    for step in (steps.store, steps.mirror, steps.store_mirror):
        step(northside.id, series_of(study).id)
    order(northside, bob, alice, study)
    purge.purge_approved(northside.id, AFTER_GRACE)
    with tenant_scope(northside.id):
        tombstone = Tombstone.objects.get()

    def refuse(uid: str) -> bool:
        raise NodeRefused("HTTP 400")

    monkeypatch.setattr(nodes[northside.id, 1], "delete_study", refuse)

    assert not purge.finish_purge(northside.id, tombstone.id)

    assert nodes[northside.id, 2].list_study_uids() == []


def test_what_came_again_while_its_node_is_emptied_waits_for_the_node_again(
    northside: Tenant, bob: User, alice: User, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(northside, bob, alice, take_one(bob, northside))
    purge.purge_approved(northside.id, AFTER_GRACE)
    series = series_of(take_one(bob, northside))
    with tenant_scope(northside.id):
        tombstone = Tombstone.objects.get()
    node = steps.get_orthanc(northside.id, 1)
    delete = node.delete_study

    def delete_what_a_worker_has_just_stored(uid: str) -> bool:
        steps.store(northside.id, series.id)
        return delete(uid)

    monkeypatch.setattr(node, "delete_study", delete_what_a_worker_has_just_stored)
    purge.finish_purge(northside.id, tombstone.id)

    with tenant_scope(northside.id):
        assert Instance.objects.get().stored_at is None


def test_a_refusal_that_the_purge_caused_is_taken_back(northside: Tenant, bob: User, alice: User, nodes: Nodes) -> None:
    order(northside, bob, alice, take_one(bob, northside))
    purge.purge_approved(northside.id, AFTER_GRACE)
    take_one(bob, northside)
    with tenant_scope(northside.id):
        # Deleted between storing and reading back.
        Instance.objects.update(store_refusal="no such instance", mirror_store_refusal="no such instance")
        tombstone = Tombstone.objects.get()

    purge.finish_purge(northside.id, tombstone.id)

    with tenant_scope(northside.id):
        row = Instance.objects.get()
    assert (row.store_refusal, row.mirror_store_refusal) == ("", "")


def test_a_study_held_since_it_was_found_is_not_marked(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, judge = take_one(bob, northside), retention.has_retention_ended

    def hold_meanwhile(found: Study, *rest: object) -> bool:
        Study.objects.filter(id=study.id).update(held_at=NOW)
        return judge(found, *rest)

    monkeypatch.setattr(retention, "has_retention_ended", hold_meanwhile)

    assert retention.mark_ended_retention(northside.id, LATER) == 0
    with tenant_scope(northside.id):
        assert not PurgeOrder.objects.exists()


def test_each_study_is_marked_in_a_transaction_of_its_own(live_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = add_tenant("northside", "Northside Dental")
    bob = add_person("Bob", tenant, Role.UPLOADER)
    for study in (1, 2):
        take_one(bob, tenant, study)
    marked = []

    def fail_at_the_second(*arguments: object, **named_arguments: object) -> None:
        marked.append(arguments)
        if len(marked) == 2:
            raise RuntimeError

    monkeypatch.setattr(retention, "record", fail_at_the_second)
    with pytest.raises(RuntimeError):
        retention.mark_ended_retention(tenant.id, LATER)

    with tenant_scope(tenant.id):
        assert PurgeOrder.objects.count() == 1


def test_a_study_kept_longer_meanwhile_is_refused_once_and_asked_of_two_people_again(
    northside: Tenant, bob: User, alice: User
) -> None:
    order(northside, bob, alice, take_one(bob, northside))
    Tenant.objects.filter(id=northside.id).update(retention_years=30)

    for hour in range(3):
        purge.purge_approved(northside.id, AFTER_GRACE + timedelta(hours=hour))

    with tenant_scope(northside.id):
        assert AuditEvent.objects.filter(action=Action.PURGE_REFUSED).count() == 1
        assert not PurgeOrder.objects.exists()


def test_an_order_that_cannot_be_carried_out_does_not_keep_the_next_waiting(
    northside: Tenant, bob: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    studies = [take_one(bob, northside, number) for number in (1, 2)]
    retention.mark_ended_retention(northside.id, LATER)
    for study in studies:
        order(northside, bob, alice, study)
    write, tried = purge._write_tombstone, []

    def fail_once(*arguments: object) -> Tombstone:
        tried.append(arguments)
        if len(tried) == 1:
            raise ValueError
        return write(*arguments)

    monkeypatch.setattr(purge, "_write_tombstone", fail_once)

    assert purge.purge_approved(northside.id, AFTER_GRACE) == 1


# --- The sweeper ---------------------------------------------------------------------------------------------


def test_what_fails_for_one_practice_does_not_keep_the_next_waiting(
    northside: Tenant, southside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def finish(tenant_id: UUID, now: object) -> None:
        seen.append(tenant_id)
        if tenant_id == northside.id:
            raise ValueError

    monkeypatch.setattr(uploads, "finish_stuck_uploads", finish)

    tasks.sweep_stuck()

    assert seen == [northside.id, southside.id]


def test_an_upload_that_cannot_be_taken_in_does_not_keep_the_next_waiting(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        whole_upload(northside, bob)
    tried = []

    def fail(actor: object, upload: Upload, now: object) -> None:
        tried.append(upload.id)
        raise ValueError

    monkeypatch.setattr(uploads, "complete_upload", fail)

    assert uploads.finish_stuck_uploads(northside.id, NOW) == 0

    assert len(tried) == 2


def whole_upload(tenant: Tenant, user: User, **fields: object) -> Upload:
    values = {
        "created_by": user, "batch": uuid4(), "kind": "file", "length": 4, "offset": 4, "created_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
    }  # fmt: skip
    with tenant_scope(tenant.id):
        return Upload.objects.create(**values | fields)


def test_what_always_fails_does_not_take_every_place_in_the_sweep(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {str(n): instance(1, series=n) for n in range(1, 7)})
    after = timezone.now() + timedelta(minutes=1)

    with tenant_scope(northside.id):
        seen = {found.subject_id for _ in range(60) for found in list_stuck(after, 1)}

    assert len(seen) == 6


def test_an_upload_that_went_on_since_it_was_listed_is_not_forgotten(northside: Tenant, bob: User) -> None:
    stale = whole_upload(northside, bob, offset=2, expires_at=NOW - timedelta(seconds=1))
    with tenant_scope(northside.id):
        Upload.objects.filter(id=stale.id).update(offset=4, expires_at=NOW + timedelta(hours=24))

    assert not uploads._expire(stale, NOW)

    with tenant_scope(northside.id):
        assert Upload.objects.filter(id=stale.id).exists()


def test_what_a_killed_writer_left_is_removed_in_every_region(
    northside: Tenant, empty_vaults: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{northside.id}/ab/{uuid4()}.sealed"
    parts = [write_part(storages[f"vault-{region}"], name, [b"x"]) for region in (1, 2)]
    monkeypatch.setattr("imaging.services.regions._ABANDONED_AFTER_S", -1)

    tasks.expire_uploads()

    assert not any(Path(part.part).exists() for part in parts)


def test_a_broker_that_refuses_does_not_take_back_what_was_acknowledged(
    live_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = add_tenant("northside", "Northside Dental")
    bob = add_person("Bob", tenant, Role.UPLOADER)

    def refuse(*_: object, **__: object) -> None:
        raise ResponseError("OOM command not allowed")

    monkeypatch.setattr(pipeline.current_app, "send_task", refuse)

    assert take_one(bob, tenant).instance_count == 1


def test_an_invitation_stands_when_the_mail_server_is_away(live_db: None) -> None:
    tenant = add_tenant("northside", "Northside Dental")
    client = sign_in(add_person("Alice", tenant, Role.OWNER))
    answers = {"email": "new@northside.example", "name": "New", "role": "viewer"}

    with override_settings(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_PORT=1):
        assert client.post("/t/northside/people/", answers).status_code == 302

    with tenant_scope(tenant.id):
        assert Invitation.objects.count() == 1


# --- Access and the trail ------------------------------------------------------------------------------------


def test_a_link_revoked_while_it_is_asked_about_gives_no_files(
    northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = take_one(bob, northside)
    with tenant_scope(northside.id):
        link = sharing.create_link(
            actor(bob), study.study_instance_uid, recipient_name="Rita", recipient_email="rita@ortho.example", days=7,
            may_download=True, note="", now=NOW,
        )  # fmt: skip
        # Live when it was looked at, revoked when it is asked whether it may download.
        monkeypatch.setattr(access, "study_to_view", lambda *_: study)
        sharing.revoke_link(actor(bob), link.link_id, NOW)

        with pytest.raises(StudyNotFound):
            access.study_to_download(Actor(ActorKind.SHARE, str(link.link_id)), study.study_instance_uid)


def test_naming_a_patient_on_the_retention_page_is_recorded(northside: Tenant, alice: User, bob: User) -> None:
    study = take_one(bob, northside)
    with tenant_scope(northside.id):
        retention.place_hold(actor(alice), study.study_instance_uid, "A dispute.", NOW)

    sign_in(alice).get("/t/northside/retention/")

    with tenant_scope(northside.id):
        event = AuditEvent.objects.get(action=Action.STUDIES_SEARCHED)
    assert event.details == {"fields": ["retention"], "rows": 1}


@pytest.mark.parametrize("page", ["share", "patient"])
def test_naming_a_patient_to_the_sender_is_recorded(northside: Tenant, bob: User, page: str) -> None:
    study = take_one(bob, northside)

    sign_in(bob).get(f"/t/northside/studies/{study.study_instance_uid}/{page}")

    with tenant_scope(northside.id):
        assert AuditEvent.objects.filter(action=Action.STUDY_VIEWED, actor_id=str(bob.pk)).count() == 1
