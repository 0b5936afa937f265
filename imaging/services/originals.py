"""An instance's original Part 10 file and its header, from the vault."""

from collections.abc import Iterator
from dataclasses import dataclass

from blake3 import blake3

from imaging.dicom.inflate import Inflation
from imaging.dicom.limits import Limits
from imaging.dicom.part10 import inflate_header, split_part10
from imaging.dicom.reasons import TRUNCATED, Refused
from imaging.models import Instance
from imaging.services.sealed import SealedObject

_FIRST_LOOK = 1 << 21  # file meta is at most 1 MiB (imaging.dicom.limits)
_PIECE = 1 << 16
_LONG_ELEMENT_HEADER = 12  # Pixel Data in Explicit VR: tag, VR, two reserved bytes, 32-bit length (PS3.5 §7.1.2)
_LIMITS = Limits()


class DigestDiffers(Exception):
    """The vault gave other bytes than were taken in: the answer is broken off."""


@dataclass(frozen=True)
class DeflatedLayout:
    """Where things lie in a deflated file: `data_start` in the file, `value_start` in the inflated data set."""

    data_start: int
    header: bytes

    @property
    def value_start(self) -> int:
        return len(self.header) + _LONG_ELEMENT_HEADER


def sealed_file(instance: Instance) -> SealedObject:
    """The part of a pack that is the instance's file."""
    return SealedObject(instance.tenant_id, instance.pack_id, instance.pack_offset, instance.size)


def iter_original(instance: Instance) -> Iterator[bytes]:
    """The file as it was taken in, to the byte.

    Raises
    ------
    DigestDiffers
        At the end, instead of ending.
    NoCopyReadable
    Truncated
    """
    digest = blake3()
    for piece in sealed_file(instance).iter_extents([(0, instance.size)]):
        digest.update(piece)
        yield piece
    if digest.digest() != bytes(instance.digest):
        raise DigestDiffers


def read_header(instance: Instance) -> bytes:
    """The data set before Pixel Data, inflated if need be, without file meta; raises as `iter_original`."""
    if instance.deflated:
        return read_deflated_layout(instance).header
    start = sealed_file(instance).read(0, instance.size if instance.header_end is None else instance.header_end)
    return split_part10(start)[1]


def read_deflated_layout(instance: Instance) -> DeflatedLayout:
    """Inflate as much of a deflated file as its header takes: a little, then twice as much, at last all of it."""
    length = min(_FIRST_LOOK, instance.size)
    while True:
        start = sealed_file(instance).read(0, length)
        meta, deflated, _ = split_part10(start)
        try:
            return DeflatedLayout(length - len(deflated), inflate_header(deflated))
        except Refused as refused:
            if refused.reason != TRUNCATED or length == instance.size:
                raise
        length = min(2 * length, instance.size)


def iter_inflated(instance: Instance, layout: DeflatedLayout, offset: int, length: int) -> Iterator[bytes]:
    """Bytes [offset, offset + length) of the inflated data set, inflated in bounded pieces."""
    inflation, position, end = Inflation(_LIMITS), 0, offset + length
    stored = sealed_file(instance).iter_extents([(layout.data_start, instance.size - layout.data_start)])
    for chunk in stored:
        for piece in inflation.pieces(chunk):
            wanted = piece[max(0, offset - position) : max(0, end - position)]
            position += len(piece)
            if wanted:
                yield wanted
            if position >= end:
                return
    raise Refused(TRUNCATED)
