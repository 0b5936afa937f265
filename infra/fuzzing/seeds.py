"""Where the fuzzer starts: the hostile corpus of the tests, and the words of the formats."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from imaging.dicom.part10 import split_part10
from imaging.dicom.reasons import Refused
from imaging.dicom.transfer_syntaxes import ACCEPTED, EXPLICIT_BIG, IMPLICIT_LITTLE
from tests.imaging.hostile.building import VRS, item, item_end, sequence_end
from tests.imaging.hostile.corpus import generate
from tests.imaging.hostile.payloads import DECEPTIONS, FORMULAS, MARKUP

LARGEST = 4096
_SHARE = 10  # of 256
_TAGS = (
    0x00020000, 0x00020010, 0x00080005, 0x00080016, 0x00080018, 0x00100010, 0x00100020, 0x0020000D, 0x0020000E,
    0x00280002, 0x00280008, 0x00280010, 0x00280011, 0x00280100, 0x0040A730, 0x00400275, 0x00411001, 0x7FE00001,
    0x7FE00008, 0x7FE00010, 0xFFFCFFFC,
)  # fmt: skip
_MULTIPART = (
    b"--abc\r\nContent-Type: application/dicom\r\n\r\nbody\r\n--abc--\r\n",
    b"ignore\r\n--abc \t\r\nA: b;\r\n c=d\r\n\r\nx\r\n--abc--",
    b"--abc\r\n\r\nx\r\n--ab\r\n--abc\r\nA:b\r\n\r\n\r\n--abc--", b"--abc--", b"--abc\n\n",
    b"\r\n--abc\r\n\r\n\r\n--abcd\r\n",
)  # fmt: skip
_ACCEPT = (
    b"*/*", b"application/dicom+json", b"image/*;q=0.5, application/dicom+json;q=0.9",
    b'multipart/related; type="application/dicom"',
    b'multipart/related; type="application/dicom"; transfer-syntax=*;q=0.1', b'a/b; c="x\\"y;z"', b",,;;q=1",
    b"text/html;level=1;q=0",
)  # fmt: skip
_WORDS = {
    "multipart": (b"--abc", b"\r\n", b"--", b"\r\n\r\n", b"Content-Type:", b" \t", b"\r\n "),
    "accept": (
        b"q=",
        b"*/*",
        b"multipart/related",
        b"transfer-syntax=",
        b"type=",
        b'"',
        b"\\",
        b";",
        b",",
        b"boundary=",
    ),
    "text": (
        b"\xe2\x80\xae",
        b"\xe2\x80\x8b",
        b"\xcc\x80",
        b"\x1b[",
        b"\xf3\xa0\x81\x81",
        b"\xef\xbb\xbf",
        b"20240229",
        b"235960.1",
    ),
}


def write_seeds(target: str, folder: Path) -> int:
    """Fill `folder` with the target's seeds; how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds = {hashlib.sha256(data).hexdigest()[:16]: data for data in _seeds(target) if len(data) <= LARGEST}
    for name, data in seeds.items():
        (folder / name).write_bytes(data)
    return len(seeds)


def _seeds(target: str) -> Iterable[bytes]:
    if target == "multipart":
        return _MULTIPART
    if target == "accept":
        return _ACCEPT
    if target == "text":
        return [
            text.encode("utf-8", "surrogateescape")
            for text in (*MARKUP, *FORMULAS, *DECEPTIONS)
            if "\ud800" not in text
        ]
    files = (case.data for case in generate(_SHARE) if len(case.data) <= LARGEST)
    return files if target == "gate" else _data_sets(files)


def _data_sets(files: Iterable[bytes]) -> Iterator[bytes]:
    """Bare data sets behind the byte that tells their encoding."""
    for data in files:
        try:
            _, data_set, syntax = split_part10(data)
        except Refused:
            continue
        yield {IMPLICIT_LITTLE: b"\1", EXPLICIT_BIG: b"\2"}.get(syntax, b"\0") + data_set


def write_words(target: str, file: Path) -> None:
    """The dictionary, in libFuzzer's form."""
    words = _WORDS.get(target) or tuple(_dicom_words())
    file.write_text("".join(f'"{_escaped(word)}"\n' for word in dict.fromkeys(words)))


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _dicom_words() -> Iterator[bytes]:
    for tag in _TAGS:
        yield (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
        yield tag.to_bytes(4, "big")
    yield from (vr.encode() for vr in VRS)
    yield from (uid.encode() for uid in sorted(ACCEPTED))
    yield from (item(b""), item(b"", 0xFFFFFFFF), item_end(), sequence_end(), b"\xff\xff\xff\xff", b"DICM", b"\0\0\0\0")
