"""An office copy is served read-only within minutes, from the disk as it lies, and leaves that exactly as it was."""

import os
import subprocess
import sys
import tempfile
from base64 import b32encode
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
import requests
from django_otp.plugins.otp_totp.models import TOTPDevice

from infra.local import from_snapshot
from infra.local.from_snapshot import (
    OfficeStack,
    SnapshotMissing,
    office_layout,
    remove_office_state,
    serve_snapshot,
)
from infra.local.layout import REPO, Layout, StateFolderForeign
from infra.local.leftovers import find_leftovers
from infra.local.ports import free_port
from infra.local.stack import CommandFailed
from tenants.models import Tenant, User
from tests.cast import PASSWORD
from tests.e2e.stack import bare_environment
from tests.imaging.copying import Office, digest_of_folder, take_in_studies
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance
from tests.imaging.library import ANY_FILE

SEED = "a" * 40
STUDY = f"{ROOT}.1"
SERVE = (
    "import sys, pathlib; from infra.local.from_snapshot import office_layout, serve_snapshot;"
    "layout = office_layout(); layout.prepare();"
    "serve_snapshot(layout, pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3]), print, detach=True)"
)


@pytest.fixture
def office(northside: Tenant, bob: User, empty_vaults: None, drawn: None, tmp_path: Path) -> Office:
    """Northside's copy; Bob knows his password and has his authenticator."""
    bob.set_password(PASSWORD)
    bob.save()
    TOTPDevice.objects.filter(user=bob).update(key=SEED)
    take_in_studies(northside, bob, 1, 2)
    office = Office(northside, tmp_path / "disk", tmp_path / "stick" / "office.key")
    office.snapshot()
    return office


@pytest.fixture
def layout(monkeypatch: pytest.MonkeyPatch) -> Iterator[Layout]:
    with tempfile.TemporaryDirectory(prefix="clm-") as folder:
        monkeypatch.setenv("COLLIMATE_VAR", folder)
        layout = office_layout()
        layout.prepare()
        yield layout
        remove_office_state(layout)


def serve(office: Office, layout: Layout, port: int, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SERVE, str(office.disk), str(office.key), str(port)]
    env = bare_environment() | {"COLLIMATE_VAR": str(layout.var)} | environment
    return subprocess.run(command, cwd=REPO, env=env, capture_output=True, text=True, check=False, timeout=180)


def open_emergency(origin: str) -> requests.Session:
    """A browser in which Bob has given both factors and a reason."""
    browser = requests.Session()
    page = browser.get(f"{origin}/emergency/", timeout=30)
    assert page.status_code == 200, page.status_code
    form = {
        "csrfmiddlewaretoken": browser.cookies["csrftoken"], "email": "bob@northside.example", "password": PASSWORD,
        "code": pyotp.TOTP(b32encode(bytes.fromhex(SEED)).decode()).now(), "reason": "primary-away",
    }  # fmt: skip
    answer = browser.post(page.url, form, timeout=30, allow_redirects=False)
    assert answer.status_code == 302, answer.text
    return browser


def require_only_what_shows(layout: Layout) -> None:
    """Web, database and broker: no worker, no clock, no backup, no Orthanc."""
    words = " ".join(" ".join(process.cmdline()) for process in find_leftovers(layout))
    assert "granian" in words
    assert not any(name in words for name in ("celery", "Orthanc", "infra.local.nodes", "infra.local.backup"))


