"""Rendered images look as PS3.3 says, at every level, drawn from the one frame they need, and only for who may look."""

import datetime as dt
import io

import numpy as np
import pydicom
import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image, ImageSequence
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_windowing

from audit.actions import Action
from imaging.models import AccessToken, Series, ShareLink
from imaging.services import rendering
from imaging.services.tokens import issue_token
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.e2e.slides import slide
from tests.imaging.guests import cheap_codes  # noqa: F401  fixture
from tests.imaging.library import (
    CT,
    UNKNOWN,
    body_of,
    events,
    get_parts,
    instance_url,
    keep,
    real_file,
    series_url,
    study_url,
)  # fmt: skip
from tests.imaging.sharing import redeem, send_link


def read(data: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(data))


@pytest.fixture
def ct(northside: Tenant, bob: User) -> pydicom.Dataset:
    return keep(northside, bob, real_file(CT))[0]


def picture(client: Client, url: str, accept: str = "image/png") -> np.ndarray:
    response = client.get(url, headers={"Accept": accept})
    assert response.status_code == 200, body_of(response)
    assert response["Content-Type"] == accept.split(";")[0]
    return np.asarray(Image.open(io.BytesIO(body_of(response))))


def grey(data_set: pydicom.Dataset, values: np.ndarray, center: float, width: float, function="LINEAR") -> np.ndarray:
    """pydicom's window, brought to eight bits."""
    voi = pydicom.Dataset()
    voi.PhotometricInterpretation, voi.BitsStored, voi.PixelRepresentation = "MONOCHROME2", 16, 0
    voi.WindowCenter, voi.WindowWidth, voi.VOILUTFunction = center, width, function
    shown = apply_windowing(apply_modality_lut(values, data_set), voi)
    return np.rint(shown / (2**16 - 1) * 255)


WINDOWS = {
    "window=40,400,linear": (40, 400, "LINEAR"), "window=-600,1500": (-600, 1500, "LINEAR"),
    "window=40.5,400,linear-exact": (40.5, 400, "LINEAR_EXACT"), "window=40,400,SIGMOID": (40, 400, "SIGMOID"),
}  # fmt: skip


@pytest.mark.parametrize("query", WINDOWS)
def test_a_window_of_the_request_is_applied_to_modality_values(query: str, ct, nora, browser_of) -> None:
    source = read(real_file(CT))

    shown = picture(browser_of(nora), f"{instance_url(ct)}/rendered?{query}")

    assert np.abs(shown - grey(source, source.pixel_array, *WINDOWS[query])).max() <= 1


def test_the_files_own_window_and_monochrome1_are_honoured(northside, bob, nora, browser_of) -> None:
    source = read(real_file(CT))
    source.WindowCenter, source.WindowWidth = [200, 40], [900, 400]
    source.PhotometricInterpretation = "MONOCHROME1"
    (header,) = keep(northside, bob, written(source))

    shown = picture(browser_of(nora), f"{instance_url(header)}/rendered")

    assert np.abs(shown - (255 - grey(source, source.pixel_array, 200, 900))).max() <= 1


def test_a_voi_lut_goes_before_a_window(northside, bob, nora, browser_of) -> None:
    source = read(real_file(CT))
    lut = pydicom.Dataset()
    lut.add_new(0x00283002, "US", [256, 0, 8])
    lut.add_new(0x00283006, "US", [255 - value for value in range(256)])
    source.VOILUTSequence, source.WindowCenter, source.WindowWidth = [lut], 0, 1
    (header,) = keep(northside, bob, written(source))

    shown = picture(browser_of(nora), f"{instance_url(header)}/rendered")

    hounsfield = apply_modality_lut(source.pixel_array, source)
    np.testing.assert_array_equal(shown, 255 - np.clip(hounsfield, 0, 255))


