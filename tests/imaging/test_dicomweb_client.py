"""dicomweb-client, somebody else's reading of PS3.18, runs its whole repertoire against us."""

import datetime as dt
import io
from collections.abc import Iterator
from urllib.parse import urlsplit

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from django.utils import timezone
from PIL import Image
from pydicom.encaps import generate_frames
from requests import HTTPError

from imaging.services.tokens import issue_token
from tenants.models import Role, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, add_person, add_tenant
from tests.imaging.library import real_file
from tests.imaging.serving import serving
from tests.imaging.volumes import ct_volume

FILES = {
    "ct": "CT_small.dcm",  # Explicit VR Little Endian, one frame
    "mr": "emri_small_RLE.dcm",  # RLE, 10 frames; another study
    "color": "examples_ybr_color.dcm",  # JPEG Baseline, 30 frames
    "ecg": "waveform_ecg.dcm",  # no pixels
}
EXPLICIT, RLE, JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50"
VOLUME_SLICES = 6


class Practice:
    """Northside with an owner's token, behind a socket."""

    def __init__(self, origin: str, tenant: Tenant, owner: User) -> None:
        self._tenant, self._owner = tenant, owner
        self.url = f"{origin}/t/{tenant.slug}/dicomweb"

    def session(self, *scopes: str) -> requests.Session:
        session, now = requests.Session(), timezone.now()
        with tenant_scope(self._tenant.id):
            token = issue_token(actor(self._owner), self._owner, list(scopes), now + dt.timedelta(days=2), now)
        session.headers["Authorization"] = f"Bearer {token}"
        return session

    def client(self, *scopes: str) -> DICOMwebClient:
        client = DICOMwebClient(self.url, session=self.session(*scopes))
        client.set_http_retry_params(retry=False)
        client.host = urlsplit(self.url).netloc  # it sends the host without its port, and links lead to that
        return client


@pytest.fixture
def practice(live_db: None) -> Iterator[Practice]:
    tenant = add_tenant("northside", "Northside Dental")
    owner = add_person("Alice", tenant, Role.OWNER)
    with serving() as origin:
        yield Practice(origin, tenant, owner)


@pytest.fixture
def full(practice: Practice) -> Practice:
    """With the real files and a volume in it, stored by the client itself."""
    stored = practice.client("store").store_instances([*map(read, FILES), *map(parse, ct_volume(VOLUME_SLICES))])
    assert len(stored.ReferencedSOPSequence) == len(FILES) + VOLUME_SLICES
    return practice


def read(name: str) -> pydicom.Dataset:
    return parse(real_file(FILES[name]))


def parse(data: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(data))


def uids(data_set: pydicom.Dataset) -> tuple[str, str, str]:
    return data_set.StudyInstanceUID, data_set.SeriesInstanceUID, data_set.SOPInstanceUID


def values(found: list[dict], keyword: str) -> list[object]:
    """The attribute's values, of every object found."""
    return [pydicom.Dataset.from_json(each)[keyword].value for each in found]


def test_it_stores_and_is_told_what_was_refused(practice: Practice) -> None:
    client, ct, changed = practice.client("store"), read("ct"), read("ct")
    changed.StudyDescription = "Another"

    stored = client.store_instances([ct])
    refused = client.store_instances([ct, changed, read("mr")], study_instance_uid=ct.StudyInstanceUID)

    (reference,) = stored.ReferencedSOPSequence
    assert reference.ReferencedSOPInstanceUID == ct.SOPInstanceUID
    assert reference.RetrieveURL.startswith(practice.url)
    (conflict,) = refused.FailedSOPSequence
    assert (conflict.ReferencedSOPInstanceUID, conflict.FailureReason) == (ct.SOPInstanceUID, 0x0111)
    (elsewhere,) = refused.OtherFailuresSequence
    assert elsewhere.FailureReason == 0xA900


