"""Printing and exporting: whose it is on each page, and in the trail before a byte leaves."""

import io
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from django.http import HttpResponseBase
from django.test import Client
from PIL import Image

from audit.actions import Action
from imaging.adapters import sheets
from imaging.dicom.presentation import Presentation
from imaging.forms.exports import BadOrder, read_order
from imaging.models import Instance
from imaging.services import exports
from imaging.services.rendering import draw_frame
from tenants.baas.models import Agreement, Status
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.guests import UID, cheap_codes, link, study  # noqa: F401  fixtures
from tests.imaging.incoming import instance
from tests.imaging.library import UNKNOWN, body_of, events, keep
from tests.imaging.sharing import Sent, redeem, send_invitation, send_link

IMAGE = {"series": f"{UID}.1", "instance": f"{UID}.1.1", "frame": 1}
ORDER = {"kind": "pdf", "identity": True, "images": [IMAGE]}


def order(client: Client, sent: object = ORDER, uid: str = UID, slug: str = "northside") -> HttpResponseBase:
    return client.post(f"/t/{slug}/studies/{uid}/export", json.dumps(sent), content_type="application/json")


def pages_of(response: HttpResponseBase) -> list[str]:
    assert response["Content-Type"] == "application/pdf"
    return text_of(body_of(response))


def text_of(document: bytes) -> list[str]:
    """The text of each page, as PDF.js reads it."""
    script = Path(__file__).with_name("pdf_text.mjs")
    done = subprocess.run(["node", str(script)], input=document, capture_output=True, timeout=60, check=True)
    return json.loads(done.stdout)


def test_each_page_says_whose_it_is(northside: Tenant, bob: User, nora: User, browser_of) -> None:
    keep(northside, bob, *(instance(number, StudyDate="20260102") for number in (1, 2, 3)))
    images = [IMAGE | {"instance": f"{UID}.1.{number}"} for number in (1, 2, 3)]

    response = order(browser_of(nora), ORDER | {"images": images})

    assert response["Content-Disposition"] == 'attachment; filename="images.pdf"'
    assert response["Cache-Control"] == "private, no-store"
    pages = pages_of(response)
    assert len(pages) == 3
    for number, text in enumerate(pages, start=1):
        for words in ("Doe, Jane", "ID ", "Born 31 January 1970", "Study of 2 January 2026", northside.name):
            assert words in text
        assert f"Page {number} of 3" in text
        assert re.search(rf"Printed by {nora.email}, \d+ \w+ \d{{4}}, \d\d:\d\d E[SD]T", text)


def test_identity_can_be_left_off(study: str, nora: User, browser_of) -> None:
    (text,) = pages_of(order(browser_of(nora), ORDER | {"identity": False}))

    for word in ("Doe", "1970", nora.email, "Born"):
        assert word not in text
    assert "Identity hidden" in text
    assert "Page 1 of 1" in text


def test_an_export_is_in_the_trail_before_its_first_byte(study: str, northside: Tenant, nora: User, browser_of) -> None:
    response = order(browser_of(nora))

    (event,) = events(northside, Action.IMAGES_EXPORTED)
    assert (event.actor_label, event.study_instance_uid) == (nora.email, UID)
    assert event.details == {"as": "pdf", "images": 1, "identity": True}
    body_of(response)


@pytest.mark.parametrize("kind", ["picture", "print"])
def test_what_the_browser_makes_gets_its_words(kind: str, study: str, northside, nora: User, browser_of) -> None:
    words = order(browser_of(nora), ORDER | {"kind": kind}).json()

    assert words["name"] == "Doe, Jane"
    assert words["page"] == "Page {page} of {count}"
    assert events(northside, Action.IMAGES_EXPORTED)[0].details["as"] == kind


def test_a_link_exports_only_where_it_may_download(link: Sent, northside, bob: User) -> None:
    assert order(redeem(link)).status_code == 404
    assert not events(northside, Action.IMAGES_EXPORTED)

    assert order(redeem(send_link(northside, bob, UID, may_download=True))).status_code == 200
    assert order(redeem(send_invitation(northside, bob, UID))).status_code == 200


def test_patients_see_who_exported_their_images(study: str, northside, bob: User, nora: User, browser_of) -> None:
    order(browser_of(nora))
    invited = send_invitation(northside, bob, UID)
    assert "Printed or exported images" in redeem(invited).get(invited.page).content.decode()


def test_the_viewer_of_a_link_for_looking_offers_no_export(link: Sent, northside, bob: User) -> None:
    assert 'data-export=""' in redeem(link).get(f"{link.page}viewer").content.decode()
    full = send_link(northside, bob, UID, may_download=True)
    assert f'data-export="/t/northside/studies/{UID}/export"' in redeem(full).get(f"{full.page}viewer").content.decode()


def test_without_an_agreement_nothing_leaves(study: str, northside: Tenant, nora: User, browser_of) -> None:
    with tenant_scope(northside.id):
        Agreement.objects.update(status=Status.TERMINATED)
    assert order(browser_of(nora)).status_code == 403
    assert not events(northside, Action.IMAGES_EXPORTED)


@pytest.mark.parametrize("slug", ["northside", "southside"])
def test_another_practice_finds_nothing(slug: str, study: str, carol: User, browser_of) -> None:
    assert order(browser_of(carol), slug=slug).status_code == 404


