"""Killed processes, failing disks and shut gates delay an upload and lose nothing of it."""

import datetime as dt
import errno

import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.adapters.vault import Batch, Vault, VaultUnavailable
from imaging.models import Instance, Upload, UploadedFile, UploadSegment
from imaging.selectors.uploads import UploadNotFound
from imaging.services import uploads
from imaging.services.regions import get_vault
from tenants.baas.models import Agreement, Status
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.incoming import begin, instance, patch, upload
from tests.imaging.uploading import URL, VERSION, bobs, offset_of, rows, sealed_objects  # noqa: F401


def died_before_completion(bobs: Client, monkeypatch: pytest.MonkeyPatch, data: bytes) -> str:
    """An upload that is whole, whose process was killed before it was taken in."""
    url = begin(bobs, len(data))
    with monkeypatch.context() as patched:
        patched.setattr(uploads, "complete_upload", lambda *args: None)
        in_segments(bobs, url, data)
    return url


def in_segments(bobs: Client, url: str, data: bytes) -> int:
    """Send it so that it is kept sealed until it is whole; the status of the last answer."""
    middle = len(data) // 2
    assert patch(bobs, url, data[:middle]).status_code == 204
    return patch(bobs, url, data[middle:], middle).status_code


def test_asking_for_the_result_finishes_what_died(bobs: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    url = died_before_completion(bobs, monkeypatch, instance(1))

    assert [line["outcome"] for line in bobs.get(f"{url}result").json()["files"]] == ["stored"]


def test_an_empty_piece_at_the_end_finishes_what_died(
    bobs: Client, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = instance(1)
    url = died_before_completion(bobs, monkeypatch, data)

    assert patch(bobs, url, b"", len(data)).status_code == 204

    assert len(rows(northside, UploadedFile)) == 1


def test_the_sweeper_finishes_what_died(
    bob: User, bobs: Client, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = died_before_completion(bobs, monkeypatch, instance(1))

    assert uploads.finish_stuck_uploads(northside.id, timezone.now()) == 1

    assert bobs.get(f"{url}result").json()["state"] == "done"
    assert uploads.finish_stuck_uploads(northside.id, timezone.now()) == 0
    with tenant_scope(northside.id):
        assert AuditEvent.objects.get(action=Action.INSTANCES_RECEIVED).actor_id == str(bob.pk)


def test_the_sweeper_does_not_pass_a_shut_gate(
    bobs: Client, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = died_before_completion(bobs, monkeypatch, instance(1))
    Agreement.objects.update(status=Status.TERMINATED)

    assert uploads.finish_stuck_uploads(northside.id, timezone.now()) == 0
    assert bobs.get(f"{url}result").json() == {"state": "processing", "files": []}


def test_taking_in_twice_stores_once(
    bobs: Client, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process died after the files were stored and before the result was."""
    with monkeypatch.context() as patched:
        patched.setattr(uploads, "_lines", lambda *args: 1 / 0)
        url = begin(bobs, len(instance(1)))
        with pytest.raises(ZeroDivisionError):
            patch(bobs, url, instance(1))

    assert patch(bobs, url, instance(1)).status_code == 204
    assert [line["outcome"] for line in bobs.get(f"{url}result").json()["files"]] == ["already_here"]
    assert len(rows(northside, Instance)) == len(sealed_objects(northside)) == 1


@pytest.mark.parametrize(("error", "status"), [(errno.ENOSPC, 507), (errno.EIO, 503)])
def test_a_disk_that_fails_is_told_and_the_upload_goes_on_later(
    bobs: Client, monkeypatch: pytest.MonkeyPatch, error: int, status: int
) -> None:
    def fail(self: Batch) -> None:
        raise VaultUnavailable("the vault failed") from OSError(error, "disk")

    data = instance(1)
    url = begin(bobs, len(data))
    with monkeypatch.context() as patched:
        patched.setattr(Batch, "publish", fail)
        assert patch(bobs, url, data).status_code == status

    assert offset_of(bobs, url) == "0"
    assert patch(bobs, url, data).status_code == 204


def test_a_disk_that_fails_while_taking_in_is_no_refusal(
    bobs: Client, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = instance(1)
    url, seal = begin(bobs, len(data)), Vault.seal
    with monkeypatch.context() as patched:

        def seal_then_fail(self: Vault, *args: object) -> int:
            size = seal(self, *args)
            patched.setattr(Batch, "publish", lambda batch: (_ for _ in ()).throw(VaultUnavailable("disk")))
            return size

        patched.setattr(Vault, "seal", seal_then_fail)
        assert in_segments(bobs, url, data) == 503
        assert bobs.get(f"{url}result").json()["state"] == "processing"

    assert not rows(northside, UploadedFile)
    assert bobs.get(f"{url}result").json()["files"][0]["outcome"] == "stored"


def test_a_segment_that_cannot_be_opened_is_a_refused_file(
    bobs: Client, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = died_before_completion(bobs, monkeypatch, instance(1))
    segments = rows(northside, UploadSegment)
    assert len(segments) == 2
    for segment in segments:
        get_vault(1).destroy_key(northside.id, segment.id)

    assert bobs.get(f"{url}result").json()["files"][0]["outcome"] == "refused"


def test_expired_uploads_are_forgotten_with_their_bytes(bobs: Client, northside: Tenant) -> None:
    url = begin(bobs, len(instance(2)))
    patch(bobs, url, instance(2)[:600])
    assert len(rows(northside, UploadSegment)) == 1
    upload(bobs, instance(1))
    later = timezone.now() + dt.timedelta(hours=25)

    assert uploads.expire_uploads(northside.id, timezone.now()) == 0
    assert uploads.expire_uploads(northside.id, later) == 2

    assert bobs.head(url, headers=VERSION).status_code == 404
    assert not rows(northside, UploadedFile)  # names of files may name patients
    assert sealed_objects(northside) == {row.pack_id for row in rows(northside, Instance)}


def test_what_is_whole_outlives_its_time_until_it_was_tried(
    bobs: Client, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    died_before_completion(bobs, monkeypatch, instance(1))
    Agreement.objects.update(status=Status.TERMINATED)

    assert uploads.expire_uploads(northside.id, timezone.now() + dt.timedelta(days=2)) == 0
    assert uploads.expire_uploads(northside.id, timezone.now() + dt.timedelta(days=9)) == 1


def test_an_expired_upload_is_not_there(bob: User, bobs: Client, northside: Tenant) -> None:
    begin(bobs, 10)
    (row,) = rows(northside, Upload)
    with pytest.raises(UploadNotFound):
        uploads.append(actor(bob), northside.id, row.id, 0, [b"1"], timezone.now() + dt.timedelta(days=2))
