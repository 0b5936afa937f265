"""Every DICOMweb read: it works, and for whoever may not read it, it is not there."""

import datetime as dt
import gzip
import io
import json

import pydicom
import pytest
from django.test import Client
from django.utils import timezone
from pydicom.encaps import generate_frames

from audit.actions import Action
from audit.actor import ActorKind
from imaging.models import AccessToken, ShareLink, Study
from imaging.services.tokens import issue_token
from tenants.baas.models import Agreement, Status
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging import library
from tests.imaging.library import (
    ANY,
    ANY_FILE,
    CT,
    UNKNOWN,
    events,
    get_parts,
    instance_url,
    keep,
    real_file,
    series_url,
    study_url,
)  # fmt: skip

READS = {
    "series": lambda header, slug: study_url(header, slug) + "/series",
    "instances of the study": lambda header, slug: study_url(header, slug) + "/instances",
    "instances of the series": lambda header, slug: series_url(header, slug) + "/instances",
    "study": study_url,
    "series files": series_url,
    "instance": instance_url,
    "study metadata": lambda header, slug: study_url(header, slug) + "/metadata",
    "series metadata": lambda header, slug: series_url(header, slug) + "/metadata",
    "instance metadata": lambda header, slug: instance_url(header, slug) + "/metadata",
    "frames": lambda header, slug: instance_url(header, slug) + "/frames/1",
    "bulk data": lambda header, slug: instance_url(header, slug) + "/bulkdata/00431029",
    "thumbnail": lambda header, slug: series_url(header, slug) + "/thumbnail",
}
WITHOUT_THUMBNAIL = [name for name in READS if name != "thumbnail"]
EVENTS = {
    "series": Action.STUDY_VIEWED, "instances of the study": Action.METADATA_VIEWED,
    "instances of the series": Action.METADATA_VIEWED, "study": Action.INSTANCES_RETRIEVED,
    "series files": Action.INSTANCES_RETRIEVED, "instance": Action.INSTANCES_RETRIEVED,
    "study metadata": Action.METADATA_VIEWED, "series metadata": Action.METADATA_VIEWED,
    "instance metadata": Action.METADATA_VIEWED, "frames": Action.FRAMES_VIEWED, "bulk data": Action.METADATA_VIEWED,
}  # fmt: skip


@pytest.fixture
def ct(northside: Tenant, bob: User) -> pydicom.Dataset:
    (header,) = keep(northside, bob, real_file(CT))
    return header


@pytest.fixture
def add_link(northside: Tenant, bob: User, ct: pydicom.Dataset):
    def add(**fields: object) -> tuple[ShareLink, Client]:
        """A redeemed link, and the browser that redeemed it."""
        now = timezone.now()
        with tenant_scope(northside.id):
            link = ShareLink.objects.create(
                study=Study.objects.get(), digest=bytes(32), code_hash="x", recipient_name="Rita",
                recipient_email="rita@ortho.example", created_by=bob, created_at=now,
                expires_at=now + dt.timedelta(days=7), **fields,
            )  # fmt: skip
        client = Client()
        session = client.session
        session["grants"] = [{
            "kind": ActorKind.SHARE.value, "id": str(link.id), "tenant": str(northside.id),
            "study": ct.StudyInstanceUID,
        }]  # fmt: skip
        session.save()
        client.cookies["session"] = session.session_key
        return link, client

    return add


@pytest.mark.parametrize("name", WITHOUT_THUMBNAIL)
def test_a_member_reads_and_the_read_is_recorded(name: str, ct, northside, nora, browser_of) -> None:
    response = browser_of(nora).get(READS[name](ct, "northside"))

    assert response.status_code == 200
    assert library.body_of(response)
    assert response["Cache-Control"] == "private, no-store"
    (event,) = events(northside, EVENTS[name])
    assert (event.actor_label, event.study_instance_uid) == (nora.email, ct.StudyInstanceUID)


