"""Requests to one bucket, each with our errors, and what S3 makes several requests of."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from imaging.adapters.s3_client import StoreUnreachable, translated_errors
from imaging.adapters.storage import ObjectLocked


class Bucket:
    """One bucket. Any method may raise `StoreUnreachable`."""

    def __init__(self, name: str, connect: Callable[[], Any]) -> None:
        self._name = name
        self._connect = connect
        self._clients: dict[int, Any] = {}

    @property
    def client(self) -> Any:
        """One client for all threads of this process; a forked process must not share its connections."""
        if os.getpid() not in self._clients:
            self._clients.setdefault(os.getpid(), self._connect())
        return self._clients[os.getpid()]

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Do one operation of boto3's client; raises `FileNotFoundError`, `FileExistsError`, `RangeUnsatisfiable`."""
        with translated_errors():
            return getattr(self.client, operation)(Bucket=self._name, **arguments)

    def pages(self, operation: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Yield the answers of an operation that lists."""
        with translated_errors():
            yield from self.client.get_paginator(operation).paginate(Bucket=self._name, **arguments)

    def head(self, key: str) -> dict[str, Any]:
        """Return the answer to HeadObject; raises `FileNotFoundError` if the bucket is there and the object is not."""
        try:
            return self.call("head_object", Key=key)
        except FileNotFoundError:
            # The answer to HEAD has no body to tell a missing object from a missing bucket.
            self._require_bucket()
            raise

    def was_written_by(self, key: str, writer: str) -> bool:
        """Tell whether the current object of a key has the mark of `writer`."""
        try:
            return self.head(key)["Metadata"].get("writer") == writer
        except FileNotFoundError:
            return False

    def abort(self, key: str, upload_id: str) -> None:
        """Drop an upload and its parts; repeatable."""
        with suppress(FileNotFoundError):
            self.call("abort_multipart_upload", Key=key, UploadId=upload_id)

    def list_uploads(self, prefix: str) -> Iterator[tuple[dict[str, Any], datetime]]:
        """Yield (unfinished upload, the server's time) for keys that start with `prefix`."""
        for page in self.pages("list_multipart_uploads", Prefix=prefix):
            for upload in page.get("Uploads", ()):
                yield upload, server_time(page)

    def delete(self, key: str) -> None:
        """Remove all versions of a key and its uploads for good.

        Raises `ObjectLocked` if some must stay; then the key is at least out of sight, and free for a new object.
        """
        for upload, _ in list(self.list_uploads(key)):
            if upload["Key"] == key:
                self.abort(key, upload["UploadId"])
        # The current version goes last: after an interruption the key still shows that there is work left.
        versions = sorted(self._versions(key), key=lambda version: version["IsLatest"])
        locks = [lock for version in versions if (lock := self._delete_version(key, version["VersionId"]))]
        if locks:
            # Without a version, S3 deletes nothing but puts a marker on top.
            self.call("delete_object", Key=key)
            raise locks[-1]

    def delete_older_versions(self, key: str) -> None:
        """Remove all versions but the current one for good, except locked ones."""
        for version in self._versions(key):
            if not version["IsLatest"]:
                self._delete_version(key, version["VersionId"])

    def _require_bucket(self) -> None:
        try:
            self.call("head_bucket")
        except FileNotFoundError:
            raise StoreUnreachable("the vault's bucket does not exist", "NoSuchBucket") from None

    def _versions(self, key: str) -> list[dict[str, Any]]:
        """All versions and delete markers of one key; an unversioned object is a version called `null`."""
        pages = self.pages("list_object_versions", Prefix=key)
        rows = [row for page in pages for kind in ("Versions", "DeleteMarkers") for row in page.get(kind, ())]
        return [row for row in rows if row["Key"] == key]

    def _delete_version(self, key: str, version_id: str) -> ObjectLocked | None:
        try:
            self.call("delete_object", Key=key, VersionId=version_id)
        except StoreUnreachable as error:
            if error.code != "AccessDenied" or not (lock := self._find_lock(key, version_id)):
                raise
            return lock
        return None

    def _find_lock(self, key: str, version_id: str) -> ObjectLocked | None:
        head = self.call("head_object", Key=key, VersionId=version_id)
        until = head.get("ObjectLockRetainUntilDate")
        if until and until > server_time(head):
            return ObjectLocked(until)
        return ObjectLocked(None) if head.get("ObjectLockLegalHoldStatus") == "ON" else None


def server_time(answer: dict[str, Any]) -> datetime:
    """Return when the server answered, by its own clock: ours may have jumped."""
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
