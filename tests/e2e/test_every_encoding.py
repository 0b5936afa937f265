"""Every encoding of the sample files shows in the viewer, with the pixels that an independent decoder finds.

One study, a series per file, one page: the reader goes through them all. What is compared are the eight-bit pixels that
the viewer paints before it scales them to the screen.
"""

import os
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, Request

from tests.e2e.browser import DESKTOP, picture
from tests.e2e.encodings import BROKEN, GRID, STUDY, EncodedSample, Shown, list_encoded, sampled
from tests.e2e.made_encodings import list_made
from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import RunningStack
from tests.imaging.samples import read_shown, write_shown

pytestmark = pytest.mark.e2e
LOSSLESS, LOSSY = 1.01, 12.0  # of 255: rounding; and how decoders differ in scaling chroma up
# The last picture painted whole: Cornerstone draws on the processor here, grey as the opacity of white.
WATCH = """
window.painted = null;
const put = CanvasRenderingContext2D.prototype.putImageData;
CanvasRenderingContext2D.prototype.putImageData = function (image, ...place) {
  window.painted = image;
  return put.call(this, image, ...place);
};
"""
READ = """([grid, colour]) => {
  const { width, height, data } = window.painted;
  const [across, down] = [Math.ceil(width / grid), Math.ceil(height / grid)];
  const values = [];
  for (let y = 0; y < height; y += down) {
    for (let x = 0; x < width; x += across) {
      const at = (y * width + x) * 4;
      if (colour) values.push(data[at], data[at + 1], data[at + 2]);
      else values.push(data[at + 3]);
    }
  }
  return { width, height, values };
}"""
OPEN = """([uid]) => {
  window.painted = null;
  document.querySelector(`[data-series="${uid}"]`).click();
}"""
ENDED = """() => {
  const { state } = document.querySelector('#viewer').dataset;
  return state === 'error' || (state === 'ready' && window.painted !== null);
}"""


@pytest.fixture
def viewer(stack: RunningStack, open_browser: Callable[..., Page], cookies_of) -> Callable[[list[EncodedSample]], Page]:
    """The study with these samples, in Nora's browser."""

    def open_samples(samples: list[EncodedSample]) -> Page:
        client = PortalClient(stack.origin, "northside", stack.token("northside", "bob", "read", "store"))
        for start in range(0, len(samples), 20):
            assert client.store(*(each.as_series() for each in samples[start : start + 20]), timeout=300) == 200
        page = open_browser(DESKTOP)
        page.add_init_script(WATCH)
        page.context.add_cookies(cookies_of("nora"))
        page.goto(f"/t/northside/studies/{STUDY}/viewer")
        page.wait_for_selector("#viewer[data-state=ready]")
        assert page.locator("#viewer").get_attribute("data-drawing") == "processor"
        return page

    return open_samples


def test_one_file_of_each_encoding_shows_as_it_is(viewer) -> None:
    samples = [*list_encoded(every=False), *list_made()]

    found = look_at_all(viewer(samples), samples)

    if os.environ.get("COLLIMATE_WRITE_SAMPLES"):
        write_shown([each.row() for each in found])
    assert [str(each) for each in found if each.is_wrong] == []
    assert read_shown() == [each.row() for each in found]
    assert len(found) > 50


@pytest.mark.full
def test_every_file_shows_as_it_is(viewer) -> None:
    samples = list_encoded(every=True)
    found = look_at_all(viewer(samples), samples)
    assert {each.sample.name: str(each) for each in found if each.is_wrong}.keys() == BROKEN
    assert len(found) > 150


def look_at_all(page: Page, samples: list[EncodedSample]) -> list[Shown]:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    found = []
    for sample in samples:
        asked.clear()
        page.evaluate(OPEN, [sample.series_uid])
        page.wait_for_function(ENDED)
        found.append(Shown(sample, *compared(page, sample), way_of(asked, sample)))
    picture(page, "every-encoding")
    return found


def compared(page: Page, sample: EncodedSample) -> tuple[float, float]:
    """The largest difference from what is expected, and what is allowed; 255 where nothing was shown."""
    allowed = LOSSY if sample.is_lossy else LOSSLESS
    if sample.name in BROKEN or page.locator("#viewer").get_attribute("data-state") == "error":
        return 255.0, allowed
    expected = sample.expected()
    shown = page.evaluate(READ, [GRID, expected.ndim == 3])
    if (shown["height"], shown["width"]) != expected.shape[:2]:
        return 255.0, allowed
    wanted = sampled(expected)
    return float(np.abs(np.reshape(shown["values"], wanted.shape) - wanted).max()), allowed


def way_of(asked: list[Request], sample: EncodedSample) -> str:
    """Who decoded the first frame."""
    own = [request for request in asked if f"{sample.series_uid}.1/frames/1" in request.url]
    if any(request.url.endswith("/rendered") for request in own):
        return "drawn by the portal"
    decoded = any("transfer-syntax=1.2.840.10008.1.2.1" in (r.headers.get("accept") or "") for r in own)
    return "decoded by the portal" if decoded else "decoded in the browser"
