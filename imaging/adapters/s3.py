"""A vault's files in an S3 bucket, through django-storages' interface (infra/docs/s3.md).

Objects are written once: a name goes to the first who publishes it (`If-None-Match: *`), and only a `.key` is
ever replaced. What is written but not published is an unfinished multipart upload, which nobody can read, or, if it
is small, waits in memory.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files import File
from storages.backends.s3 import S3Storage as DjangoS3Storage

from imaging.adapters.s3_bucket import Bucket
from imaging.adapters.s3_client import StoreUnreachable, client_config, stay_on_host
from imaging.adapters.s3_file import RangedFile
from imaging.adapters.s3_part import HeldFiles, ObjectPart, StagedObject, checksum
from imaging.adapters.storage import NAME, ObjectLocked, write_part


class S3Storage(DjangoS3Storage):
    """A bucket of write-once objects, under the names and rules of `DirectoryStorage`.

    Options are django-storages' own (`bucket_name`, `endpoint_url`, `region_name`, `access_key`, `secret_key`,
    `location`, `verify`...) and `lock_days`, `connect_timeout`, `read_timeout` (seconds). Without keys, boto asks
    its own chain. Any method may raise `StoreUnreachable`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if not self.bucket_name:
            raise ImproperlyConfigured("Name the bucket of this vault.")
        self.client_config = client_config(
            self.endpoint_url, self.addressing_style, self.connect_timeout, self.read_timeout
        )
        self.objects = Bucket(self.bucket_name, self._connect)
        self._held = HeldFiles()
        self._lock_confirmed = False

    def get_default_settings(self) -> dict[str, Any]:
        """Return django-storages' settings and ours; a key never comes from one place and its token from another."""
        credentials = dict.fromkeys(("access_key", "secret_key", "security_token"))
        ours = {"file_overwrite": False, "lock_days": 0, "connect_timeout": 2, "read_timeout": 10}
        return super().get_default_settings() | credentials | ours

    def begin(self, name: str) -> ObjectPart:
        """Start an object, see `Staging`. That its name is taken shows only in `publish`: asking costs a request."""
        return ObjectPart(self.objects, self._held, name, self._key(name), partial(self._describe, name))

    def publish(self, staged: Sequence[StagedObject]) -> None:
        """Name all, in order, see `Staging`; if one fails, delete those before it again.

        That needs the server: if it dies in between, what was published stays, complete but unacknowledged.
        """
        tried: list[StagedObject] = []
        try:
            for each in staged:
                tried.append(each)
                self._publish(each)
        except BaseException:
            self._undo(tried, staged)
            raise

    def discard(self, staged: Sequence[StagedObject]) -> None:
        """Abort uploads, see `Staging`. What an unreachable server keeps is left to `discard_abandoned`."""
        self._undo([], staged)

    def discard_abandoned(self, older_than_s: float) -> int:
        """Abort uploads begun so many seconds ago or more, by the server's clock, see `Staging`."""
        uploads, age = list(self.objects.list_uploads(self._folder(""))), timedelta(seconds=older_than_s)
        abandoned = [upload for upload, now in uploads if now - upload["Initiated"] >= age]
        for upload in abandoned:
            self.objects.abort(upload["Key"], upload["UploadId"])
        return len(abandoned)

    def replace(self, name: str, content: bytes) -> None:
        """See `Staging`; no version with the old content remains.

        Raises `FileNotFoundError` if there is nothing to replace: a purged key does not come back.
        """
        key, writer = self._key(name), secrets.token_hex(16)
        current = self.objects.head(key)
        try:
            self._put(name, content, writer, IfMatch=current["ETag"])
        except FileExistsError:
            if not self.objects.was_written_by(key, writer):
                raise StoreUnreachable("the object was replaced or deleted meanwhile") from None
        self.objects.delete_older_versions(key)

    def delete(self, name: str) -> None:
        """Remove all versions and unfinished uploads of a name for good; nothing there is no error.

        Raises `ObjectLocked` if the bucket must keep the bytes for now; the name is gone all the same.
        """
        self.objects.delete(self._key(name))

    def exists(self, name: str) -> bool:
        """Tell whether the name has an object. A missing bucket is an outage, not an absent object."""
        try:
            self.objects.head(self._key(name))
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        """Return the size in bytes; raises `FileNotFoundError`."""
        return self.objects.head(self._key(name))["ContentLength"]

    def get_modified_time(self, name: str) -> datetime:
        """Return when the object was published, by the server's clock; raises `FileNotFoundError`."""
        return self.objects.head(self._key(name))["LastModified"]

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return (folders, files); a folder without objects is empty, not missing."""
        if path and not NAME.fullmatch(f"{path}/x.x"):
            raise SuspiciousFileOperation("not a folder in this storage")
        folder, folders, files = self._folder(path), [], []
        for page in self.objects.pages("list_objects_v2", Prefix=folder, Delimiter="/"):
            folders += [each["Prefix"].removeprefix(folder).rstrip("/") for each in page.get("CommonPrefixes", ())]
            files += [each["Key"].removeprefix(folder) for each in page.get("Contents", ())]
        # Some servers list a folder as an empty object of its own.
        return folders, [name for name in files if name]

    def url(self, name: str | None, *_: object, **__: object) -> str:
        """Refuse: sealed files have no address."""
        raise ValueError("files of this storage are not accessible by URL")

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return `name` itself; saving raises `FileExistsError` where Django would invent another."""
        return name

    def _open(self, name: str, mode: str = "rb") -> File:
        if mode != "rb":
            raise ValueError("the storage is write-once: files are opened for reading")
        return File(RangedFile(partial(self.objects.call, "get_object", Key=self._key(name))), name)

    def _save(self, name: str, content: File) -> str:
        self.publish([write_part(self, name, content.chunks())])
        return name

    def _connect(self) -> Any:
        client = self._create_session().client(
            "s3",
            region_name=self.region_name,
            endpoint_url=self.endpoint_url,
            use_ssl=self.use_ssl,
            verify=self.verify,
            config=self.client_config,
        )
        stay_on_host(client)
        return client

    def _key(self, name: str) -> str:
        if not NAME.fullmatch(name):
            raise SuspiciousFileOperation("not a name in this storage")
        return self._folder("") + name

    def _folder(self, path: str) -> str:
        return "".join(f"{each.strip('/')}/" for each in (self.location, path) if each)

    def _publish(self, staged: StagedObject) -> None:
        try:
            if staged.upload_id is None:
                self._put(staged.name, self._held.get(staged.part), staged.part, IfNoneMatch="*")
            else:
                self._complete(staged)
        except (FileExistsError, FileNotFoundError):
            # If the first answer got lost, the client asked again and met its own object.
            if not self.objects.was_written_by(self._key(staged.name), staged.part):
                raise
        self._held.release(staged.part)

    def _put(self, name: str, content: bytes, writer: str, **conditions: str) -> None:
        arguments = self._describe(name, writer) | checksum(content) | conditions
        self.objects.call("put_object", Key=self._key(name), Body=content, ChecksumAlgorithm="CRC32", **arguments)

    def _complete(self, staged: StagedObject) -> None:
        self.objects.call(
            "complete_multipart_upload",
            Key=self._key(staged.name),
            UploadId=staged.upload_id,
            MultipartUpload={"Parts": list(staged.parts)},
            IfNoneMatch="*",
        )

    def _describe(self, name: str, writer: str) -> dict[str, Any]:
        """Arguments of every request that makes an object."""
        arguments = self.get_object_parameters(name)
        arguments |= {"ContentType": "application/octet-stream", "Metadata": {"writer": writer}}
        if self.lock_days and name.endswith(".sealed"):
            self._require_lock()
            until = datetime.now(UTC) + timedelta(days=self.lock_days)
            arguments |= {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
        return arguments

    def _require_lock(self) -> None:
        if not self._lock_confirmed:
            self.objects.call("get_object_lock_configuration")
            self._lock_confirmed = True

    def _undo(self, tried: Sequence[StagedObject], staged: Sequence[StagedObject]) -> None:
        for each in staged:
            self._held.release(each.part)
        # One deadline is enough to learn that the server is away.
        with suppress(StoreUnreachable):
            for each in reversed(tried):
                self._take_back(each)
            for each in staged:
                if each.upload_id is not None:
                    self.objects.abort(self._key(each.name), each.upload_id)

    def _take_back(self, tried: StagedObject) -> None:
        # The mark also tells what was published although its answer got lost.
        if self.objects.was_written_by(self._key(tried.name), tried.part):
            with suppress(ObjectLocked):
                self.delete(tried.name)
