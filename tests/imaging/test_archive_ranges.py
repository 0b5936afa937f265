"""A download that was interrupted goes on where it stopped, for whoever may still take the files away."""

import io
import tracemalloc
import zipfile

import pydicom
import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.actions import Action
from imaging.models import Instance
from imaging.services.archive import archive_of
from imaging.services.conditions import ByteRange, Conditions
from imaging.services.originals import DigestDiffers
from imaging.services.sealed import SealedObject
from infra.benchmarks.examination import ct_study
from tenants.models import Membership, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.guests import cheap_codes, link, sent, study  # noqa: F401 - fixtures
from tests.imaging.incoming import instance
from tests.imaging.library import body_of, events, keep, page_url
from tests.imaging.sharing import Sent, redeem

RANDOM_RANGES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def header(northside: Tenant, bob: User) -> pydicom.Dataset:
    return keep(northside, bob, *(instance(number, series=series) for series in (1, 2) for number in (1, 2, 3)))[0]


@pytest.fixture
def url(header: pydicom.Dataset) -> str:
    return page_url(header, "/download")


@pytest.fixture
def nora_browser(nora: User, browser_of) -> Client:
    return browser_of(nora)


def test_the_rest_of_a_download_is_what_the_whole_would_have_given(url: str, nora_browser: Client) -> None:
    first = nora_browser.get(url)
    whole, middle = body_of(first), int(first["Content-Length"]) // 2

    rest = nora_browser.get(url, headers={"Range": f"bytes={middle}-", "If-Range": first["ETag"]})

    assert (first.status_code, first["Accept-Ranges"]) == (200, "bytes")
    assert rest.status_code == 206
    assert rest["Content-Range"] == f"bytes {middle}-{len(whole) - 1}/{len(whole)}"
    assert rest["ETag"] == first["ETag"]
    assert body_of(rest) == whole[middle:]


def test_any_range_is_that_of_the_whole(header, northside: Tenant, nora: User) -> None:
    with tenant_scope(northside.id):
        whole = b"".join(archive_of(actor(nora), header.StudyInstanceUID).chunks())

    @RANDOM_RANGES
    @given(st.data())
    def check(data: st.DataObject) -> None:
        first = data.draw(st.integers(0, len(whole) - 1))
        last = data.draw(st.integers(first, len(whole) + 5))
        with tenant_scope(northside.id):
            wanted = Conditions(range=ByteRange(first, last))
            archive = archive_of(actor(nora), header.StudyInstanceUID, wanted)
        assert b"".join(archive.chunks()) == whole[first : last + 1]

    check()


@pytest.mark.parametrize(("wanted", "status", "said"), [
    ("bytes=0-0", 206, "bytes 0-0/{}"),
    ("bytes=-22", 206, "bytes {22}-{1}/{}"),
    ("bytes={}-", 416, "bytes */{}"),
    ("bytes=-0", 416, "bytes */{}"),
    ("bytes=0-1,5-6", 200, None),
    ("lines=1-2", 200, None),
    ("bytes=9-3", 200, None),
])  # fmt: skip
def test_ranges_are_answered_as_the_standard_says(
    wanted: str, status: int, said: str | None, url: str, nora_browser: Client
) -> None:
    length = int(nora_browser.get(url)["Content-Length"])

    def filled(text: str) -> str:
        return text.replace("{}", str(length)).replace("{22}", str(length - 22)).replace("{1}", str(length - 1))

    answer = nora_browser.get(url, headers={"Range": filled(wanted)})

    assert answer.status_code == status
    assert answer.get("Content-Range") == (said and filled(said))
    assert status == 416 or len(body_of(answer)) == {"bytes=0-0": 1, "bytes=-22": 22}.get(wanted, length)


def test_what_has_changed_since_comes_as_a_whole(header, url: str, northside, bob: User, nora_browser: Client) -> None:
    before = nora_browser.get(url)["ETag"]
    same = nora_browser.get(url)["ETag"]
    keep(northside, bob, instance(4))

    answer = nora_browser.get(url, headers={"Range": "bytes=100-", "If-Range": before})

    assert same == before
    assert (answer.status_code, answer["ETag"] != before) == (200, True)
    assert len(zipfile.ZipFile(io.BytesIO(body_of(answer))).namelist()) == 8


