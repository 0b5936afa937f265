"""The viewer's page: what it tells its script, and what it lets that script do."""

import re

import pydicom
import pytest

from audit.actions import Action
from tenants.models import Tenant, User
from tests.imaging.library import CT, events, keep, page_url, real_file


@pytest.fixture
def ct(northside: Tenant, bob: User) -> pydicom.Dataset:
    return keep(northside, bob, real_file(CT))[0]


def test_the_script_is_told_where_everything_is(ct: pydicom.Dataset, nora: User, browser_of) -> None:
    page = browser_of(nora).get(page_url(ct, f"/viewer?series={ct.SeriesInstanceUID}")).content.decode()

    told = dict(re.findall(r'data-([a-z]+)="([^"]*)"', re.search(r'<main id="viewer"[^>]*>', page)[0]))

    assert told == {
        "dicomweb": "/t/northside/dicomweb", "study": ct.StudyInstanceUID, "title": "CompressedSamples, CT1 · 1CT1",
        "subtitle": "CT · 2004-01-19", "back": page_url(ct), "download": page_url(ct, "/download"),
        "series": ct.SeriesInstanceUID,
    }  # fmt: skip
    assert "<title>Viewer · Collimate</title>" in page


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