def test_it_searches_at_three_levels(full: Practice) -> None:
    client = full.client("read")
    ct, mr = read("ct"), read("mr")

    assert len(client.search_for_studies()) == len(FILES) + 1
    assert values(client.search_for_studies(search_filters={"PatientID": "1CT1"}), "StudyInstanceUID") == [
        ct.StudyInstanceUID
    ]
    assert len(client.search_for_series(mr.StudyInstanceUID)) == 1
    assert values(client.search_for_series(search_filters={"Modality": "CT"}), "Modality").count("CT") == 2
    found = client.search_for_instances(*uids(ct)[:2])
    assert values(found, "SOPInstanceUID") == [ct.SOPInstanceUID]
    assert len(client.search_for_instances(mr.StudyInstanceUID)) == 1
    assert len(client.search_for_instances(search_filters={"Modality": "CT"})) == 1 + VOLUME_SLICES


def test_it_filters_pages_and_asks_for_more_attributes(full: Practice) -> None:
    client = full.client("read")
    everything = values(client.search_for_studies(), "StudyInstanceUID")

    paged = [client.search_for_studies(limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [uid for page in paged for uid in values(page, "StudyInstanceUID")] == everything
    assert values(client.search_for_studies(limit=2, get_remaining=True), "StudyInstanceUID") == everything
    assert len(client.search_for_studies(search_filters={"PatientName": "Compressed*"})) == 1
    assert len(client.search_for_studies(search_filters={"StudyDate": "20040101-20041231"})) >= 1
    assert len(client.search_for_studies(search_filters={"ModalitiesInStudy": "ECG"})) == 1
    (fuzzy,) = client.search_for_studies(fuzzymatching=True, search_filters={"PatientName": "compressedsamples"})
    (described,) = client.search_for_studies(fields=["StudyDescription"], search_filters={"PatientID": "1CT1"})
    assert fuzzy["0020000D"] == described["0020000D"]
    assert "00081030" in described
    uid_list = {"StudyInstanceUID": ",".join(everything[:2])}
    assert len(client.search_for_studies(search_filters=uid_list)) == 2


def test_it_retrieves_files_at_three_levels(full: Practice) -> None:
    client, ct = full.client("read"), read("ct")

    by_study = client.retrieve_study(ct.StudyInstanceUID, media_types=(("application/dicom", EXPLICIT),))
    volume = client.search_for_series(search_filters={"SeriesDescription": "Ball"})
    by_series = client.retrieve_series(*(values(volume, each)[0] for each in ("StudyInstanceUID", "SeriesInstanceUID")))
    in_pieces = list(client.iter_study(ct.StudyInstanceUID)) + list(client.iter_series(*uids(ct)[:2]))
    one = client.retrieve_instance(*uids(ct))

    assert len(by_series) == VOLUME_SLICES
    assert [each == ct for each in (*by_study, *in_pieces, one)] == [True] * 4


def test_it_retrieves_what_is_stored_compressed_as_stored_and_as_explicit_little_endian(full: Practice) -> None:
    client, mr = full.client("read"), read("mr")

    as_stored = client.retrieve_instance(*uids(mr), media_types=(("application/dicom", RLE),))
    anything = client.retrieve_instance(*uids(mr))
    transcoded = client.retrieve_instance(*uids(mr), media_types=(("application/dicom", EXPLICIT),))

    assert as_stored == anything == mr
    assert transcoded.file_meta.TransferSyntaxUID == EXPLICIT
    mr.decompress()
    assert transcoded.PixelData == mr.PixelData


def test_it_retrieves_metadata_that_pydicom_reads(full: Practice) -> None:
    client, ct, ecg = full.client("read"), read("ct"), read("ecg")

    levels = [
        client.retrieve_study_metadata(ct.StudyInstanceUID)[0],
        client.retrieve_series_metadata(*uids(ct)[:2])[0],
        client.retrieve_instance_metadata(*uids(ct)),
    ]

    assert levels[0] == levels[1] == levels[2]
    read_back = pydicom.Dataset.from_json(levels[0])
    assert [read_back[each].value for each in ("PatientName", "ImageType", "PixelSpacing", "SOPInstanceUID")] == [
        ct[each].value for each in ("PatientName", "ImageType", "PixelSpacing", "SOPInstanceUID")
    ]
    assert pydicom.Dataset.from_json(client.retrieve_instance_metadata(*uids(ecg))).WaveformSequence


def test_it_retrieves_frames_alone_several_and_in_each_media_type(full: Practice) -> None:
    client, ct, color = full.client("read"), read("ct"), read("color")
    frames = list(generate_frames(color.PixelData, number_of_frames=30))

    assert client.retrieve_instance_frames(*uids(ct), [1]) == [ct.PixelData]
    octets = (("application/octet-stream", EXPLICIT),)
    assert client.retrieve_instance_frames(*uids(ct), [1], media_types=octets) == [ct.PixelData]
    jpeg = (("image/jpeg", JPEG),)
    assert client.retrieve_instance_frames(*uids(color), [3, 1], media_types=jpeg) == [frames[2], frames[0]]
    assert list(client.iter_instance_frames(*uids(color), [2], media_types=jpeg)) == [frames[1]]
    (decoded,) = client.retrieve_instance_frames(*uids(color), [1], media_types=octets)
    assert len(decoded) == color.Rows * color.Columns * 3


def test_it_retrieves_rendered_images(full: Practice) -> None:
    client, ct, color = full.client("read"), read("ct"), read("color")

    pictures = {
        "instance": client.retrieve_instance_rendered(*uids(ct), media_types=("image/jpeg",)),
        "any": client.retrieve_instance_rendered(*uids(ct)),
        "png": client.retrieve_instance_rendered(*uids(ct), media_types=("image/png",)),
        "frame": client.retrieve_instance_frames_rendered(*uids(color), [2], media_types=("image/jpeg",)),
        "gif": client.retrieve_instance_rendered(*uids(color), media_types=("image/gif",)),
    }
    shown = {name: Image.open(io.BytesIO(data)) for name, data in pictures.items()}
    assert {name: picture.format for name, picture in shown.items()} == {
        "instance": "JPEG", "any": "JPEG", "png": "PNG", "frame": "JPEG", "gif": "GIF",
    }  # fmt: skip
    assert shown["png"].size == (ct.Columns, ct.Rows)
    assert shown["gif"].n_frames == 28  # two of the 30 are as the one before, which is shown longer


def test_it_renders_as_asked(full: Practice) -> None:
    client, ct = full.client("read"), read("ct")
    asked = {"window": "40,400,linear", "viewport": "64,64", "quality": 30}
    small = client.retrieve_instance_rendered(*uids(ct), media_types=("image/jpeg",), params=asked)
    assert max(Image.open(io.BytesIO(small)).size) == 64
    assert client.retrieve_series_rendered(*uids(ct)[:2], media_types=("image/jpeg",))


def test_it_retrieves_bulk_data_by_the_address_in_the_metadata(full: Practice) -> None:
    client, ecg = full.client("read"), read("ecg")
    metadata = client.retrieve_instance_metadata(*uids(ecg))

    url = metadata["54000100"]["Value"][0]["54001010"]["BulkDataURI"]

    waveform = ecg.WaveformSequence[0].WaveformData
    assert client.retrieve_bulkdata(url) == [waveform]
    assert client.retrieve_bulkdata(url, media_types=("application/octet-stream",)) == [waveform]
    assert list(client.iter_bulkdata(url)) == [waveform]


def test_its_deletion_of_a_study_that_must_be_kept_is_refused_with_409(full: Practice) -> None:
    ct = read("ct")
    with pytest.raises(HTTPError) as refused:
        full.client("delete").delete_study(ct.StudyInstanceUID)
    assert refused.value.response.status_code == 409
    assert "retention" in refused.value.response.json()["reason"]
    assert len(full.client("read").search_for_series(ct.StudyInstanceUID)) == 1


@pytest.mark.parametrize("level", ["series", "instance"])
def test_it_cannot_delete_a_part_of_a_study(level: str, full: Practice) -> None:
    ct, client = read("ct"), full.client("read", "delete")
    with pytest.raises(HTTPError) as refused:
        client.delete_series(*uids(ct)[:2]) if level == "series" else client.delete_instance(*uids(ct))
    assert refused.value.response.status_code == 405


def test_a_token_reads_or_stores_as_far_as_its_scopes_go(full: Practice) -> None:
    ct = read("ct")
    for refused in (
        lambda: full.client("read").store_instances([ct]),
        lambda: full.client("store").retrieve_instance(*uids(ct)),
        lambda: full.client("read").delete_study(ct.StudyInstanceUID),
    ):
        with pytest.raises(HTTPError) as caught:
            refused()
        assert caught.value.response.status_code == 401
