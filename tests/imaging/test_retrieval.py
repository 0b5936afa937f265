"""Bytes leave only after their event, come from either region, and break off rather than lie."""

import datetime as dt
import io
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pydicom
import pytest
from blake3 import blake3
from dicomweb_client.api import DICOMwebClient
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.models import AccessToken, Instance, Series
from imaging.services.originals import DigestDiffers, iter_original
from imaging.services.regions import get_vault
from imaging.services.sealed import NoCopyReadable, SealedObject, Truncated
from imaging.services.tokens import issue_token
from tenants.models import Role, Tenant, User
from tenants.scoping import find_active_tenant_id, tenant_scope
from tests.cast import actor, add_person, add_tenant, sign_in
from tests.imaging.library import (
    ANY_FILE,
    CT,
    body_of,
    events,
    get_parts,
    instance_url,
    keep,
    parts_of,
    real_file,
    series_url,
    study_url,
)  # fmt: skip

FILES = [
    "CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "JPEG2000.dcm", "image_dfl.dcm",
    "examples_ybr_color.dcm", "emri_small_jpeg_2k_lossless.dcm", "reportsi.dcm",
]  # fmt: skip


@pytest.fixture
def ct(northside: Tenant, bob: User) -> pydicom.Dataset:
    return keep(northside, bob, real_file(CT))[0]


@pytest.mark.parametrize("name", FILES)
def test_a_file_comes_back_byte_for_byte(name: str, northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, real_file(name))
    client = browser_of(nora)
    for url in (instance_url(header), series_url(header), study_url(header)):
        ((kind, data),) = get_parts(client, url, ANY_FILE)
        assert data == real_file(name)
        assert kind == f"application/dicom; transfer-syntax={header.file_meta.TransferSyntaxUID}"


def test_a_study_comes_back_whole_and_each_call_is_recorded(northside, bob, nora, browser_of) -> None:
    files = [real_file(name) for name in ("MR_small.dcm", "JPEG2000.dcm", "CT_small.dcm")]
    header, *_ = keep(northside, bob, *files)
    client = browser_of(nora)

    given = get_parts(client, study_url(header), ANY_FILE)
    client.get(study_url(header))

    same_study = [data for data, each in zip(files, keep(northside, bob, *files), strict=True)
                  if each.StudyInstanceUID == header.StudyInstanceUID]  # fmt: skip
    assert sorted(data for _, data in given) == sorted(same_study)
    first, _ = events(northside, Action.INSTANCES_RETRIEVED)
    assert first.details == {"instances": len(same_study), "bytes": sum(map(len, same_study))}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (None, 200), ("*/*", 200), ('multipart/related; type="application/dicom"', 200),
        ('multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1', 200),
        ('multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.50', 406),
        ("application/dicom", 200), ("application/dicom; transfer-syntax=*", 200), ("image/jpeg", 406),
    ],
)  # fmt: skip
def test_a_file_is_given_as_stored_or_not_at_all(accept, status: int, ct, northside, nora: User, browser_of) -> None:
    response = browser_of(nora).get(instance_url(ct), headers={"Accept": accept} if accept else {})
    assert response.status_code == status
    assert len(events(northside, Action.INSTANCES_RETRIEVED)) == (status == 200)


@pytest.mark.parametrize("path", ["", "/frames/1", "/metadata"])
def test_the_event_is_there_before_the_first_byte_and_the_scope_is_closed(
    path: str, ct: pydicom.Dataset, northside: Tenant, nora: User, browser_of,
) -> None:  # fmt: skip
    response = browser_of(nora).get(instance_url(ct) + path)

    assert find_active_tenant_id() is None
    assert events(northside)[-1].action in {
        Action.INSTANCES_RETRIEVED, Action.FRAMES_VIEWED, Action.METADATA_VIEWED,
    }  # fmt: skip
    assert body_of(response)


@pytest.mark.usefixtures("live_db")
def test_the_event_is_committed_before_the_first_byte() -> None:
    tenant = add_tenant("northside", "Northside Dental")
    bob, nora = add_person("Bob", tenant, Role.UPLOADER), add_person("Nora", tenant, Role.VIEWER)
    (header,) = keep(tenant, bob, real_file(CT))
    response = sign_in(nora).get(instance_url(header))

    seen = []
    watcher = threading.Thread(target=lambda: seen.extend(_actions_seen_by_another_connection(tenant)))
    watcher.start()
    watcher.join()
    assert Action.INSTANCES_RETRIEVED in seen
    assert parts_of(response)[0][1] == real_file(CT)