def test_each_frame_of_an_enhanced_object_has_its_own_window(northside, bob, nora, browser_of) -> None:
    source = read(real_file("emri_small.dcm"))
    source.PerFrameFunctionalGroupsSequence = [pydicom.Dataset() for _ in range(10)]
    for place, group in enumerate(source.PerFrameFunctionalGroupsSequence):
        voi, slope = pydicom.Dataset(), pydicom.Dataset()
        voi.WindowCenter, voi.WindowWidth = 100 + 10 * place, 200
        slope.RescaleSlope, slope.RescaleIntercept, slope.RescaleType = 1 + place, 5, "US"
        group.FrameVOILUTSequence, group.PixelValueTransformationSequence = [voi], [slope]
    (header,) = keep(northside, bob, written(source))

    for number in (1, 4):
        shown = picture(browser_of(nora), f"{instance_url(header)}/frames/{number}/rendered")
        group = source.PerFrameFunctionalGroupsSequence[number - 1]
        expected = grey(
            group.PixelValueTransformationSequence[0], source.pixel_array[number - 1], 100 + 10 * (number - 1), 200
        )
        assert np.abs(shown - expected).max() <= 1


def colours(name: str) -> np.ndarray:
    source = read(real_file(name))
    pixels = source.pixel_array
    if source.PhotometricInterpretation == "PALETTE COLOR":
        entries = apply_color_lut(pixels, source)
        return entries if entries.dtype == np.uint8 else entries / 257
    return pixels  # pydicom makes RGB of YCbCr


@pytest.mark.parametrize(
    "name",
    ["examples_palette.dcm", "examples_rgb_color.dcm", "SC_rgb_jpeg_dcmtk.dcm", "examples_jpeg2k.dcm",
     "SC_ybr_full_422_uncompressed.dcm"],
)  # fmt: skip
def test_colours_are_true(name: str, northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, real_file(name))

    shown = picture(browser_of(nora), f"{instance_url(header)}/rendered")

    assert np.abs(shown.astype(float) - colours(name)).max() <= 2


def test_a_palette_index_out_of_range_is_its_last_colour(northside, bob, nora, browser_of) -> None:
    source = read(real_file("examples_palette.dcm"))
    for keyword in ("Red", "Green", "Blue"):
        source[f"{keyword}PaletteColorLookupTableDescriptor"].value = [2, 0, 16]
        source[f"{keyword}PaletteColorLookupTableData"].value = b"\0\0\xff\xff"
    (header,) = keep(northside, bob, written(source))

    shown = picture(browser_of(nora), f"{instance_url(header)}/rendered")

    assert set(np.unique(shown)) <= {0, 255}


def written(data_set: pydicom.Dataset) -> bytes:
    packed = io.BytesIO()
    data_set.save_as(packed)
    return packed.getvalue()


# --- Viewport, quality, media types -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("viewport", "size"),
    [("64,64", (64, 64)), ("256,64", (64, 64)), ("256,300", (256, 256)), ("50,50,0,0,64,32", (50, 25)),
     ("128,128,64,,", (64, 128)), ("30,30,,,,", (30, 30))],
)  # fmt: skip
def test_the_picture_fits_the_viewport_and_keeps_its_shape(viewport, size, ct, nora, browser_of) -> None:
    shown = picture(browser_of(nora), f"{instance_url(ct)}/rendered?viewport={viewport}")
    assert shown.shape == (size[1], size[0])


def test_a_region_is_cut_out_and_flipped(ct, nora, browser_of) -> None:
    client, url = browser_of(nora), f"{instance_url(ct)}/rendered?window=40,400,linear"
    whole = picture(client, url)

    cut = picture(client, f"{url}&viewport=32,16,10,20,32,16")
    flipped = picture(client, f"{url}&viewport=32,16,10,20,-32,-16")

    np.testing.assert_array_equal(cut, whole[20:36, 10:42])
    np.testing.assert_array_equal(flipped, whole[20:36, 10:42][::-1, ::-1])


