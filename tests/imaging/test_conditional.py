"""Conditions and ranges save bytes and open nothing: access comes first, and the trail misses no look."""

import gzip
import io
import json

import brotli
import pydicom
import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from imaging.models import Instance, Series
from imaging.services.conditions import ByteRange, RangeNotSatisfiable, entity_tag
from imaging.services.regions import get_vault
from imaging.views.conditional import choose_coding, pack
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.library import CT, body_of, events, instance_url, keep, real_file, series_url

PLACES = {
    "instance": ("", "application/dicom", Action.INSTANCES_RETRIEVED),
    "frame": ("/frames/1", "application/octet-stream", Action.FRAMES_VIEWED),
    "frames": ("/frames/1", "multipart/related", Action.FRAMES_VIEWED),
    "transcoded frame": ("/frames/1", "image/jls", Action.FRAMES_VIEWED),
    "rendered": ("/rendered", "image/png", Action.RENDERED_VIEWED),
    "thumbnail": ("/thumbnail", "image/png", Action.THUMBNAIL_VIEWED),
    "bulk data": ("/bulkdata/00431029", "application/octet-stream", Action.METADATA_VIEWED),
    "pixel data": ("/bulkdata/7FE00010", "application/octet-stream", Action.FRAMES_VIEWED),
}
SINGLE = [name for name in PLACES if name != "frames"]


@pytest.fixture
def ct(northside: Tenant, bob: User) -> pydicom.Dataset:
    return keep(northside, bob, real_file(CT))[0]


def ask(client: Client, header: pydicom.Dataset, place: str, **headers: str):
    path, accept, _ = PLACES[place]
    return client.get(instance_url(header) + path, headers={"Accept": accept, **headers})


@pytest.mark.parametrize("place", PLACES)
def test_who_has_it_already_gets_no_bytes_and_stands_in_the_trail(place, ct, northside, nora, bob, browser_of) -> None:
    first = ask(browser_of(bob), ct, place)
    body, etag = body_of(first), first["ETag"]
    assert first.status_code == 200 and body
    before = len(events(northside, PLACES[place][2]))

    known = ask(browser_of(nora), ct, place, **{"If-None-Match": f'"other", W/{etag}'})

    assert (known.status_code, known.content, known["ETag"]) == (304, b"", etag)
    assert len(events(northside, PLACES[place][2])) == before + 1
    assert events(northside)[-1].actor_label == nora.email
    again = ask(browser_of(nora), ct, place, **{"If-None-Match": '"other"'})
    assert (again.status_code, body_of(again)) == (200, body)


@pytest.mark.parametrize("place", PLACES)
def test_access_is_asked_before_the_tag_is_compared(place: str, ct, northside, nora, carol, browser_of) -> None:
    etag = ask(browser_of(nora), ct, place)["ETag"]

    for wanted in (etag, "*"):
        assert ask(browser_of(carol), ct, place, **{"If-None-Match": wanted}).status_code == 404
        assert ask(Client(), ct, place, **{"If-None-Match": wanted}).status_code == 401


def test_the_same_file_has_other_tags_elsewhere_and_no_tag_is_a_digest(
    ct, northside, southside, carol, nora, browser_of
):
    keep(southside, carol, real_file(CT))
    here = ask(browser_of(nora), ct, "instance")["ETag"]
    there = browser_of(carol).get(instance_url(ct, "southside"), headers={"Accept": "application/dicom"})["ETag"]
    with tenant_scope(northside.id):
        digest = bytes(Instance.objects.get().digest).hex()

    assert here != there
    assert here.strip('"') not in digest
    assert entity_tag(northside.id, b"a", 1) != entity_tag(northside.id, b"a", 2)


@pytest.mark.parametrize("place", SINGLE)
@pytest.mark.parametrize(
    ("wanted", "place_of"),
    [("bytes=0-9", (0, 10)), ("bytes=5-", (5, None)), ("bytes=-7", (-7, None)), ("bytes=3-99999999", (3, None))],
)
def test_a_range_is_that_part_of_the_whole(place: str, wanted: str, place_of, ct, nora, browser_of) -> None:
    client = browser_of(nora)
    first = ask(client, ct, place)
    body = body_of(first)

    part = ask(client, ct, place, Range=wanted)

    expected = body[slice(*place_of)]
    start = len(body) - len(expected) if place_of[0] < 0 else place_of[0]
    assert part.status_code == 206
    assert part["Content-Range"] == f"bytes {start}-{start + len(expected) - 1}/{len(body)}"
    assert body_of(part) == expected
    assert (first["Accept-Ranges"], part["ETag"]) == ("bytes", first["ETag"])


def test_a_range_across_chunks_of_a_large_file_reads_only_those(northside, bob, nora, browser_of) -> None:
    source = pydicom.dcmread(io.BytesIO(real_file(CT)))
    source.NumberOfFrames, source.PixelData = 100, bytes(range(256)) * (100 * 128)
    packed = io.BytesIO()
    source.save_as(packed)
    (header,) = keep(northside, bob, packed.getvalue())

    part = ask(browser_of(nora), header, "instance", Range="bytes=1048570-2097160")

    assert body_of(part) == packed.getvalue()[1048570:2097161]