def _actions_seen_by_another_connection(tenant: Tenant) -> list[str]:
    try:
        with tenant_scope(tenant.id):
            return list(AuditEvent.objects.values_list("action", flat=True))
    finally:
        connection.close()


# --- Two regions ------------------------------------------------------------------------------------------------


def only_instance(tenant: Tenant) -> Instance:
    with tenant_scope(tenant.id):
        return Instance.objects.get()


def vault_folder(region: int, tenant: Tenant) -> Path:
    return Path(settings.STORAGES[f"vault-{region}"]["OPTIONS"]["location"]) / str(tenant.id)


def sealed_path(region: int, instance: Instance) -> Path:
    (path,) = vault_folder(region, instance.tenant).rglob(f"{instance.pack_id}.sealed")
    return path


@pytest.mark.parametrize("path", ["", "/frames/1", "/metadata"])
def test_region_two_answers_when_region_one_is_gone(path: str, ct, northside, nora: User, browser_of) -> None:
    client = browser_of(nora)
    before = client.get(instance_url(ct) + path)
    expected = parts_of(before) if before["Content-Type"].startswith("multipart") else body_of(before)
    get_vault(1).copy_to(get_vault(2), northside.id, only_instance(northside).pack_id)
    shutil.rmtree(vault_folder(1, northside))

    after = client.get(instance_url(ct) + path)

    assert (parts_of(after) if after["Content-Type"].startswith("multipart") else body_of(after)) == expected


@pytest.mark.parametrize("path", ["", "/frames/1", "/metadata"])
def test_without_any_copy_the_answer_is_an_error_and_no_event(path: str, ct, northside, nora, browser_of) -> None:
    shutil.rmtree(vault_folder(1, northside))
    before = len(events(northside))

    response = browser_of(nora).get(instance_url(ct) + path)

    assert response.status_code == 503
    assert len(events(northside)) == before


