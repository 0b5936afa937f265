"""A server that is slow, away, killed, cut off or somebody else: nothing acknowledged is lost, nothing half shows."""

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import uuid4

import pytest
from botocore.awsrequest import AWSResponse
from django.core.files.base import ContentFile

from imaging.adapters.keys import FileKeyring
from imaging.adapters.s3 import S3Storage
from imaging.adapters.s3_client import StoreUnreachable
from imaging.adapters.storage import write_part
from imaging.adapters.vault import Vault, VaultUnavailable
from imaging.crypto.layout import SealBroken
from tests.fakes.seaweed import PLAIN, CutWire
from tests.imaging.adapters import s3_storages
from tests.imaging.adapters.s3_storages import read
from tests.imaging.adapters.vault_regions import TENANT_ID, key_name, sealed_name

server, storage = s3_storages.server, s3_storages.storage
PIECE = os.urandom(1 << 20)


@pytest.fixture
def keyring(tmp_path) -> FileKeyring:
    keyring = FileKeyring(tmp_path / "keys")
    keyring.create_tenant_key(TENANT_ID)
    return keyring


@pytest.fixture
def vault(storage, keyring) -> Vault:
    return Vault(storage, keyring, 1)


@pytest.fixture
def wire(server) -> Iterator[CutWire]:
    wire = CutWire(server.port)
    yield wire
    wire.close()


def every_call(storage: S3Storage) -> dict:
    return {
        "open": lambda: storage.open("a/x.key"),
        "exists": lambda: storage.exists("a/x.key"),
        "size": lambda: storage.size("a/x.key"),
        "listdir": lambda: storage.listdir("a"),
        "save small": lambda: storage.save("a/x.key", ContentFile(b"x")),
        "save large": lambda: storage.save("a/x.key", ContentFile(PIECE * 9)),
        "replace": lambda: storage.replace("a/x.key", b"x"),
        "delete": lambda: storage.delete("a/x.key"),
        "discard_abandoned": lambda: storage.discard_abandoned(0),
    }


