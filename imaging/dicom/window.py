"""The bytes that have arrived and are not yet judged."""

from collections.abc import Generator

from imaging.dicom.reasons import TRUNCATED, Refused

Machine = Generator[None, None, None]


class Window:
    """A growing buffer between whoever has the bytes and the machines that judge them.

    The machines are generators: one yields when it has used up what is here and is resumed after the next
    `append`, or after `ended` was set. `start` is the offset of `data[0]` in the file (or in the inflated
    data set). `data` stays the same object throughout, so that a machine may keep it in a local variable.
    """

    __slots__ = ("data", "ended", "owed", "start")

    def __init__(self, data: bytes = b"", *, start: int = 0, ended: bool = False) -> None:
        self.data = bytearray(data)
        self.start = start
        self.ended = ended
        self.owed = 0  # bytes to be skipped before any more are kept

    def append(self, piece: memoryview | bytes) -> None:
        skipped = min(self.owed, len(piece))
        self.owed -= skipped
        if not self.data:
            self.start += skipped
        self.data += piece[skipped:]

    def cut(self, length: int) -> bytes:
        """Take the first `length` bytes out."""
        taken = bytes(memoryview(self.data)[:length])  # one copy, not two: a header may be large
        del self.data[:length]
        self.start += length
        return taken

    def put_back(self, data: bytes) -> None:
        self.data[:0] = data
        self.start -= len(data)

    def need(self, length: int) -> Machine:
        """Wait for `length` bytes; raises Refused(TRUNCATED) when they will not come."""
        while len(self.data) < length:
            if self.ended:
                raise Refused(TRUNCATED, f"{length - len(self.data)} bytes missing at offset {self.start}")
            yield

    def take(self, length: int) -> Generator[None, None, bytes]:
        yield from self.need(length)
        return self.cut(length)

    def skip(self, length: int) -> Machine:
        """Let `length` bytes go by without keeping them."""
        here = min(length, len(self.data))
        del self.data[:here]
        self.start += here
        self.owed = length - here
        while self.owed:
            if self.ended:
                raise Refused(TRUNCATED, f"{self.owed} bytes missing")
            yield
