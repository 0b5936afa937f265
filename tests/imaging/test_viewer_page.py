"""The viewer's page: what it tells its script, and what it lets that script do."""

import json
import re
from pathlib import Path

import pydicom
import pytest
from django.core.files.storage import FileSystemStorage

from audit.actions import Action
from imaging.views import viewer
from tenants.models import Tenant, User
from tests.imaging.incoming import instance
from tests.imaging.library import CT, events, keep, page_url, real_file


@pytest.fixture
def ct(northside: Tenant, bob: User) -> pydicom.Dataset:
    return keep(northside, bob, real_file(CT))[0]


def test_the_script_is_told_where_everything_is(ct: pydicom.Dataset, nora: User, browser_of) -> None:
    page = browser_of(nora).get(page_url(ct, f"/viewer?series={ct.SeriesInstanceUID}")).content.decode()

    told = dict(re.findall(r'data-([a-z]+)="([^"]*)"', re.search(r'<main id="viewer"[^>]*>', page)[0]))

    assert len(told.pop("csrf")) > 30
    assert told == {
        "dicomweb": "/t/northside/dicomweb", "marks": page_url(ct, "/marks"),
        "study": ct.StudyInstanceUID, "title": "CompressedSamples, CT1 · 1CT1",
        "subtitle": "CT · 2004-01-19", "date": "2004-01-19",
        "back": page_url(ct), "download": page_url(ct, "/download"),
        "priors": page_url(ct, "/priors"), "series": ct.SeriesInstanceUID,
        "first": ct.SeriesInstanceUID, "mount": page_url(ct, "/mount"), "keep": "", "export": page_url(ct, "/export"),
        "dental": "1",
    }  # fmt: skip
    assert "<title>Viewer · Collimate</title>" in page


def test_who_may_change_a_study_is_told_where_its_mount_is_kept(ct: pydicom.Dataset, bob: User, browser_of) -> None:
    page = browser_of(bob).get(page_url(ct, "/viewer")).content.decode()
    assert f'data-keep="{page_url(ct, "/mount/keep")}"' in page


def test_the_policy_lets_codecs_run_and_nothing_inline(ct: pydicom.Dataset, nora: User, browser_of) -> None:
    header = browser_of(nora).get(page_url(ct, "/viewer"))["Content-Security-Policy"]
    policy = {name: rest for name, *rest in (each.split() for each in header.split(";") if each.strip())}
    assert policy["script-src"] == ["'self'", "'wasm-unsafe-eval'"]
    assert policy["worker-src"] == ["'self'", "blob:"]
    assert policy["connect-src"] == ["'self'", "blob:", "data:"]
    assert "'unsafe-inline'" not in header
    assert "'unsafe-eval'" not in header


def test_other_pages_keep_the_strict_policy(ct: pydicom.Dataset, nora: User, browser_of) -> None:
    client = browser_of(nora)
    client.get(page_url(ct, "/viewer"))
    assert "wasm" not in client.get(page_url(ct))["Content-Security-Policy"]


def test_what_stands_in_the_address_is_text(ct: pydicom.Dataset, nora: User, browser_of) -> None:
    page = browser_of(nora).get(page_url(ct, '/viewer?series="><script>x</script>')).content.decode()
    assert "<script>x" not in page


def test_opening_the_viewer_is_recorded(ct: pydicom.Dataset, northside, nora: User, browser_of) -> None:
    browser_of(nora).get(page_url(ct, "/viewer"))
    assert [event.actor_label for event in events(northside, Action.STUDY_VIEWED)] == [nora.email]


def test_the_chunks_of_the_first_image_are_fetched_with_the_page(
    ct: pydicom.Dataset, nora: User, browser_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = {
        "src/viewer/main.js": {"file": "viewer/viewer.js", "imports": ["_texts.js"]},
        "_texts.js": {"file": "viewer/assets/texts-1.js"},
        "src/viewer/reading.js": {"file": "viewer/assets/reading-2.js", "imports": ["_core.js", "src/viewer/main.js"]},
        "_core.js": {"file": "viewer/assets/core-3.js"},
    }
    (tmp_path / "viewer").mkdir()
    (tmp_path / "viewer" / "manifest.json").write_text(json.dumps(chunks))
    monkeypatch.setattr(viewer, "staticfiles_storage", FileSystemStorage(tmp_path, "/static/"))
    monkeypatch.setattr(viewer, "_preloads", viewer._preloads.__wrapped__)

    page = browser_of(nora).get(page_url(ct, "/viewer")).content.decode()

    assert re.findall(r'<link rel="modulepreload" href="([^"]+)">', page) == [
        f"/static/{chunk['file']}" for chunk in chunks.values()
    ]


def test_a_report_is_not_what_a_reader_sees_first(northside: Tenant, bob: User, nora: User, browser_of) -> None:
    report = instance(1, series=1, Modality="SR", SeriesNumber=1)
    images = instance(1, series=2, Modality="CT", SeriesNumber=2)
    (header, _) = keep(northside, bob, report, images)
    page = browser_of(nora).get(page_url(header, "/viewer")).content.decode()
    assert f'data-first="{header.StudyInstanceUID}.2"' in page


def preloaded_picture(page: str) -> str:
    found = re.findall(r'<link rel="preload" as="image" href="([^"]+)">', page)
    return found[0].replace("&amp;", "&") if found else ""


def test_a_picture_of_the_middle_slice_comes_with_the_page(
    northside: Tenant, bob: User, nora: User, browser_of
) -> None:
    slices = [instance(n, rows=8, columns=8) for n in range(1, 5)]
    (header, *_) = keep(northside, bob, *slices)
    viewer_page = browser_of(nora).get(page_url(header, "/viewer")).content.decode()

    picture = preloaded_picture(viewer_page)

    assert f"/instances/{header.StudyInstanceUID}.1.2/frames/1/rendered?viewport=8,8" in picture
    assert browser_of(nora).get(picture).status_code == 200


@pytest.mark.parametrize(("modality", "frames"), [("MG", 1), ("IO", 1), ("XA", 3)])
def test_no_picture_comes_where_the_viewer_opens_with_another(
    northside: Tenant, bob: User, nora: User, browser_of, modality: str, frames: int
) -> None:
    tags = {"Modality": modality, "NumberOfFrames": frames, "pixels": bytes(8 * 8 * 2 * frames)}
    images = [instance(n, rows=8, columns=8, **tags) for n in range(1, 4)]
    (header, *_) = keep(northside, bob, *images)
    assert preloaded_picture(browser_of(nora).get(page_url(header, "/viewer")).content.decode()) == ""