@pytest.mark.parametrize("name", READS)
def test_a_member_of_another_practice_finds_nothing(name: str, ct, northside, carol, browser_of) -> None:
    client = browser_of(carol)
    assert client.get(READS[name](ct, "northside")).status_code == 404
    assert client.get(READS[name](ct, "southside")).status_code == 404
    assert not events(northside, EVENTS.get(name, Action.THUMBNAIL_VIEWED))


@pytest.mark.parametrize("name", READS)
def test_a_stranger_must_sign_in(name: str, ct: pydicom.Dataset) -> None:
    response = Client().get(READS[name](ct, "northside"))
    assert response.status_code == 401
    assert not response.content


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("uid", [UNKNOWN, "not-a-uid", "1.2\0"])
def test_what_is_not_there_is_not_found(name: str, uid: str, ct, nora, browser_of) -> None:
    client = browser_of(nora)
    assert client.get(READS[name](ct, "northside").replace(ct.StudyInstanceUID, uid)).status_code == 404


@pytest.mark.parametrize("level", ["SeriesInstanceUID", "SOPInstanceUID"])
def test_an_unknown_series_or_instance_is_not_found(level: str, ct, nora, browser_of) -> None:
    url = (instance_url(ct) + "/frames/1").replace(ct[level].value, UNKNOWN)
    assert browser_of(nora).get(url).status_code == 404


def test_only_reading_is_allowed(ct: pydicom.Dataset, nora: User, browser_of) -> None:
    assert browser_of(nora).post(series_url(ct) + "/metadata").status_code == 405


# --- Share links ----------------------------------------------------------------------------------------------


def test_a_view_only_link_shows_its_study_and_gives_no_file(ct: pydicom.Dataset, add_link) -> None:
    _, client = add_link(may_download=False)
    assert client.get(study_url(ct) + "/series").status_code == 200
    assert client.get(series_url(ct) + "/metadata").status_code == 200
    assert client.get(instance_url(ct) + "/frames/1").status_code == 200
    for url in (study_url(ct), series_url(ct), instance_url(ct)):
        assert client.get(url).status_code == 404


def test_a_link_with_download_gives_the_files(ct: pydicom.Dataset, add_link) -> None:
    _, client = add_link(may_download=True)
    assert get_parts(client, instance_url(ct), ANY_FILE)[0][1] == real_file(CT)


def test_a_link_finds_its_own_study_and_no_other(ct: pydicom.Dataset, northside, bob, add_link) -> None:
    _, client = add_link(may_download=True)
    keep(northside, bob, real_file("JPEG2000.dcm"))
    found = client.get("/t/northside/dicomweb/studies").json()
    assert [each["0020000D"]["Value"] for each in found] == [[ct.StudyInstanceUID]]


def test_revoking_works_on_the_next_request(ct: pydicom.Dataset, northside: Tenant, add_link) -> None:
    link, client = add_link()
    assert client.get(instance_url(ct) + "/frames/1").status_code == 200
    with tenant_scope(northside.id):
        ShareLink.objects.filter(id=link.id).update(revoked_at=timezone.now())

    assert client.get(instance_url(ct) + "/frames/1").status_code == 404


def test_without_an_agreement_nothing_leaves(ct: pydicom.Dataset, add_link, nora, browser_of) -> None:
    _, client = add_link(may_download=True)
    Agreement.objects.update(status=Status.TERMINATED)

    refused = client.get(instance_url(ct) + "/frames/1")

    assert refused.status_code == 403
    assert "agreement" in refused.json()["reason"]
    assert browser_of(nora).get(instance_url(ct)).status_code == 403


# --- Tokens -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scope", "status"), [("read", 200), ("store", 401)])
def test_a_token_reads_only_with_its_scope(scope: str, status: int, ct, northside: Tenant, nora: User) -> None:
    now = timezone.now()
    with tenant_scope(northside.id):
        secret = issue_token(actor(nora), nora, [AccessToken.Scope(scope)], now + dt.timedelta(hours=1), now)
    response = Client().get(series_url(ct) + "/metadata", headers={"Authorization": f"Bearer {secret}"})
    assert response.status_code == status


