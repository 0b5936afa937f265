"""The ZIP holds the original files and nothing that names the patient outside them."""

import io
import zipfile

import pydicom
import pytest

from audit.actions import Action
from imaging.models import Instance
from imaging.services.archive import archive_of
from imaging.services.originals import DigestDiffers
from imaging.services.regions import get_vault
from tenants.baas.models import Agreement, Status
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.incoming import instance
from tests.imaging.library import CT, body_of, events, keep, page_url, real_file


@pytest.fixture
def files() -> dict[str, bytes]:
    """Two series that share number and modality, and a third, by their place in the archive."""
    return {
        "DICOM/1_CT/IM00001.dcm": instance(1, series=1, SeriesNumber=1),
        "DICOM/1_CT/IM00002.dcm": instance(2, series=1, SeriesNumber=1),
        "DICOM/1_CT_2/IM00001.dcm": instance(1, series=2, SeriesNumber=1),
        "DICOM/7_CT/IM00001.dcm": instance(1, series=3, SeriesNumber=7),
    }


@pytest.fixture
def header(northside: Tenant, bob: User, files: dict[str, bytes]) -> pydicom.Dataset:
    return keep(northside, bob, *reversed(files.values()))[0]


def test_the_archive_holds_every_file_byte_for_byte(header, files, nora: User, browser_of) -> None:
    response = browser_of(nora).get(page_url(header, "/download"))

    packed = zipfile.ZipFile(io.BytesIO(body_of(response)))

    assert packed.testzip() is None
    assert {each.filename: packed.read(each) for each in packed.infolist() if each.filename != "README.txt"} == files
    assert {each.compress_type for each in packed.infolist()} == {zipfile.ZIP_STORED}
    assert b"DICOM" in packed.read("README.txt")


def test_the_download_says_its_length_and_no_name(northside, bob: User, nora: User, browser_of) -> None:
    (ct,) = keep(northside, bob, real_file(CT))

    response = browser_of(nora).get(page_url(ct, "/download"))

    body = body_of(response)
    assert int(response["Content-Length"]) == len(body)
    assert response["Content-Disposition"] == 'attachment; filename="study-2004-01-19.zip"'
    assert response["Cache-Control"] == "private, no-store"
    assert not [name for name in zipfile.ZipFile(io.BytesIO(body)).namelist() if "Compressed" in name or "1CT1" in name]


def test_every_download_is_recorded(header: pydicom.Dataset, northside, nora: User, browser_of) -> None:
    client = browser_of(nora)
    for _ in range(2):
        length = int(client.get(page_url(header, "/download"))["Content-Length"])
    recorded = events(northside, Action.STUDY_DOWNLOADED)
    assert [event.details for event in recorded] == [{"instances": 4, "bytes": length}] * 2


def test_without_an_agreement_nothing_leaves_and_the_page_says_why(header, northside, nora, browser_of) -> None:
    Agreement.objects.update(status=Status.TERMINATED)

    response = browser_of(nora).get(page_url(header, "/download"))

    assert response.status_code == 403
    assert not events(northside, Action.STUDY_DOWNLOADED)
    assert len(events(northside, Action.GATE_REFUSED)) == 1


def test_a_file_that_is_not_what_was_taken_in_breaks_the_download_off(header, northside: Tenant, nora: User) -> None:
    with tenant_scope(northside.id):
        Instance.objects.filter(series__series_number=7).update(digest=bytes(32))
        archive = archive_of(actor(nora), header.StudyInstanceUID)
    with pytest.raises(DigestDiffers):
        list(archive.chunks())


def test_a_study_that_no_vault_can_give_is_an_error_before_the_first_byte(header, northside, nora, browser_of) -> None:
    for each in list(get_vault(1).list_objects(northside.id)):
        get_vault(1).delete(northside.id, each)
    assert browser_of(nora).get(page_url(header, "/download")).status_code == 503
    assert not events(northside, Action.STUDY_DOWNLOADED)
