"""Every page in each role: axe finds nothing serious, nothing overflows or is cut off, targets are large enough.

One stack, one browser, one load of each page per device; sizes and colours change in place. What is found is gathered
and told at once, page by page. Screenshots are kept under var/screenshots/pages for people to look at.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.browser import FULL, SCREENSHOTS
from tests.e2e.stack import REPO, RunningStack

pytestmark = pytest.mark.e2e
AXE = REPO / "static" / "node_modules" / "axe-core" / "axe.min.js"
LOOK = Path(__file__).with_name("look.js")
PICTURES = SCREENSHOTS / "pages"
TOUCH = {"has_touch": True, "is_mobile": True, "device_scale_factor": 1}
DEVICES = {  # sizes and colour schemes of a device; the first is what a page is loaded at
    "desktop": ({}, [(1440, 900, "light"), *([(1440, 900, "dark")] if FULL else [])]),
    "touch": (TOUCH, [(390, 844, "dark"), *([(820, 1180, "light"), (390, 844, "light")] if FULL else [])]),
}
SETTING = Path(__file__).with_name("setting.py").read_text()


@dataclass
class Visit:
    """A role's browser and where it goes; `language` is what the browser asks for, `device` the one of every day."""

    role: str
    pages: dict[str, str]
    session: str = ""
    language: str = "en-US"
    device: str = "desktop"


@pytest.fixture(scope="module")
def setting(stack: RunningStack) -> dict[str, object]:
    """Sessions of the cast, an empty practice, a share link and an invitation, redeemed and not."""
    return json.loads(stack.python(SETTING).strip().splitlines()[-1])


def practice_pages(slug: str) -> dict[str, str]:
    """A practice's pages for its owner."""
    names = ("people", "audit", "retention", "protection", "tokens", "webhooks", "devices", "agreement", "settings")
    paths = {"tokens": "connections", "webhooks": "connections/webhooks", "devices": "connections/devices"}
    return {
        "worklist": f"/t/{slug}/",
        "upload": f"/t/{slug}/upload",
        **{name: f"/t/{slug}/{paths.get(name, name)}/" for name in names},
    }


def list_visits(setting: dict[str, object]) -> Iterator[Visit]:
    """Who goes where. Every kind of page is seen by whoever sees most of it, and once in Spanish."""
    study = f"/t/northside/studies/{setting['study']}/"
    own = {"account": "/account/", "denied": "/t/southside/", "nowhere": "/nowhere/"}
    of_study = {"study": study, "viewer": f"{study}viewer", "history": f"{study}history", "share": f"{study}share",
                "invite": f"{study}patient", "missing": "/t/northside/regions/2/missing"}  # fmt: skip
    alice = practice_pages("northside") | of_study | own
    signed_out = {"login": "/login/", "reset": "/reset/", "reset-gone": "/reset/password/", "join-gone": "/join/none",
                  "share-gone": "/s/none", "share-open": setting["share_open"], "patient-open": setting["patient_open"],
                  "nowhere": "/nowhere/"}  # fmt: skip
    vendor = {"agreements": "/vendor/agreements/", "new-practice": "/vendor/practices/new/", "keys": "/vendor/keys/",
              "regions": "/vendor/regions/", "practice-keys": "/vendor/keys/northside/"}  # fmt: skip
    guest, patient = setting["share"], setting["patient"]
    empty = practice_pages("westside")
    yield Visit("owner", alice, setting["alice"])
    yield Visit("owner-es", alice, setting["alice"], "es-MX", "touch")
    yield Visit("empty", empty, setting["olga"], device="touch")
    yield Visit("uploader", {"worklist": "/t/northside/", "study": study}, setting["bob"], device="touch")
    yield Visit("viewer", {"worklist": "/t/northside/", "study": study}, setting["nora"])
    yield Visit("vendor", vendor, setting["vera"])
    yield Visit("signed-out", signed_out)
    yield Visit("signed-out-es", signed_out, language="es-MX", device="touch")
    yield Visit("guest", {"study": guest, "viewer": f"{guest}viewer"}, setting["guest"], device="touch")
    yield Visit("patient", {"study": patient}, setting["guest"])
    yield Visit("patient-es", {"study": patient}, setting["guest"], "es-MX", "touch")


def test_every_page_is_fit_for_everyone(stack: RunningStack, chromium: Browser, setting: dict[str, object]) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    found = [
        complaint
        for visit in list_visits(setting)
        for device in (DEVICES if FULL else [visit.device])
        for complaint in walk(chromium, stack, visit, device)
    ]

    assert found == [], "\n".join(found)


def walk(chromium: Browser, stack: RunningStack, visit: Visit, device: str) -> list[str]:
    """What one role finds wrong on one device."""
    options, looks = DEVICES[device]
    width, height, scheme = looks[0]
    context = chromium.new_context(
        **options, viewport={"width": width, "height": height}, color_scheme=scheme, base_url=stack.origin,
        locale=visit.language, reduced_motion="reduce", bypass_csp=True,
    )  # fmt: skip
    try:
        if visit.session:
            context.add_cookies([{"name": "session", "value": visit.session, "url": stack.origin}])
        return [each for name, path in visit.pages.items() for each in visit_page(context, visit, name, path, looks)]
    finally:
        context.close()


def visit_page(
    context: BrowserContext, visit: Visit, name: str, path: str, looks: list[tuple[int, int, str]]
) -> list[str]:
    """Load a page once and look at it at every size and in every colour."""
    page, errors = context.new_page(), []
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    status = page.goto(path, wait_until="load").status
    if name == "viewer":
        page.wait_for_selector("#viewer[data-state=ready]")
    page.add_script_tag(path=AXE)
    page.add_script_tag(path=LOOK)
    found = []
    for place, (width, height, scheme) in enumerate(looks):
        if place:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
        for complaint in look(page):
            found.append(f"{visit.role}/{name} {width} {scheme}: {complaint}")
        page.screenshot(path=PICTURES / f"{visit.role}-{name}-{width}-{scheme}.png", full_page=True)
    page.close()
    allowed = f"status of {status}" if status >= 400 else "no such message"
    return found + [f"{visit.role}/{name}: {error}" for error in errors if allowed not in error]


def look(page: Page) -> list[str]:
    """Complaints of axe (serious and critical) and of look.js, in the dialogs too with --full."""
    return page.evaluate("lookAround()") + (page.evaluate("lookIntoDialogs()") if FULL else [])


def test_the_looker_complains_when_it_should(chromium: Browser) -> None:
    page = chromium.new_context(viewport={"width": 390, "height": 844}, **TOUCH).new_page()
    page.set_content("""<!doctype html><html lang="en"><title>x</title>
        <meta name="viewport" content="width=device-width">
        <main><h1>x</h1><img src="data:," width="9" height="9"><button style="width:20px;height:20px">x</button>
        <p style="color:#bbb">pale</p><p style="width:60px;overflow:hidden;white-space:nowrap">cut off right here</p>
        <div style="width:900px">wide</div></main></html>""")
    page.add_script_tag(path=AXE)
    page.add_script_tag(path=LOOK)

    told = " ".join(look(page))

    for word in ("color-contrast", "image-alt", "overflows", "cut off", "small"):
        assert word in told
    page.context.close()