@pytest.mark.parametrize(
    ("query", "name"),
    [("window=1", "window"), ("window=a,b,linear", "window"), ("window=1,0,linear", "window"),
     ("window=1,2,cubic", "window"), ("window=1e999,2,linear", "window"), ("window=nan,2,linear", "window"),
     ("viewport=0,1", "viewport"), ("viewport=99999,1", "viewport"), ("viewport=1", "viewport"),
     ("viewport=9,9,500,0,9,9", "viewport"), ("viewport=9,9,0,0,0,9", "viewport"), ("viewport=9,9,-1,0", "viewport"),
     ("quality=0", "quality"), ("quality=101", "quality"), ("quality=x", "quality"), ("quality=", "quality")],
)  # fmt: skip
def test_an_invalid_parameter_is_named(query: str, name: str, ct, northside, nora, browser_of) -> None:
    response = browser_of(nora).get(f"{instance_url(ct)}/rendered?{query}")

    assert response.status_code == 400
    assert response.json()["reason"].startswith(name + ":")
    assert not events(northside, Action.RENDERED_VIEWED)


def test_quality_costs_bytes_and_annotations_are_left_out_with_a_warning(ct, nora, browser_of) -> None:
    client, url = browser_of(nora), f"{instance_url(ct)}/rendered"
    low, high = client.get(f"{url}?quality=10"), client.get(f"{url}?quality=99&annotation=patient")

    assert len(body_of(low)) < len(body_of(high))
    assert low["Content-Type"] == "image/jpeg"
    assert "annotation" in high["Warning"] and "Warning" not in low


def test_what_no_one_offers_is_refused_with_what_could_be_given(ct, nora, browser_of) -> None:
    response = browser_of(nora).get(f"{instance_url(ct)}/rendered", headers={"Accept": "video/mp4"})

    assert response.status_code == 406
    assert "image/png" in response.json()["available"]


def test_the_accept_parameter_goes_before_the_header(ct, nora, browser_of) -> None:
    response = browser_of(nora).get(f"{instance_url(ct)}/rendered?accept=image/png", headers={"Accept": "image/jpeg"})
    assert response["Content-Type"] == "image/png"


def test_a_moving_picture_keeps_the_frame_time_and_skips_evenly_when_there_are_too_many(
    northside, bob, nora, browser_of, monkeypatch
) -> None:
    source = read(real_file("examples_ybr_color.dcm"))
    source.FrameTime = 50
    (header,) = keep(northside, bob, written(source))
    client, url = browser_of(nora), f"{instance_url(header)}/rendered"
    whole = body_of(client.get(url, headers={"Accept": "image/gif"}))
    monkeypatch.setattr(rendering, "MAX_ANIMATION_FRAMES", 10)
    fewer = body_of(client.get(url, headers={"Accept": "image/gif"}))

    # Frames without a change are one in the file, seen for longer.
    assert durations(whole)[0] == 50 and sum(durations(whole)) == 30 * 50
    assert len(durations(fewer)) == 10 and set(durations(fewer)) == {150}


def durations(gif: bytes) -> list[int]:
    moving = Image.open(io.BytesIO(gif))
    return [each.info["duration"] for each in ImageSequence.Iterator(moving)]


def test_several_frames_come_as_parts(northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, real_file("emri_small.dcm"))
    client, url = browser_of(nora), instance_url(header)

    listed = get_parts(client, f"{url}/frames/3,1/rendered", "*/*")
    whole = get_parts(client, f"{url}/rendered", 'multipart/related; type="image/png"')

    assert [kind for kind, _ in listed] == ["image/jpeg"] * 2
    assert len(whole) == 10 and {kind for kind, _ in whole} == {"image/png"}
    assert client.get(f"{url}/frames/3,1/rendered", headers={"Accept": "image/jpeg"}).status_code == 406


