"""The worklist and the page of one patient in a real browser: by keyboard, by finger, and in private."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import AXE_WORKS, DESKTOP, PHONE, TABLET, picture, serious, sign_in
from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import RunningStack
from tests.imaging.dicom.hostile import tiny_instance

pytestmark = pytest.mark.e2e
LIST = "/t/northside/"
UID = "1.2.826.0.1.3680043.8.498.555"
JANE = {"PatientName": "Doe^Jane", "PatientID": "WL-1", "PatientBirthDate": "19700131", "PatientSex": "F"}
STUDIES = [
    {"StudyDate": "20260302", "Modality": "CT", "StudyDescription": "Thorax"},
    {"StudyDate": "20240817", "Modality": "MR", "StudyDescription": "Knee"},
    {"StudyDate": "20210109", "Modality": "CT", "StudyDescription": "Thorax"},
    {"StudyDate": "20200505", "Modality": "US", "StudyDescription": "Neck", "PatientName": "Other^Person"},
]


def bring_in(stack: RunningStack) -> str:
    """One person's studies, and one of another person with the same id; the page of the first."""
    portal = PortalClient(stack.origin, "northside", stack.token("northside", "bob", "read", "store"))
    for number, tags in enumerate(STUDIES):
        uids = {"StudyInstanceUID": f"{UID}.{number}", "SeriesInstanceUID": f"{UID}.{number}.1"}
        images = (
            tiny_instance(
                rows=64, columns=64, InstanceNumber=at, SOPInstanceUID=f"{UID}.{number}.1.{at}", **JANE | tags | uids
            )
            for at in range(1, 4)
        )
        assert portal.store(*images) == 200
    return f"{LIST}studies/{UID}.0/patient/studies"


def ready(page: Page) -> None:
    page.goto(LIST)
    page.wait_for_selector("#worklist[data-ready]")


def names(page: Page) -> list[str]:
    return page.locator("tr[data-study] .row-link .phi").all_inner_texts()


def test_the_list_by_keyboard_by_finger_and_in_private(stack: RunningStack, open_browser: Callable[..., Page]) -> None:
    of_jane = bring_in(stack)
    page = open_browser(DESKTOP)
    sign_in(page, stack, "bob")
    ready(page)
    picture(page, "worklist-all")

    scrub(page)
    find_by_typing(page)
    work_by_keyboard(page)
    save_a_filter(page)
    hide_identities(page)
    follow_live(page, stack)

    page.goto(of_jane)
    expect(page.locator(".line__mark")).to_have_count(3)
    expect(page.get_by_role("alert")).to_contain_text("another name or birth date")
    picture(page, "patient-studies")
    page.get_by_role("link", name="Compare").last.click()
    expect(page.locator(f"details.prior[data-study='{UID}.2'] [data-open]")).to_be_visible(timeout=120_000)
    picture(page, "patient-compared")

    for device in (TABLET, PHONE):
        small = open_browser(device | AXE_WORKS)
        sign_in(small, stack, "alice" if device is TABLET else "nora")
        ready(small)
        assert serious(small) == []
        picture(small, "worklist-all")
        if device is PHONE:
            unfold_filters(small)
        else:
            expect(small.locator("[data-more]")).to_be_hidden()
        small.locator(".pick").first.tap()
        expect(small.locator("[data-bulk]")).to_be_visible()
        picture(small, "worklist-selected")
        small.locator("[data-act=none]").tap()
        assert small.evaluate("document.documentElement.scrollWidth <= innerWidth")
        small.goto(of_jane)
        assert small.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert serious(small) == []
        picture(small, "patient-studies")


def unfold_filters(page: Page) -> None:
    """On a phone they fold, and the studies come first."""
    more, modality = page.locator("[data-more]"), page.locator("#search select")
    expect(modality).to_be_hidden()
    assert page.locator("tr[data-study]").first.bounding_box()["y"] < page.viewport_size["height"] / 2
    more.tap()
    expect(modality).to_be_visible()
    assert serious(page) == []
    picture(page, "worklist-filters")
    more.tap()
    expect(modality).to_be_hidden()


def scrub(page: Page) -> None:
    """A picture out of the series for each place of a thumbnail."""
    thumb = page.locator(f"tr[data-study]:not([data-study^='{UID}']) [data-strip]").first
    expect(thumb).to_be_visible(timeout=60_000)
    box = thumb.bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 20)
    with page.expect_response(re.compile("/strip$")):
        page.mouse.move(box["x"] + 6, box["y"] + 20)
    page.mouse.move(box["x"] + 8, box["y"] + 20)
    page.mouse.move(box["x"] + 40, box["y"] + 20, steps=4)
    expect(thumb).to_have_attribute("data-at", re.compile(r"\d"))
    expect(page.locator(".peek img")).to_be_visible(timeout=60_000)
    picture(page, "worklist-scrubbed")
    page.mouse.move(700, 8)
    expect(page.locator(".peek")).to_have_count(0)