def flip(path: Path, position: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[position] ^= 1
    path.chmod(0o600)
    path.write_bytes(raw)


def add_object(tenant: Tenant, data: bytes) -> Instance:
    """An instance row that is not in the database, over any bytes."""
    instance = Instance(tenant=tenant, pack_id=uuid4(), pack_offset=0, size=len(data), digest=blake3(data).digest())
    get_vault(1).seal(tenant.id, instance.pack_id, [data])
    return instance


LONG = bytes(range(256)) * 16384  # four chunks


def test_damage_in_the_middle_is_healed_from_region_two_at_the_same_byte(ct, northside: Tenant) -> None:
    instance = add_object(northside, LONG)
    get_vault(1).copy_to(get_vault(2), northside.id, instance.pack_id)
    flip(sealed_path(1, instance), 2_500_000)
    assert b"".join(iter_original(instance)) == LONG


def test_damage_without_another_copy_breaks_the_stream_off(ct: pydicom.Dataset, northside: Tenant) -> None:
    instance = add_object(northside, LONG)
    flip(sealed_path(1, instance), 2_500_000)
    given = []
    with pytest.raises(NoCopyReadable):
        given.extend(iter_original(instance))
    assert b"".join(given) == LONG[: 2 << 20]


def test_other_bytes_than_were_taken_in_break_the_stream_off(ct: pydicom.Dataset, northside: Tenant) -> None:
    instance = add_object(northside, LONG)
    instance.digest = bytes(32)
    with pytest.raises(DigestDiffers):
        list(iter_original(instance))


def test_an_object_shorter_than_its_row_breaks_the_stream_off(ct: pydicom.Dataset, northside: Tenant) -> None:
    instance = add_object(northside, LONG)
    instance.size += 1
    with pytest.raises(Truncated):
        list(iter_original(instance))


def test_extents_are_given_in_the_order_asked_for(ct: pydicom.Dataset, northside: Tenant) -> None:
    instance = add_object(northside, LONG)
    extents = [(1_500_000, 900_000), (10, 0), (3, 5), (1_048_570, 12)]
    given = b"".join(SealedObject(northside.id, instance.pack_id).iter_extents(extents))
    assert given == b"".join(LONG[offset : offset + length] for offset, length in extents)


# --- Thumbnails -------------------------------------------------------------------------------------------------


def test_a_stored_thumbnail_is_given_as_it_lies(ct: pydicom.Dataset, northside, nora: User, browser_of) -> None:
    drawn = add_object(northside, b"RIFFwebp").pack_id
    with tenant_scope(northside.id):
        Series.objects.update(thumbnail=drawn)

    response = browser_of(nora).get(series_url(ct) + "/thumbnail")

    assert (body_of(response), response["Content-Type"]) == (b"RIFFwebp", "image/webp")
    assert len(events(northside, Action.THUMBNAIL_VIEWED)) == 1
    assert not events(northside, Action.ACCESS_DENIED)


# --- A stranger's client over HTTP ------------------------------------------------------------------------------


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def origin(live_db: None) -> Iterator[str]:
    """The address of a real server over a database that commits."""
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_dicomweb_client_finds_and_retrieves_with_a_token(origin: str) -> None:
    tenant = add_tenant("northside", "Northside Dental")
    bob = add_person("Bob", tenant, Role.UPLOADER)
    ct, color = keep(tenant, bob, real_file(CT), real_file("examples_ybr_color.dcm"))
    now = timezone.now()
    with tenant_scope(tenant.id):
        secret = issue_token(actor(bob), bob, [AccessToken.Scope.READ], now + dt.timedelta(hours=1), now)
    client = DICOMwebClient(f"{origin}/t/northside/dicomweb", headers={"Authorization": f"Bearer {secret}"})

    uids = (ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.SOPInstanceUID)
    assert len(client.search_for_studies()) == 2
    (found,) = client.search_for_studies(search_filters={"PatientName": "compressed*", "ModalitiesInStudy": "CT"})
    assert found["0020000D"]["Value"] == [ct.StudyInstanceUID]
    assert len(client.search_for_series(ct.StudyInstanceUID)) == 1
    assert len(client.search_for_instances(*uids[:2])) == 1
    assert client.retrieve_instance(*uids) == pydicom.dcmread(_file(CT))
    assert client.retrieve_study(uids[0]) == [pydicom.dcmread(_file(CT))]
    (metadata,) = client.retrieve_series_metadata(*uids[:2])
    assert pydicom.Dataset.from_json(metadata).PatientName == ct.PatientName
    assert client.retrieve_instance_frames(*uids, [1]) == [pydicom.dcmread(_file(CT)).PixelData]
    color_uids = (color.StudyInstanceUID, color.SeriesInstanceUID, color.SOPInstanceUID)
    jpeg = (("image/jpeg", "1.2.840.10008.1.2.4.50"),)
    frames = client.retrieve_instance_frames(*color_uids, [1, 30], media_types=jpeg)
    assert [frame[:2] for frame in frames] == [b"\xff\xd8"] * 2
    rendered = client.retrieve_instance_rendered(*uids, media_types=("image/png",), params={"window": "40,400,linear"})
    assert rendered[:4] == b"\x89PNG"
    assert client.retrieve_series_rendered(*uids[:2], media_types=("image/jpeg",))[:2] == b"\xff\xd8"
    assert client.retrieve_instance_frames_rendered(*color_uids, [2], media_types=("image/png",))[:4] == b"\x89PNG"
    decoded = client.retrieve_instance_frames(*color_uids, [30], media_types=(("application/octet-stream",),))
    assert decoded == [pydicom.dcmread(_file("examples_ybr_color.dcm")).pixel_array[29].tobytes()]
    explicit = (("application/dicom", "1.2.840.10008.1.2.1"),)
    given = client.retrieve_instance(*color_uids, media_types=explicit)
    assert given.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1" and given.PhotometricInterpretation == "RGB"
    bulk = f"{origin}{instance_url(ct)}/bulkdata/7FE00010"
    assert client.retrieve_bulkdata(bulk) == [pydicom.dcmread(_file(CT)).PixelData]


def _file(name: str) -> io.BytesIO:
    return io.BytesIO(real_file(name))


def test_a_wrong_token_gets_nothing(origin: str) -> None:
    add_tenant("northside", "Northside Dental")
    response = Client().get("/t/northside/dicomweb/studies", headers={"Authorization": "Bearer wrong"})
    assert response.status_code == 401