def test_the_tags_of_two_practices_with_the_same_files_differ(header, url, nora_browser, southside, carol, browser_of):
    keep(southside, carol, *(instance(number, series=series) for series in (1, 2) for number in (1, 2, 3)))
    elsewhere = browser_of(carol).get(page_url(header, "/download", "southside"))
    assert elsewhere["ETag"] != nora_browser.get(url)["ETag"]


def test_a_download_in_pieces_is_one_event(url: str, northside: Tenant, nora_browser: Client) -> None:
    for first in (0, 100, 200):
        assert nora_browser.get(url, headers={"Range": f"bytes={first}-{first + 99}"}).status_code == 206
    assert len(events(northside, Action.STUDY_DOWNLOADED)) == 1


def test_a_range_that_was_not_given_is_no_event(url: str, northside: Tenant, nora_browser: Client) -> None:
    assert nora_browser.get(url, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert not events(northside, Action.STUDY_DOWNLOADED)


def test_who_lost_access_in_the_middle_gets_no_more(url: str, northside, nora: User, nora_browser: Client) -> None:
    wanted = {"Range": "bytes=0-99"}
    assert nora_browser.get(url, headers=wanted).status_code == 206
    Membership.objects.filter(user=nora).delete()
    assert nora_browser.get(url, headers=wanted).status_code == 404


def test_another_practice_and_a_stranger_get_no_range(header, url: str, carol: User, browser_of) -> None:
    wanted = {"Range": "bytes=0-99"}
    assert browser_of(carol).get(url, headers=wanted).status_code == 404
    assert browser_of(carol).get(page_url(header, "/download", "southside"), headers=wanted).status_code == 404
    assert Client().get(url, headers=wanted).status_code == 302


def test_a_guest_resumes_until_the_link_ends(sent: Sent, northside: Tenant, bob: User) -> None:
    client, page = redeem(sent), f"{sent.page}download"
    first = client.get(page)
    whole = body_of(first)

    rest = client.get(page, headers={"Range": "bytes=300-", "If-Range": first["ETag"]})

    assert (rest.status_code, body_of(rest)) == (206, whole[300:])
    assert client.get(page, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416


def test_a_link_for_looking_gives_no_range_either(link: Sent) -> None:
    assert redeem(link).get(f"{link.page}download", headers={"Range": "bytes=0-99"}).status_code == 404


def test_a_damaged_file_ends_the_range_before_its_last_piece(header, northside: Tenant, nora: User) -> None:
    with tenant_scope(northside.id):
        Instance.objects.filter(instance_number=2).update(digest=bytes(32))
        archive = archive_of(actor(nora), header.StudyInstanceUID)
        (damaged,) = [place for place, file in enumerate(archive.files, 1) if file.digest == bytes(32)][:1]
        starts, size = archive.layout._starts, archive.files[damaged - 1].size
        # To the very end of the file: nothing comes behind it that would be missed.
        wanted = Conditions(range=ByteRange(starts[damaged], starts[damaged + 1] - 1))
        archive = archive_of(actor(nora), header.StudyInstanceUID, wanted)
    given = bytearray()

    with pytest.raises(DigestDiffers):
        for piece in archive.chunks():
            given += piece

    assert len(given) < size


def test_what_comes_before_a_range_is_not_read(header, northside, nora: User, monkeypatch) -> None:
    extents = []
    reads = SealedObject.iter_extents

    def watched(self: SealedObject, wanted: object) -> object:
        listed = list(wanted)
        extents.extend(listed)
        return reads(self, listed)

    monkeypatch.setattr(SealedObject, "iter_extents", watched)
    with tenant_scope(northside.id):
        end = archive_of(actor(nora), header.StudyInstanceUID).layout.directory_offset
        extents.clear()
        archive = archive_of(actor(nora), header.StudyInstanceUID, Conditions(range=ByteRange(end - 7, None)))

    b"".join(archive.chunks())

    assert sum(length for _, length in extents) == 7 + 1  # and one byte to see whether it can be opened


def test_memory_does_not_grow_with_the_study(northside: Tenant, bob: User, nora: User) -> None:
    headers = keep(northside, bob, *(each.content for each in ct_study(64).slices))
    with tenant_scope(northside.id):
        archive = archive_of(actor(nora), headers[0].StudyInstanceUID)

    tracemalloc.start()
    given = sum(map(len, archive.chunks()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert given == archive.length > 32 << 20
    assert peak < 8 << 20
