"""Packs (FORMAT.md §7): Part 10 files one after the other, then a directory of them, in one sealed object.

A pack tells by itself what is in it, so an index can be rebuilt from packs alone.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from imaging.crypto.stream import SealedReader

_MAGIC = b"CLMTDIR\x01"
_FOOTER = struct.Struct(">Q8s")
# A directory is held in memory as a whole: 2,000 members make one of 100 KB.
_MOST_DIRECTORY_BYTES = 1 << 26
_MOST_JSON_BYTES = 1 << 28


class DirectoryMissing(Exception):
    """The object is not a pack, or not one that this version can read."""


@dataclass(frozen=True)
class Member:
    """One file of a pack: `size` bytes from `offset`; `digest` is BLAKE3 and `crc32` zlib's over them."""

    instance_id: UUID
    offset: int
    size: int
    digest: bytes
    crc32: int
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    received_at: datetime


def write_directory(members: Sequence[Member]) -> bytes:
    """What follows the last file of a pack: the directory, compressed, and its footer."""
    listed = [_describe(member) for member in members]
    directory = zlib.compress(json.dumps({"version": 1, "members": listed}, separators=(",", ":")).encode(), 6)
    return directory + _FOOTER.pack(len(directory), _MAGIC)


def read_directory(reader: SealedReader) -> list[Member]:
    """The members of a pack.

    Raises
    ------
    DirectoryMissing
        Another kind of object.
    SealBroken
    """
    footer = reader.read(max(0, reader.size - _FOOTER.size), _FOOTER.size)
    length, magic = _FOOTER.unpack(footer) if len(footer) == _FOOTER.size else (0, b"")
    if magic != _MAGIC or not 0 < length <= min(reader.size - _FOOTER.size, _MOST_DIRECTORY_BYTES):
        raise DirectoryMissing
    members = _parse(reader.read(reader.size - _FOOTER.size - length, length))
    if any(member.offset + member.size > reader.size - _FOOTER.size - length for member in members):
        raise DirectoryMissing
    return members


def _describe(member: Member) -> dict[str, object]:
    return {
        "id": str(member.instance_id), "offset": member.offset, "size": member.size, "digest": member.digest.hex(),
        "crc32": member.crc32, "study": member.study_instance_uid, "series": member.series_instance_uid,
        "instance": member.sop_instance_uid, "received_at": member.received_at.isoformat(),
    }  # fmt: skip


def _parse(directory: bytes) -> list[Member]:
    try:
        inflation = zlib.decompressobj()
        listed = json.loads(inflation.decompress(directory, _MOST_JSON_BYTES))
        if listed["version"] != 1:
            raise DirectoryMissing
        return [_member(entry) for entry in listed["members"]]
    except (zlib.error, ValueError, KeyError, TypeError):
        raise DirectoryMissing from None


def _member(entry: dict[str, object]) -> Member:
    member = Member(
        instance_id=UUID(entry["id"]), offset=int(entry["offset"]), size=int(entry["size"]),
        digest=bytes.fromhex(entry["digest"]), crc32=int(entry["crc32"]), study_instance_uid=str(entry["study"]),
        series_instance_uid=str(entry["series"]), sop_instance_uid=str(entry["instance"]),
        received_at=datetime.fromisoformat(entry["received_at"]),
    )  # fmt: skip
    if member.offset < 0 or member.size <= 0 or len(member.digest) != 32:
        raise ValueError("no such member")
    return member
