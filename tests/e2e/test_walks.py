"""The two walks of first light, in a real browser against the real stack.

From a practice's upload to a surgeon's tablet, and to the patient's ZIP.
"""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pydicom.data
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import DESKTOP, TABLET, picture, sign_in, write_files
from tests.e2e.stack import RunningStack, wait_until
from tests.imaging.dicom.hostile import markup_name, tiny_instance
from tests.imaging.incoming import bad_files

pytestmark = pytest.mark.e2e
ULTRASOUND = "examples_ybr_color.dcm"  # 30 frames of JPEG: images that move
BORN = {"PatientBirthDate": "19820317", "PatientID": "W-1"}


def real(name: str) -> bytes:
    return Path(pydicom.data.get_testdata_file(name, download=False)).read_bytes()


def good_files() -> dict[str, bytes]:
    """A real multi-frame ultrasound, and a made stack of one patient who was born on a known day."""
    stack = {
        f"ct/slice-{n:02}.dcm": tiny_instance(
            rows=64, columns=64, InstanceNumber=n, StudyInstanceUID="1.2.826.0.1.3680043.8.498.777",
            SeriesInstanceUID="1.2.826.0.1.3680043.8.498.777.1",
            SOPInstanceUID=f"1.2.826.0.1.3680043.8.498.777.1.{n}", **BORN,
        )
        for n in range(1, 13)
    }  # fmt: skip
    return stack | {f"us/{ULTRASOUND}": real(ULTRASOUND), "us/palette.dcm": real("examples_palette.dcm")}


def refused_files() -> dict[str, tuple[bytes, str]]:
    """The bad files; the page looks into ZIPs, so one with a good image is none of them here."""
    return {name: file for name, file in bad_files().items() if name != "disc.zip"}


def test_from_the_practice_to_the_tablet_and_the_patient(
    stack: RunningStack, open_browser: Callable[..., Page], tmp_path: Path
) -> None:
    bob = open_browser(DESKTOP)
    sign_in(bob, stack, "bob")
    picture(bob, "worklist")

    bad = {name: content for name, (content, _) in refused_files().items()}
    upload_folder(bob, write_files(tmp_path / "disc", good_files() | bad))
    made = open_study(bob, "1.2.826.0.1.3680043.8.498.777")
    view(bob, "viewer")
    ultrasound = open_study(bob, pydicom.dcmread(io.BytesIO(real(ULTRASOUND))).StudyInstanceUID)

    rita = open_browser(TABLET)
    link, code = share(bob, ultrasound)
    see_moving_images(rita, link, code)

    pat = open_browser(TABLET)
    link, code = invite(bob, made)
    archive = fetch_records(pat, link, code, tmp_path)
    expected = sorted(content for name, content in good_files().items() if name.startswith("ct/"))
    assert sorted(archive) == expected

    revoke(bob, ultrasound)
    answer = rita.goto(rita.url)
    assert answer.status == 404
    picture(rita, "link-gone")


def upload_folder(page: Page, folder: Path) -> None:
    page.goto("/t/northside/upload")
    picture(page, "upload-empty")
    page.locator("#upload-folder").set_input_files(folder)
    page.locator("[data-part=send]:enabled").click(timeout=120_000)
    expect(page.locator("#upload")).to_have_attribute("data-state", "done", timeout=120_000)
    picture(page, "upload-done")
    # What is no DICOM at all the page leaves out by itself.
    assert page.locator("#upload").get_attribute("data-left-out") == "2"
    assert page.locator("#upload").get_attribute("data-stored") == str(len(good_files()))
    assert page.locator("#upload").get_attribute("data-refused") == str(len(refused_files()) - 2)
    for name in refused_files():
        expect(page.get_by_text(name).first).to_be_visible()
    expect(page.locator("#upload")).to_have_attribute("data-settled", "true", timeout=120_000)
    picture(page, "upload-settled")


def open_study(page: Page, study_instance_uid: str) -> str:
    path = f"/t/northside/studies/{study_instance_uid}/"
    page.goto(path)  # on the worklist it may be pages away: others brought newer studies into the same archive
    picture(page, f"study-{study_instance_uid[-5:]}")
    return path


