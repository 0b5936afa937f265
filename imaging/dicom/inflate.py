"""Bounded inflation of Deflated Explicit VR Little Endian (PS3.5 §A.5)."""

import struct
import zlib
from collections.abc import Iterator

from imaging.dicom.limits import Limits
from imaging.dicom.reasons import DEFLATE_BOMB, DEFLATE_CORRUPT, Refused

_PIECE = 1 << 16
_RAW = -15


class Inflation:
    """One deflate stream, inflated in pieces of at most 64 KiB."""

    def __init__(self, limits: Limits) -> None:
        self._stream = zlib.decompressobj(_RAW)
        self._limits = limits
        self._taken = self._given = self._crc = 0  # _taken counts what is behind the bytes given, not what waits

    @property
    def ended(self) -> bool:
        """The stream is complete."""
        return self._stream.eof

    @property
    def trailing(self) -> bytes:
        """What came after the end of the stream, in the data of the last call."""
        return self._stream.unused_data

    @property
    def checksum(self) -> bytes:
        """What gzip would write behind the stream (RFC 1952 §2.3.1): CRC-32 and length."""
        return struct.pack("<II", self._crc, self._given & 0xFFFFFFFF)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Inflate `data`; raises Refused: DEFLATE_CORRUPT or DEFLATE_BOMB."""
        while not self._stream.eof:
            piece = self._inflate(data)
            self._taken += len(data) - len(self._stream.unconsumed_tail)
            if not piece:
                return
            self._count(len(piece))
            self._crc = zlib.crc32(piece, self._crc)
            yield piece
            data = self._stream.unconsumed_tail

    def _inflate(self, data: bytes) -> bytes:
        try:
            return self._stream.decompress(data, _PIECE - self._given % _PIECE)
        except zlib.error as error:
            raise Refused(DEFLATE_CORRUPT, f"after {self._given} bytes") from error

    def _count(self, given: int) -> None:
        """Judged at the same places of the stream in whatever pieces it comes, so that the verdict is the same."""
        self._given += given
        limits = self._limits
        if self._given % _PIECE and not self._stream.eof:
            return
        allowed = min(limits.inflated_bytes, limits.inflate_allowance + limits.inflate_ratio * self._taken)
        if self._given > allowed:
            raise Refused(DEFLATE_BOMB, f"{self._taken} bytes grow beyond {allowed}")
