"""W18: the first image of a 300-slice CT in a cold browser, and scrolling through it. Figures, not limits.

The figures go to `var/bench/W18.json`: they hold for the machine and what else ran on it. What must hold everywhere is
that every slice comes, and that scrolling shows them.
"""

import json
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import numpy as np
import psutil
import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, expect

from tests.e2e.browser import FLAGS, find_chromium
from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import REPO, RunningStack, wait_until
from tests.imaging.volumes import ct_volume

pytestmark = [pytest.mark.e2e, pytest.mark.full]
SLICES, SIDE, BATCH = 300, 512, 30
ROUNDS = 5
UNTOUCHED = 12  # seconds that the page has for itself
STUDY = f"2.25.{uuid4().int % 10**30}"  # short enough for the series and the slices to hang their numbers on it
FIGURES = REPO / "var" / "bench" / "W18.json"
FIRST = "(what) => performance.getEntriesByName(`first ${what}`)[0]?.startTime ?? null"
# One image for every frame that the browser draws, as a fast wheel gives them; how long each frame took. The browser
# hands a wheel's turn to the page just before it draws: so do we, between two frames.
SCROLL = """async (count) => {
  const frame = () => new Promise((done) => requestAnimationFrame((at) => setTimeout(done, 0, at)));
  const host = document.querySelector('.pane .images');
  const took = [];
  const shown = new Set();
  document.addEventListener('viewer:rendered', ({ detail }) => shown.add(detail.index), true);
  let last = await frame();
  for (let at = 0; at < count; at += 1) {
    host.dispatchEvent(new WheelEvent('wheel', { deltaY: 60, bubbles: true, cancelable: true }));
    const now = await frame();
    took.push(now - last);
    last = now;
  }
  return { took, shown: shown.size };
}"""


@pytest.fixture(scope="module")
def scan(stack: RunningStack) -> None:
    """A CT whose slices are as hard to pack as real ones: a ball in noise."""
    client = PortalClient(stack.origin, "northside", stack.token("northside", "bob", "read", "store"))
    for batch in _batches():
        assert client.store(*batch, timeout=300) == 200


def _batches() -> Iterator[list[bytes]]:
    noise = np.random.default_rng(18)
    tags = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.1", "FrameOfReferenceUID": f"{STUDY}.0"}
    batch = []
    for number in range(SLICES):
        pixels = (1000 + noise.normal(40, 20, (SIDE, SIDE))).astype("<i2").tobytes()
        place = {"InstanceNumber": number + 1, "ImagePositionPatient": [-192, -192, number]}
        slice_tags = tags | place | {"SOPInstanceUID": f"{STUDY}.1.{number + 1}", "pixels": pixels}
        batch += ct_volume(1, rows=SIDE, columns=SIDE, **slice_tags)
        if len(batch) == BATCH:
            yield batch
            batch = []


@contextmanager
def cold_browser(folder: Path) -> Iterator[str]:
    """The address of a Chromium that nobody is attached to, with a profile of its own.

    An attached Playwright asks Chromium for a stack trace of every request, for which V8 reads all of the viewer's
    script a second time: 0.4 s that no reader waits for.
    """
    process = subprocess.Popen(
        [find_chromium(), "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder}",
         "--window-size=1440,900", *FLAGS, "about:blank"],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    port = folder / "DevToolsActivePort"
    try:
        wait_until(lambda: port.exists() and port.read_text().strip(), 60, "Chromium's port")
        yield f"http://127.0.0.1:{port.read_text().split()[0]}"
    finally:
        process.terminate()
        process.wait()


def quiet() -> None:
    wait_until(lambda: psutil.cpu_percent(2) < 10, 300, "a machine with nothing else to do")


@contextmanager
def attached(chromium: Browser, address: str) -> Iterator[BrowserContext]:
    browser = chromium.browser_type.connect_over_cdp(address)
    yield browser.contexts[0]
    browser.close()


def test_the_first_image_and_scrolling(
    stack: RunningStack, scan: None, chromium: Browser, cookies_of: Callable[[str], list[dict]], tmp_path: Path
) -> None:
    cookies, pictures, firsts, scrolls = cookies_of("bob"), [], [], []
    for number in range(ROUNDS):
        with cold_browser(tmp_path / str(number)) as address:
            with attached(chromium, address) as context:
                context.add_cookies(cookies)
            quiet()  # what was stored is processed, Chromium has started
            requests.put(f"{address}/json/new?{stack.origin}/t/northside/studies/{STUDY}/viewer", timeout=60)
            time.sleep(UNTOUCHED)
            with attached(chromium, address) as context:
                page = next(page for page in context.pages if page.url.endswith("/viewer"))
                pictures.append(page.evaluate(FIRST, "picture"))
                firsts.append(page.evaluate(FIRST, "image"))
                expect(page.locator(".slider-loaded")).to_have_attribute("style", "height: 100%;", timeout=300_000)
                page.keyboard.press("Home")
                expect(page.locator("#viewer")).to_have_attribute("data-index", "0")
                quiet()
                scrolls.append(page.evaluate(SCROLL, SLICES - 1))
                expect(page.locator("#viewer")).to_have_attribute("data-index", str(SLICES - 1))
    record(pictures, firsts, scrolls)
    assert None not in firsts
    assert all(scroll["shown"] > SLICES / 2 for scroll in scrolls)


def record(pictures: list[float | None], firsts: list[float], scrolls: list[dict]) -> None:
    """Print the figures and keep them; there is no picture where the image itself came sooner."""
    figures = {
        "slices": SLICES,
        "first_picture_ms": [each and round(each) for each in pictures],
        "first_image_ms": [round(each) for each in firsts],
        "first_image_median_ms": round(statistics.median(firsts)),
        "frames": SLICES - 1,
        "dropped_frames": [sum(each > 25 for each in scroll["took"]) for scroll in scrolls],
        "longest_frame_ms": [round(max(scroll["took"])) for scroll in scrolls],
        "images_drawn": [scroll["shown"] for scroll in scrolls],
    }
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps(figures, indent=2))
    print(json.dumps(figures, indent=2))
