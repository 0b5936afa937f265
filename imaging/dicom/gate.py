"""The gate: judges a DICOM file while it streams by, before anything else looks at it.

    gate = Gate()
    for piece in upload:
        gate.feed(piece)
    passed = gate.finish()

Push parser in constant memory beside the header (PS3.10 §7, PS3.5 §7). It decodes no text and no pixels,
needs no dictionary, and does not recurse; what it lets through has lengths that add up to the byte.
"""

from collections.abc import Generator
from dataclasses import dataclass

from imaging.dicom.data_set import DataSet, Indexed, read_data_set, require_zeros
from imaging.dicom.inflate import Inflation
from imaging.dicom.limits import Limits
from imaging.dicom.meta import FileMeta, read_file_meta
from imaging.dicom.pixels import Pixels
from imaging.dicom.preamble import read_preamble
from imaging.dicom.reasons import TOO_LARGE, TRUNCATED, Refused
from imaging.dicom.transfer_syntaxes import DEFLATED
from imaging.dicom.window import Machine, Window

__all__ = ["Gate", "Limits", "Passed", "Pixels", "Refused"]
_PIECE = 1 << 16
_DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Passed:
    """What the gate learnt of a file it lets through.

    `file_meta` is group 0002 as in the file; `header` the data set before Pixel Data, inflated where the file
    is deflated; `indexed` those of its elements that the index is made of; `header_end` the file offset of the Pixel
    Data element, None without one or when deflated.
    """

    size: int
    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    file_meta: bytes
    header: bytes
    indexed: Indexed
    header_end: int | None
    pixels: Pixels | None


class Gate:
    """Judges one file. After Refused was raised once, every further call raises it again."""

    def __init__(self, limits: Limits = _DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._size = 0
        self._window = Window()
        self._machine = self._judge()
        self._passed: Passed | None = None
        self._refused: Refused | None = None
        self._resume()

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Judge the next bytes; raises Refused as soon as it knows."""
        view = memoryview(data)
        while len(view):
            taken = max(_PIECE, self._window.owed)
            self._take(view[:taken])
            view = view[taken:]

    def finish(self) -> Passed:
        """The file has ended: return what was learnt, or raise Refused."""
        self._window.ended = True
        self._resume()
        return self._passed

    def _take(self, piece: memoryview) -> None:
        self._size += len(piece)
        if self._size > self._limits.file_bytes and self._refused is None:
            self._refused = Refused(TOO_LARGE, f"more than {self._limits.file_bytes} bytes")
        if self._refused is None:
            self._window.append(piece)
        self._resume()

    def _resume(self) -> None:
        if self._refused is not None:
            raise self._refused
        if self._passed is None:
            self._advance()

    def _advance(self) -> None:
        try:
            next(self._machine)
        except StopIteration as stop:
            self._passed = stop.value
        except Refused as refused:
            self._refused = refused
            raise

    def _judge(self) -> Generator[None, None, Passed]:
        yield from read_preamble(self._window)
        meta = yield from read_file_meta(self._window, self._limits)
        deflated = meta.transfer_syntax_uid == DEFLATED
        read = read_deflated_data_set if deflated else read_data_set
        data_set = yield from read(self._window, meta, self._limits)
        return Passed(
            size=self._size,
            transfer_syntax_uid=meta.transfer_syntax_uid,
            **vars(data_set.identity),
            file_meta=meta.raw,
            header=data_set.header,
            indexed=data_set.indexed,
            header_end=None if deflated else data_set.header_end,
            pixels=data_set.pixels,
        )


def read_deflated_data_set(window: Window, meta: FileMeta, limits: Limits) -> Generator[None, None, DataSet]:
    """Inflate what arrives in `window` and judge the data set in it; raises Refused."""
    inflation, inner = Inflation(limits), Window()
    machine = read_data_set(inner, meta, limits)
    next(machine)
    while not inflation.ended:
        for piece in inflation.pieces((yield from _arrived(window))):
            inner.append(piece)
            next(machine)
    window.put_back(inflation.trailing)
    yield from _skip_checksum(window, inflation.checksum)
    yield from require_zeros(window)
    return _ended(inner, machine)


def _arrived(window: Window) -> Generator[None, None, bytes]:
    while not window.data:
        if window.ended:
            raise Refused(TRUNCATED, "deflated data")
        yield
    return window.cut(len(window.data))


def _skip_checksum(window: Window, checksum: bytes) -> Machine:
    """Some writers leave gzip's trailer behind the stream; harmless, as long as it is that and true."""
    while len(window.data) < len(checksum) and not window.ended:
        yield
    if window.data.startswith(checksum):
        window.cut(len(checksum))


def _ended(inner: Window, machine: Generator[None, None, DataSet]) -> DataSet:
    inner.ended = True
    try:
        next(machine)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a machine yields no more once its window has ended")