def test_strangers_are_asked_who_they_are(study: str) -> None:
    assert order(Client()).status_code == 401


@pytest.mark.parametrize("uid", [UNKNOWN, "1.2..3"])
def test_what_is_not_there_is_not_found(uid: str, study: str, nora: User, browser_of) -> None:
    assert order(browser_of(nora), uid=uid).status_code == 404


def test_an_image_of_another_study_is_not_found(study: str, northside: Tenant, nora: User, browser_of) -> None:
    foreign = {"series": f"{ROOT}.2.1", "instance": f"{ROOT}.2.1.1"}
    assert order(browser_of(nora), ORDER | {"images": [foreign]}).status_code == 404
    assert not events(northside, Action.IMAGES_EXPORTED)


def test_a_frame_that_is_none_of_its_is_refused(study: str, nora: User, browser_of) -> None:
    assert order(browser_of(nora), ORDER | {"images": [IMAGE | {"frame": 2}]}).status_code == 422


def test_an_image_that_cannot_be_drawn_leaves_its_place(study: str, nora: User, browser_of, monkeypatch) -> None:
    def fail(*_: object) -> bytes:
        raise exports.RenderFailed("the child died")

    monkeypatch.setattr(exports, "draw_frame", fail)
    (text,) = pages_of(order(browser_of(nora)))
    assert "This image could not be drawn." in text


def test_sheets_and_mounts_hold_many_on_a_page(study: str, nora: User, browser_of) -> None:
    many = ORDER | {"images": [IMAGE | {"label": f"film {number}"} for number in range(5)], "columns": 2, "rows": 2}
    first, second = pages_of(order(browser_of(nora), many))
    assert ("film 3" in first, "film 4" in first, "film 4" in second) == (True, False, True)

    films = [IMAGE | {"label": f"#{at}", "box": [at * 4, 0, 3, 4], "rotate": 90, "flip": True} for at in range(3)]
    (text,) = pages_of(order(browser_of(nora), ORDER | {"images": films, "mount": [12, 4]}))
    assert "#0" in text
    assert "#2" in text


def test_drawings_and_their_words_are_on_the_page(study: str, nora: User, browser_of) -> None:
    marks = [{"points": [[0.1, 0.1], [0.9, 0.5]]}, {"points": [[0.5, 0.5]], "text": "12.3 mm"}]
    (text,) = pages_of(order(browser_of(nora), ORDER | {"images": [IMAGE | {"marks": marks}]}))
    assert "12.3 mm" in text


@pytest.mark.parametrize("name", ["Ζωή^Παπαδοπούλου", "Дмитрий^Шостакович", "王^小東", "김^희중", "Nguyễn^Thị"])
def test_names_of_many_scripts_are_on_the_page(name: str) -> None:
    text = page_with(name)
    assert all(part in text for part in name.split("^"))


@pytest.mark.parametrize("name", ["عمر الشريف", "שרה כהן"])
def test_names_from_right_to_left_are_set_as_pictures(name: str) -> None:
    assert document_with(name).count(b"/Subtype /Image") == 1


def test_letters_that_no_font_has_are_seen_to_be_missing() -> None:
    assert "\u25a1\u25a1" in page_with("ᚠᚢ")


def document_with(name: str) -> bytes:
    words = sheets.Furniture(name.replace("^", " "), "", "", "", "", "Page {page} of {count}", "")
    return sheets.build_sheets(words, [(False, [])], sheets.A4)


def page_with(name: str) -> str:
    return text_of(document_with(name))[0]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "exe"}, {"images": []}, {"images": [IMAGE] * 101}, {"columns": 0}, {"rows": 7}, {"columns": 1.5},
        {"mount": [10, 10]}, {"mount": [0, 1]}, {"images": [IMAGE | {"window": [1, 0]}]},
        {"images": [IMAGE | {"window": [1, float("nan")]}]}, {"images": [IMAGE | {"rotate": 45}]},
        {"images": [IMAGE | {"series": "x"}]}, {"images": [IMAGE | {"frame": 0}]}, {"images": [IMAGE | {"label": 7}]},
        {"images": [IMAGE | {"marks": [{"points": []}]}]}, {"images": [IMAGE | {"marks": [{"points": [[9, 9]]}]}]},
        {"images": [IMAGE | {"label": "x" * 61}]}, {"images": "all"},
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(change: dict) -> None:
    read_order(json.dumps(ORDER).encode())
    with pytest.raises(BadOrder):
        read_order(json.dumps(ORDER | change).encode())


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b"[" * 20_000, b" " * 600_000])
def test_what_is_no_order_is_refused(body: bytes) -> None:
    with pytest.raises(BadOrder):
        read_order(body)


def test_an_inverted_image_is_its_negative(study: str, northside: Tenant) -> None:
    with tenant_scope(northside.id):
        row = Instance.objects.select_related("series").get(sop_instance_uid=f"{UID}.1.1")
    plain, negative = (
        np.asarray(Image.open(io.BytesIO(draw_frame(row, 1, Presentation("image/png", invert=invert)))))
        for invert in (False, True)
    )
    assert plain.std() > 0
    assert (plain == 255 - negative).all()
