"""Taking apart a file that the gate has passed, again, from its stored bytes."""

import io
import logging
import warnings
from collections.abc import Collection, Generator, Sequence
from typing import TypeVar

import pydicom
from pydicom import config
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from imaging.dicom.data_set import encoding_of, read_header
from imaging.dicom.elements import LONG_VRS, ElementWalk, Encoding
from imaging.dicom.inflate import Inflation
from imaging.dicom.limits import Limits
from imaging.dicom.meta import read_file_meta
from imaging.dicom.preamble import read_preamble
from imaging.dicom.reasons import TRUNCATED, Refused
from imaging.dicom.window import Window

Result = TypeVar("Result")
CHARACTER_SET = 0x00080005
_LIMITS = Limits()
_MOST_PICKED = 1 << 20  # of one element; what the index keeps is short

# pydicom quotes odd values when it complains, and a value may be a patient's name: keep it out of every log.
config.settings.reading_validation_mode = config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")


def split_part10(data: bytes, limits: Limits = _LIMITS) -> tuple[bytes, bytes, str]:
    """(file meta, data set as stored, transfer syntax UID) of a file or of its first bytes [0, header_end).

    Raises Refused for what the gate would not have passed.
    """
    window = Window(data, ended=True)
    _run_out(read_preamble(window))
    meta = _run_out(read_file_meta(window, limits))
    return meta.raw, bytes(window.data), meta.transfer_syntax_uid


def inflate_header(data: bytes, limits: Limits = _LIMITS) -> bytes:
    """The data set before Pixel Data, inflated from the deflated `data`, and no more of it than that.

    Raises Refused: DEFLATE_BOMB, DEFLATE_CORRUPT, TRUNCATED, or what the element walk finds.
    """
    inflation, inner = Inflation(limits), Window()
    machine = read_header(inner, "", limits)
    next(machine)
    try:
        for piece in inflation.pieces(data):
            inner.append(piece)
            next(machine)
    except StopIteration as stop:
        return stop.value
    if not inflation.ended:
        raise Refused(TRUNCATED, "deflated data")
    inner.ended = True
    return _run_out(machine)


def parse_header(header: bytes, transfer_syntax_uid: str, only: Sequence[BaseTag] | None = None) -> pydicom.Dataset:
    """Decode a header (inflated already) with pydicom, or `only` some of its top-level elements.

    Values are converted, and may raise, when they are touched.
    """
    encoding = encoding_of(transfer_syntax_uid)
    if only:
        header = _pick(header, encoding, {CHARACTER_SET, *only})
    try:
        return read_dataset(io.BytesIO(header), encoding.implicit, encoding.little)
    except Exception:
        header = _without_character_sets(header, encoding)
        return read_dataset(io.BytesIO(header), encoding.implicit, encoding.little)


def _pick(header: bytes, encoding: Encoding, tags: Collection[int]) -> bytes:
    """Some top-level elements, found by the gate's own walk.

    So the index says what the gate saw, and what else is in the header costs pydicom neither time nor memory.
    """
    walk = ElementWalk(Window(header, ended=True), encoding, _LIMITS, tags)
    _run_out(walk.run())
    places = ((start - (12 if vr in LONG_VRS else 8), end) for vr, start, end in walk.found.values())
    return b"".join(header[start:end] for start, end in places if end - start <= _MOST_PICKED)


def _without_character_sets(header: bytes, encoding: Encoding) -> bytes:
    """Turn each Specific Character Set, of whatever VR, into a group length, which everybody skips.

    It is the one element that pydicom decodes at once, and a damaged one would cost all the others.
    """
    if encoding.little:
        return header.replace(b"\x08\0\x05\0", b"\x08\0\0\0")
    return header.replace(b"\0\x08\0\x05", b"\0\x08\0\0")


def _run_out(machine: Generator[None, None, Result]) -> Result:
    """The result of a machine whose window has all its bytes."""
    try:
        next(machine)
    except StopIteration as stop:
        return stop.value
    raise Refused(TRUNCATED)