def find_by_typing(page: Page) -> None:
    """No button: rows come with the keys; and no word is in the address."""
    everything = names(page)
    word = re.split(r"\W+", everything[0])[0]
    page.keyboard.press("/")
    expect(page.locator("#search [name=words]")).to_be_focused()
    with page.expect_response(re.compile("worklist/rows")) as answered:
        page.keyboard.type(word[0])
    assert answered.value.status == 200
    kept = page.locator("tr[data-study] .row-link", has_text=re.compile(rf"^{word}", re.IGNORECASE)).first
    kept.evaluate("(link) => { link.closest('tr').wasHere = true; }")
    page.keyboard.type(word[1:].lower(), delay=40)
    expect(page.locator("tr[data-study] .row-link", has_not_text=re.compile(word, re.IGNORECASE))).to_have_count(0)
    assert 0 < len(names(page)) <= len(everything)
    assert page.evaluate("[...document.querySelectorAll('tr[data-study]')].some((row) => row.wasHere)")
    assert word.lower() not in page.url.lower()
    picture(page, "worklist-typed")
    expect(page.locator("[data-said]")).to_contain_text("shown")
    page.reload()
    assert page.locator("#search [name=words]").input_value().lower() == word.lower()
    page.wait_for_selector("#worklist[data-ready]")
    page.locator("#search [name=words]").fill("zzzz nobody")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    picture(page, "worklist-nothing")
    page.locator("#search [name=words]").press("Escape")
    expect(page.locator("tr[data-study]")).to_have_count(len(everything))


def work_by_keyboard(page: Page) -> None:
    """Down to a row, select, raise its priority, take it back; then the help."""
    page.keyboard.press("ArrowDown")
    first = page.locator("tr[data-study]").first
    expect(first.locator(".row-link")).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator("tr[data-study]").nth(1).locator(".row-link")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(first).to_have_attribute("aria-selected", "true")
    expect(page.locator("[data-bulk-count]")).to_have_text("1 selected")
    page.keyboard.press("p")
    picture(page, "worklist-priority")
    page.get_by_role("button", name="Stat").click()
    expect(page.locator("tr[data-study]").first.get_by_text("Stat")).to_be_visible()
    picture(page, "worklist-stat")
    page.locator("[data-undo]").click()
    expect(page.locator("tr[data-study]").first.get_by_text("Stat")).to_have_count(0)
    page.locator("tr[data-study]").first.locator(".row-link").focus()
    page.keyboard.press("a")
    page.get_by_role("button", name="Nora").click()
    expect(page.locator("tr[data-study]").first.get_by_text("Nora")).to_be_visible()
    unread = page.locator("tr[data-study]").first.get_attribute("data-unread") is not None
    page.keyboard.press("u")
    marked = page.locator("tr[data-study]").first.locator(".row-link", has_text="unread")
    expect(marked).to_have_count(0 if unread else 1)
    page.keyboard.press("Escape")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    page.keyboard.press("?")
    picture(page, "worklist-keys")
    page.keyboard.press("Escape")


def save_a_filter(page: Page) -> None:
    page.get_by_label("Modality").select_option("CT")
    page.locator("[data-dialog-open=save-filter]").click()
    page.get_by_label("Name", exact=True).fill("All CT")
    page.locator("[data-save-filter] .btn--primary").click()
    expect(page.get_by_role("button", name="All CT").first).to_have_attribute("aria-current", "true")
    picture(page, "worklist-saved")
    page.get_by_role("button", name="All studies").click()
    page.wait_for_selector("#worklist[data-ready]")


def hide_identities(page: Page) -> None:
    """By one key, and from the first paint of the next page on."""
    page.locator("h1").click()
    page.keyboard.press("h")
    expect(page.locator("html")).to_have_attribute("data-privacy", "")
    picture(page, "worklist-private")
    page.reload(wait_until="commit")
    page.wait_for_selector("tr[data-study]")
    shown = page.locator("tr[data-study] .row-link .phi").first
    assert shown.evaluate("node => getComputedStyle(node).fontSize") == "0px"
    page.wait_for_selector("#worklist[data-ready]")
    page.keyboard.press("h")
    expect(page.locator("html")).not_to_have_attribute("data-privacy", "")


def follow_live(page: Page, stack: RunningStack) -> None:
    """A colleague's note shows without a reload."""
    uid = f"{UID}.1"
    stack.python(
        "from imaging.models import Study, Triage\nfrom tenants.scoping import tenant_scope\n"
        "from tenants.selectors import find_tenant\nwith tenant_scope(find_tenant('northside').id):\n"
        f"    study = Study.objects.get(study_instance_uid='{uid}')\n"
        "    Triage.objects.create(study=study, study_date=study.study_date, priority='urgent')"
    )
    page.mouse.move(300, 300)
    expect(page.locator(f"tr[data-study='{uid}'] .badge--warn")).to_be_visible(timeout=60_000)
