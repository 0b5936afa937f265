"""A real Chromium for the walks."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.stack import REPO, RunningStack

SCREENSHOTS = REPO / "var" / "screenshots"
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True, "is_mobile": True, "device_scale_factor": 1}
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Chromium is not installed: infra/setup --tests installs it."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_browser(chromium: Browser, stack: RunningStack) -> Iterator[Callable[..., Page]]:
    """`open_browser(DESKTOP)`: a page in a profile of its own. A script error or a CSP report fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(device: dict[str, object] = DESKTOP) -> Page:
        context = chromium.new_context(**device, base_url=stack.origin, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def cookies_of(chromium: Browser, stack: RunningStack) -> Callable[[str], list[dict]]:
    """`cookies_of("nora")`: of one session for all tests of a file. A second sign-in would wait for another code."""
    known: dict[str, list[dict]] = {}

    def cookies(name: str) -> list[dict]:
        if name not in known:
            context = chromium.new_context(**DESKTOP, base_url=stack.origin)
            page = context.new_page()
            page.set_default_timeout(60_000)
            sign_in(page, stack, name)
            known[name] = context.cookies()
            context.close()
        return known[name]

    return cookies


def picture(page: Page, name: str) -> None:
    """Keep a screenshot under var/ for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(1200)  # pictures come after the page
    width = page.viewport_size["width"]
    page.screenshot(path=SCREENSHOTS / f"{name}-{width}.png", full_page=False)


def sign_in(page: Page, stack: RunningStack, name: str) -> None:
    """Both factors, through the forms."""
    account = stack.account(name)
    page.goto("/")
    page.get_by_label("E-mail").fill(account.email)
    page.locator("input[type=password]").first.fill(account.password)
    page.locator("form button.btn--primary").first.click()
    page.locator("input[autocomplete=one-time-code]").fill(account.code())
    page.locator("form button.btn--primary").click()
    page.wait_for_url("**/t/**")


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder on disk with the files in it, for the picker."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
