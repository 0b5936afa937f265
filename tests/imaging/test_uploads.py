"""What comes through the upload page: resumable, sealed from the first byte, taken in when whole."""

import os
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from imaging.models import Instance, Series, Upload, UploadSegment
from imaging.services import uploads
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import (
    bad_files,
    begin,
    bundle,
    checksum,
    instance,
    metadata,
    patch,
    read_back,
    upload,
)
from tests.imaging.uploading import URL, VERSION, bobs, offset_of, rows, sealed_objects  # noqa: F401


def test_a_file_is_stored_and_its_result_leads_to_the_study(bobs: Client, northside: Tenant) -> None:
    data = instance(1)

    result = upload(bobs, data, filename="knee.dcm")

    (line,) = result["files"]
    assert result["state"] == "done"
    assert (line["name"], line["size"], line["outcome"]) == ("knee.dcm", len(data), "stored")
    assert line["study_url"] == f"/t/northside/studies/{ROOT}.1/"
    assert read_back(northside, f"{ROOT}.1.1.1") == data


def test_a_bundle_tells_of_every_file(bobs: Client, northside: Tenant) -> None:
    bad = bad_files()
    files = (
        {"disc/1.dcm": instance(1)}
        | {name: data for name, (data, _) in bad.items()}
        | {"disc/2.dcm": instance(2)}
    )

    result = upload(bobs, bundle(files), kind="bundle")

    lines = {line["name"]: line for line in result["files"]}
    assert list(lines) == list(files)
    assert {name: lines[name]["reason"] for name in bad} == {
        name: reason for name, (_, reason) in bad.items()
    }
    assert lines["disc/1.dcm"]["outcome"] == lines["disc/2.dcm"]["outcome"] == "stored"
    assert all(lines[name]["message"] and not lines[name]["study_url"] for name in bad)


def test_a_broken_bundle_keeps_what_came_before(bobs: Client) -> None:
    result = upload(bobs, bundle({"a": instance(1), "b": instance(2)})[:-9], kind="bundle")

    assert [(line["name"], line["reason"]) for line in result["files"]] == [("a", ""), ("b", "BUNDLE_BROKEN")]


def test_an_upload_in_pieces_is_put_together(bobs: Client, northside: Tenant) -> None:
    data = instance(1)
    url = begin(bobs, len(data))

    for at in range(0, len(data), 300):
        answer = patch(bobs, url, data[at : at + 300], at)
        assert answer["Upload-Offset"] == str(min(at + 300, len(data)))

    assert read_back(northside, f"{ROOT}.1.1.1") == data


def test_segments_are_gone_when_the_upload_is_taken_in(bobs: Client, northside: Tenant) -> None:
    data = instance(1)
    url = begin(bobs, len(data))
    for start in range(0, len(data), 400):
        assert patch(bobs, url, data[start : start + 400], start).status_code == 204

    assert not rows(northside, UploadSegment)
    assert sealed_objects(northside) == {row.pack_id for row in rows(northside, Instance)}


