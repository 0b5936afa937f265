"""What is no stack of images opens in its own way at every size, and nothing a stranger wrote runs."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, expect

from tests.e2e import objects
from tests.e2e.browser import DESKTOP, FULL, PHONE, SCREENSHOTS, TABLET, serious
from tests.e2e.object_base import STUDY, series_uid
from tests.e2e.portal_client import PortalClient
from tests.e2e.slides import video
from tests.e2e.stack import RunningStack

pytestmark = pytest.mark.e2e
# Chromium records a moment of a canvas: a real MP4, for which no encoder has to be installed.
RECORD = """async () => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 120 });
  const context = canvas.getContext('2d');
  const type = ['video/mp4;codecs=avc1.42E01E', 'video/mp4;codecs=vp9']
    .find((each) => MediaRecorder.isTypeSupported(each));
  const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: type });
  const pieces = [];
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  const ended = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start();
  for (let at = 0; at < 20; at += 1) {
    context.fillStyle = `hsl(${at * 18} 80% 50%)`;
    context.fillRect(0, 0, 160, 120);
    await new Promise((resolve) => setTimeout(resolve, 33));
  }
  recorder.stop();
  await ended;
  return [...new Uint8Array(await new Blob(pieces).arrayBuffer())];
}"""


@pytest.fixture(scope="module")
def kinds(stack: RunningStack) -> PortalClient:
    """The study with an object of every kind, in Northside's archive."""
    client = PortalClient(stack.origin, "northside", stack.token("northside", "bob", "read", "store"))
    assert client.store(*objects.study().values(), timeout=120) == 200
    return client


@pytest.fixture
def open_reader(kinds: PortalClient, open_browser: Callable[..., Page], cookies_of) -> Callable[..., Page]:
    """The study in Nora's browser, who may only look."""

    def open_page(device: dict = DESKTOP, query: str = "") -> Page:
        page = open_browser(device)
        page.context.add_cookies(cookies_of("nora"))
        page.goto(f"/t/northside/studies/{STUDY}/viewer{query}")
        page.wait_for_selector("#viewer[data-state=ready]")
        return page

    return open_page


def open_kind(page: Page, name: str, selector: str) -> None:
    page.locator(f'[data-series="{series_uid(name)}"]').click()
    page.locator(f".pane[data-state=ready] {selector}").first.wait_for()


def look(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(250)
    page.screenshot(path=SCREENSHOTS / f"kind-{name.replace(' ', '-')}-{page.viewport_size['width']}.png")


SHOWN = {
    "pdf": ".pdf-canvas", "report": ".report-title", "basic report": ".report-title", "keys": ".key-card img",
    "mesh": ".mesh", "ecg": ".ecg-paper", "structures": ".kind-table", "plan": ".kind-table",
    "presentation": ".kind-explanation", "slide": ".slide-stage canvas",
}  # fmt: skip


@pytest.mark.parametrize("device", [DESKTOP, TABLET, PHONE], ids=["desktop", "tablet", "phone"])
def test_each_kind_shows_in_its_own_way(device: dict, stack, open_reader: Callable[..., Page]) -> None:
    page = open_reader(device)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    found = {}
    for name, selector in SHOWN.items():
        open_kind(page, name, selector)
        look(page, name)
        expect(page.locator(".kind-identity")).to_contain_text("Kinds")
        if device is DESKTOP or FULL:
            found[name] = serious(page)
    assert {name: each for name, each in found.items() if each} == {}
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert [each.url for each in asked if not each.url.startswith((stack.origin + "/", "blob:", "data:"))] == []


def test_documents_are_read_and_what_they_would_run_does_not_run(open_reader) -> None:
    page = open_reader()
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))

    open_kind(page, "pdf", ".pdf-canvas")
    expect(page.locator(".pdf-page")).to_have_count(3)
    assert objects.PDF_TEXT in page.locator(".pdf-page").first.inner_text()
    page.locator(".kind-body").focus()
    page.keyboard.press("PageDown")
    expect(page.locator(".kind-number")).to_contain_text("2")
    open_kind(page, "hostile pdf", ".pdf-canvas")
    assert page.locator(".pdf-page a").count() == 0
    open_kind(page, "report", ".report-title")
    expect(page.locator(".report")).to_contain_text("A mass with <script>")
    assert page.locator(".report script").count() == 0
    assert page.evaluate("window.hostile") is None
    assert [each.url for each in asked if "evil" in each.url] == []


def test_a_report_and_a_selection_open_the_image_they_speak_of(open_reader) -> None:
    page = open_reader()

    open_kind(page, "report", ".kind-table")
    expect(page.locator(".kind-table")).to_contain_text("12.5 mm")
    page.locator(".kind-link").first.click()
    page.wait_for_selector("#viewer[data-state=ready][data-count='1'] .cornerstone-canvas")
    open_kind(page, "keys", ".key-card img")
    page.locator(".key-card a").first.click()
    page.wait_for_selector("#viewer[data-state=ready][data-count='1'] .cornerstone-canvas")
    assert page.locator(".pane[data-kind]").count() == 0


def test_a_slide_is_read_tile_by_tile_and_its_label_is_hidden_until_asked_for(open_reader) -> None:
    page = open_reader()
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    label = f"instances/{series_uid('slide')}.9"

    open_kind(page, "slide", ".slide-stage canvas")
    expect(page.locator(".slide-bar")).to_contain_text("m")
    few = sum("/frames/" in each.url for each in asked)
    with page.expect_request(lambda request: "/frames/" in request.url):
        for _ in range(5):
            page.get_by_role("button", name="Larger").click()
    page.wait_for_load_state("networkidle")
    look(page, "slide-close")
    assert few < sum("/frames/" in each.url for each in asked) < 70
    assert not any(label in each.url for each in asked)
    page.get_by_role("button", name="Label", exact=True).click()
    expect(page.locator(".slide-labels img")).to_be_visible()
    look(page, "slide-label")
    assert any(label in each.url for each in asked)


def test_a_video_plays(kinds, open_reader) -> None:
    recorded = bytes(open_reader().evaluate(RECORD))
    assert kinds.store(video(recorded)) == 200
    page = open_reader(query=f"?series={series_uid('video')}")

    page.locator(".pane[data-state=ready] video").wait_for()
    page.evaluate("document.querySelector('video').play()")

    page.wait_for_function("() => document.querySelector('video').currentTime > 0.05")
    look(page, "video")
