"""The upload page in a real browser: what is looked at, what is sent, and what happens when the line is cut."""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.e2e.browser import AXE_WORKS, DESKTOP, PHONE, TABLET, picture, serious, sign_in, write_files
from tests.e2e.discs import images, patients_disc, write_zip
from tests.e2e.stack import RunningStack, wait_until

pytestmark = pytest.mark.e2e
COUNT = """
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
from imaging.models import Instance
with tenant_scope(find_tenant("northside").id):
    print(Instance.objects.filter(series__study__study_instance_uid__in={studies!r}).count())
"""
# A folder of the browser's own: a handle that needs no permission and can be kept.
OWN_FOLDER = """
async (files) => {
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle("disc", { create: true });
  for (const [name, bytes] of Object.entries(files)) {
    const writable = await (await root.getFileHandle(name, { create: true })).createWritable();
    await writable.write(Uint8Array.from(atob(bytes), (char) => char.charCodeAt(0)));
    await writable.close();
  }
}
"""
PICKER = """
globalThis.showDirectoryPicker = async () =>
  (await navigator.storage.getDirectory()).getDirectoryHandle("disc");
"""


@pytest.fixture
def open_upload(stack: RunningStack, open_browser: Callable[..., Page]) -> Callable[..., Page]:
    """The upload page, as Bob."""

    def open_page(device: dict[str, object] = DESKTOP) -> Page:
        page = open_browser(device)
        sign_in(page, stack, "bob")
        page.goto("/t/northside/upload")
        return page

    return open_page


def choose(page: Page, *paths: Path) -> None:
    kind = "folder" if len(paths) == 1 and paths[0].is_dir() else "files"
    page.locator(f"#upload-{kind}").set_input_files(paths if kind == "files" else paths[0])


def send(page: Page) -> None:
    page.locator("[data-part=send]:enabled").click(timeout=120_000)


def expect_done(page: Page, **counts: int) -> None:
    expect(page.locator("#upload")).to_have_attribute("data-state", "done", timeout=180_000)
    for name, count in counts.items():
        assert page.locator("#upload").get_attribute(f"data-{name}") == str(count), name


def count(stack: RunningStack, *studies: str) -> int:
    return int(stack.python(COUNT.format(studies=list(studies))))


def test_a_disc_is_looked_through_before_anything_is_sent(
    stack: RunningStack, open_upload: Callable[..., Page], tmp_path: Path
) -> None:
    page = open_upload(DESKTOP | AXE_WORKS)
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    picture(page, "upload-idle")
    choose(page, write_files(tmp_path, patients_disc()) / "disc")
    expect(page.locator("#upload")).to_have_attribute("data-review", "ready", timeout=60_000)

    expect(page.get_by_text("These files belong to 2 patients")).to_be_visible()
    expect(page.get_by_text("names 1 file that is not here")).to_be_visible()
    expect(page.get_by_text("../../SECRET/IM1")).to_be_visible()
    expect(page.get_by_text("A virus, or the harmless file")).to_be_visible()
    assert page.locator("#upload").get_attribute("data-left-out") == "6"
    expect(page.locator("[data-part=send]")).to_be_focused()
    picture(page, "upload-review")
    assert serious(page) == []
    assert not sent

    page.get_by_role("checkbox", name="Weber, Jim").uncheck()
    page.locator("[data-part=send]").focus()
    page.keyboard.press("Enter")
    expect_done(page, stored=26, refused=0)
    expect(page.get_by_text("Rossi, Jane").first).to_be_visible()
    assert page.get_by_text("Thorax").count() == 0
    expect(page.locator("#upload")).to_have_attribute("data-settled", "true", timeout=120_000)
    expect(page.locator(".arrived img")).to_have_count(2, timeout=60_000)
    picture(page, "upload-settled")
    assert serious(page) == []


def test_a_tablet_opens_a_locked_zip_and_a_disc_image(open_upload: Callable[..., Page], tmp_path: Path) -> None:
    root = write_files(tmp_path / "disc", patients_disc())
    iso, locked = tmp_path / "disc.iso", tmp_path / "locked.zip"
    subprocess.run(["genisoimage", "-quiet", "-R", "-J", "-o", iso, root], check=True)
    one = write_files(tmp_path / "one", images(5, side=64, StudyDescription="Panoramic", PatientName="Keller^Ann"))
    subprocess.run(["zip", "-q", "-r", "-P", "open sesame", locked, "."], cwd=one, check=True)
    page = open_upload(TABLET | AXE_WORKS)
    choose(page, iso, locked)

    page.get_by_label("Password", exact=True).fill("wrong")
    picture(page, "upload-password")
    assert serious(page) == []
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_text("That password does not open it.")).to_be_visible()
    page.get_by_label("Password", exact=True).fill("open sesame")
    page.keyboard.press("Enter")

    expect(page.get_by_text("These files belong to 3 patients")).to_be_visible(timeout=60_000)
    picture(page, "upload-review")
    send(page)
    expect_done(page, stored=34, refused=0)
    picture(page, "upload-done")


