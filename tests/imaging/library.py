"""Real studies for the tests of looking: files of pydicom's own collection, taken in by the product's own intake."""

import io
from pathlib import Path

import pydicom
from django.http import HttpResponseBase
from django.test import Client
from pydicom.data import get_testdata_file

from audit.models import AuditEvent
from imaging.dicom.multipart import parse_content_type
from imaging.models import Outcome
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.incoming import take_in

CT = "CT_small.dcm"
UNKNOWN = "1.2.826.0.1.3680043.8.498.404"
ANY = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
ANY_FILE = 'multipart/related; type="application/dicom"; transfer-syntax=*'


def real_file(name: str) -> bytes:
    """A file that came with pydicom; never one from the network."""
    return Path(get_testdata_file(name, download=False)).read_bytes()


def keep(tenant: Tenant, user: User, *files: bytes) -> list[pydicom.Dataset]:
    """Take the files in, and return their headers."""
    receipts = take_in(actor(user), tenant, {f"{place}.dcm": data for place, data in enumerate(files)})
    assert {receipt.outcome for receipt in receipts} <= {Outcome.STORED, Outcome.ALREADY_HERE}, receipts
    return [pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True) for data in files]


def study_url(header: pydicom.Dataset, slug: str = "northside") -> str:
    return f"/t/{slug}/dicomweb/studies/{header.StudyInstanceUID}"


def series_url(header: pydicom.Dataset, slug: str = "northside") -> str:
    return f"{study_url(header, slug)}/series/{header.SeriesInstanceUID}"


def instance_url(header: pydicom.Dataset, slug: str = "northside") -> str:
    return f"{series_url(header, slug)}/instances/{header.SOPInstanceUID}"


def page_url(header: pydicom.Dataset, page: str = "/", slug: str = "northside") -> str:
    return f"/t/{slug}/studies/{header.StudyInstanceUID}{page}"


def body_of(response: HttpResponseBase) -> bytes:
    """The whole body, whose length is the announced one where one was announced."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    if "Content-Length" in response:
        assert len(body) == int(response["Content-Length"])
    return body


def parts_of(response: HttpResponseBase) -> list[tuple[str, bytes]]:
    """(Content-Type, bytes) of each part."""
    boundary = parse_content_type(response["Content-Type"])[1]["boundary"].encode()
    first, *parts, last = body_of(response).split(b"\r\n--" + boundary)
    assert (first, last) == (b"", b"--\r\n")
    divided = [part.removeprefix(b"\r\n").split(b"\r\n\r\n", 1) for part in parts]
    return [(head.decode().removeprefix("Content-Type: "), data) for head, data in divided]


def get_parts(client: Client, url: str, accept: str = ANY) -> list[tuple[str, bytes]]:
    response = client.get(url, headers={"Accept": accept})
    assert response.status_code == 200, response
    return parts_of(response)


def events(tenant: Tenant, action: str = "") -> list[AuditEvent]:
    """The tenant's events, oldest first."""
    with tenant_scope(tenant.id):
        found = AuditEvent.objects.order_by("seq")
        return list(found.filter(action=action) if action else found)