@pytest.mark.parametrize(("frames", "status"), [("0", 404), ("11", 404), ("1,11", 404), ("x", 400), ("1,", 400)])
def test_a_frame_that_is_not_there(frames: str, status: int, northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, real_file("emri_small.dcm"))
    client = browser_of(nora)
    assert client.get(f"{instance_url(header)}/frames/{frames}/rendered").status_code == status
    assert client.get(f"{instance_url(header)}/frames/{frames}/thumbnail").status_code in (400, 404)


def test_a_study_and_a_series_are_shown_by_one_image_or_by_all(northside, bob, nora, browser_of, monkeypatch) -> None:
    files = []
    for number in range(4):
        source = read(real_file(CT))
        source.SOPInstanceUID = source.file_meta.MediaStorageSOPInstanceUID = f"{source.SOPInstanceUID}.{number}"
        files.append(written(source))
    header, *_ = keep(northside, bob, *files)
    client = browser_of(nora)

    for url in (study_url(header), series_url(header)):
        assert picture(client, f"{url}/rendered", "image/jpeg").shape == (128, 128)
        assert len(get_parts(client, f"{url}/rendered", 'multipart/related; type="image/jpeg"')) == 4
    monkeypatch.setattr(rendering, "MAX_PICTURES", 3)
    bounded = client.get(f"{study_url(header)}/rendered", headers={"Accept": 'multipart/related; type="image/jpeg"'})
    assert "more images" in bounded["Warning"]


def test_what_is_no_image_says_so_and_a_pdf_is_a_download(northside, bob, nora, browser_of) -> None:
    report = read(real_file("reportsi.dcm"))
    document = read(real_file("reportsi.dcm"))
    document.SOPClassUID = document.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    document.SOPInstanceUID = document.file_meta.MediaStorageSOPInstanceUID = f"{UNKNOWN}.7"
    document.EncapsulatedDocument, document.MIMETypeOfEncapsulatedDocument = b"%PDF-1.7 sound", "application/pdf"
    keep(northside, bob, real_file("reportsi.dcm"), written(document))
    client = browser_of(nora)

    refused = client.get(f"{instance_url(report)}/rendered")
    given = client.get(f"{instance_url(document)}/rendered")

    assert (refused.status_code, refused.json()["reason"]) == (406, "The object is no image.")
    assert body_of(given) == b"%PDF-1.7 sound"
    assert given["Content-Type"] == "application/pdf"
    assert given["Content-Disposition"].startswith("attachment")
    assert given["Content-Security-Policy"].startswith("sandbox")


