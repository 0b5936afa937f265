"""From incoming files to packs: gate, digests and seal in one pass, with memory that does not grow with a file.

A small file waits in memory until the gate has passed all of it, and is then appended to the open pack of its series.
A larger one streams into a pack of its own while the gate looks on, and is abandoned if the gate refuses it.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from blake3 import blake3
from isal.isal_zlib import crc32

from imaging.adapters.vault import Batch, Sealing
from imaging.crypto.pack import Member, write_directory
from imaging.dicom.attributes import AttributeReader, Attributes
from imaging.dicom.gate import Gate, Limits, Passed, Refused
from imaging.dicom.text import clean
from imaging.services.catalog import Arrival, NewPack, describe

PACK_BYTES = 256 << 20
SMALL_BYTES = 4 << 20
# Each open pack has two buffers of a chunk.
MOST_OPEN_PACKS = 8


@dataclass(frozen=True)
class IncomingFile:
    """A file as it comes: its name as the sender knows it, and its bytes, which can be read once."""

    name: str
    chunks: Iterable[bytes]
    length: int | None = None  # in bytes, where it is known that fewer mean that the line broke


class LineBroke(Exception):
    """A file ended before its length. What came of it lies in a sealed object: `size` bytes from its beginning."""

    def __init__(self, object_id: UUID, size: int) -> None:
        super().__init__()
        self.object_id = object_id
        self.size = size


class Stream:
    """One file on its way: whoever iterates gets its bytes after the gate and the digests have seen them."""

    def __init__(self, file: IncomingFile, most_bytes: int) -> None:
        self.name = clean(file.name)
        self.size = 0
        self.length = file.length
        self._chunks = iter(file.chunks)
        self._gate = Gate(Limits(file_bytes=most_bytes))
        self._digest = blake3()
        self._crc32 = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self.size += len(chunk)
        self._gate.feed(chunk)
        self._digest.update(chunk)
        self._crc32 = crc32(chunk, self._crc32)
        return chunk

    @property
    def is_cut(self) -> bool:
        """Whether it ended too early."""
        return self.length is not None and self.size < self.length

    def judge(self) -> Passed:
        """What the gate says once all bytes have been read; raises `Refused`."""
        return self._gate.finish()

    def drain(self) -> None:
        """Read over what is left, so that the next file can be reached."""
        with suppress(Refused):
            for chunk in self._chunks:
                self.size += len(chunk)

    def arrival(self, passed: Passed, attributes: Attributes, pack_id: UUID, pack_offset: int) -> Arrival:
        """What the index needs; the header is let go of."""
        return Arrival(
            instance_id=uuid4(), pack_id=pack_id, pack_offset=pack_offset, size=passed.size,
            digest=self._digest.digest(), crc32=self._crc32, sop_class_uid=passed.sop_class_uid,
            sop_instance_uid=passed.sop_instance_uid, study_instance_uid=passed.study_instance_uid,
            series_instance_uid=passed.series_instance_uid, transfer_syntax_uid=passed.transfer_syntax_uid,
            attributes=attributes, pixels=describe(passed),
        )  # fmt: skip


class OpenPack:
    """A pack being written."""

    def __init__(self, batch: Batch, tenant_id: UUID, now: datetime) -> None:
        self.id = uuid4()
        self._now = now
        self._sealing: Sealing = batch.begin(tenant_id, self.id)
        self._region = batch.region
        self._members: list[Member] = []

    @property
    def size(self) -> int:
        """Plaintext bytes so far."""
        return self._sealing.size

    def write(self, piece: bytes) -> None:
        """Append bytes of a file; raises `VaultUnavailable`."""
        self._sealing.write(piece)

    def add(self, arrival: Arrival) -> None:
        """List a file whose bytes have been written."""
        self._members.append(member_of(arrival, self._now))

    def finish(self) -> NewPack:
        """Write the directory, an empty one if nothing was listed, and end the pack; raises `VaultUnavailable`."""
        self._sealing.write(write_directory(self._members))
        size = self._sealing.finish()
        return NewPack(self.id, size, len(self._members), self._region)

    def abandon(self) -> None:
        """Leave nothing of it."""
        self._sealing.abandon()


class Spool:
    """The packs of one batch."""

    def __init__(self, batch: Batch, tenant_id: UUID, now: datetime) -> None:
        self._batch = batch
        self._tenant_id = tenant_id
        self._now = now
        self._open: OrderedDict[tuple[str, str], OpenPack] = OrderedDict()
        self._finished: list[NewPack] = []
        self._attributes = AttributeReader()

    def take(self, stream: Stream, require_study: Callable[[str], None]) -> Arrival:
        """Seal one file.

        Raises
        ------
        Refused
            Nothing of the file remains.
        LineBroke
        VaultUnavailable
        """
        head, ended = _read_head(stream)
        if not ended or stream.is_cut:
            return self._take_large(stream, head, require_study)
        passed = stream.judge()
        require_study(passed.study_instance_uid)
        return self._append(stream, head, passed)

    def finish(self) -> list[NewPack]:
        """End every pack that is open; raises `VaultUnavailable`."""
        try:
            while self._open:
                self._finish_oldest()
        except BaseException:
            self.abandon()
            raise
        return self._finished

    def abandon(self) -> None:
        """Leave nothing of the packs that are still open."""
        while self._open:
            self._open.popitem()[1].abandon()

    def _append(self, stream: Stream, pieces: list[bytes], passed: Passed) -> Arrival:
        key = passed.study_instance_uid, passed.series_instance_uid
        pack = self._pack_for(key, passed.size)
        arrival = stream.arrival(passed, self._attributes.read(passed), pack.id, pack.size)
        try:
            for piece in pieces:
                pack.write(piece)
        except BaseException:
            # What it held so far is lost with it: the intake finds its pack missing among the finished ones.
            pack.abandon()
            del self._open[key]
            raise
        pack.add(arrival)
        return arrival

    def _pack_for(self, key: tuple[str, str], size: int) -> OpenPack:
        pack = self._open.get(key)
        if pack is not None and pack.size + size > PACK_BYTES:
            self._end(self._open.pop(key))
            pack = None
        if pack is None:
            if len(self._open) == MOST_OPEN_PACKS:
                self._finish_oldest()
            pack = self._open[key] = OpenPack(self._batch, self._tenant_id, self._now)
        self._open.move_to_end(key)
        return pack

    def _finish_oldest(self) -> None:
        _, pack = self._open.popitem(last=False)
        self._end(pack)

    def _end(self, pack: OpenPack) -> None:
        try:
            self._finished.append(pack.finish())
        except BaseException:
            pack.abandon()
            raise

    def _take_large(self, stream: Stream, head: list[bytes], require_study: Callable[[str], None]) -> Arrival:
        pack = OpenPack(self._batch, self._tenant_id, self._now)
        try:
            for piece in head:
                pack.write(piece)
            for piece in stream:
                pack.write(piece)
            if stream.is_cut:
                pack.finish()
                raise LineBroke(pack.id, stream.size)
            passed = stream.judge()
            require_study(passed.study_instance_uid)
            arrival = stream.arrival(passed, self._attributes.read(passed), pack.id, 0)
            pack.add(arrival)
            self._finished.append(pack.finish())
        except BaseException:
            pack.abandon()
            raise
        return arrival


def member_of(arrival: Arrival, received_at: datetime) -> Member:
    """The entry of an arrival in its pack's directory."""
    names = ("size", "digest", "crc32", "study_instance_uid", "series_instance_uid", "sop_instance_uid")
    values = {name: getattr(arrival, name) for name in names}
    return Member(instance_id=arrival.instance_id, offset=arrival.pack_offset, received_at=received_at, **values)


def _read_head(stream: Stream) -> tuple[list[bytes], bool]:
    """The first pieces of a file, and whether they are all of it."""
    head: list[bytes] = []
    for piece in stream:
        head.append(piece)
        if stream.size > SMALL_BYTES:
            return head, False
    return head, True
