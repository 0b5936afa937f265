"""Mounts, mammograms, printing and exporting in a real browser."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import DESKTOP, PHONE, SCREENSHOTS, TABLET, picture, serious, sign_in
from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import REPO, RunningStack
from tests.imaging.drawn_films import (
    BITEWINGS,
    FULL_MOUTH,
    JAW,
    MAMMOGRAMS,
    bitewings,
    full_mouth,
    jaw,
    mammograms,
)

pytestmark = pytest.mark.e2e
DRAW = REPO / "tests" / "imaging" / "pdf_text.mjs"


@pytest.fixture(scope="module")
def films(stack: RunningStack) -> None:
    client = PortalClient(stack.origin, "northside", stack.token("northside", "bob", "read", "store"))
    for study in (full_mouth(), bitewings(), mammograms(), jaw()):
        assert client.store(*study) == 200


@pytest.fixture
def bob(stack: RunningStack, films: None, open_browser: Callable[..., Page]) -> Page:
    page = open_browser(DESKTOP)
    sign_in(page, stack, "bob")
    return page


def view(page: Page, study: str) -> None:
    page.goto(f"/t/northside/studies/{study}/viewer")


def test_a_full_mouth_is_mounted_by_its_tooth_codes_and_arranged(bob: Page) -> None:
    view(bob, FULL_MOUTH)
    mount = mounted(bob, "fmx-18", 18)
    expect(place(mount, "1-molar")).to_have_accessible_name("Periapical, teeth 1–3")
    expect(place(mount, "bw-l-molar")).to_have_accessible_name("Bitewing, teeth 14–16, 17–19")
    assert place(mount, "1-molar").get_attribute("data-film").endswith(".1.18")
    assert serious(bob) == []
    picture(bob, "mount-full-mouth")

    mount.locator('[data-action="numbering"]').click()
    expect(place(mount, "1-molar")).to_have_accessible_name("Periapical, teeth 18–16")

    place(mount, "lower-incisors").focus()
    bob.keyboard.press("Enter")
    expect(bob.locator(".pane")).to_have_attribute("data-state", "ready", timeout=120_000)
    expect(mount).to_be_hidden()
    picture(bob, "mount-film-large")
    bob.keyboard.press("Escape")
    expect(place(mount, "lower-incisors")).to_be_focused()

    film = place(mount, "1-molar").get_attribute("data-film")
    with bob.expect_response("**/mount/keep") as kept:
        drag(bob, place(mount, "1-molar"), place(mount, "3-molar"))
    assert kept.value.status == 200
    expect(place(mount, "3-molar")).to_have_attribute("data-film", film)
    mount.locator('[data-action="arrange"]').click()
    place(mount, "3-molar").click()
    with bob.expect_response("**/mount/keep"):
        mount.locator('[data-action="turn"]').click()
    picture(bob, "mount-arranging")
    view(bob, FULL_MOUTH)
    mount = mounted(bob, "fmx-18", 18)
    expect(place(mount, "3-molar")).to_have_attribute("data-film", film)
    assert "rotate(90deg)" in place(mount, "3-molar").locator("img").get_attribute("style")
    expect(place(mount, "1-molar")).to_have_accessible_name("Periapical, teeth 18–16")


def test_bitewings_and_fingers(bob: Page, open_browser: Callable[..., Page]) -> None:
    view(bob, BITEWINGS)
    mount = mounted(bob, "bitewings-4", 4)
    assert place(mount, "bw-r-molar").get_attribute("data-film").endswith(".1.1")
    picture(bob, "mount-bitewings")
    state = bob.context.storage_state()
    for device in (TABLET, PHONE):
        page = open_browser(device | {"storage_state": state})
        view(page, FULL_MOUTH)
        mount = mounted(page, "fmx-18", 18)
        picture(page, "mount-full-mouth")
        assert serious(page) == []
        for button in mount.locator(".mount-bar button, .mount-place").all():
            box = button.bounding_box()
            assert box["width"] >= 44 and box["height"] >= 44, button.get_attribute("aria-label")
        view(page, BITEWINGS)
        mount = mounted(page, "bitewings-4", 4)
        mount.locator('[data-action="arrange"]').tap()
        first = place(mount, "bw-r-molar").get_attribute("data-film")
        place(mount, "bw-r-molar").tap()
        place(mount, "bw-l-molar").tap()
        expect(place(mount, "bw-l-molar")).to_have_attribute("data-film", first)
        with page.expect_response("**/mount/keep"):
            mount.locator('[data-action="undo"]').tap()
        expect(place(mount, "bw-r-molar")).to_have_attribute("data-film", first)
        picture(page, "mount-bitewings")


def test_mammograms_hang_back_to_back_at_one_scale(bob: Page, open_browser: Callable[..., Page]) -> None:
    view(bob, MAMMOGRAMS)
    panes = bob.locator(".pane")
    expect(panes).to_have_count(4, timeout=60_000)
    for at, name in enumerate(["R CC", "L CC", "R MLO", "L MLO"]):
        expect(panes.nth(at)).to_have_attribute("data-state", re.compile("ready|error"), timeout=120_000)
        assert panes.nth(at).get_attribute("data-state") == "ready", panes.nth(at).inner_text()
        expect(panes.nth(at).locator(".top-right")).to_contain_text(name)
    picture(bob, "mammograms")
    walls = [wall(panes.nth(at)) for at in range(4)]
    assert [side for side, _ in walls] == ["right", "left", "right", "left"]
    (r_cc, l_cc, r_mlo, l_mlo) = [length for _, length in walls]
    assert r_cc > 200 and abs(r_cc - l_cc) <= 4 and abs(r_mlo - l_mlo) <= 4
    page = open_browser(PHONE | {"storage_state": bob.context.storage_state()})
    view(page, MAMMOGRAMS)
    expect(page.locator(".pane").nth(3)).to_have_attribute("data-state", "ready", timeout=120_000)
    picture(page, "mammograms")


def test_a_jaw_is_rolled_out_flat_and_cut_across(bob: Page) -> None:
    view(bob, JAW)
    panes = bob.locator(".pane")
    expect(panes).to_have_attribute("data-state", "ready", timeout=120_000)
    bob.keyboard.press("Shift+D")
    expect(panes).to_have_count(4, timeout=120_000)
    for at, name in enumerate(["Axial", "Panoramic", "Across the arch", "Sagittal"]):
        expect(panes.nth(at)).to_have_attribute("data-state", re.compile("ready|error"), timeout=120_000)
        assert panes.nth(at).get_attribute("data-state") == "ready", panes.nth(at).inner_text()
        expect(panes.nth(at).locator(".top-right")).to_contain_text(name)
    expect(panes.nth(0).locator(".arch-handle")).to_have_count(7)
    picture(bob, "dental-arch")
    before = panes.nth(2).get_attribute("data-index")
    box = panes.nth(1).locator(".images").bounding_box()
    bob.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    expect(panes.nth(2)).not_to_have_attribute("data-index", before)
    panes.nth(0).locator(".arch-handle").nth(3).focus()
    bob.keyboard.press("ArrowUp")
    expect(panes.nth(1)).to_have_attribute("data-state", "ready", timeout=120_000)
    bob.keyboard.press("Shift+D")
    expect(panes).to_have_count(1)


def test_what_is_exported_says_whose_it_is(bob: Page, open_browser: Callable[..., Page], tmp_path: Path) -> None:
    view(bob, FULL_MOUTH)
    mount = mounted(bob, "fmx-18", 18)
    bob.keyboard.press("Shift+E")
    dialog = bob.get_by_role("dialog")
    expect(dialog.get_by_label("The mount")).to_be_checked()
    picture(bob, "export-dialog")
    assert serious(bob) == []
    document = tmp_path / "images.pdf"
    with bob.expect_download() as download:
        dialog.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == "images.pdf"
    download.value.save_as(document)
    (text,) = text_of(document)
    for words in ("Doe, Jane", "ID D-1", "Northside Dental", "Page 1 of 1", "Printed by bob@northside.example"):
        assert words in text
    expect(dialog).to_be_hidden()

    place(mount, "upper-incisors").click()
    expect(bob.locator(".pane")).to_have_attribute("data-state", "ready", timeout=120_000)
    measure(bob)
    for kind in ("JPEG", "PNG"):
        bob.keyboard.press("Shift+E")
        dialog.get_by_label(kind).check()
        with bob.expect_download() as download:
            dialog.get_by_role("button", name="Export").click()
        download.value.save_as(SCREENSHOTS / f"exported.{kind.lower()}")
        expect(dialog).to_be_hidden()

    bob.evaluate(
        """() => {
          window.print = () => {
            window.kept = document.querySelector('.sheets').cloneNode(true);
            document.documentElement.dataset.printed = window.kept.children.length;
          };
        }"""
    )
    bob.keyboard.press("Shift+P")
    dialog.get_by_role("button", name="Print").click()
    expect(bob.locator("html")).to_have_attribute("data-printed", "1")
    bob.evaluate("document.body.append(window.kept)")
    bob.emulate_media(media="print")
    bob.set_viewport_size({"width": 740, "height": 960})
    expect(bob.locator(".sheet")).to_contain_text("Doe, Jane")
    assert bob.locator(".sheet img").bounding_box()["height"] > 400
    picture(bob, "printed")

    page = open_browser(PHONE | {"storage_state": bob.context.storage_state()})
    view(page, FULL_MOUTH)
    mounted(page, "fmx-18", 18)
    page.keyboard.press("Shift+E")
    picture(page, "export-dialog")
    document.rename(SCREENSHOTS / "mount.pdf")


def mounted(page: Page, template: str, films: int) -> Locator:
    mount = page.get_by_test_id("mount")
    expect(mount).to_have_attribute("data-template", template, timeout=60_000)
    expect(mount.locator(".mount-board [data-film]")).to_have_count(films)
    loaded = "(films) => films.every((each) => each.complete && each.naturalWidth > 0)"
    for _ in range(60):
        if mount.locator(".mount-board img").evaluate_all(loaded):
            break
        page.wait_for_timeout(500)
    assert mount.locator(".mount-board img").evaluate_all(loaded)
    return mount


def place(mount: Locator, position: str) -> Locator:
    return mount.locator(f'[data-position="{position}"]')


def drag(page: Page, film: Locator, target: Locator) -> None:
    start, end = film.bounding_box(), target.bounding_box()
    page.mouse.move(start["x"] + 20, start["y"] + 20)
    page.mouse.down()
    page.mouse.move(end["x"] + 40, end["y"] + 30, steps=5)
    page.mouse.up()


def measure(page: Page) -> None:
    page.keyboard.press("l")
    box = page.locator(".pane .images").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.6, steps=4)
    page.mouse.up()
    expect(page.locator(".marks-layer text").first).to_contain_text("mm")


def wall(pane: Locator) -> tuple[str, float]:
    """At which edge of a pane the breast is cut off, and over how many pixels."""
    return tuple(
        pane.locator("canvas").first.evaluate(
            """(canvas) => {
              const { width, height } = canvas;
              const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
              const lit = (x) => {
                let count = 0;
                for (let y = 0; y < height; y += 1) count += data[4 * (y * width + x)] > 60;
                return count;
              };
              const [left, right] = [lit(3), lit(width - 4)];
              return left > right ? ['left', left] : ['right', right];
            }"""
        )
    )


def text_of(document: Path) -> list[str]:
    done = subprocess.run(["node", str(DRAW)], input=document.read_bytes(), capture_output=True, timeout=60, check=True)
    return json.loads(done.stdout)

