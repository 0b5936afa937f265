"""The data set of a file: header, Pixel Data, what follows; and the identity its header claims."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

from imaging.dicom import image
from imaging.dicom.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ElementWalk,
    Encoding,
    name_tag,
)
from imaging.dicom.fragments import numbers
from imaging.dicom.limits import Limits
from imaging.dicom.meta import FileMeta
from imaging.dicom.pixels import PixelContext, Pixels, read_pixels
from imaging.dicom.reasons import INVALID_UID, META_MISMATCH, MISSING_UID, TRAILING_DATA, Refused
from imaging.dicom.transfer_syntaxes import EXPLICIT_BIG as EXPLICIT_BIG_UID
from imaging.dicom.transfer_syntaxes import IMPLICIT_LITTLE as IMPLICIT_LITTLE_UID
from imaging.dicom.uid import InvalidUID, strip_uid_padding, validate_uid
from imaging.dicom.window import Machine, Window

SOP_CLASS, SOP_INSTANCE = 0x00080016, 0x00080018
STUDY_INSTANCE, SERIES_INSTANCE = 0x0020000D, 0x0020000E
EXTENDED_OFFSETS = 0x7FE00001
# What the index is made of (imaging.dicom.attributes), so that nobody needs to look for it a second time.
INDEXED = frozenset({
    0x00080005, 0x00080020, 0x00080021, 0x00080030, 0x00080050, 0x00080060, 0x00080080, 0x00080090, 0x00080201,
    0x00081030, 0x0008103E, 0x00100010, 0x00100020, 0x00100021, 0x00100030, 0x00100040, 0x00180015, 0x00200010,
    0x00200011, 0x00200013, 0x00200060, 0x00200062, 0x00280008, 0x00400244, 0x00400245, 0x00400275,
})  # fmt: skip
_JUDGED = image.TAGS | {SOP_CLASS, SOP_INSTANCE, STUDY_INSTANCE, SERIES_INSTANCE, EXTENDED_OFFSETS}
_WANTED = INDEXED | _JUDGED
_LONGEST_INDEXED = 1 << 14  # what the index keeps is short; a hostile value may be as long as the header
_ENCODINGS = {IMPLICIT_LITTLE_UID: IMPLICIT_LITTLE, EXPLICIT_BIG_UID: EXPLICIT_BIG}


Indexed = dict[int, tuple[bytes, bytes] | None]


@dataclass(frozen=True)
class Identity:
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str


@dataclass(frozen=True)
class DataSet:
    """`header` is everything before Pixel Data; `header_end` is where that starts, None without one.

    `indexed` holds (VR, value) of the top-level elements of `INDEXED`, None where the value is long.
    """

    identity: Identity
    header: bytes
    indexed: Indexed
    header_end: int | None
    pixels: Pixels | None


def encoding_of(transfer_syntax_uid: str) -> Encoding:
    return _ENCODINGS.get(transfer_syntax_uid, EXPLICIT_LITTLE)


def read_data_set(window: Window, meta: FileMeta, limits: Limits) -> Generator[None, None, DataSet]:
    """Consume the data set to the end of the bytes; raises Refused."""
    encoding = encoding_of(meta.transfer_syntax_uid)
    walk = ElementWalk(window, encoding, limits, _WANTED)
    yield from walk.run()
    header = window.cut(walk.position)
    values = {tag: (vr, header[start:end]) for tag, (vr, start, end) in walk.found.items() if tag in _JUDGED}
    identity = _read_identity(values, meta)
    indexed = _read_indexed(header, walk.found)
    header_end, pixels = None, None
    if walk.pixel_tag is not None:
        header_end = window.start
        pixels = yield from read_pixels(window, _context(values, meta, encoding, limits))
        yield from walk.go_on_after_pixels()
        window.cut(walk.position)
    yield from require_zeros(window)
    return DataSet(identity, header, indexed, header_end, pixels)


def read_header(window: Window, transfer_syntax_uid: str, limits: Limits) -> Generator[None, None, bytes]:
    """Only the bytes before Pixel Data; what follows is not looked at."""
    walk = ElementWalk(window, encoding_of(transfer_syntax_uid), limits, ())
    yield from walk.run()
    return window.cut(walk.position)


def require_zeros(window: Window) -> Machine:
    """Let zero padding go by to the end of the bytes; raises Refused(TRAILING_DATA) for anything else."""
    while True:
        foreign = window.cut(len(window.data)).lstrip(b"\0")
        if foreign:
            raise Refused(TRAILING_DATA, f"at offset {window.start - len(foreign)}")
        if window.ended:
            return
        yield


def _read_indexed(header: bytes, found: Mapping[int, tuple[bytes, int, int]]) -> Indexed:
    places = ((tag, vr, start, end) for tag, (vr, start, end) in found.items() if tag in INDEXED)
    return {tag: (vr, header[start:end]) if end - start <= _LONGEST_INDEXED else None for tag, vr, start, end in places}


def _context(values: image.Values, meta: FileMeta, encoding: Encoding, limits: Limits) -> PixelContext:
    shape = image.read_image(values, limits, little=encoding.little)
    table = values.get(EXTENDED_OFFSETS, (b"", b""))[1]
    return PixelContext(
        image=shape,
        transfer_syntax_uid=meta.transfer_syntax_uid,
        encoding=encoding,
        extended_offsets=numbers(table, 8) if len(table) == 8 * shape.number_of_frames else (),
        limits=limits,
    )


def _read_identity(values: image.Values, meta: FileMeta) -> Identity:
    identity = Identity(*(_uid(values, tag) for tag in (SOP_CLASS, SOP_INSTANCE, STUDY_INSTANCE, SERIES_INSTANCE)))
    _require_same(meta.sop_class_uid, identity.sop_class_uid, SOP_CLASS)
    _require_same(meta.sop_instance_uid, identity.sop_instance_uid, SOP_INSTANCE)
    return identity


def _uid(values: image.Values, tag: int) -> str:
    vr, value = values.get(tag, (b"", b""))
    text = strip_uid_padding(value.decode("latin-1"))
    if not text:
        raise Refused(MISSING_UID, name_tag(tag))
    if vr not in (b"UI", b"UN", b""):
        raise Refused(INVALID_UID, f"{name_tag(tag)} is not of VR UI")
    try:
        return validate_uid(text)
    except InvalidUID as error:
        raise Refused(INVALID_UID, name_tag(tag)) from error


def _require_same(in_meta: str, in_data_set: str, tag: int) -> None:
    """File meta may be silent about the object (the data set is the truth) but not speak of another."""
    if in_meta and in_meta != in_data_set:
        raise Refused(META_MISMATCH, name_tag(tag))
