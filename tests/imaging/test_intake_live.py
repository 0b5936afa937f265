"""Strangers' clients, cut connections and large files, against a server that really listens."""

import datetime as dt
import io
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import Client
from django.utils import timezone
from tusclient.client import TusClient

from imaging.models import Instance
from imaging.services.tokens import issue_token
from tenants.models import Role, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, add_person, add_tenant, sign_in
from tests.imaging.dicom.hostile import ROOT, tiny_instance
from tests.imaging.incoming import instance, read_back

CSRF = "a" * 32


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def process_request_thread(self, *args: object) -> None:
        super().process_request_thread(*args)
        connections.close_all()


class _Silent(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class Site:
    """A running server with Northside, and Bob's browser."""

    def __init__(self, tenant: Tenant, client: Client, port: int) -> None:
        self.tenant, self.client = tenant, client
        self.base = f"http://127.0.0.1:{port}"
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.headers = {
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; csrftoken={CSRF}", "X-CSRFToken": CSRF,
        }  # fmt: skip

    def tus(self) -> TusClient:
        return TusClient(f"{self.base}/t/northside/uploads/", headers=self.headers)


@pytest.fixture
def site(live_db: None) -> Iterator[Site]:
    tenant = add_tenant("northside", "Northside Dental")
    client = sign_in(add_person("Bob", tenant, Role.UPLOADER))
    server = make_server("127.0.0.1", 0, get_wsgi_application(), _Server, _Silent)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield Site(tenant, client, server.server_port)
    server.shutdown()
    server.server_close()


def test_a_strangers_client_uploads_in_pieces_with_checksums(site: Site) -> None:
    data = instance(1)
    uploader = site.tus().uploader(
        file_stream=io.BytesIO(data), chunk_size=400, metadata={"filename": "knee.dcm"}, upload_checksum=True
    )

    uploader.upload()

    assert read_back(site.tenant, f"{ROOT}.1.1.1") == data


def test_a_strangers_client_resumes(site: Site) -> None:
    data = instance(1)
    first = site.tus().uploader(file_stream=io.BytesIO(data), chunk_size=400)
    first.upload(stop_at=800)

    second = site.tus().uploader(file_stream=io.BytesIO(data), chunk_size=400, url=first.url)
    assert second.offset == 800
    second.upload()

    assert read_back(site.tenant, f"{ROOT}.1.1.1") == data


def test_a_strangers_dicomweb_client_stores(site: Site) -> None:
    now = timezone.now()
    bob = User.objects.get()
    with tenant_scope(site.tenant.id):
        token = issue_token(actor(bob), bob, ["store"], now + dt.timedelta(hours=1), now)
    client = DICOMwebClient(f"{site.base}/t/northside/dicomweb", headers={"Authorization": f"Bearer {token}"})
    data_sets = [pydicom.dcmread(io.BytesIO(instance(number))) for number in (1, 2)]

    answer = client.store_instances(data_sets, study_instance_uid=f"{ROOT}.1")

    assert len(answer.ReferencedSOPSequence) == 2
    with tenant_scope(site.tenant.id):
        assert Instance.objects.count() == 2


def test_a_cut_connection_keeps_what_came(site: Site) -> None:
    data = instance(1)
    uploader = site.tus().uploader(file_stream=io.BytesIO(data), chunk_size=1 << 20)
    uploader.set_url(uploader.create_url())
    address = urlsplit(uploader.url)
    head = "".join(f"{name}: {value}\r\n" for name, value in site.headers.items())
    request = (
        f"PATCH {address.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(data)}\r\n\r\n"
    )

    with socket.create_connection((address.hostname, address.port)) as cut:
        cut.sendall(request.encode() + data[:700])
        cut.shutdown(socket.SHUT_WR)
        cut.recv(1)  # the server has come to the end of what there is

    uploader.offset = uploader.get_offset()
    assert uploader.offset == 700
    uploader.upload()
    assert read_back(site.tenant, f"{ROOT}.1.1.1") == data


def test_memory_does_not_grow_with_the_file(site: Site) -> None:
    _send_large(site, 96)


@pytest.mark.full
def test_memory_does_not_grow_with_a_file_of_gigabytes(site: Site) -> None:
    _send_large(site, 3072)


def _send_large(site: Site, mebibytes: int) -> None:
    """A file whose body is made while it is sent; what is held at most stays far below its size."""
    head = _head(mebibytes)
    size = len(head) + (mebibytes << 20)
    path = _create(site, size)
    tracemalloc.start()
    _send(site, path, size, head, mebibytes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with tenant_scope(site.tenant.id):
        assert Instance.objects.get().size == size
    assert peak < 32 << 20


def _head(mebibytes: int) -> bytes:
    """What lies before the pixels of as many frames of 1 MiB."""
    one = tiny_instance(rows=1024, columns=512, NumberOfFrames=mebibytes, pixels=bytes(2))
    return one[:-6] + (mebibytes << 20).to_bytes(4, "little")


def _create(site: Site, size: int) -> str:
    answer = site.client.post(
        "/t/northside/uploads/", headers={"Tus-Resumable": "1.0.0", "Upload-Length": str(size)}
    )
    return answer["Location"]


def _send(site: Site, path: str, size: int, head: bytes, mebibytes: int) -> None:
    address = urlsplit(site.base)
    headers = "".join(f"{name}: {value}\r\n" for name, value in site.headers.items())
    request = (
        f"PATCH {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {size}\r\n\r\n"
    )
    piece = bytes(range(256)) * 4096
    with socket.create_connection((address.hostname, address.port)) as line:
        line.sendall(request.encode() + head)
        for _ in range(mebibytes):
            line.sendall(piece)
        assert line.recv(100).split(b" ")[1] == b"204"
