"""What must hold for every input, whatever it is."""

import io
import json
import random
import sys
import warnings
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pydicom
from pydicom.multival import MultiValue

from imaging.dicom.attributes import AttributeReader, read_attributes
from imaging.dicom.data_set import encoding_of
from imaging.dicom.dicom_json import to_dicom_json
from imaging.dicom.elements import ElementWalk
from imaging.dicom.gate import Gate, Limits, Passed, Refused
from imaging.dicom.text import clean
from imaging.dicom.transfer_syntaxes import DEFLATED
from imaging.dicom.window import Window
from tests.imaging.hostile.cases import Case, Expected

Verdict = Passed | tuple[str, str]
IDENTITY = {
    0x00080016: "sop_class_uid",
    0x00080018: "sop_instance_uid",
    0x0020000D: "study_instance_uid",
    0x0020000E: "series_instance_uid",
}
PATIENT_ID = 0x00100020
BYTE_BY_BYTE = 1500  # the longest input fed so
_CALLS, _CALLS_PER_BYTE = 3_000, 5
_MOST_GROWN = 64 << 20
_READER = AttributeReader()  # one for all, as files of many senders may come in one batch
warnings.simplefilter("ignore")


class Violated(AssertionError):
    """An input did what none may do."""


@dataclass
class Work:
    """Calls of functions: what an input costs, on a machine however busy."""

    calls: int = 0

    def __enter__(self) -> "Work":
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _count(self, *_: object) -> None:
        self.calls += 1


def judge(data: bytes, cuts: Sequence[int] = ()) -> Verdict:
    """What the gate says of `data`, fed in pieces; nothing but Refused may come out of it."""
    gate = Gate()
    try:
        for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
            gate.feed(data[start:end])
        return gate.finish()
    except Refused as refused:
        return refused.reason.code, refused.detail


def judge_bounded(case: Case) -> Verdict:
    """The verdict, whose work is bounded by the input's size and which is as expected."""
    with Work() as work:
        verdict = judge(case.data)
    size = len(case.data) + _grown(case.data)
    if work.calls > _CALLS + _CALLS_PER_BYTE * size:
        raise Violated(f"{work.calls} calls for {len(case.data)} bytes")
    got = Expected.PASSES if isinstance(verdict, Passed) else Expected.REFUSED
    if case.expected not in (got, Expected.EITHER):
        raise Violated(f"{got.value} instead of {case.expected.value}: {verdict if got is Expected.REFUSED else ''}")
    return verdict


def _grown(data: bytes) -> int:
    """What is deflated in `data` inflates to, up to a limit."""
    if DEFLATED.encode() not in data[:500]:
        return 0
    stream, start = zlib.decompressobj(-15), data.find(DEFLATED.encode()) + len(DEFLATED)
    with suppress(zlib.error):
        return len(stream.decompress(data[start:], _MOST_GROWN))
    return min(1000 * len(data), _MOST_GROWN)


def require_same_in_pieces(data: bytes, verdict: Verdict, source: random.Random) -> None:
    """Pieces of any size, now and then of one byte, change nothing."""
    cuts: Iterable[int] = sorted(source.randrange(len(data) + 1) for _ in range(source.randint(1, 8)))
    if len(data) <= BYTE_BY_BYTE and not source.randrange(40):
        cuts = range(1, len(data))
    if not _are_same(judge(data, tuple(cuts)), verdict):
        raise Violated(f"cut at {tuple(cuts)[:9]} it is judged otherwise")


def _are_same(one: Verdict, other: Verdict) -> bool:
    if isinstance(one, Passed) or isinstance(other, Passed):
        return one == other
    # zlib may find damage before it has given out what another reason lies in
    return one == other or any(code.startswith("DEFLATE_") for code, _ in (one, other))


def require_readable(data: bytes, passed: Passed) -> bool:
    """Our readers read it without raising, and pydicom sees the same object; False where it reads nothing at all."""
    attributes = read_attributes(passed)
    if _READER.read(passed) != attributes:
        raise Violated("read after others, its attributes are theirs")
    json.dumps(to_dicom_json(passed.header, passed.transfer_syntax_uid, lambda path: path), allow_nan=False)
    try:
        theirs = pydicom.dcmread(
            io.BytesIO(data), stop_before_pixels=bool(passed.pixels and passed.pixels.encapsulated)
        )
    except Exception:
        return False  # a damaged character set, mostly; refusing is no disagreement
    for tag, name in IDENTITY.items():
        value = theirs.get_item(tag).value
        if _text(value).rstrip(" \0") != getattr(passed, name):
            raise Violated(f"pydicom sees another {name}")
    if _patient_id(theirs) not in (attributes.patient_id, None):
        raise Violated("pydicom sees another patient")
    return True


def raw_patient_id(passed: Passed) -> bytes | None:
    """The bytes of Patient ID as the gate's walk sees it; None where it is no text."""
    walk = ElementWalk(
        Window(passed.header, ended=True), encoding_of(passed.transfer_syntax_uid), Limits(), {PATIENT_ID}
    )
    for _ in walk.run():
        raise Violated("the walk waits for more than there is")
    vr, start, end = walk.found.get(PATIENT_ID, (b"", 0, 0))
    return passed.header[start:end] if vr in (b"LO", b"") else None


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")


def _patient_id(data_set: pydicom.Dataset) -> str | None:
    try:
        value = data_set.get("PatientID", "")
    except Exception:
        return None  # cannot be decoded: nothing is seen
    if isinstance(value, MultiValue):
        value = "\\".join(str(part) for part in value)
    return clean(value) if isinstance(value, str) else None
