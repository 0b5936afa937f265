"""OHIF in a real browser over our DICOMweb: a stack, cuts across it, a length; and nothing from anywhere else."""

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, Request, expect

from tests.e2e.browser import DESKTOP, picture, sign_in
from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import RunningStack, wait_until
from tests.imaging.volumes import PIXELS, SPACING, STUDY, TODAY, ct_volume

pytestmark = pytest.mark.e2e
VIEWER = "/t/northside/ohif/viewer"
# Of each viewport, how many pixels are brighter than an empty one's.
BRIGHT = """() => [...document.querySelectorAll('canvas.cornerstone-canvas')].map((canvas) => {
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let bright = 0;
  for (let at = 0; at < pixels.length; at += 4) bright += pixels[at] > 60;
  return bright;
})"""


@pytest.fixture
def ball(stack: RunningStack) -> None:
    """The made volume, in Northside's archive."""
    client = PortalClient(stack.origin, "northside", stack.token("northside", "bob", "read", "store"))
    assert client.store(*ct_volume(**TODAY)) == 200


@pytest.fixture
def desktop(stack: RunningStack, ball: None, open_browser: Callable[..., Page]) -> tuple[Page, list[Request]]:
    """Bob's browser, and every request it makes from now on."""
    page = open_browser(DESKTOP)
    sign_in(page, stack, "bob")
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    return page, asked


def test_a_study_is_opened_from_its_page_and_measured(desktop, stack: RunningStack) -> None:
    page, asked = desktop
    page.goto(f"/t/northside/studies/{STUDY}/")
    page.get_by_role("link", name="Open in OHIF").click()
    wait_for_images(page, 1)
    dismiss_notice(page)
    picture(page, "ohif-stack")

    drawn = draw_length(page)
    listed = listed_length(page)
    picture(page, "ohif-length")

    assert abs(listed - drawn) < 0.05 * drawn
    assert foreign(asked, stack) == []
    assert sum("/frames/" in request.url for request in asked) >= len(ct_volume())
    assert not any("authorization" in request.headers for request in asked)


def test_the_volume_is_cut_in_three_directions(desktop, stack: RunningStack) -> None:
    page, asked = desktop
    open_viewer(page, hangingProtocolId="mpr")
    wait_for_images(page, 3)
    dismiss_notice(page)
    picture(page, "ohif-mpr")
    assert foreign(asked, stack) == []


def test_an_address_in_the_url_is_not_fetched(desktop, stack: RunningStack) -> None:
    page, asked = desktop
    foreign_addresses = {"url": "https://evil.example/study.json", "configUrl": "https://evil.example/config.json"}
    for source in ("dicomjson", "dicomwebproxy", "collimate"):
        open_viewer(page, datasources=source, **foreign_addresses)
        page.wait_for_load_state("networkidle")
    assert foreign(asked, stack) == []


def open_viewer(page: Page, **query: str) -> None:
    page.goto(f"{VIEWER}?{urlencode({'StudyInstanceUIDs': STUDY} | query)}")


def wait_for_images(page: Page, viewports: int) -> None:
    """Until so many viewports show something."""

    def shown() -> bool:
        page.wait_for_timeout(500)
        bright = page.evaluate(BRIGHT)
        return len(bright) == viewports and min(bright) > 5000

    wait_until(shown, 120, f"{viewports} viewports with images")


def dismiss_notice(page: Page) -> None:
    """OHIF says that it is for investigational use; whoever uses it confirms that."""
    page.get_by_text(re.compile("confirm and hide", re.IGNORECASE)).first.click()


def draw_length(page: Page) -> float:
    """Draw a line across the picture; its length in mm, from how large a pixel is on the screen."""
    page.locator("[data-cy=MeasurementTools-split-button-primary]").click()
    box = page.locator("canvas.cornerstone-canvas").bounding_box()
    left, across, middle = box["x"] + box["width"] / 2 - 100, 200, box["y"] + box["height"] / 2
    page.mouse.move(left, middle)
    page.mouse.down()
    page.mouse.move(left + across / 2, middle, steps=5)
    page.mouse.move(left + across, middle, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Yes").first.click()  # track this series' measurements
    return across * PIXELS * SPACING / min(box["width"], box["height"])


def listed_length(page: Page) -> float:
    """What the list of measurements says, in mm."""
    row = page.locator("[data-cy=data-row]").first
    if not row.is_visible():
        page.locator("[data-cy=trackedMeasurements-btn]").click()
    entry = row.locator("..")
    expect(entry).to_contain_text("mm")
    return float(re.search(r"([\d.]+)\s*mm", entry.inner_text())[1])


def foreign(asked: list[Request], stack: RunningStack) -> list[str]:
    """Requests to anywhere but our origin."""
    return [each.url for each in asked if not each.url.startswith((stack.origin + "/", "blob:", "data:"))]
