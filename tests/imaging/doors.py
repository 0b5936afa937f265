"""A DICOM door that really listens, practices with devices, and the programs that send to it."""

import io
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache as shared_cache
from django.utils import timezone
from pydicom.uid import UID
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.presentation import build_context

from audit.models import AuditEvent
from imaging.dicom.part10 import split_part10
from imaging.services.device_certificates import Issued, issue_certificate
from imaging.services.devices import add_device
from imaging.services.door import open_door
from infra.local.door import ensure_door_certificate
from infra.local.layout import Layout
from tenants.models import Role, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, add_person, add_tenant

CT = "1.2.840.10008.5.1.4.1.1.2"
COMMITMENT = "1.2.840.10008.1.20.1"
VERIFICATION = "1.2.840.10008.1.1"
EXPLICIT = "1.2.840.10008.1.2.1"


@cache
def key_of(name: str, days: int) -> Issued:
    """A certificate and its key; `days` after today, for one that ended."""
    return issue_certificate(name, "TESTS", timezone.now() + timedelta(days=days))


@dataclass(frozen=True)
class Sender:
    """A device with its files: what a technician would have put into it."""

    ae_title: str
    certificate: Path
    key: Path
    server_certificate: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.server_certificate))
        context.check_hostname = False
        context.load_cert_chain(self.certificate, self.key)
        return context

    def tls_options(self) -> list[str]:
        """DCMTK's."""
        return ["+tls", str(self.key), str(self.certificate), "+cf", str(self.server_certificate)]


@dataclass
class DoorSite:
    """A listening door, and two practices it belongs to."""

    folder: Path
    port: int
    northside: Tenant
    southside: Tenant
    owners: dict[str, User]

    def sender(self, name: str, ae_title: str = "CT1", days: int = 0) -> Sender:
        """The files of a device, whether or not any practice knows it."""
        issued, layout = key_of(name, days), Layout(self.folder)
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        certificate.write_text(issued.certificate.pem)
        key.write_text(issued.private_key)
        return Sender(ae_title, certificate, key, layout.door_certificate(1))

    def known_sender(self, tenant: Tenant, name: str, ae_title: str = "CT1") -> Sender:
        """A device that the practice's owner has added."""
        sender = self.sender(name, ae_title)
        owner = actor(self.owners[tenant.slug])
        with tenant_scope(tenant.id):
            add_device(owner, name, ae_title, sender.certificate.read_bytes(), timezone.now())
        return sender

    def dcmtk(self, program: str, sender: Sender, called: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `storescu` or `echoscu` as the device."""
        titles = ["-aet", sender.ae_title, "-aec", called]
        command = [program, *sender.tls_options(), *titles, "127.0.0.1", str(self.port), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    @contextmanager
    def association(self, sender: Sender, called: str, *contexts: tuple[str, str]) -> Iterator[Association]:
        """pynetdicom's, as the device; not established where the door refused."""
        ae = AE(sender.ae_title)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
        wanted = [build_context(*each) for each in contexts or [(CT, EXPLICIT), (COMMITMENT, EXPLICIT)]]
        found = ae.associate(
            "127.0.0.1", self.port, contexts=wanted, ae_title=called, tls_args=(sender.context(), "127.0.0.1")
        )
        try:
            yield found
        finally:
            if found.is_established:
                found.release()

    def events(self, tenant: Tenant, action: str) -> list[AuditEvent]:
        with tenant_scope(tenant.id):
            return list(AuditEvent.objects.filter(action=action).order_by("seq"))


def send(association: Association, part10: bytes) -> int:
    """C-STORE the data set of a file exactly as it stands in the file; the status."""
    meta, data_set, _ = split_part10(part10)
    return send_raw(association, uid_of(meta, 2), uid_of(meta, 3), data_set)


def send_raw(association: Association, sop_class_uid: str, sop_instance_uid: str, data_set: bytes) -> int:
    request = C_STORE()
    request.MessageID = 7
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = UID(sop_class_uid), UID(sop_instance_uid)
    request.Priority, request.DataSet = 2, io.BytesIO(data_set)
    context = next(each for each in association.accepted_contexts if each.abstract_syntax == sop_class_uid)
    association._reactor_checkpoint.clear()
    association.dimse.send_msg(request, context.context_id)
    _, answer = association.dimse.get_msg(block=True)
    association._reactor_checkpoint.set()
    return answer.Status if answer is not None else -1


def uid_of(meta: bytes, number: int) -> str:
    """A UID of group 0002."""
    at = meta.index(b"\2\0" + bytes((number, 0)) + b"UI") + 6
    length = int.from_bytes(meta[at : at + 2], "little")
    return meta[at + 2 : at + 2 + length].rstrip(b"\0").decode()


def data_set_of(part10: bytes) -> bytes:
    return split_part10(part10)[1]


@pytest.fixture(scope="session")
def door_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the door's own certificates."""
    layout = Layout(tmp_path_factory.mktemp("door"))
    layout.secrets.mkdir()
    for region in settings.REGIONS:
        ensure_door_certificate(layout, region, datetime.now(UTC))
    return layout.var


@pytest.fixture
def door(live_db: None, door_files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DoorSite]:
    """The door of region 1, and two practices."""
    monkeypatch.setattr("imaging.pipeline._send", lambda *args, **options: None)
    layout = Layout(door_files)
    monkeypatch.setattr(settings, "DICOM_CERTIFICATES", {region: layout.door_certificate(region) for region in (1, 2)})
    monkeypatch.setattr(settings, "DICOM_KEYS", {region: layout.door_key(region) for region in (1, 2)})
    shared_cache.clear()
    northside, southside = add_tenant("northside", "Northside"), add_tenant("southside", "Southside")
    Tenant.objects.filter(id=northside.id).update(ae_title="NORTHSIDE")
    Tenant.objects.filter(id=southside.id).update(ae_title="SOUTHSIDE")
    owners = {
        "northside": add_person("Alice", northside, Role.OWNER), "southside": add_person("Carol", southside, Role.OWNER)
    }  # fmt: skip
    listener = open_door(1, "127.0.0.1", 0)
    serving = threading.Thread(target=listener.serve_forever, daemon=True)
    serving.start()
    yield DoorSite(door_files, listener.port, northside, southside, owners)
    listener.shutdown()
    serving.join(5)