@pytest.mark.parametrize("place", SINGLE)
def test_a_range_behind_the_end_is_refused_with_the_length(place: str, ct, northside, nora, browser_of) -> None:
    client = browser_of(nora)
    length = len(body_of(ask(client, ct, place)))
    before = len(events(northside))

    refused = ask(client, ct, place, Range=f"bytes={length}-")

    assert (refused.status_code, refused["Content-Range"]) == (416, f"bytes */{length}")
    assert len(events(northside)) == before


@pytest.mark.parametrize("text", ["bytes=a-b", "bytes=5-3", "bytes=0-1,4-5", "pixels=0-1", "bytes=", ""])
def test_a_range_that_cannot_be_read_is_none(text: str, ct, nora, browser_of) -> None:
    assert ask(browser_of(nora), ct, "frame", Range=text).status_code == 200


def test_a_range_for_other_bytes_than_there_are_is_none(ct, nora, browser_of) -> None:
    client = browser_of(nora)
    etag = ask(client, ct, "frame")["ETag"]

    assert ask(client, ct, "frame", **{"Range": "bytes=0-1", "If-Range": etag}).status_code == 206
    for stale in ('"other"', "Sun, 22 Nov 2026 10:00:00 GMT", f"W/{etag}"):
        assert ask(client, ct, "frame", **{"Range": "bytes=0-1", "If-Range": stale}).status_code == 200


def test_extents() -> None:
    assert ByteRange(None, 500).extent(100) == (0, 100)
    assert ByteRange(99, None).extent(100) == (99, 1)
    for range_ in (ByteRange(None, 0), ByteRange(100, None), ByteRange(0, 5)):
        with pytest.raises(RangeNotSatisfiable):
            range_.extent(0 if range_.first == 0 else 100)


# --- Encodings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "coding"),
    [("", ""), ("gzip", "gzip"), ("gzip, br", "br"), ("br;q=0.1, gzip", "gzip"), ("gzip;q=0, br;q=0", ""),
     ("*", "br"), ("*, br;q=0", "gzip"), ("identity", ""), ("identity, gzip;q=0.5", ""), ("zstd", ""),
     ("GZIP;Q=1.0", "gzip"), ("gzip; q=0.000", ""), ("nonsense;;;", "")],
)  # fmt: skip
def test_the_coding_the_client_prefers_is_chosen(header: str, coding: str) -> None:
    assert choose_coding(header) == coding


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_json_is_packed_as_the_client_prefers(coding: str, ct, nora, browser_of) -> None:
    client, url = browser_of(nora), series_url(ct) + "/metadata"
    plain = client.get(url)
    packed = client.get(url, headers={"Accept-Encoding": f"{coding}, identity;q=0.1"})

    unpack = {"br": brotli.decompress, "gzip": gzip.decompress}[coding]
    body = b"".join(packed.streaming_content)
    assert packed["Content-Encoding"] == coding
    assert packed["Vary"].startswith("Accept, Accept-Encoding")
    assert unpack(body) == body_of(plain)
    assert len(body) < len(unpack(body)) / 2


def test_pieces_become_one_body() -> None:
    assert brotli.decompress(b"".join(pack("br", [b"a", b"", b"bc"]))) == b"abc"
    assert gzip.decompress(b"".join(pack("gzip", []))) == b""


def test_metadata_that_lies_packed_is_given_so_and_has_a_tag(ct, northside, nora, browser_of) -> None:
    from imaging.services.manifests import write_series_manifest

    with tenant_scope(northside.id):
        series = Series.objects.get()
    assert write_series_manifest(northside.id, series.id, timezone.now())
    client, url = browser_of(nora), series_url(ct) + "/metadata"

    packed = client.get(url, headers={"Accept-Encoding": "br, gzip"})

    body = b"".join(packed.streaming_content) if packed.streaming else packed.content
    if packed["Content-Encoding"] == "gzip":
        assert json.loads(gzip.decompress(body))[0]["00080018"]["Value"] == [ct.SOPInstanceUID]
        known = client.get(url, headers={"Accept-Encoding": "gzip", "If-None-Match": packed["ETag"]})
        assert (known.status_code, known.content) == (304, b"")


# --- Pixel Data as bulk data --------------------------------------------------------------------------------------


def test_pixel_data_of_an_encapsulated_object_is_a_part_for_each_frame(northside, bob, nora, browser_of) -> None:
    from tests.imaging.library import get_parts

    (header,) = keep(northside, bob, real_file("emri_small_RLE.dcm"))
    client, url = browser_of(nora), instance_url(header)
    accept = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'

    whole = get_parts(client, f"{url}/bulkdata/7FE00010", accept)
    frames = get_parts(client, f"{url}/frames/{','.join(map(str, range(1, 11)))}", accept)

    assert whole == frames


def test_an_object_without_pixels_has_no_pixel_data(northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, real_file("reportsi.dcm"))
    assert browser_of(nora).get(f"{instance_url(header)}/bulkdata/7FE00010").status_code == 404


def test_without_any_copy_a_tag_the_client_knows_still_needs_no_bytes(ct, northside, nora, browser_of) -> None:
    client = browser_of(nora)
    etag = ask(client, ct, "frame")["ETag"]
    with tenant_scope(northside.id):
        instance = Instance.objects.get()
    from imaging.services.open_objects import close_all

    close_all()
    get_vault(1).delete(northside.id, instance.pack_id)

    assert ask(client, ct, "frame").status_code == 503
    assert ask(client, ct, "frame", **{"If-None-Match": etag}).status_code == 304
