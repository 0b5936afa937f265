"""A series' manifest: where every instance and frame lies, and the series' metadata as compressed DICOM JSON.

`CLMTMAN` 01, the index's length (u32, big-endian), the index (JSON, zlib), then the metadata (a JSON array of DICOM
JSON objects, PS3.18 Annex F, gzip). The index:

    {"version": 1, "number": N, "study": {…}, "series": {…}, "bulk": whether any value is given by URI,
     "instances": [{"id", "sop_instance_uid", "sop_class_uid", "transfer_syntax_uid", "instance_number", "size",
                    "digest", "crc32", "pack", "pack_offset", "header_end", "frames", "json": [start, length]}]}

`frames` is {"offset", "length", "count"} where frames of one length lie one behind the other, {"fragments": [[[offset,
length], …], …]} per frame where they are encapsulated, None where there are none or they cannot be told apart. Offsets
count bytes of the Part 10 file, which begins at `pack_offset` of the pack's plaintext; `json` counts bytes of the
uncompressed array. A `BulkDataURI` starts with `ROOT`, in whose place whoever answers puts the address of its service.
"""

import gzip
import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

ROOT = "collimate-root:/"
MAGIC = b"CLMTMAN\x01"
_LENGTH = struct.Struct(">I")
_PIECE = 1 << 16


class NotAManifest(Exception):
    """The bytes are something else, or a manifest of another version."""


@dataclass(frozen=True)
class Manifest:
    """A manifest as read; `metadata` is the gzip member."""

    packed_index: bytes
    metadata: bytes

    @cached_property
    def index(self) -> dict[str, object]:
        """The index; unpacked only for who asks, as most want the metadata.

        Raises
        ------
        NotAManifest
        """
        try:
            index = json.loads(zlib.decompress(self.packed_index))
        except (zlib.error, ValueError):
            raise NotAManifest from None
        if index.get("version") != 1:
            raise NotAManifest
        return index

    @property
    def number(self) -> int:
        """The manifest's version: each one written for a series counts one up."""
        return int(self.index["number"])

    @property
    def has_bulk_data(self) -> bool:
        """Whether any value is given by URI."""
        return bool(self.index["bulk"])

    def iter_metadata(self, root: str) -> Iterator[bytes]:
        """The JSON array, uncompressed, with `root` as the address of the DICOMweb service."""
        if self.has_bulk_data:
            yield gzip.decompress(self.metadata).replace(ROOT.encode(), f"{root}/".encode())
            return
        inflation, rest = zlib.decompressobj(wbits=31), self.metadata
        while piece := inflation.decompress(rest, _PIECE):
            rest = inflation.unconsumed_tail
            yield piece

    def texts(self) -> dict[str, bytes]:
        """Each instance's JSON object, by the instance's id."""
        text = gzip.decompress(self.metadata)
        places = ((each["id"], each["json"]) for each in self.index["instances"])
        return {instance_id: text[start : start + length] for instance_id, (start, length) in places}


def write_manifest(index: dict[str, object], texts: Sequence[bytes]) -> bytes:
    """The manifest of the instances in `index["instances"]`, with their JSON objects in the same order."""
    position = 1
    for entry, text in zip(index["instances"], texts, strict=True):
        entry["json"] = [position, len(text)]
        position += len(text) + 2
    array = b"[" + b",\n".join(texts) + b"]"
    index = {"version": 1, **index, "bulk": ROOT.encode() in array}
    packed = zlib.compress(json.dumps(index, separators=(",", ":")).encode(), 6)
    return MAGIC + _LENGTH.pack(len(packed)) + packed + gzip.compress(array, 6, mtime=0)


def read_manifest(raw: bytes) -> Manifest:
    """Read a manifest; raises `NotAManifest` for what does not begin like one."""
    head = len(MAGIC) + _LENGTH.size
    if raw[: len(MAGIC)] != MAGIC or len(raw) < head:
        raise NotAManifest
    (length,) = _LENGTH.unpack(raw[len(MAGIC) : head])
    return Manifest(raw[head : head + length], raw[head + length :])
