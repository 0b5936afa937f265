"""Measuring in a real browser: draw, save, come back, see it again, in the patient's ZIP; by mouse and by finger."""

import io
import math
import re
import zipfile
from collections.abc import Callable

import pydicom
import pytest
from playwright.sync_api import Locator, Page, expect

from imaging.dicom.marks.reading import read_document
from imaging.dicom.part10 import split_part10
from tests.e2e.browser import DESKTOP, PHONE, TABLET, picture, sign_in
from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import RunningStack, wait_until
from tests.imaging.library import CT, real_file

pytestmark = pytest.mark.e2e
HEADER = pydicom.dcmread(io.BytesIO(real_file(CT)), stop_before_pixels=True)
STUDY = f"/t/northside/studies/{HEADER.StudyInstanceUID}"


@pytest.fixture(scope="module")
def scan(stack: RunningStack) -> None:
    client = PortalClient(stack.origin, "northside", stack.token("northside", "bob", "read", "store"))
    assert client.store(real_file(CT)) == 200


def open_viewer(page: Page) -> None:
    page.goto(f"{STUDY}/viewer")
    page.wait_for_selector("#viewer[data-state=ready]", timeout=120_000)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> float:
    """From and to places in the pane, as parts of it; how far that was, in CSS pixels."""
    box = page.locator(".images").first.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=6)
    page.mouse.up()
    return math.dist(*places)


def press(page: Page, key: str) -> None:
    page.locator(".pane").first.focus()
    page.keyboard.press(key)


def words(page: Page, kind: str) -> Locator:
    return page.locator(f"[data-kind={kind}] .mark-words")


def millimetres(text: str) -> float:
    return float(re.search(r"([\d.]+) mm", text)[1])


def test_measurements_are_drawn_saved_and_seen_again(
    stack: RunningStack, scan: None, open_browser: Callable[..., Page]
) -> None:
    page = open_browser(DESKTOP)
    sign_in(page, stack, "bob")
    open_viewer(page)
    box = page.locator(".images").first.bounding_box()
    scale = min(box["width"], box["height"]) / HEADER.Rows  # CSS pixels for one of the image

    press(page, "l")
    drawn = drag(page, (0.4, 0.3), (0.6, 0.3))
    expect(words(page, "length")).to_contain_text("mm")
    wanted = drawn / scale * HEADER.PixelSpacing[0]
    assert abs(millimetres(words(page, "length").text_content()) - wanted) < 0.1

    press(page, "e")
    drag(page, (0.42, 0.45), (0.52, 0.6))
    expect(words(page, "ellipse")).to_contain_text("HU")
    press(page, "a")
    drag(page, (0.55, 0.75), (0.62, 0.6))
    drag(page, (0.62, 0.6), (0.68, 0.75))
    expect(words(page, "angle")).to_contain_text("°")
    press(page, "t")
    drag(page, (0.48, 0.5), (0.36, 0.66))
    page.locator(".marks-dialog input").fill("Look here")
    page.keyboard.press("Enter")
    expect(words(page, "arrow")).to_contain_text("Look here")
    press(page, "k")

    # However the image is turned: the same lines on the same places, and a new one as long as it is.
    press(page, "o")
    press(page, "h")
    expect(words(page, "length")).to_contain_text(f"{wanted:.1f} mm")
    press(page, "l")
    turned = drag(page, (0.4, 0.8), (0.6, 0.8))
    expect(words(page, "length")).to_have_count(2)
    assert abs(millimetres(words(page, "length").last.text_content()) - turned / scale * HEADER.PixelSpacing[1]) < 0.1
    press(page, "Control+z")
    expect(words(page, "length")).to_have_count(1)
    press(page, "Control+y")
    expect(words(page, "length")).to_have_count(2)

    press(page, "Shift+L")
    expect(page.locator(".marks-item")).to_have_count(6)
    picture(page, "marks-drawn")
    page.locator("[data-action=save-marks]").click()
    expect(page.locator(".told")).to_contain_text("Saved")
    expect(page.locator("[data-action=save-marks]")).to_be_disabled()

    before = [words(page, kind).first.text_content() for kind in ("length", "ellipse", "angle", "arrow")]
    places = [where(page, kind) for kind in ("length", "ellipse")]
    page.reload()
    page.wait_for_selector("#viewer[data-state=ready]", timeout=120_000)
    expect(words(page, "length")).to_have_count(2)
    assert [words(page, kind).first.text_content() for kind in ("length", "ellipse", "angle", "arrow")] == before
    press(page, "Shift+L")
    wait_until(lambda: is_there(page, places), 60, "the image turned and mirrored as it was saved")
    expect(page.locator(".marks-versions option")).to_have_count(1)
    picture(page, "marks-again")
    require_in_zip(page, wanted)


