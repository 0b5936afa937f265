"""WADO-URI gives old viewers the same images to the same people, and names what it does not understand."""

import io

import numpy as np
import pydicom
import pytest
from django.test import Client
from PIL import Image

from audit.actions import Action
from imaging.dicom.transfer_syntaxes import EXPLICIT_LITTLE
from tenants.models import Tenant, User
from tests.imaging.guests import cheap_codes  # noqa: F401  fixture
from tests.imaging.library import CT, UNKNOWN, body_of, events, instance_url, keep, real_file
from tests.imaging.sharing import redeem, send_link


@pytest.fixture
def ct(northside: Tenant, bob: User) -> pydicom.Dataset:
    return keep(northside, bob, real_file(CT))[0]


def url(header: pydicom.Dataset, **parameters: str) -> str:
    values = {
        "requestType": "WADO", "studyUID": header.StudyInstanceUID, "seriesUID": header.SeriesInstanceUID,
        "objectUID": header.SOPInstanceUID, **parameters,
    }  # fmt: skip
    return "/t/northside/wado?" + "&".join(f"{name}={value}" for name, value in values.items() if value is not None)


def picture(client: Client, address: str) -> Image.Image:
    response = client.get(address)
    assert response.status_code == 200, body_of(response)
    return Image.open(io.BytesIO(body_of(response)))


def test_an_object_is_given_as_stored_or_decoded(northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, real_file("MR_small_RLE.dcm"))
    client = browser_of(nora)

    stored = client.get(url(header, contentType="application/dicom"))
    decoded = client.get(url(header, contentType="application/dicom", transferSyntax=EXPLICIT_LITTLE))

    assert body_of(stored) == real_file("MR_small_RLE.dcm")
    given = pydicom.dcmread(io.BytesIO(body_of(decoded)))
    assert given.file_meta.TransferSyntaxUID == EXPLICIT_LITTLE
    np.testing.assert_array_equal(
        given.pixel_array, pydicom.dcmread(io.BytesIO(real_file("MR_small_RLE.dcm"))).pixel_array
    )
    assert len(events(northside, Action.INSTANCES_RETRIEVED)) == 2


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [(None, "JPEG"), ("image/jpeg", "JPEG"), ("image/png", "PNG"), ("image/gif", "GIF"),
     ("image/jp2,image/png", "PNG"), ("image/png;q=0.1,image/jpeg", "JPEG"), ("*/*", "JPEG")],
)  # fmt: skip
def test_a_picture_comes_in_the_type_asked_for(wanted: str | None, kind: str, ct, nora, browser_of) -> None:
    assert picture(browser_of(nora), url(ct, contentType=wanted)).format == kind


def test_the_picture_is_the_rendered_one(ct, nora, browser_of) -> None:
    client = browser_of(nora)
    by_uri = picture(client, url(ct, contentType="image/png", windowCenter="40", windowWidth="400"))
    by_rs = client.get(f"{instance_url(ct)}/rendered?window=40,400,linear", headers={"Accept": "image/png"})
    np.testing.assert_array_equal(by_uri, Image.open(io.BytesIO(body_of(by_rs))))


@pytest.mark.parametrize(
    ("parameters", "size"),
    [({"rows": "64"}, (64, 64)), ({"rows": "64", "columns": "32"}, (32, 32)),
     ({"region": "0.5,0,1,0.25"}, (64, 32)), ({"region": "0,0,0.5,0.5", "rows": "32"}, (32, 32))],
)  # fmt: skip
def test_rows_columns_and_region(parameters: dict[str, str], size, ct, nora, browser_of) -> None:
    assert picture(browser_of(nora), url(ct, **parameters)).size == size


def test_a_frame_is_named_by_its_number(northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, real_file("examples_ybr_color.dcm"))
    client = browser_of(nora)
    first, last = (picture(client, url(header, contentType="image/png", frameNumber=number)) for number in ("1", "30"))
    assert np.abs(np.asarray(first).astype(int) - np.asarray(last)).max() > 10
    assert client.get(url(header, frameNumber="31")).status_code == 404
    assert picture(client, url(header, contentType="image/gif")).n_frames > 1


@pytest.mark.parametrize(
    ("parameters", "name"),
    [({"requestType": None}, "requestType"), ({"requestType": "wado"}, "requestType"),
     ({"objectUID": None}, "objectUID"), ({"seriesUID": ""}, "seriesUID"), ({"windowCenter": "1"}, "windowCenter"),
     ({"windowCenter": "1", "windowWidth": "0"}, "windowWidth"),
     ({"windowCenter": "x", "windowWidth": "1"}, "windowCenter"),
     ({"rows": "0"}, "rows"), ({"columns": "-1"}, "columns"), ({"region": "0,0,2,1"}, "region"),
     ({"region": "1"}, "region"), ({"imageQuality": "0"}, "imageQuality"), ({"frameNumber": "-1"}, "frameNumber"),
     ({"anonymize": "yes"}, "anonymize"), ({"presentationUID": "1.2"}, "presentationUID")],
)  # fmt: skip
def test_what_is_wrong_is_named(parameters: dict, name: str, ct, northside, nora, browser_of) -> None:
    response = browser_of(nora).get(url(ct, **parameters))

    assert response.status_code == 400
    assert response.json()["reason"].startswith(name + ":")
    assert not events(northside, Action.RENDERED_VIEWED)


@pytest.mark.parametrize(
    "parameters",
    [{"contentType": "video/mpeg"}, {"contentType": "application/dicom", "transferSyntax": "1.2.840.10008.1.2.4.50"}],
)
def test_what_cannot_be_given_is_refused_with_what_could(parameters: dict, ct, nora, browser_of) -> None:
    response = browser_of(nora).get(url(ct, **parameters))
    assert response.status_code == 406 and response.json()["available"]


def test_a_view_only_link_gets_pictures_and_no_file(ct, northside, bob) -> None:
    client = redeem(send_link(northside, bob, ct.StudyInstanceUID, may_download=False))
    assert client.get(url(ct)).status_code == 200
    assert client.get(url(ct, contentType="application/dicom")).status_code == 404
    assert client.get(url(ct, studyUID=UNKNOWN)).status_code == 404
    assert client.get(url(ct, studyUID=None)).status_code == 404


def test_only_reading_is_allowed(ct, nora, browser_of) -> None:
    assert browser_of(nora).post(url(ct)).status_code == 405


# --- What the service can do ----------------------------------------------------------------------------------------


def test_the_service_tells_what_it_can_do(northside, nora, browser_of) -> None:
    client = browser_of(nora)
    wadl = client.options("/t/northside/dicomweb/", headers={"Accept": "application/vnd.sun.wadl+xml"})
    json = client.get("/t/northside/dicomweb", headers={"Accept": "application/json"})

    assert wadl.status_code == 200 and wadl["Content-Type"] == "application/vnd.sun.wadl+xml"
    assert b'path="studies/{study}/series/{series}/instances/{instance}/rendered"' in wadl.content
    assert {"RetrieveFrames", "RetrieveRendered", "SearchForStudies"} <= {
        each["name"] for each in json.json()["transactions"]
    }
    assert not [name for name in wadl.headers if name.lower().startswith("access-control")]


def test_strangers_are_not_told(northside, carol, browser_of) -> None:
    assert Client().options("/t/northside/dicomweb/").status_code == 401
    assert browser_of(carol).options("/t/northside/dicomweb/").status_code == 404
    assert browser_of(carol).get("/t/northside/dicomweb/").status_code == 404