CALLS = list(every_call(S3Storage(bucket_name="x")))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "options",
    [
        {"secret_key": "wrong"},
        {"access_key": "nobody"},
        {"bucket_name": "missing"},
        {"endpoint_url": "http://127.0.0.1:9"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_wrong_keys_a_missing_bucket_and_no_server_are_outages_not_absences(server, options, call):
    with pytest.raises(StoreUnreachable):
        every_call(server.storage(**options))[call]()


def test_a_missing_bucket_says_so(server):
    with pytest.raises(StoreUnreachable, match="bucket does not exist"):
        server.storage(bucket_name="missing").exists("a/x.key")


def test_the_vault_calls_every_outage_unavailable(server, keyring):
    vault = Vault(server.storage(secret_key="wrong"), keyring, 1)

    for call in (
        lambda: vault.open(TENANT_ID, uuid4()),
        lambda: vault.exists(TENANT_ID, uuid4()),
        lambda: list(vault.list_objects(TENANT_ID)),
        lambda: vault.delete(TENANT_ID, uuid4()),
        lambda: vault.seal(TENANT_ID, uuid4(), [b"x"]),
        lambda: vault.discard_abandoned(0),
    ):
        with pytest.raises(VaultUnavailable):
            call()


def test_a_server_killed_while_sealing_acknowledges_nothing_and_shows_nothing(server, storage, vault):
    object_id = uuid4()

    def dying() -> Iterator[bytes]:
        for number in range(30):
            if number == 20:
                server.kill()
            yield PIECE

    with pytest.raises(VaultUnavailable):
        vault.seal(TENANT_ID, object_id, dying())
    server.restart()

    assert not vault.exists(TENANT_ID, object_id)
    assert list(vault.list_objects(TENANT_ID)) == []
    assert vault.discard_abandoned(0) == 1
    assert vault.seal(TENANT_ID, object_id, [PIECE]) == len(PIECE)


def test_a_server_killed_while_publishing_shows_no_object(server, storage, vault, monkeypatch):
    complete = storage._complete

    def kill_first(staged) -> None:
        server.kill()
        complete(staged)

    monkeypatch.setattr(storage, "_complete", kill_first)
    with pytest.raises(VaultUnavailable):
        vault.seal(TENANT_ID, uuid4(), [PIECE] * 9)
    server.restart()

    assert list(vault.list_objects(TENANT_ID)) == []
    assert vault.discard_abandoned(0) == 1


def test_what_was_acknowledged_survives_a_kill_and_the_client_a_restart(server, vault):
    object_id = uuid4()
    vault.seal(TENANT_ID, object_id, [PIECE] * 9)

    server.kill()
    server.restart()

    assert vault.verify(TENANT_ID, object_id) == 9 * len(PIECE)


def test_a_server_killed_while_reading_is_unavailable_and_reading_goes_on_after_its_restart(server, vault):
    object_id = uuid4()
    vault.seal(TENANT_ID, object_id, [PIECE] * 9)

    with vault.open(TENANT_ID, object_id) as reader:
        server.kill()
        with pytest.raises(VaultUnavailable):
            reader.read(0, 10)
        server.restart()
        assert reader.read(5, 10) == PIECE[5:15]


def test_a_server_that_answers_nothing_has_a_deadline(server):
    storage = server.storage(read_timeout=0.5)
    storage.save("a/x.sealed", ContentFile(PIECE * 3))
    with storage.open("a/x.sealed") as file:
        server.pause()
        began = time.monotonic()

        for call in (lambda: file.read(10), lambda: storage.exists("a/x.sealed")):
            with pytest.raises(StoreUnreachable, match="Timeout"):
                call()

        assert time.monotonic() - began < 10
        server.resume()
        assert file.read(10) == PIECE[:10]


def test_an_unreachable_server_does_not_hold_up_the_clean_up(server):
    storage = server.storage(read_timeout=0.5)
    staged = [write_part(storage, f"a/{number}.sealed", [PIECE * 9]) for number in range(4)]
    server.pause()
    began = time.monotonic()

    with pytest.raises(StoreUnreachable):
        storage.publish(staged)

    assert time.monotonic() - began < 8
    server.resume()
    storage.discard_abandoned(0)


def test_an_answer_that_breaks_off_is_asked_for_again(server, storage, wire):
    storage.save("a/x.sealed", ContentFile(PIECE * 3))
    near = server.storage(endpoint_url=wire.url, location=storage.location)

    with near.open("a/x.sealed") as file:
        wire.cuts.append(200_000)
        assert file.read(1_000_000) == PIECE[:1_000_000]

    assert wire.cuts == []


def test_answers_that_break_off_again_and_again_are_an_outage(server, storage, wire):
    storage.save("a/x.sealed", ContentFile(PIECE * 3))
    near = server.storage(endpoint_url=wire.url, location=storage.location)

    with near.open("a/x.sealed") as file:
        wire.cuts += [200_000] * 9
        with pytest.raises(StoreUnreachable, match="cannot be reached"):
            file.read(1_000_000)


@pytest.mark.parametrize("content", [b"x", PIECE * 9], ids=["small", "large"])
def test_a_writer_whose_answer_got_lost_knows_its_own_object_again(server, wire, content):
    storage = server.storage(endpoint_url=wire.url)
    staged = write_part(storage, "a/x.sealed", [content])
    wire.cuts.append(0)

    storage.publish([staged])

    assert wire.cuts == []
    assert read(storage, "a/x.sealed") == content


def test_a_writer_whose_answer_got_lost_does_not_take_anothers_object_for_its_own(server, storage, wire):
    storage.save("a/x.sealed", ContentFile(b"another's"))
    near = server.storage(endpoint_url=wire.url, location=storage.location)
    staged = write_part(near, "a/x.sealed", [b"mine"])
    wire.cuts.append(0)

    with pytest.raises(FileExistsError):
        near.publish([staged])

    assert read(storage, "a/x.sealed") == b"another's"


def test_what_was_published_although_no_answer_came_is_taken_back(server, wire):
    storage = server.storage(endpoint_url=wire.url)
    staged = [write_part(storage, name, [b"x"]) for name in ("a/x.key", "a/x.sealed")]
    wire.cuts += [0, 0]

    with pytest.raises(StoreUnreachable):
        storage.publish(staged)

    assert wire.cuts == []
    assert storage.listdir("a")[1] == []


def test_a_replacement_whose_answer_got_lost_counts(server, wire):
    storage = server.storage(endpoint_url=wire.url)
    storage.save("a/x.key", ContentFile(b"old"))
    head = storage.objects.head
    storage.objects.head = lambda key: (head(key), wire.cuts.append(0))[0] if not wire.cuts else head(key)

    storage.replace("a/x.key", b"new")

    wire.cuts.clear()
    assert read(storage, "a/x.key") == b"new"


@pytest.mark.parametrize("damage", ["cut", "extended", "flipped", "swapped"])
def test_damage_in_the_bucket_is_refused(server, storage, vault, damage):
    mine, other = uuid4(), uuid4()
    for object_id in (mine, other):
        vault.seal(TENANT_ID, object_id, [PIECE, PIECE, object_id.bytes])
    content = bytearray(read(storage, sealed_name(mine)))
    content[len(content) // 2] ^= 1
    damaged = {
        "cut": content[: -(1 << 20)],
        "extended": content + b"\0",
        "flipped": content,
        "swapped": read(storage, sealed_name(other)),
    }
    key = f"{storage.location}/{sealed_name(mine)}"
    server.admin().put_object(Bucket=PLAIN, Key=key, Body=bytes(damaged[damage]))

    with pytest.raises(SealBroken):
        vault.verify(TENANT_ID, mine)
    assert vault.verify(TENANT_ID, other) == 2 * len(PIECE) + 16


def test_keys_of_two_objects_swapped_in_the_bucket_are_refused(server, storage, vault):
    mine, other = uuid4(), uuid4()
    for object_id in (mine, other):
        vault.seal(TENANT_ID, object_id, [b"x"])
    storage.replace(key_name(mine), read(storage, key_name(other)))

    with pytest.raises(SealBroken):
        vault.open(TENANT_ID, mine)


class Elsewhere(BaseHTTPRequestHandler):
    """Sends every request to `target`."""

    target = ""

    def do_GET(self) -> None:
        self.send_response(307)
        self.send_header("Location", self.target + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere(server) -> Iterator[str]:
    Elsewhere.target = server.url
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def test_a_redirect_is_not_followed(server, storage, elsewhere):
    storage.save("a/x.key", ContentFile(b"x"))
    sent_away = server.storage(endpoint_url=elsewhere, location=storage.location)

    for call in (sent_away.exists, sent_away.open):
        with pytest.raises(StoreUnreachable, match="307"):
            call("a/x.key")


def test_a_redirect_to_another_region_of_the_provider_is_not_followed():
    storage = S3Storage(bucket_name="vault", region_name="eu-central-1", access_key="a", secret_key="s")
    hosts: list[str] = []

    def send_to_another_region(request, **_: object) -> AWSResponse:
        hosts.append(request.url.split("/")[2])
        body = b"<Error><Code>PermanentRedirect</Code></Error>"
        return AWSResponse(request.url, 301, {"x-amz-bucket-region": "us-west-2"}, Body(body))

    storage.objects.client.meta.events.register("before-send.s3", send_to_another_region)
    with pytest.raises(StoreUnreachable, match="PermanentRedirect"):
        storage.open("a/x.key")

    assert set(hosts) == {"vault.s3.eu-central-1.amazonaws.com"}


class Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        yield self._content