def where(page: Page, kind: str) -> tuple[float, float]:
    box = page.locator(f"[data-kind={kind}] .mark-line").first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def is_there(page: Page, places: list[tuple[float, float]]) -> bool:
    page.wait_for_timeout(200)
    found = [where(page, kind) for kind in ("length", "ellipse")]
    return all(math.dist(*pair) < 4 for pair in zip(found, places, strict=True))


def require_in_zip(page: Page, wanted: float) -> None:
    """What was saved is in the study's ZIP, and as long as its points are apart."""
    answer = page.request.get(f"{STUDY}/download")
    archive = zipfile.ZipFile(io.BytesIO(answer.body()))
    files = [archive.read(name) for name in archive.namelist() if name.endswith(".dcm")]
    headers = [pydicom.dcmread(io.BytesIO(each), stop_before_pixels=True) for each in files]
    assert sorted(each.Modality for each in headers) == ["CT", "KO", "PR", "SR"]
    (report,) = [file for file, header in zip(files, headers, strict=True) if header.Modality == "SR"]
    marks = read_document(split_part10(report)[1], "1.2.840.10008.1.2.1").marks
    for mark in marks:
        if mark.kind == "length":
            (start, end), spacing = mark.points, HEADER.PixelSpacing
            apart = math.hypot((end[0] - start[0]) * spacing[1], (end[1] - start[1]) * spacing[0])
            assert abs(mark.values[0].value - apart) < 0.01
    assert abs(marks[0].values[0].value - wanted) < 0.1


def test_a_finger_draws_on_a_tablet(stack: RunningStack, scan: None, open_browser: Callable[..., Page]) -> None:
    page = open_browser(TABLET)
    sign_in(page, stack, "alice")
    open_viewer(page)
    tap_tool(page, "rectangle")
    swipe(page, (0.3, 0.35), (0.5, 0.5))
    expect(words(page, "rectangle").last).to_contain_text("HU")
    tap_tool(page, "marks")
    expect(page.locator(".marks-panel")).to_be_visible()
    picture(page, "marks-touch")
    # A finger takes a corner and drags it.
    before = words(page, "rectangle").last.text_content()
    page.locator(".marks-panel [data-action=close]").tap()
    swipe(page, (0.5, 0.5), (0.6, 0.6))
    expect(words(page, "rectangle").last).not_to_have_text(before)


def test_whoever_only_looks_may_measure_and_is_told_that_it_is_not_kept(
    stack: RunningStack, scan: None, open_browser: Callable[..., Page]
) -> None:
    page = open_browser(PHONE)
    sign_in(page, stack, "nora")
    open_viewer(page)
    tap_tool(page, "length")
    swipe(page, (0.3, 0.4), (0.7, 0.4))
    expect(words(page, "length").last).to_contain_text("mm")
    tap_tool(page, "marks")
    expect(page.locator(".marks-status")).to_contain_text("stays in this page")
    expect(page.locator("[data-action=save-marks]")).to_be_hidden()
    picture(page, "marks-phone")


# Buttons of the bar and pages of their menus, where a tool may be when there is no room for it.
WAYS = (
    ["measure"], ["measure", "roi"], ["measure", "annotate"], ["roi"], ["annotate"], ["marks"], ["more", "group-marks"],
)  # fmt: skip


def tap_tool(page: Page, name: str) -> None:
    """As a thumb would: in the bar, or in a menu of it."""
    button = page.locator(f".toolbar [data-action={name}]")
    if button.is_visible():
        button.tap()
        return
    for opener, *pages in WAYS:
        first = page.locator(f".toolbar :is([data-group={opener}], [data-action={opener}])").first
        if not first.is_visible():
            continue
        first.tap()
        for each in pages:
            if page.locator(f".menu [data-action={each}]").is_visible():
                page.locator(f".menu [data-action={each}]").tap()
        if page.locator(f".menu [data-action={name}]").is_visible():
            page.locator(f".menu [data-action={name}]").tap()
            return
        page.keyboard.press("Escape")
    raise AssertionError(f"no way to {name}")


def swipe(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """One finger across the pane."""
    box = page.locator(".images").first.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    session = page.context.new_cdp_session(page)
    steps = [tuple(a + (b - a) * step / 8 for a, b in zip(*places, strict=True)) for step in range(9)]
    for kind, points in [("touchStart", steps[:1]), *(("touchMove", [step]) for step in steps[1:]), ("touchEnd", [])]:
        touches = [{"x": x, "y": y, "id": 1} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    session.detach()
