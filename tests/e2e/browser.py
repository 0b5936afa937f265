"""A real Chromium for the walks, and what is looked at on the way.

With `--full` every picture is taken at all three sizes, and axe looks at each; axe styles what it measures, which our
CSP refuses, so the CSP is off then and holds in the runs of every day.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.stack import REPO, RunningStack

SCREENSHOTS = REPO / "var" / "screenshots"
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True, "is_mobile": True, "device_scale_factor": 1}
PHONE = TABLET | {"viewport": {"width": 390, "height": 844}}
FULL = bool(os.environ.get("COLLIMATE_FULL"))
AXE = REPO / "static" / "node_modules" / "axe-core" / "axe.min.js"
AXE_WORKS = {"bypass_csp": True}
# Pictures on the screen have come, and nothing moves any more.
_STILL = """() => {
  const seen = ({ y, bottom, width }) => width && bottom > 0 && y < innerHeight;
  const coming = [...document.images].filter((each) => !each.complete && seen(each.getBoundingClientRect()));
  const came = coming.map((each) => new Promise((done) => { each.onload = each.onerror = done; }));
  const moment = (ms) => new Promise((done) => setTimeout(done, ms));
  return Promise.race([Promise.all(came), moment(1500)]).then(() => moment(250));
}"""
_SERIOUS = """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).slice(0, 3).join(' ')}`)"""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


_signed_in: dict[tuple[int, str], list[dict]] = {}
_seen: WeakKeyDictionary[BrowserContext, list[str]] = WeakKeyDictionary()  # what is wrong, told when the test ends


def find_chromium() -> str:
    """Path of the system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Chromium is not installed: infra/setup --tests installs it."
    return path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_browser(chromium: Browser, stack: RunningStack) -> Iterator[Callable[..., Page]]:
    """`open_browser(DESKTOP)`: a page in a profile of its own. A script error or a CSP report fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(device: dict[str, object] = DESKTOP) -> Page:
        options = device | (AXE_WORKS if FULL else {})
        context = chromium.new_context(**options, base_url=stack.origin, accept_downloads=True)
        contexts.append(context)
        _seen[context] = complaints
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def cookies_of(chromium: Browser, stack: RunningStack) -> Callable[[str], list[dict]]:
    """`cookies_of("nora")`: of a session that stands."""

    def cookies(name: str) -> list[dict]:
        context = chromium.new_context(**DESKTOP, base_url=stack.origin)
        page = context.new_page()
        page.set_default_timeout(60_000)
        sign_in(page, stack, name)
        found = context.cookies()
        context.close()
        return found

    return cookies


def picture(page: Page, name: str) -> None:
    """Keep a screenshot under var/ for people to look at; with `--full` at every size, looked at by axe too."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    own = page.viewport_size
    others = [device["viewport"] for device in (DESKTOP, TABLET, PHONE) if FULL and device["viewport"] != own]
    for size in (own, *others):
        if others:
            page.set_viewport_size(size)
        page.evaluate(_STILL)
        page.screenshot(path=SCREENSHOTS / f"{name}-{size['width']}.png", full_page=False)
        if others:
            _seen[page.context] += [f"{name} {size['width']}: {each}" for each in serious(page)]
    if others:
        page.set_viewport_size(own)
        page.evaluate(_STILL)


def serious(page: Page) -> list[str]:
    """What axe finds that keeps somebody out; the page must have been opened with AXE_WORKS."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    return page.evaluate(_SERIOUS)


def sign_in(page: Page, stack: RunningStack, name: str) -> None:
    """Both factors, through the forms; once per person and stack, as a second time would wait for another code."""
    who = (stack.port, name)
    if who in _signed_in:
        page.context.add_cookies(_signed_in[who])
        page.goto("/")
        if "/t/" in page.url:
            return
        page.context.clear_cookies()
    account = stack.account(name)
    page.goto("/")
    page.get_by_label("E-mail").fill(account.email)
    page.locator("input[type=password]").first.fill(account.password)
    page.locator("form button.btn--primary").first.click()
    page.locator("input[autocomplete=one-time-code]").fill(account.code())
    page.locator("form button.btn--primary").click()
    page.wait_for_url("**/t/**")
    _signed_in[who] = page.context.cookies()


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder on disk with the files in it, for the picker."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
