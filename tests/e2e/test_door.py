"""A device of the practice sends a folder of real files over TLS, and a viewer finds them by DICOMweb."""

import json
import shutil
import subprocess
from itertools import chain
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import RunningStack, wait_until

pytestmark = pytest.mark.e2e
# Real files, by what DCMTK proposes to send them as they are.
FILES = {
    "-xe": ["examples_overlay.dcm", "examples_rgb_color.dcm", "liver_1frame.dcm"],
    "-xs": ["SC_rgb_jpeg_gdcm.dcm"],
    "-xw": ["JPEG2000.dcm"],
    "-xy": ["SC_rgb_small_odd_jpeg.dcm", "SC_rgb_jpeg_dcmtk.dcm"],
    "-xd": ["image_dfl.dcm"],
}
ADD = """
import json
from django.utils import timezone
from audit.actor import Actor, ActorKind
from imaging.services.devices import add_device_with_new_key
from tenants.models import User
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
owner = User.objects.get(email="alice@northside.example")
with tenant_scope(find_tenant("northside").id):
    actor = Actor(ActorKind.USER, str(owner.pk), owner.email)
    _, issued = add_device_with_new_key(actor, "Gateway", "GATEWAY", timezone.now())
print(json.dumps([issued.certificate.pem, issued.private_key]))
"""


class Gateway:
    """DCMTK with the device's files."""

    def __init__(self, stack: RunningStack, folder: Path) -> None:
        self._stack = stack
        self._certificate, self._key = folder / "gateway.crt", folder / "gateway.key"
        certificate, key = json.loads(stack.python(ADD))
        self._certificate.write_text(certificate)
        self._key.write_text(key)

    def run(self, program: str, called: str, *arguments: str, region: int = 1) -> "subprocess.CompletedProcess[str]":
        port = json.loads((self._stack.var / "run" / "ports.json").read_text())[f"dicom-{region}"]
        trust = self._stack.var / "secrets" / f"dicom-{region}.crt"
        tls = ["+tls", str(self._key), str(self._certificate), "+cf", str(trust)]
        command = [program, *tls, "-aet", "GATEWAY", "-aec", called, "127.0.0.1", str(port), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_folder_sent_by_storescu_is_seen_by_dicomweb(own_stack: RunningStack, tmp_path: Path) -> None:
    gateway = Gateway(own_stack, tmp_path)
    assert gateway.run("echoscu", "NORTHSIDE").returncode == 0

    for option, names in FILES.items():
        folder = tmp_path / option
        folder.mkdir()
        for name in names:
            shutil.copy(get_testdata_file(name, download=False), folder)
        sent = gateway.run("storescu", "NORTHSIDE", "-v", "-R", option, "+sd", str(folder))
        assert sent.returncode == 0, sent.stderr

    northside = PortalClient(own_stack.origin, "northside", own_stack.token("northside", "alice", "read"))
    southside = PortalClient(own_stack.origin, "southside", own_stack.token("southside", "carol", "read"))
    for name in chain.from_iterable(FILES.values()):
        original = pydicom.dcmread(get_testdata_file(name, download=False))
        uids = (original.StudyInstanceUID, original.SeriesInstanceUID, original.SOPInstanceUID)
        stored = tmp_path / "stored.dcm"
        stored.write_bytes(northside.instance(*uids))
        got = pydicom.dcmread(stored)
        assert got.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID, name
        assert got.PixelData == original.PixelData, name
        assert got.file_meta.SourceApplicationEntityTitle == "GATEWAY"
        assert southside.get(f"studies/{uids[0]}/metadata").status_code == 404
    found = northside.get("studies", "application/dicom+json").json()
    assert original.StudyInstanceUID in {each["0020000D"]["Value"][0] for each in found}

    assert gateway.run("echoscu", "SOUTHSIDE").returncode != 0
    assert gateway.run("echoscu", "NORTHSIDE", region=2).returncode == 0

    assert own_stack.kill("serve_dicom") == 2
    wait_until(lambda: gateway.run("echoscu", "NORTHSIDE").returncode == 0, 90, "the door is back")
