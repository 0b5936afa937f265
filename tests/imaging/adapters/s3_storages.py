"""What the tests of S3 share: storages on a real server, and a look at the requests."""

from collections.abc import Iterator

import pytest

from imaging.adapters.s3 import S3Storage
from tests.fakes.seaweed import Seaweed, region_server


@pytest.fixture
def server(tmp_path_factory) -> Iterator[Seaweed]:
    """The server of region 1, which a test may pause, kill and restart."""
    server = region_server(1, tmp_path_factory)
    yield server
    if server.process.poll() is None:
        server.resume()
    else:
        server.start()


@pytest.fixture
def storage(server) -> S3Storage:
    return server.storage()


def watch_requests(storage: S3Storage) -> list[str]:
    """A list that grows by `METHOD range` with each request."""
    seen: list[str] = []

    def note(request, **_: object) -> None:
        wanted = request.headers.get("Range", "")
        seen.append(f"{request.method} {wanted.decode() if isinstance(wanted, bytes) else wanted}".strip())

    storage.objects.client.meta.events.register("before-send.s3", note)
    return seen


def shrink_pages(storage: S3Storage, operation: str, parameter: str) -> None:
    """Make the server list two rows a page."""

    def two_rows(params: dict, **_: object) -> None:
        params[parameter] = 2

    storage.objects.client.meta.events.register(f"before-parameter-build.s3.{operation}", two_rows)


def uploads(storage: S3Storage) -> list[str]:
    """Keys of unfinished uploads of a storage."""
    return [upload["Key"] for upload, _ in storage.objects.list_uploads(storage.location)]


def read(storage: S3Storage, name: str) -> bytes:
    with storage.open(name) as file:
        return file.read()