def test_a_phone_is_told_in_plain_words_that_photos_are_no_dicom(
    open_upload: Callable[..., Page], tmp_path: Path
) -> None:
    photos = write_files(tmp_path, {f"IMG_{n}.HEIC": b"\0\0\0\x18ftypheic" + bytes(500) for n in range(3)})
    page = open_upload(PHONE)
    picture(page, "upload-idle")
    choose(page, *sorted(photos.iterdir()))
    expect(page.get_by_text("There are no DICOM images in what you chose.")).to_be_visible(timeout=60_000)
    expect(page.locator("[data-part=review]")).to_be_hidden()
    picture(page, "upload-photos")

    disc = write_zip(tmp_path / "disc.zip", patients_disc())
    choose(page, disc)
    expect(page.locator("[data-part=send]")).to_be_enabled(timeout=60_000)
    page.locator("[data-part=send]").scroll_into_view_if_needed()
    picture(page, "upload-review")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    send(page)
    expect_done(page, stored=29, refused=0)
    picture(page, "upload-done")


def test_a_cut_connection_costs_nothing_and_doubles_nothing(
    stack: RunningStack, open_upload: Callable[..., Page], tmp_path: Path
) -> None:
    files = images(300, StudyInstanceUID="1.2.826.0.1.3680043.8.498.301")
    page = open_upload()
    slow(page)
    choose(page, write_files(tmp_path / "many", files))
    send(page)
    expect(page.locator("[data-part=headline]")).to_have_text("0 %")
    page.context.set_offline(True)
    expect(page.locator("[data-part=problem-text]")).to_contain_text("You are offline.")
    picture(page, "upload-offline")
    page.context.set_offline(False)
    expect_done(page, stored=300, already=0, refused=0)
    assert count(stack, "1.2.826.0.1.3680043.8.498.301") == 300


def slow(page: Page) -> None:
    """A slow line: what is sent takes a moment."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": 120_000},
    )


def test_a_tab_closed_at_the_end_goes_on_where_it_was(
    stack: RunningStack, open_upload: Callable[..., Page]
) -> None:
    study = "1.2.826.0.1.3680043.8.498.302"
    first = images(60, StudyInstanceUID=study)
    last = images(1, prefix="z", StudyInstanceUID=f"{study}.9", side=16)
    page = open_upload()
    page.context.add_init_script(PICKER)
    page.evaluate(OWN_FOLDER, {name: base64.b64encode(data).decode() for name, data in (first | last).items()})
    page.reload()
    held: list[Route] = []
    page.route("**/uploads/*/", lambda route: hold_all_but_first(route, held))
    page.get_by_role("button", name="Choose a folder or disc").click()
    send(page)
    wait_until(lambda: page.wait_for_timeout(100) or len(held) > 1, 60, "the last parcel on its way")
    wait_until(lambda: page.wait_for_timeout(100) or stored(page) > 0, 60, "the first parcel stored")
    page.on("dialog", lambda dialog: dialog.accept())  # the warning before leaving
    page.reload()
    page.unroute_all(behavior="ignoreErrors")

    expect(page.get_by_text("An upload was interrupted.").first).to_be_visible()
    picture(page, "upload-interrupted")
    bodies: list[int] = []
    page.on("request", lambda request: bodies.append(1) if request.method == "PATCH" else None)
    page.get_by_role("button", name="Go on with it").click()
    expect_done(page, stored=61, already=0, refused=0)
    assert len(bodies) == 1, "what was sent is not sent again"
    assert count(stack, study, f"{study}.9") == 61
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('collimate.upload')).length") == 0


def hold_all_but_first(route: Route, held: list[Route]) -> None:
    """The first PATCH passes, the others never arrive."""
    if route.request.method != "PATCH":
        route.continue_()
        return
    held.append(route)
    if len(held) == 1:
        route.continue_()


def stored(page: Page) -> int:
    return int(page.locator("#upload").get_attribute("data-stored"))


def test_an_ended_session_waits_for_signing_in_and_goes_on_by_itself(
    open_upload: Callable[..., Page], tmp_path: Path
) -> None:
    page = open_upload()
    context: BrowserContext = page.context
    cookies = context.cookies()
    choose(page, write_files(tmp_path / "many", images(60)))
    expect(page.locator("[data-part=send]")).to_be_enabled(timeout=60_000)
    context.clear_cookies()
    page.locator("[data-part=send]").click()
    expect(page.locator("[data-part=problem-text]")).to_contain_text("You have been signed out.")
    expect(page.get_by_role("link", name="Sign in in a new tab")).to_be_visible()
    picture(page, "upload-signed-out")
    context.add_cookies(cookies)  # as signing in in another tab does
    expect_done(page, stored=60, refused=0)
