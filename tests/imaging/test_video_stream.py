"""A video is given as the stream that its fragments make up, in ranges too, and only to who may look."""

import pydicom
import pytest
from django.test import Client
from pydicom.encaps import encapsulate

from audit.actions import Action
from imaging.services import video_stream
from tenants.models import Tenant, User
from tests.imaging.dicom.hostile import tiny_instance
from tests.imaging.library import UNKNOWN, body_of, events, get_parts, instance_url, keep

H264 = "1.2.840.10008.1.2.4.102"
PIECES = [b"\0\0\0\x18ftypisom" + bytes(100), bytes(range(256)), b"the end!"]
STREAM = b"".join(PIECES)


@pytest.fixture
def video(northside: Tenant, bob: User) -> pydicom.Dataset:
    """Ten frames in three fragments: what is a frame only a decoder knows."""
    value = encapsulate(PIECES, has_bot=False)
    made = tiny_instance(
        pixels=value, transfer_syntax_uid=H264, NumberOfFrames=10, BitsAllocated=8, BitsStored=8, HighBit=7,
        SamplesPerPixel=3, PhotometricInterpretation="YBR_PARTIAL_420", PlanarConfiguration=0,
    )  # fmt: skip
    return keep(northside, bob, made)[0]


def stream_url(header: pydicom.Dataset) -> str:
    return f"{instance_url(header)}/bulkdata/7FE00010"


def test_the_fragments_of_a_video_come_as_one_stream(video, northside, nora, browser_of) -> None:
    response = browser_of(nora).get(stream_url(video))

    assert (response.status_code, response["Content-Type"]) == (200, "application/octet-stream")
    assert body_of(response) == STREAM
    assert [event.actor_label for event in events(northside, Action.FRAMES_VIEWED)] == [nora.email]


@pytest.mark.parametrize(("start", "end"), [(0, 10), (100, 130), (50, 370), (370, 375), (0, len(STREAM) - 1)])
def test_a_player_goes_to_any_place_in_it(start: int, end: int, video, nora, browser_of) -> None:
    response = browser_of(nora).get(stream_url(video), headers={"Range": f"bytes={start}-{end}"})

    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {start}-{end}/{len(STREAM)}"
    assert body_of(response) == STREAM[start : end + 1]


def test_it_is_one_part_for_who_asks_for_parts(video, nora, browser_of) -> None:
    ((_, given),) = get_parts(
        browser_of(nora), stream_url(video), 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
    )
    assert given == STREAM


def test_only_who_may_look_gets_it(video, northside, nora, carol, browser_of) -> None:
    url = stream_url(video)

    assert Client().get(url).status_code == 401
    assert browser_of(carol).get(url).status_code == 404
    assert browser_of(carol).get(url.replace("northside", "southside")).status_code == 404
    assert browser_of(nora).get(url.replace(video.StudyInstanceUID, UNKNOWN)).status_code == 404
    assert browser_of(nora).get(url.replace(video.SOPInstanceUID, "1.02.x")).status_code == 404
    assert not events(northside, Action.FRAMES_VIEWED)


def test_more_fragments_than_a_video_has_are_refused(video, northside, nora, browser_of, monkeypatch) -> None:
    monkeypatch.setattr(video_stream, "MOST_FRAGMENTS", 2)

    assert browser_of(nora).get(stream_url(video)).status_code == 406
    assert not events(northside, Action.FRAMES_VIEWED)