def test_a_file_in_one_request_is_sealed_once(bobs: Client, northside: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_keep_segment", lambda *args: pytest.fail("sealed for later"))

    assert upload(bobs, instance(1))["files"][0]["outcome"] == "stored"


def test_a_file_whose_line_broke_goes_on_where_it_broke(bobs: Client, northside: Tenant) -> None:
    data = instance(1)
    url = begin(bobs, len(data))

    assert patch(bobs, url, data[:700]).status_code == 204
    assert offset_of(bobs, url) == "700"
    assert patch(bobs, url, data[700:], 700).status_code == 204

    assert read_back(northside, f"{ROOT}.1.1.1") == data


def test_a_file_that_is_refused_by_its_first_bytes_is_read_over_and_told_once(bobs: Client, northside: Tenant) -> None:
    data = b"once upon a time " * 200
    url = begin(bobs, len(data))
    for start in range(0, len(data), 1000):
        answer = patch(bobs, url, data[start : start + 1000], start)
        assert answer["Upload-Offset"] == str(min(start + 1000, len(data)))

    assert [line["reason"] for line in bobs.get(f"{url}result").json()["files"]] == ["NOT_DICOM"]
    assert not sealed_objects(northside)


def test_a_bundle_whose_line_broke_goes_on_at_the_file_it_broke_in(bobs: Client, northside: Tenant) -> None:
    files = {f"{number}.dcm": instance(number) for number in range(4)} | {"bad.dcm": b"not DICOM"}
    data = bundle(files)
    url = begin(bobs, len(data), "bundle")
    cut = data.index(files["2.dcm"]) + 100

    assert patch(bobs, url, data[:cut]).status_code == 204
    offset = int(offset_of(bobs, url))
    assert data.index(files["1.dcm"]) + len(files["1.dcm"]) == offset
    assert len(rows(northside, Instance)) == 2
    assert bobs.get(f"{url}result").json()["state"] == "processing"
    assert patch(bobs, url, data[offset:], offset).status_code == 204

    lines = bobs.get(f"{url}result").json()["files"]
    assert [(line["name"], line["outcome"]) for line in lines] == [
        *((f"{number}.dcm", "stored") for number in range(4)), ("bad.dcm", "refused"),
    ]  # fmt: skip
    assert all(read_back(northside, f"{ROOT}.1.1.{number}") == instance(number) for number in range(4))


def test_head_tells_how_far_it_is_and_what_it_is(bobs: Client) -> None:
    size = len(instance(1))
    url = begin(bobs, size, filename="ünï.dcm", kind="file")
    patch(bobs, url, instance(1)[:600])

    answer = bobs.head(url, headers=VERSION)

    assert (answer["Upload-Offset"], answer["Upload-Length"], answer["Cache-Control"]) == (
        "600",
        str(size),
        "no-store",
    )
    assert metadata(filename="ünï.dcm", kind="file") in answer["Upload-Metadata"]
    assert answer["Upload-Expires"].endswith("GMT")
    assert answer["Tus-Resumable"] == "1.0.0"


def test_options_tell_what_the_server_can(bobs: Client) -> None:
    answer = bobs.options(URL)

    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert int(answer["Tus-Max-Size"]) > 1 << 30
    assert answer["Tus-Extension"] == "creation,expiration,termination,checksum"
    assert answer["Tus-Checksum-Algorithm"] == "sha1,sha256"


def test_another_version_of_the_protocol_is_refused(bobs: Client) -> None:
    assert bobs.post(URL, headers={"Upload-Length": "1"}).status_code == 412


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Length": "-1"},
        {"Upload-Length": "١"},
        {"Upload-Length": "1", "Upload-Metadata": "filename ???"},
        {"Upload-Length": "1", "Upload-Metadata": metadata(kind="disc")},
        {"Upload-Length": "1", "Upload-Metadata": metadata(batch="7")},
    ],
)
def test_a_creation_that_cannot_be_read_is_refused(bobs: Client, headers: dict[str, str]) -> None:
    answer = bobs.post(URL, headers=VERSION | headers)
    assert answer.status_code == 400
    assert answer.json()["reason"]


def test_more_than_the_archive_accepts_is_refused(bobs: Client, settings) -> None:
    settings.UPLOAD_MAX_BYTES = 100
    assert bobs.post(URL, headers=VERSION | {"Upload-Length": "101"}).status_code == 413
    assert begin(bobs, 100)


def test_a_piece_at_another_offset_is_refused_and_changes_nothing(bobs: Client, northside: Tenant) -> None:
    url = begin(bobs, 1000)
    patch(bobs, url, bytes(100))

    assert patch(bobs, url, bytes(100), 0).status_code == 409
    assert patch(bobs, url, bytes(100), 200).status_code == 409
    assert offset_of(bobs, url) == "100"
    assert len(sealed_objects(northside)) == 1


def test_a_piece_beyond_the_end_is_refused_and_discarded(bobs: Client, northside: Tenant) -> None:
    url = begin(bobs, 1000)

    assert patch(bobs, url, bytes(1001)).status_code == 413
    assert offset_of(bobs, url) == "0"
    assert not sealed_objects(northside)


def test_a_piece_of_another_type_is_refused(bobs: Client) -> None:
    url = begin(bobs, 10)
    answer = bobs.patch(url, b"12", content_type="application/json", headers=VERSION | {"Upload-Offset": "0"})
    assert answer.status_code == 415


def test_a_piece_without_offset_is_refused(bobs: Client) -> None:
    assert patch(bobs, begin(bobs, 10), b"12", **{"Upload-Offset": ""}).status_code == 400


def test_an_empty_piece_is_no_error(bobs: Client) -> None:
    url = begin(bobs, 10)
    assert patch(bobs, url, b"").status_code == 204
    assert offset_of(bobs, url) == "0"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_true_checksum_passes(bobs: Client, algorithm: str) -> None:
    url = begin(bobs, 2000)
    assert (
        patch(bobs, url, bytes(900), **{"Upload-Checksum": checksum(bytes(900), algorithm)}).status_code
        == 204
    )