# --- Frames -----------------------------------------------------------------------------------------------------

NATIVE = ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "emri_small.dcm", "image_dfl.dcm"]
EXPLICIT_LITTLE = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1'
ENCAPSULATED = {
    "JPEG2000.dcm": "image/jp2", "MR_small_RLE.dcm": "image/dicom-rle", "SC_rgb_jpeg_dcmtk.dcm": "image/jpeg",
    "examples_ybr_color.dcm": "image/jpeg", "emri_small_jpeg_2k_lossless.dcm": "image/jp2",
}  # fmt: skip


@pytest.mark.parametrize("name", NATIVE)
def test_native_frames_are_the_bytes_of_the_file(name: str, northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, real_file(name))
    pixels = pydicom.dcmread(io.BytesIO(real_file(name))).PixelData
    count = int(header.get("NumberOfFrames", 1))
    length = header.Rows * header.Columns * header.SamplesPerPixel * header.BitsAllocated // 8

    numbers = ",".join(str(number) for number in range(1, count + 1))
    parts = get_parts(browser_of(nora), f"{instance_url(header)}/frames/{numbers}")

    assert [data for _, data in parts] == [pixels[place * length :][:length] for place in range(count)]
    syntax = header.file_meta.TransferSyntaxUID
    assert {kind for kind, _ in parts} == {f"application/octet-stream; transfer-syntax={syntax}"}


