"""S3Storage on a real server: names, writing once, publishing together, replacing, reading by ranges."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile

from imaging.adapters import s3_part
from imaging.adapters.keys import FileKeyring
from imaging.adapters.s3 import S3Storage
from imaging.adapters.s3_client import StoreUnreachable
from imaging.adapters.s3_part import PART_SIZE
from imaging.adapters.storage import Staging, write_part
from imaging.adapters.vault import ObjectExists, Vault
from imaging.crypto.layout import KEY_FILE_SIZE
from tests.imaging.adapters import s3_storages
from tests.imaging.adapters.s3_storages import read, shrink_pages, uploads, watch_requests
from tests.imaging.adapters.vault_regions import TENANT_ID

server, storage = s3_storages.server, s3_storages.storage

MIB = 1 << 20
LARGE = os.urandom(PART_SIZE + 5 * MIB + 3)


@pytest.mark.parametrize("content", [b"", b"x", LARGE[:PART_SIZE], LARGE], ids=len)
def test_what_was_saved_is_read(storage, content):
    assert storage.save("a/bc/x.sealed", ContentFile(content)) == "a/bc/x.sealed"

    assert read(storage, "a/bc/x.sealed") == content
    assert storage.size("a/bc/x.sealed") == len(content)
    assert uploads(storage) == []


def test_it_stages_like_a_directory(storage):
    assert isinstance(storage, Staging)


@pytest.mark.parametrize(
    "name", ["../x.key", "/x.key", "a/../x.key", ".x.key", "a/.b/x.key", "x", "a//x.key", "x.key\n"]
)
def test_names_that_climb_or_hide_are_refused(storage, name):
    calls = (storage.begin, storage.open, storage.delete, storage.exists, storage.size)
    for call in (*calls, lambda name: storage.replace(name, b"x")):
        with pytest.raises(SuspiciousFileOperation):
            call(name)


@pytest.mark.parametrize("folder", ["..", "/", "a/..", ".hidden"])
def test_folders_that_climb_are_not_listed(storage, folder):
    with pytest.raises(SuspiciousFileOperation):
        storage.listdir(folder)


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
def test_nothing_has_its_name_before_it_is_published(storage, content):
    staged = write_part(storage, "a/x.key", [content])

    assert not storage.exists("a/x.key")
    assert storage.listdir("a")[1] == []
    storage.publish([staged])
    assert staged.size == len(content)
    assert read(storage, "a/x.key") == content


def test_small_objects_cost_one_request(storage):
    requests = watch_requests(storage)

    storage.publish([write_part(storage, f"a/{number}.key", [b"x" * 20_000]) for number in range(3)])

    assert requests == ["PUT"] * 3


def test_small_files_do_not_pile_up_in_memory(storage, monkeypatch):
    monkeypatch.setattr(s3_part, "_HELD_AT_MOST", 10_000)

    staged = [write_part(storage, f"a/{number}.webp", [b"x" * 6_000]) for number in range(3)]

    assert [each.upload_id is None for each in staged] == [True, False, False]
    storage.publish(staged)
    assert [read(storage, f"a/{number}.webp") for number in range(3)] == [b"x" * 6_000] * 3
    assert write_part(storage, "a/3.webp", [b"x" * 6_000]).upload_id is None


def test_key_files_are_put_at_once_however_many_wait(storage, monkeypatch):
    monkeypatch.setattr(s3_part, "_HELD_AT_MOST", 100)

    staged = [write_part(storage, f"a/{number}.key", [b"x" * KEY_FILE_SIZE]) for number in range(3)]

    assert [each.upload_id for each in staged] == [None] * 3


@pytest.mark.parametrize("content", [b"second", LARGE], ids=["small", "large"])
def test_a_name_is_never_overwritten(storage, content):
    storage.save("a/x.key", ContentFile(b"first"))

    with pytest.raises(FileExistsError):
        storage.save("a/x.key", ContentFile(content))
    with pytest.raises(ValueError, match="write-once"):
        storage.open("a/x.key", "wb")
    assert read(storage, "a/x.key") == b"first"
    assert uploads(storage) == []


@pytest.mark.parametrize("length", [10, PART_SIZE + 1])
def test_of_writers_of_one_object_at_once_one_wins(storage, tmp_path, length):
    keyring, object_id = FileKeyring(tmp_path), uuid4()
    keyring.create_tenant_key(TENANT_ID)
    vault = Vault(storage, keyring, 1)
    contents = [bytes([number]) * length for number in range(5)]

    def seal(content: bytes) -> bool:
        try:
            return vault.seal(TENANT_ID, object_id, [content]) == length
        except ObjectExists:
            return False

    with ThreadPoolExecutor(5) as pool:
        won = list(pool.map(seal, contents))

    assert sum(won) == 1
    with vault.open(TENANT_ID, object_id) as reader:
        assert reader.read(0, length) == contents[won.index(True)]
    assert uploads(storage) == []


@pytest.mark.parametrize("content", [b"second", LARGE], ids=["small", "large"])
def test_a_batch_that_fails_leaves_nothing_of_its_own(storage, content):
    storage.save("a/x.key", ContentFile(b"first"))
    staged = [write_part(storage, name, [content]) for name in ("a/w.key", "a/x.key", "a/y.key")]

    with pytest.raises(FileExistsError):
        storage.publish(staged)

    assert storage.listdir("a") == ([], ["x.key"])
    assert read(storage, "a/x.key") == b"first"
    assert uploads(storage) == []


def test_what_is_discarded_or_abandoned_is_gone(storage):
    abandoned = storage.begin("a/x.sealed")
    abandoned.write(LARGE)
    staged = [write_part(storage, "a/y.sealed", [LARGE]), write_part(storage, "a/z.key", [b"x"])]

    abandoned.abandon()
    abandoned.abandon()
    storage.discard(staged)
    storage.discard(staged)

    assert uploads(storage) == []
    with pytest.raises(KeyError):
        storage.publish(staged[1:])


def test_a_source_that_fails_leaves_nothing(storage):
    def broken():
        yield LARGE
        raise ConnectionResetError("the client went away")

    with pytest.raises(ConnectionResetError, match="client"):
        write_part(storage, "a/x.sealed", broken())

    assert uploads(storage) == []


def test_abandoned_uploads_are_discarded_when_old_and_objects_are_not(storage):
    storage.save("a/kept.sealed", ContentFile(LARGE))
    for number in range(5):
        storage.begin(f"a/{number}.sealed").write(LARGE)
    shrink_pages(storage, "ListMultipartUploads", "MaxUploads")

    assert storage.discard_abandoned(older_than_s=3600) == 0
    assert storage.discard_abandoned(older_than_s=0) == 5

    assert uploads(storage) == []
    assert storage.listdir("a") == ([], ["kept.sealed"])


def test_abandoned_uploads_of_other_folders_of_the_bucket_stay(server, storage):
    neighbour = server.storage()
    neighbour.begin("a/x.sealed").write(LARGE)

    assert storage.discard_abandoned(older_than_s=0) == 0

    assert neighbour.discard_abandoned(older_than_s=0) == 1


def test_deleting_takes_unfinished_uploads_of_the_name_along(storage):
    storage.save("a/x.key", ContentFile(b"x"))
    for name in ("a/x.key", "a/x.keys"):
        storage.begin(name).write(LARGE)

    storage.delete("a/x.key")
    storage.delete("a/x.key")

    assert not storage.exists("a/x.key")
    assert uploads(storage) == [f"{storage.location}/a/x.keys"]
    storage.discard_abandoned(0)


def test_deleting_spares_longer_names(storage):
    for name in ("a/x.key", "a/x.keys"):
        storage.save(name, ContentFile(b"x"))

    storage.delete("a/x.key")

    assert storage.listdir("a") == ([], ["x.keys"])


def test_a_file_is_replaced(storage):
    storage.save("a/x.key", ContentFile(b"old"))

    storage.replace("a/x.key", b"new")

    assert read(storage, "a/x.key") == b"new"


def test_nothing_is_not_replaced(storage):
    with pytest.raises(FileNotFoundError):
        storage.replace("a/x.key", b"new")
    assert not storage.exists("a/x.key")


def test_a_key_purged_while_it_is_replaced_stays_purged(storage, monkeypatch):
    storage.save("a/x.key", ContentFile(b"old"))
    head = storage.objects.head

    def purge_after(key: str) -> dict:
        answer = head(key)
        monkeypatch.undo()
        storage.delete("a/x.key")
        return answer

    monkeypatch.setattr(storage.objects, "head", purge_after)
    with pytest.raises(StoreUnreachable, match="meanwhile"):
        storage.replace("a/x.key", b"new")

    assert not storage.exists("a/x.key")


def test_missing_files_are_missing(storage):
    for call in (storage.open, storage.size, storage.get_modified_time):
        with pytest.raises(FileNotFoundError):
            call("a/x.key")
    assert not storage.exists("a/x.key")
    assert storage.listdir("a") == ([], [])


def test_folders_are_listed_over_pages(storage):
    for number in range(3):
        storage.save(f"a/{number}.key", ContentFile(b"x"))
        storage.save(f"a/b{number}/x.key", ContentFile(b"x"))
    shrink_pages(storage, "ListObjectsV2", "MaxKeys")

    folders, files = storage.listdir("a")

    assert (sorted(folders), sorted(files)) == (["b0", "b1", "b2"], ["0.key", "1.key", "2.key"])
    assert storage.listdir("") == (["a"], [])


def test_ranges_are_read_without_the_rest(storage):
    storage.save("a/x.sealed", ContentFile(LARGE))
    requests = watch_requests(storage)

    with storage.open("a/x.sealed") as file:
        assert file.size == len(LARGE)
        file.seek(7 * MIB)
        assert file.read(1000) == LARGE[7 * MIB : 7 * MIB + 1000]
        file.seek(-10, os.SEEK_END)
        assert file.read(100) == LARGE[-10:]

    assert requests == ["GET bytes=-1048656", f"GET bytes={7 * MIB}-{7 * MIB + 999}"]


def test_a_small_file_is_read_with_one_request(storage):
    storage.save("a/x.sealed", ContentFile(LARGE[:MIB]))
    requests = watch_requests(storage)

    assert read(storage, "a/x.sealed") == LARGE[:MIB]

    assert len(requests) == 1


def test_who_reads_on_asks_less_and_less_often(storage):
    storage.save("a/x.sealed", ContentFile(LARGE))
    requests = watch_requests(storage)

    with storage.open("a/x.sealed") as file:
        assert b"".join(file.chunks(100_000)) == LARGE

    assert len(requests) <= 7


def test_any_range_is_what_was_written(storage):
    storage.save("a/x.sealed", ContentFile(LARGE))
    dice = random.Random(3)

    with storage.open("a/x.sealed") as file:
        for _ in range(60):
            start, length = dice.randrange(len(LARGE) + 10), dice.choice([1, 64, 70_000, MIB + 16, 5 * MIB])
            file.seek(start)
            assert file.read(length) == LARGE[start : start + length]


def test_nobody_reads_before_the_start(storage):
    storage.save("a/x.key", ContentFile(b"x"))

    with storage.open("a/x.key") as file, pytest.raises(ValueError, match="negative"):
        file.seek(-2, os.SEEK_END)


def test_two_versions_are_never_mixed(storage):
    storage.save("a/x.sealed", ContentFile(LARGE))

    with storage.open("a/x.sealed") as file:
        storage.delete("a/x.sealed")
        storage.save("a/x.sealed", ContentFile(LARGE[::-1]))

        with pytest.raises(StoreUnreachable, match="replaced"):
            file.read(10)


def test_sealed_files_have_no_address(storage):
    with pytest.raises(ValueError, match="not accessible"):
        storage.url("a/x.key")


def test_a_vault_needs_a_bucket():
    with pytest.raises(ImproperlyConfigured, match="bucket"):
        S3Storage()


def test_a_token_of_the_environment_is_not_mixed_with_our_keys(server, monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-somebody-else")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-somebody-else")
    storage = server.storage()

    storage.save("a/x.key", ContentFile(b"x"))

    assert storage.objects.client._request_signer._credentials.token is None


def test_keys_of_the_environment_serve_where_none_are_given(server, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "vault")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "vault-secret")

    assert not server.storage(access_key=None, secret_key=None).exists("a/x.key")