def test_a_false_checksum_discards_the_piece(bobs: Client, northside: Tenant) -> None:
    url = begin(bobs, 2000)
    assert patch(bobs, url, bytes(900), **{"Upload-Checksum": checksum(b"other")}).status_code == 460
    assert offset_of(bobs, url) == "0"
    assert not sealed_objects(northside)


@pytest.mark.parametrize("value", ["md5 AAAA", "sha256 ???", "sha256"])
def test_a_checksum_that_cannot_be_read_is_refused(bobs: Client, value: str) -> None:
    expected = 460 if value == "sha256" else 400
    assert patch(bobs, begin(bobs, 20), b"12", **{"Upload-Checksum": value}).status_code == expected


def test_an_upload_of_nothing_is_refused_as_empty(bobs: Client) -> None:
    url = begin(bobs, 0)
    assert [line["reason"] for line in bobs.get(f"{url}result").json()["files"]] == ["EMPTY"]


def test_the_method_may_stand_in_a_header(bobs: Client) -> None:
    url = begin(bobs, 10)
    override = VERSION | {"X-HTTP-Method-Override": "PATCH", "Upload-Offset": "0"}
    answer = bobs.post(url, b"12345", content_type="application/offset+octet-stream", headers=override)
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "5")


def test_a_terminated_upload_leaves_nothing(bobs: Client, northside: Tenant) -> None:
    url = begin(bobs, 1000)
    patch(bobs, url, bytes(600))

    assert bobs.delete(url, headers=VERSION).status_code == 204

    assert bobs.head(url, headers=VERSION).status_code == 404
    assert not rows(northside, Upload)
    assert not sealed_objects(northside)


def test_another_request_at_the_same_upload_is_told_to_wait(
    bobs: Client, live_lock: Callable[[str], None]
) -> None:
    url = begin(bobs, 10)
    live_lock(url)
    assert patch(bobs, url, b"12").status_code == 423
    assert bobs.delete(url, headers=VERSION).status_code == 423
    assert offset_of(bobs, url) == "0"


@pytest.fixture
def live_lock() -> Iterator[Callable[[str], None]]:
    """Another process at work on an upload: a second connection that holds its lock."""
    with psycopg.connect(os.environ["DATABASE_URL"].replace("postgres+psycopg", "postgresql")) as other:

        def lock(url: str) -> None:
            upload_id = UUID(url.rstrip("/").rpartition("/")[2])
            key = int.from_bytes(upload_id.bytes[:8], "big", signed=True)
            other.execute("SELECT pg_advisory_lock(%s)", [key])

        yield lock


def test_the_lock_is_given_back(bobs: Client) -> None:
    upload(bobs, instance(1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)


def test_a_batch_tells_how_far_its_studies_are(
    bobs: Client, northside: Tenant, django_assert_max_num_queries
) -> None:
    batch = uuid4()
    files = {"a": instance(1), "b": instance(2), "c": instance(3), "bad": b"x"}
    upload(bobs, bundle(files), "bundle", batch=batch)
    upload(bobs, instance(1, study=2), batch=batch)
    upload(bobs, instance(1, study=3))
    now = timezone.now()
    with tenant_scope(northside.id):
        Instance.objects.filter(instance_number=1).update(sealed_at=now, stored_at=now, mirrored_at=now)
        Instance.objects.filter(instance_number=2).update(sealed_at=now, store_refusal="0xA900")
        Series.objects.filter(series_instance_uid=f"{ROOT}.1.1").update(thumbnail=uuid4())

    with django_assert_max_num_queries(20):
        first, second = bobs.get(f"{URL}batches/{batch}").json()["studies"]

    assert first == {
        "study_instance_uid": f"{ROOT}.1", "url": f"/t/northside/studies/{ROOT}.1/", "title": "Doe, Jane",
        "subtitle": "CT · 2 Jan 2026", "instances": 3, "in_pacs": 2, "sealed": 2, "mirrored": 1,
        "thumbnail_url": f"/t/northside/dicomweb/studies/{ROOT}.1/series/{ROOT}.1.1/thumbnail",
    }  # fmt: skip
    assert (second["study_instance_uid"], second["in_pacs"], second["thumbnail_url"]) == (f"{ROOT}.2", 1, "")


def test_a_batch_is_there_for_its_creator_only(
    alice: User, bobs: Client, browser_of: Callable[[User], Client]
) -> None:
    batch = uuid4()
    upload(bobs, instance(1), batch=batch)
    assert browser_of(alice).get(f"{URL}batches/{batch}").status_code == 404
