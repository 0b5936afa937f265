"""The viewer in a real browser: several series side by side, priors, other planes, windows, and hidden identities."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import DESKTOP, PHONE, TABLET, picture, serious, sign_in
from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import RunningStack
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.volumes import STUDY, TODAY, ct_volume, sagittal_series, uneven_series

pytestmark = pytest.mark.e2e
PRIOR = f"{ROOT}.901"


@pytest.fixture(scope="module")
def ball(stack: RunningStack) -> None:
    """The made volume cut in two directions, one with a slice missing, and the same patient two years before."""
    client = PortalClient(stack.origin, "northside", stack.token("northside", "bob", "read", "store"))
    before = ct_volume(10, StudyInstanceUID=PRIOR, SeriesInstanceUID=f"{PRIOR}.1", StudyDate="20240101")
    old = [each.replace(f"{STUDY}.1.".encode(), f"{PRIOR}.1.".encode()) for each in before]
    for series in (ct_volume(**TODAY), sagittal_series(**TODAY), uneven_series(**TODAY), old):
        assert client.store(*series) == 200


@pytest.fixture
def bob(stack: RunningStack, ball: None, open_browser: Callable[..., Page]) -> Page:
    page = open_browser(DESKTOP)
    sign_in(page, stack, "bob")
    page.goto(f"/t/northside/studies/{STUDY}/viewer")
    ready(panes(page))
    return page


def test_the_picture_that_comes_with_the_page_is_the_one_that_stands_there(bob: Page) -> None:
    asked = "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/rendered?')).length"
    assert bob.evaluate(asked) == 1
    expect(bob.locator(".poster")).to_be_hidden()


def test_several_series_are_read_side_by_side(bob: Page) -> None:
    picture(bob, "viewer-one")
    assert serious(bob) == []
    choose(bob, "layout", "layout-1x2")
    expect(panes(bob)).to_have_count(2)

    drag_series(bob, "Ball, sagittal", panes(bob).nth(1))
    ready(panes(bob).nth(1))
    panes(bob).nth(0).locator(".images").click()
    expect(panes(bob).nth(1).locator(".reference-line")).to_have_count(1)
    expect(panes(bob).nth(0).locator(".side-left")).to_have_text("R")
    picture(bob, "viewer-side-by-side")

    panes(bob).nth(1).locator(".images").click()
    series(bob, "Ball, a slice missing").click()
    expect(panes(bob).nth(1).locator(".top-right")).to_have_text("Ball, a slice missing")
    ready(panes(bob).nth(1))
    panes(bob).nth(0).locator(".images").click()
    bob.keyboard.press("Home")
    expect(panes(bob).nth(1)).to_have_attribute("data-index", "0")
    bob.keyboard.press("End")
    expect(panes(bob).nth(1)).to_have_attribute("data-index", "11")
    bob.keyboard.press("m")
    expect(bob.locator(".panes")).to_have_attribute("data-maximised", "")
    bob.keyboard.press("m")

    bob.keyboard.press("F1")
    expect(panes(bob)).to_have_count(1)


def test_a_prior_opens_beside_and_says_when_it_was_made(bob: Page) -> None:
    prior = bob.locator(f'[data-study="{PRIOR}"]')
    expect(prior.locator("summary")).to_contain_text("2 years earlier")
    prior.locator("summary").click()
    prior.locator(".series-tile").first.click()

    expect(panes(bob)).to_have_count(2)
    ready(panes(bob).nth(1))
    expect(panes(bob).nth(1).locator(".overlay-study")).to_contain_text("Other study · 1 Jan 2024")
    expect(panes(bob).nth(0).locator(".overlay-study")).not_to_contain_text("Other study")
    picture(bob, "viewer-prior")


def test_a_volume_is_cut_in_other_planes_and_projected(bob: Page) -> None:
    bob.keyboard.press("n")
    expect(panes(bob)).to_have_count(4)
    for place, name in enumerate(["Axial", "Coronal", "Sagittal", "MIP, turning"]):
        ready(panes(bob).nth(place))
        expect(panes(bob).nth(place).locator(".top-right")).to_contain_text(name)
    expect(panes(bob).nth(1).locator(".side-top")).to_have_text("H")
    assert bright_share(panes(bob).nth(1)) > 0.02

    bob.keyboard.press("c")
    before = [panes(bob).nth(place).get_attribute("data-index") for place in (1, 2)]
    box = panes(bob).nth(0).locator(".images").bounding_box()
    bob.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.4)
    for place, index in enumerate(before, start=1):
        expect(panes(bob).nth(place)).not_to_have_attribute("data-index", index)
        expect(panes(bob).nth(place).locator(".reference-line")).to_have_count(2)
    picture(bob, "viewer-mpr")

    choose(bob, "slab", "20 mm")
    expect(panes(bob).nth(0).locator(".top-right")).to_contain_text("MIP 20 mm")
    ready(panes(bob).nth(0))
    bob.keyboard.press("3")
    expect(panes(bob).nth(0).locator(".bottom-left")).to_contain_text("W 2000 L 500")
    expect(panes(bob).nth(1).locator(".bottom-left")).to_contain_text("W 2000 L 500")
    picture(bob, "viewer-mip")

    bob.keyboard.press("n")
    expect(panes(bob)).to_have_count(1)
    ready(panes(bob))
    series(bob, "Ball, a slice missing").click()
    ready(panes(bob))
    bob.keyboard.press("n")
    expect(bob.locator(".told")).to_contain_text("gaps between the slices are uneven")


def test_windows_turning_and_hidden_identities(bob: Page) -> None:
    window = panes(bob).locator(".bottom-left")
    choose(bob, "presets", "Bone")
    expect(window).to_contain_text("W 2000 L 500")
    bob.keyboard.press("o")
    expect(panes(bob).locator(".side-top")).to_have_text("R")
    bob.keyboard.press("h")
    bob.keyboard.press("r")
    expect(window).to_contain_text("W 400 L 40")
    expect(panes(bob).locator(".side-top")).to_have_text("A")

    bob.keyboard.press("g")
    box = panes(bob).locator(".images").bounding_box()
    bob.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    bob.mouse.down()
    expect(bob.locator(".magnifyTool")).to_be_visible()
    picture(bob, "viewer-magnify")
    bob.mouse.up()
    expect(bob.locator(".magnifyTool")).to_have_count(0)

    expect(bob.locator(".identity")).to_contain_text("Doe, Jane")
    bob.keyboard.press("u")
    expect(bob.locator(".identity")).to_have_text("Identity hidden")
    assert "Jane" not in bob.locator("body").inner_text()
    bob.reload()
    ready(panes(bob))
    expect(bob.locator("html")).to_have_attribute("data-privacy", "")
    expect(bob.locator(".identity")).to_have_text("Identity hidden")
    bob.keyboard.press("u")
    expect(bob.locator(".identity")).to_contain_text("Doe, Jane")

    bob.keyboard.press("?")
    expect(bob.get_by_role("dialog")).to_contain_text("Rotate")
    picture(bob, "viewer-help")


def test_what_may_no_longer_be_seen_leaves_the_screen_and_the_memory(bob: Page) -> None:
    bob.keyboard.press("k")  # something in the list of marks
    expect(bob.locator('.toolbar [data-action="marks"]')).to_contain_text("1")
    bob.route("**/dicomweb/**", lambda route: route.fulfill(status=401))

    series(bob, "Ball, sagittal").click()

    expect(bob.locator("#viewer.ended")).to_be_visible()
    expect(bob.locator(".series-panel")).not_to_contain_text("Ball")
    expect(bob.locator(".mark, .marks-panel li:visible")).to_have_count(0)
    # A script that failed on the way is told by `open_browser`: it would leave decoded pixels behind.


@pytest.mark.parametrize("device", [TABLET, PHONE], ids=["tablet", "phone"])
def test_fingers_reach_everything(bob: Page, open_browser: Callable[..., Page], device: dict[str, object]) -> None:
    page = open_browser(device | {"storage_state": bob.context.storage_state()})
    page.goto(f"/t/northside/studies/{STUDY}/viewer")
    ready(panes(page))
    picture(page, "viewer-touch")
    assert serious(page) == []
    width = page.viewport_size["width"]
    for button in page.locator(".toolbar button:visible").all():
        box = button.bounding_box()
        assert box["width"] >= 44 and box["height"] >= 44, button.inner_text()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, button.inner_text()

    choose(page, "layout", "layout-2x2")
    expect(panes(page)).to_have_count(4)
    panes(page).nth(3).tap()
    series(page, "Ball, sagittal").tap()
    ready(panes(page).nth(3))
    picture(page, "viewer-touch-panes")
    choose(page, "layout", "layout-1x1")
    page.evaluate("document.querySelector('.series-panel').scrollLeft = 0")
    series(page, "Ball").tap()
    ready(panes(page))
    choose(page, "volume")
    expect(panes(page)).to_have_count(4)
    ready(panes(page).nth(2))
    picture(page, "viewer-touch-mpr")


def panes(page: Page) -> Locator:
    return page.locator(".pane")


def ready(pane: Locator) -> None:
    expect(pane).to_have_attribute("data-state", "ready", timeout=120_000)


def series(page: Page, name: str) -> Locator:
    return page.locator(".series-tile").filter(has=page.get_by_text(name, exact=True)).first


def choose(page: Page, action: str, item: str = "") -> None:
    """Press a button of the bar, in the menu where its group has no room; and then an item of its own menu."""
    button = page.locator(f'.toolbar [data-action="{action}"]')
    if button.is_visible():
        button.click()
    else:
        opener = button.locator("xpath=..").locator("[data-group]")
        if opener.is_visible():
            opener.click()
        else:
            page.locator("[data-group=more]").click()
            page.locator(f'.menu [data-action="group-{opener.get_attribute("data-group")}"]').click()
        page.locator(f'.menu [data-action="{action}"]').click()
    if item:
        named = page.locator(f'.menu [data-action="{item}"]')
        (named if named.count() else page.locator(".menu").get_by_text(item, exact=True)).click()


def drag_series(page: Page, name: str, pane: Locator) -> None:
    start, end = series(page, name).bounding_box(), pane.bounding_box()
    page.mouse.move(start["x"] + 30, start["y"] + 30)
    page.mouse.down()
    page.mouse.move(end["x"] + 60, end["y"] + 60, steps=4)
    page.mouse.move(end["x"] + 100, end["y"] + 100, steps=2)
    expect(pane).to_have_class(re.compile("dropping"))
    page.mouse.up()


def bright_share(pane: Locator) -> float:
    """The share of pixels that show something."""
    return pane.locator("canvas").first.evaluate(
        """(canvas) => {
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          let bright = 0;
          for (let at = 0; at < data.length; at += 4) bright += data[at] > 60;
          return bright / (data.length / 4);
        }"""
    )