def test_without_a_free_child_the_client_is_told_to_come_back(ct, northside, nora, browser_of, monkeypatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise rendering.SandboxBusy

    monkeypatch.setattr(rendering, "run", busy)

    response = browser_of(nora).get(f"{instance_url(ct)}/rendered")

    assert (response.status_code, response["Retry-After"]) == (503, "3")
    assert not events(northside, Action.RENDERED_VIEWED)


# --- Thumbnails ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [study_url, series_url, instance_url, lambda each: instance_url(each) + "/frames/1"])
def test_thumbnails_are_drawn_at_every_level(level, ct, northside, nora, browser_of) -> None:
    client, url = browser_of(nora), level(ct) + "/thumbnail"

    assert picture(client, url, "image/jpeg").shape == (128, 128)
    assert picture(client, url + "?viewport=32,32").shape == (32, 32)
    assert client.get(url + "?viewport=32,32,0,0,1,1").status_code == 400
    assert len(events(northside, Action.THUMBNAIL_VIEWED)) == 1


def test_the_label_of_a_slide_stands_for_nothing(northside, bob, nora, browser_of) -> None:
    made = slide()
    (label,) = keep(northside, bob, made["slide label"])
    client = browser_of(nora)
    assert client.get(series_url(label) + "/thumbnail").status_code == 406

    keep(northside, bob, made["slide 2"])

    shown = picture(client, series_url(label) + "/thumbnail", "image/jpeg")
    assert shown.mean() < 200  # the label is white


# --- Who may look -------------------------------------------------------------------------------------------------

PLACES = {
    "study": lambda each: study_url(each) + "/rendered", "series": lambda each: series_url(each) + "/rendered",
    "instance": lambda each: instance_url(each) + "/rendered",
    "frames": lambda each: instance_url(each) + "/frames/1/rendered",
    "study thumbnail": lambda each: study_url(each) + "/thumbnail",
    "series thumbnail": lambda each: series_url(each) + "/thumbnail",
    "instance thumbnail": lambda each: instance_url(each) + "/thumbnail",
    "frame thumbnail": lambda each: instance_url(each) + "/frames/1/thumbnail",
    "wado": lambda each: (
        f"/t/northside/wado?requestType=WADO&studyUID={each.StudyInstanceUID}&seriesUID={each.SeriesInstanceUID}"
        f"&objectUID={each.SOPInstanceUID}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_looking_is_recorded_and_only_for_who_may(place: str, ct, northside, nora, carol, browser_of) -> None:
    url = PLACES[place](ct)
    action = Action.THUMBNAIL_VIEWED if "thumbnail" in place else Action.RENDERED_VIEWED

    assert Client().get(url).status_code == 401
    assert browser_of(carol).get(url).status_code == 404
    assert browser_of(carol).get(url.replace("northside", "southside")).status_code == 404
    assert browser_of(nora).get(url.replace(ct.StudyInstanceUID, UNKNOWN)).status_code == 404
    assert not events(northside, action)
    assert browser_of(nora).get(url).status_code == 200
    (event,) = events(northside, action)
    assert (event.actor_label, event.study_instance_uid) == (nora.email, ct.StudyInstanceUID)


@pytest.mark.parametrize("place", PLACES)
def test_a_view_only_link_shows_pictures_until_it_is_revoked(place: str, ct, northside, bob) -> None:
    link = send_link(northside, bob, ct.StudyInstanceUID, may_download=False)
    client, url = redeem(link), PLACES[place](ct)
    assert client.get(url).status_code == 200
    assert client.get(url.replace(ct.StudyInstanceUID, UNKNOWN)).status_code == 404
    known = client.get(url)["ETag"]

    with tenant_scope(northside.id):
        ShareLink.objects.filter(id=link.id).update(revoked_at=timezone.now())

    assert client.get(url).status_code == 404
    assert client.get(url, headers={"If-None-Match": known}).status_code == 404


@pytest.mark.parametrize(("scope", "status"), [("read", 200), ("store", 401)])
def test_a_token_needs_the_scope_to_read(scope: str, status: int, ct, northside: Tenant, nora: User) -> None:
    now = timezone.now()
    with tenant_scope(northside.id):
        secret = issue_token(actor(nora), nora, [AccessToken.Scope(scope)], now + dt.timedelta(hours=1), now)
    for place in ("frames", "wado"):
        response = Client().get(PLACES[place](ct), headers={"Authorization": f"Bearer {secret}"})
        assert response.status_code == status


def test_the_stored_thumbnail_is_given_where_it_fits(ct, northside, nora, browser_of) -> None:
    from tests.imaging.test_retrieval import add_object

    drawn = add_object(northside, b"RIFFwebp").pack_id
    with tenant_scope(northside.id):
        Series.objects.update(thumbnail=drawn)
    client, url = browser_of(nora), series_url(ct) + "/thumbnail"

    for query, accept, kind in (("", "*/*", "image/webp"), ("", "image/png", "image/png"),
                                ("?viewport=64,64", "*/*", "image/jpeg")):  # fmt: skip
        assert client.get(url + query, headers={"Accept": accept})["Content-Type"] == kind
    assert body_of(client.get(url)) == b"RIFFwebp"
