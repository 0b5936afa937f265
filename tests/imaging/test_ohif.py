"""OHIF's page: members only, recorded, with its own policy; and its bundle without what fetches foreign addresses."""

import json
import re
from pathlib import Path

import pydicom
import pytest
from django.conf import settings
from django.test import Client

from audit.actions import Action
from tenants.models import Tenant, User
from tests.imaging.library import CT, UNKNOWN, events, keep, page_url, real_file

BUNDLE = Path(settings.BASE_DIR) / "var" / "ohif"


@pytest.fixture
def ct(northside: Tenant, bob: User) -> pydicom.Dataset:
    return keep(northside, bob, real_file(CT))[0]


def viewer_url(*uids: str, slug: str = "northside") -> str:
    return f"/t/{slug}/ohif/viewer?" + "&".join(f"StudyInstanceUIDs={uid}" for uid in uids)


def test_a_member_opens_it_and_the_look_is_recorded(ct, northside: Tenant, nora: User, browser_of) -> None:
    page = browser_of(nora).get(viewer_url(ct.StudyInstanceUID))

    assert page.status_code == 200
    assert [(each.actor_label, each.study_instance_uid) for each in events(northside, Action.STUDY_VIEWED)] == [
        (nora.email, ct.StudyInstanceUID)
    ]


def test_a_member_of_another_practice_finds_nothing(ct, northside: Tenant, carol: User, browser_of) -> None:
    client = browser_of(carol)
    assert client.get(viewer_url(ct.StudyInstanceUID)).status_code == 404
    assert client.get(viewer_url(ct.StudyInstanceUID, slug="southside")).status_code == 404
    assert client.get("/t/northside/ohif/config.js").status_code == 404
    assert not events(northside, Action.STUDY_VIEWED)


@pytest.mark.parametrize("path", ["viewer?StudyInstanceUIDs=1.2", "config.js"])
def test_a_stranger_is_asked_to_sign_in(path: str, northside: Tenant) -> None:
    answer = Client().get(f"/t/northside/ohif/{path}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login")


@pytest.mark.parametrize("uids", [[], [UNKNOWN], ["1.2/../3"], ["<b>"], [""], ["1.2"] * 5])
def test_what_is_not_there_is_not_found(uids: list[str], ct, nora: User, browser_of) -> None:
    assert browser_of(nora).get(viewer_url(*uids)).status_code == 404


def test_one_study_that_is_not_there_hides_the_page(ct, northside: Tenant, nora: User, browser_of) -> None:
    assert browser_of(nora).get(viewer_url(f"{ct.StudyInstanceUID},{UNKNOWN}")).status_code == 404


def test_its_policy_lets_codecs_and_its_own_styles_in_and_nothing_else(ct, nora: User, browser_of) -> None:
    header = browser_of(nora).get(viewer_url(ct.StudyInstanceUID))["Content-Security-Policy"]
    policy = {name: rest for name, *rest in (each.split() for each in header.split(";") if each.strip())}
    assert policy["script-src"] == ["'self'", "'wasm-unsafe-eval'"]
    assert policy["style-src"] == ["'self'", "'unsafe-inline'"]
    assert policy["worker-src"] == ["'self'", "blob:"]
    assert policy["connect-src"] == ["'self'"]
    assert "'unsafe-eval'" not in header


def test_other_pages_allow_no_inline_style(ct, nora: User, browser_of) -> None:
    client = browser_of(nora)
    client.get(viewer_url(ct.StudyInstanceUID))
    assert "unsafe-inline" not in client.get(page_url(ct))["Content-Security-Policy"]


def test_its_only_source_is_the_tenants_own_service(nora: User, browser_of) -> None:
    answer = browser_of(nora).get("/t/northside/ohif/config.js")

    config = json.loads(re.search(r"window\.config = (\{.*\});\n", answer.content.decode())[1])
    (source,) = config["dataSources"]
    assert answer["Content-Type"].startswith("text/javascript")
    assert config["routerBasename"] == "/t/northside/ohif"
    assert source["namespace"].endswith(".dicomweb")
    assert {source["configuration"][name] for name in ("qidoRoot", "wadoRoot")} == {"/t/northside/dicomweb"}
    assert "http" not in answer.content.decode()


def test_the_study_page_leads_to_it(ct, nora: User, browser_of) -> None:
    assert viewer_url(ct.StudyInstanceUID) in browser_of(nora).get(page_url(ct)).content.decode()


def test_the_bundle_has_no_source_that_takes_an_address_and_no_page_of_its_own() -> None:
    names = {path.name for path in BUNDLE.rglob("*")}
    assert {"ohif.js", "ohif.js.br", "ohif.js.gz", "ohif.css"} <= names
    assert not {"sw.js", "google.js", "index.html", "app-config.js", "oidc-client.min.js"} & names
    for path in BUNDLE.glob("*.js"):
        text = path.read_text()
        assert not re.search(r"name:\s*[`'\"](dicomjson|dicomwebproxy|dicomlocal)[`'\"]", text), path
        assert "cloudfront.net" not in text, path