def view(page: Page, name: str) -> None:
    page.locator('a[href$="/viewer"]').first.click()
    page.wait_for_selector("#viewer[data-state=ready]", timeout=120_000)
    page.wait_for_timeout(500)
    picture(page, name)


def share(page: Page, study: str) -> tuple[str, str]:
    page.goto(f"{study}share")
    page.get_by_label("Recipient's name").fill("Dr Rita Rossi")
    page.get_by_label("Recipient's e-mail").fill("rita@ortho.example")
    picture(page, "share")
    page.locator("form button.btn--primary").last.click()
    picture(page, "share-created")
    return secrets_on(page)


def invite(page: Page, study: str) -> tuple[str, str]:
    page.goto(f"{study}patient")
    page.get_by_label("Patient's e-mail").fill("pat@mail.example")
    page.locator("form button.btn--primary").last.click()
    picture(page, "patient-invited")
    return secrets_on(page)


def secrets_on(page: Page) -> tuple[str, str]:
    """The link and the code, which the page shows once."""
    values = [value.strip() for value in page.locator(".secret__value").all_inner_texts()]
    link = next(value for value in values if value.startswith("http"))
    code = next(value.replace(" ", "") for value in values if re.fullmatch(r"[\d ]+", value))
    return link, code


def see_moving_images(page: Page, link: str, code: str) -> None:
    page.goto(link)
    page.reload()  # what mail scanners do; it spends nothing
    picture(page, "share-open")
    page.locator("input[autocomplete=one-time-code]").fill(code)
    page.locator("form button.btn--primary").click()
    page.wait_for_url("**/s/open/**")
    assert link.rsplit("/", 1)[1] not in page.url
    picture(page, "shared-study")
    page.locator('a[href$="/viewer"]').first.tap()
    page.wait_for_selector("#viewer[data-state=ready]", timeout=120_000)
    viewer = page.locator("#viewer")
    button = page.locator("button[data-series]").first
    if int(viewer.get_attribute("data-count")) < 2:
        button.tap()
    expect(viewer).not_to_have_attribute("data-count", "1")
    before = viewer.get_attribute("data-index")
    page.locator("[data-action=play]").first.tap()
    wait_until(lambda: page.wait_for_timeout(200) or viewer.get_attribute("data-index") != before, 30, "moving images")
    picture(page, "shared-viewer")
    page.go_back()


def fetch_records(page: Page, link: str, code: str, tmp_path: Path) -> list[bytes]:
    page.goto(link)
    picture(page, "patient-open")
    page.get_by_label("Month").select_option("3")
    page.get_by_label("Day").fill("17")
    page.get_by_label("Year").fill("1982")
    page.locator("input[autocomplete=one-time-code]").fill(code)
    page.locator("form button.btn--primary").click()
    page.wait_for_url("**/records/open/**")
    picture(page, "patient-study")
    with page.expect_download() as download:
        page.locator('a[href$="/download"]').first.tap()
    path = tmp_path / "records.zip"
    download.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
        return [archive.read(name) for name in archive.namelist() if name.endswith(".dcm")]


def revoke(page: Page, study: str) -> None:
    page.goto(study)
    page.locator('[data-dialog-open^="revoke"], form[action$="/revoke"] button').first.click()
    dialog = page.locator("dialog[open] button.btn--danger")
    if dialog.count():
        dialog.click()
    page.wait_for_load_state()
    page.goto(f"{study}history")
    picture(page, "history")
    for told in ("Link opened", "Link redeemed", "Images viewed", "Link revoked"):
        expect(page.get_by_text(told).first).to_be_visible()


def test_a_name_with_markup_is_shown_as_text(
    stack: RunningStack, open_browser: Callable[..., Page], tmp_path: Path
) -> None:
    bob = open_browser(DESKTOP)
    sign_in(bob, stack, "bob")
    bob.goto("/t/northside/upload")
    folder = write_files(tmp_path / "disc", {"markup.dcm": markup_name()})
    bob.locator("#upload-files").set_input_files(folder / "markup.dcm")
    bob.locator("[data-part=send]:enabled").click()
    expect(bob.locator("#upload")).to_have_attribute("data-state", "done", timeout=60_000)

    bob.goto("/t/northside/")

    assert "<" in bob.locator("main").inner_text()
    assert bob.locator("main img[src=x], main script").count() == 0
