"""Files on their way in, for every test that needs some: bundles, multipart bodies, and what the vault gives back."""

import base64
import hashlib
import struct
from collections.abc import Iterator
from uuid import UUID, uuid4

from django.test import Client
from django.utils import timezone

from audit.actor import Actor
from imaging.models import Instance
from imaging.services.bundles import MAGIC
from imaging.services.intake import IncomingFile, Receipt, receive
from imaging.services.regions import get_vault
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.imaging.dicom import hostile
from tests.imaging.dicom.hostile import ROOT, tiny_instance

PIECE = 4096
BOUNDARY = "----part"
STOW_TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


def instance(number: int, series: int = 1, study: int = 1, **tags: object) -> bytes:
    """A sound instance whose UIDs follow from three numbers."""
    uids = {
        "StudyInstanceUID": f"{ROOT}.{study}",
        "SeriesInstanceUID": f"{ROOT}.{study}.{series}",
        "SOPInstanceUID": f"{ROOT}.{study}.{series}.{number}",
    }
    return tiny_instance(**{"InstanceNumber": number} | uids | tags)


def bad_files() -> dict[str, tuple[bytes, str]]:
    """Every kind of bad file, by its name: its bytes and the reason it is refused for."""
    return {
        "not.dcm": (b"once upon a time " * 100, "NOT_DICOM"),
        "truncated.dcm": (hostile.truncated(), "TRUNCATED"),
        "empty.dcm": (b"", "EMPTY"),
        "disc.zip": (hostile.zip_archive(), "NOT_DICOM"),
        "lying.dcm": (hostile.lying_length(), "LENGTH_LIES"),
        "program.dcm": (hostile.preamble_pe(), "ACTIVE_PREAMBLE"),
        "page.dcm": (hostile.preamble_html(), "ACTIVE_PREAMBLE"),
        "twice.dcm": (hostile.duplicate_uid(), "DUPLICATE_ELEMENT"),
        "deep.dcm": (hostile.nested(200), "NESTED_TOO_DEEP"),
        "flood.dcm": (hostile.pixel_flood(), "PIXEL_DIMENSIONS"),
    }


def pieces(data: bytes) -> Iterator[bytes]:
    yield from (data[at : at + PIECE] for at in range(0, len(data), PIECE))


def take_in(
    actor: Actor, tenant: Tenant, files: dict[str, bytes], study_instance_uid: str = ""
) -> list[Receipt]:
    """Through the product's own intake."""
    incoming = (IncomingFile(name, pieces(data)) for name, data in files.items())
    return receive(actor, tenant.id, incoming, timezone.now(), study_instance_uid)


def read_back(tenant: Tenant, sop_instance_uid: str) -> bytes:
    """What the vault of region 1 holds for the instance."""
    with tenant_scope(tenant.id):
        row = Instance.objects.get(sop_instance_uid=sop_instance_uid)
    return in_vault(row)


def in_vault(row: Instance, region: int = 1) -> bytes:
    """What the vault of a region holds for the instance."""
    with get_vault(region).open(row.tenant_id, row.pack_id) as reader:
        return reader.read(row.pack_offset, row.size)


def bundle(files: dict[str, bytes]) -> bytes:
    """As the upload page makes it."""
    packed = [MAGIC]
    for path, data in files.items():
        name = path.encode()
        packed += [struct.pack(">I", len(name)), name, struct.pack(">Q", len(data)), data]
    return b"".join(packed)


def multipart(*bodies: bytes) -> bytes:
    """A multipart/related body of DICOM parts."""
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return b"".join(head + body + b"\r\n" for body in bodies) + f"--{BOUNDARY}--\r\n".encode()


def checksum(data: bytes, algorithm: str = "sha256") -> str:
    """An Upload-Checksum."""
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def metadata(**values: str) -> str:
    """An Upload-Metadata."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def begin(
    client: Client, length: int, kind: str = "file", filename: str = "a.dcm", batch: UUID | None = None
) -> str:
    """A new upload at Northside; its path."""
    answer = client.post(
        "/t/northside/uploads/", headers={
            "Tus-Resumable": "1.0.0", "Upload-Length": str(length),
            "Upload-Metadata": metadata(filename=filename, kind=kind, batch=str(batch or uuid4())),
        },
    )  # fmt: skip
    assert answer.status_code == 201, answer.content
    return answer["Location"]


def patch(client: Client, url: str, data: bytes, offset: int = 0, **headers: str):
    """Send a piece of an upload."""
    kind = "application/offset+octet-stream"
    names = {"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset), "Content-Type": kind} | headers
    return client.patch(url, data, content_type=kind, headers=names)


def upload(
    client: Client, data: bytes, kind: str = "file", filename: str = "a.dcm", batch: UUID | None = None
) -> dict:
    """Send it all, and return the result."""
    url = begin(client, len(data), kind, filename, batch)
    assert patch(client, url, data).status_code == 204
    return client.get(f"{url}result").json()