@pytest.mark.parametrize("name", ENCAPSULATED)
def test_compressed_frames_are_given_as_stored(name: str, northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, real_file(name))
    count = int(header.get("NumberOfFrames", 1) or 1)
    pixels = pydicom.dcmread(io.BytesIO(real_file(name))).PixelData
    frames = list(generate_frames(pixels, number_of_frames=count))

    numbers = [number for number in (1, count, max(1, count // 2)) if number <= count]
    url = f"{instance_url(header)}/frames/{','.join(map(str, numbers))}"
    syntax = header.file_meta.TransferSyntaxUID
    for accept, kind in ((ANY, "application/octet-stream"), ("*/*", ENCAPSULATED[name])):
        parts = get_parts(browser_of(nora), url, accept)
        assert [data for _, data in parts] == [frames[number - 1] for number in numbers]
        assert {kind for kind, _ in parts} == {f"{kind}; transfer-syntax={syntax}"}


def test_frames_of_single_bits_start_at_a_byte(northside: Tenant, bob: User, nora: User, browser_of) -> None:
    source = pydicom.dcmread(io.BytesIO(real_file("liver.dcm")))
    source.Rows, source.Columns, source.NumberOfFrames = 3, 3, 2  # nine bits a frame
    source.PixelData = bytes([0b11111111, 0b10101011, 0b00000010, 0])
    packed = io.BytesIO()
    source.save_as(packed)
    (header,) = keep(northside, bob, packed.getvalue())

    parts = get_parts(browser_of(nora), f"{instance_url(header)}/frames/1,2")

    assert [data for _, data in parts] == [bytes([0b11111111, 1]), bytes([0b01010101, 1])]


@pytest.mark.parametrize(("frames", "status"), [("0", 404), ("2", 404), ("1,9", 404), ("x", 400), ("-1", 400)])
def test_a_frame_that_is_not_there(frames: str, status: int, ct, nora, browser_of) -> None:
    assert browser_of(nora).get(f"{instance_url(ct)}/frames/{frames}").status_code == status


@pytest.mark.parametrize(
    ("name", "accept", "status"),
    [
        ("JPEG2000.dcm", 'multipart/related; type="application/octet-stream"', 200),
        ("JPEG2000.dcm", 'multipart/related; type="image/jpx"', 406),
        ("JPEG2000.dcm", 'multipart/related; type="image/jpeg"', 406),
        ("JPEG2000.dcm", 'multipart/related; type="image/jp2"', 200),
        ("JPEG2000.dcm", EXPLICIT_LITTLE, 200),
        ("JPEG2000.dcm", "application/octet-stream", 200),
        ("JPEG2000.dcm", "image/jp2", 200),
        ("JPEG2000.dcm", 'multipart/related; type="image/jls"', 200),
        ("MR_small_implicit.dcm", EXPLICIT_LITTLE, 200),
        ("MR_small_implicit.dcm", 'multipart/related; type="application/octet-stream"', 200),
        ("CT_small.dcm", "image/png", 406),
        ("CT_small.dcm", "*/*", 200),
    ],
)  # fmt: skip
def test_frames_are_given_in_what_the_client_accepts(name, accept, status, northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, real_file(name))

    response = browser_of(nora).get(f"{instance_url(header)}/frames/1", headers={"Accept": accept})

    assert response.status_code == status
    assert len(events(northside, Action.FRAMES_VIEWED)) == (status == 200)


def test_a_quarter_of_an_hour_of_frames_is_one_event(ct: pydicom.Dataset, northside, nora, browser_of) -> None:
    client = browser_of(nora)
    for _ in range(3):
        client.get(f"{instance_url(ct)}/frames/1")
    assert len(events(northside, Action.FRAMES_VIEWED)) == 1


# --- Metadata ---------------------------------------------------------------------------------------------------


def test_metadata_is_the_header_without_pixels(ct: pydicom.Dataset, nora: User, browser_of) -> None:
    response = browser_of(nora).get(series_url(ct) + "/metadata")

    (found,) = json.loads(library.body_of(response))
    assert response["Content-Type"] == "application/dicom+json"
    assert found["00100010"]["Value"] == [{"Alphabetic": "CompressedSamples^CT1"}]
    assert found["00280010"] == {"vr": "US", "Value": [128]}
    assert "7FE00010" not in found


@pytest.mark.parametrize("name", ["image_dfl.dcm", "MR_small_bigendian.dcm", "reportsi.dcm", "JPEG2000.dcm"])
def test_metadata_of_every_kind_of_file(name: str, northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, real_file(name))
    response = browser_of(nora).get(instance_url(header) + "/metadata")
    (found,) = json.loads(library.body_of(response))
    assert found["00080018"]["Value"] == [header.SOPInstanceUID]


def test_metadata_is_packed_for_who_can_unpack_it(ct: pydicom.Dataset, nora: User, browser_of) -> None:
    client, url = browser_of(nora), series_url(ct) + "/metadata"
    plain = library.body_of(client.get(url))

    packed = client.get(url, headers={"Accept-Encoding": "gzip, br;q=0.5"})

    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(library.body_of(packed)) == plain


def test_a_large_value_is_fetched_where_the_metadata_says(northside, bob, nora, browser_of) -> None:
    source = pydicom.dcmread(io.BytesIO(real_file(CT)))
    source.add_new(0x00420011, "OB", bytes(range(256)) * 8)
    packed = io.BytesIO()
    source.save_as(packed)
    (header,) = keep(northside, bob, packed.getvalue())
    client = browser_of(nora)

    (found,) = json.loads(library.body_of(client.get(instance_url(header) + "/metadata")))
    url = found["00420011"]["BulkDataURI"]

    assert url == f"http://testserver{instance_url(header)}/bulkdata/00420011"
    assert library.body_of(client.get(url)) == bytes(range(256)) * 8
    assert get_parts(client, url, 'multipart/related; type="application/octet-stream"')[0][1] == bytes(range(256)) * 8


@pytest.mark.parametrize("tag_path", ["00100010", "00420011", "x", "00420011/0", "a/b/c", "0" * 300])
def test_bulk_data_that_is_none_is_not_found(tag_path: str, ct, nora, browser_of) -> None:
    assert browser_of(nora).get(f"{instance_url(ct)}/bulkdata/{tag_path}").status_code == 404


def test_metadata_as_xml_is_refused(ct: pydicom.Dataset, nora: User, browser_of) -> None:
    accept = {"Accept": 'multipart/related; type="application/dicom+xml"'}
    assert browser_of(nora).get(series_url(ct) + "/metadata", headers=accept).status_code == 406