def test_a_copy_is_served_as_it_lies_and_nothing_can_be_changed(office: Office, layout: Layout, tmp_path: Path) -> None:
    port, before = free_port(), digest_of_folder(office.disk)
    origin = f"http://127.0.0.1:{port}"
    # Settings of another portal that happen to be around must not reach this one.
    done = serve(office, layout, port, DATABASE_URL="postgres://nowhere/x", COLLIMATE_VAULT_2="/nowhere")
    assert done.returncode == 0, done.stderr
    assert "Loaded 2 studies with 4 images" in done.stdout
    require_only_what_shows(layout)

    bob = open_emergency(origin)
    series = f"{origin}/t/northside/dicomweb/studies/{STUDY}/series/{STUDY}.1"
    original = bob.get(f"{series}/instances/{STUDY}.1.1", headers={"Accept": ANY_FILE}, timeout=30)
    upload = bob.post(f"{origin}/t/northside/uploads/", headers={"X-CSRFToken": bob.cookies["csrftoken"]}, timeout=30)

    assert original.status_code == 200, original.status_code
    assert original.content.split(b"\r\n\r\n", 1)[1].rpartition(b"\r\n--")[0] == instance(
        1, PatientName="Doe^Jane", PatientBirthDate="19700131"
    )
    assert bob.get(f"{series}/thumbnail", timeout=30).content.startswith(b"RIFF")
    assert "Doe, " in bob.get(f"{origin}/t/northside/", timeout=30).text
    assert upload.status_code == 503

    other = Office(office.tenant, tmp_path / "other disk", office.key)
    other.snapshot()
    refused = serve(other, layout, free_port())
    again = serve(office, layout, free_port())
    assert refused.returncode and "AnotherCopyServed" in refused.stderr
    assert "already served" in again.stdout and origin in again.stdout

    remove_office_state(layout)
    assert digest_of_folder(office.disk) == before
    assert find_leftovers(layout) == []
    assert {path.name for path in layout.var.rglob("*")} == {"run", "lock"}


def test_a_wrong_key_starts_nothing_and_leaves_no_rows(
    office: Office, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: OfficeStack) -> None:
        (self.layout.postgres / "data").mkdir(parents=True)
        self._lay_out_keys()
        raise CommandFailed("the key does not open the copy")

    monkeypatch.setattr(OfficeStack, "start", fail)
    keep_environment(monkeypatch)

    with pytest.raises(CommandFailed):
        serve_here(office, layout)

    assert not layout.postgres.exists()
    assert not any(layout.run.rglob("master.key"))


def serve_here(office: Office, layout: Layout) -> None:
    serve_snapshot(layout, office.disk, office.key, free_port(), print, detach=True)


def keep_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_snapshot, "_leave_environment_behind", lambda: None)


def test_another_portals_state_is_never_emptied(
    office: Office, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_environment(monkeypatch)
    precious = layout.var / "region1" / "vault" / "sealed"
    precious.parent.mkdir(parents=True)
    precious.write_text("precious")

    with pytest.raises(StateFolderForeign, match="COLLIMATE_VAR"):
        serve_here(office, layout)
    remove_office_state(layout)

    assert precious.read_text() == "precious"


def test_a_folder_or_a_key_that_is_not_there_is_told(office: Office, layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(SnapshotMissing, match="holds no office copy"):
        serve_snapshot(layout, tmp_path, office.key, 1, print, detach=True)
    with pytest.raises(SnapshotMissing, match="no key file"):
        serve_snapshot(layout, office.disk, tmp_path / "none", 1, print, detach=True)


def test_the_settings_of_another_portal_stay_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {
        "PATH": "/bin", "COLLIMATE_VAR": "/v", "COLLIMATE_VAULT_2": "s3", "COLLIMATE_SMTP_HOST": "mail",
        "DATABASE_URL": "postgres://", "REDIS_URL": "redis://", "COLLIMATE_DEMO": "1",
    })  # fmt: skip

    from_snapshot._leave_environment_behind()

    assert os.environ == {"PATH": "/bin", "COLLIMATE_VAR": "/v", "COLLIMATE_DEMO": "0"}


def test_keys_of_a_served_copy_are_private_and_outside_it(office: Office, layout: Layout) -> None:
    stack = OfficeStack(layout, 1, print, office.disk, office.key)

    stack._lay_out_keys()

    files = list(stack.keys.iterdir())
    assert {path.name for path in files} == {"master.key", f"{office.tenant.id}.json"}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    assert not stack.keys.is_relative_to(office.disk)
    (layout.var / "office-copy").write_text("")
