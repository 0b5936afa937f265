"""Builders of small DICOM files, sound and hostile, for every test that needs one; each returns bytes."""

import io
import struct
import zipfile
import zlib

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

from imaging.dicom.transfer_syntaxes import DEFLATED, ENCAPSULATED, EXPLICIT_BIG, IMPLICIT_LITTLE

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ROOT = "1.2.826.0.1.3680043.8.498"
UNDEFINED = 0xFFFFFFFF
PREFIX_END = 132


def tiny_instance(
    *,
    rows: int = 16,
    columns: int = 16,
    pixels: bytes | None = None,
    preamble: bytes = b"",
    transfer_syntax_uid: str = ExplicitVRLittleEndian,
    **tags: object,
) -> bytes:
    """A sound CT-like instance of 16 bits; `tags` are DICOM keywords that override or add elements.

    `pixels` of an encapsulated transfer syntax is the Pixel Data value, items included.
    """
    data_set = _data_set(rows, columns, **tags)
    data_set.PixelData = _pixels(rows, columns) if pixels is None else pixels
    data_set["PixelData"].VR = "OW"
    if transfer_syntax_uid in ENCAPSULATED:
        data_set["PixelData"].VR = "OB"
        data_set["PixelData"].is_undefined_length = True
    return _written(data_set, transfer_syntax_uid, preamble)


def encapsulated_instance(
    frames: list[bytes],
    *,
    has_bot: bool = True,
    transfer_syntax_uid: str = "1.2.840.10008.1.2.4.90",
    **tags: object,
) -> bytes:
    value = encapsulate(frames, has_bot=has_bot)
    tags.setdefault("NumberOfFrames", len(frames))
    return tiny_instance(pixels=value, transfer_syntax_uid=transfer_syntax_uid, **tags)


def without_pixels(**tags: object) -> bytes:
    data_set = _data_set(16, 16, **tags)
    return _written(data_set, ExplicitVRLittleEndian, b"")


def _pixels(rows: int, columns: int) -> bytes:
    return (np.arange(rows * columns, dtype="<u2") * 7 % 4096).astype("<u2").tobytes()


def _data_set(rows: int, columns: int, **tags: object) -> Dataset:
    data_set = Dataset()
    defaults = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": CT_IMAGE,
        "SOPInstanceUID": f"{ROOT}.1.2.3",
        "StudyDate": "20260102",
        "StudyTime": "030405",
        "AccessionNumber": "A1",
        "Modality": "CT",
        "PatientName": "Doe^Jane",
        "PatientID": "P1",
        "PatientBirthDate": "19700131",
        "PatientSex": "F",
        "StudyInstanceUID": f"{ROOT}.1",
        "SeriesInstanceUID": f"{ROOT}.1.2",
        "SeriesNumber": 1,
        "InstanceNumber": 3,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
    }
    for keyword, value in (defaults | tags).items():
        if value is not None:
            setattr(data_set, keyword, value)
    return data_set


def _written(data_set: Dataset, transfer_syntax_uid: str, preamble: bytes) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data_set.get("SOPClassUID", CT_IMAGE)
    meta.MediaStorageSOPInstanceUID = data_set.get("SOPInstanceUID", f"{ROOT}.9")
    meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    file = FileDataset("", data_set, file_meta=meta, preamble=preamble.ljust(128, b"\0"))
    buffer = io.BytesIO()
    dcmwrite(
        buffer,
        file,
        enforce_file_format=True,
        implicit_vr=transfer_syntax_uid == IMPLICIT_LITTLE,
        little_endian=transfer_syntax_uid != EXPLICIT_BIG,
    )
    return buffer.getvalue()


def element(group: int, number: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """An explicit little-endian element; `length` is what its header says."""
    length = len(value) if length is None else length
    if vr in ("OB", "OW", "SQ", "UN", "UT", "UC"):
        return struct.pack("<HH2sHI", group, number, vr.encode(), 0, length) + value
    return struct.pack("<HH2sH", group, number, vr.encode(), length) + value


def item(value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value) if length is None else length) + value


ITEM_END = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def with_elements(extra: bytes, file: bytes | None = None) -> bytes:
    """A sound instance with `extra` in front of its Pixel Data."""
    file = tiny_instance() if file is None else file
    at = file.rindex(b"\xe0\x7f\x10\0O")
    return file[:at] + extra + file[at:]


def preamble_pe() -> bytes:
    return tiny_instance(preamble=b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff")


def preamble_html() -> bytes:
    return tiny_instance(preamble=b"\r\n <!DocType html><script>alert(1)</script>")


def empty() -> bytes:
    return b""


def zip_archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("image.dcm", tiny_instance())
    return buffer.getvalue()


def truncated() -> bytes:
    return tiny_instance()[:-100]


def lying_length() -> bytes:
    """An item that claims to reach beyond its sequence."""
    return with_elements(element(0x0040, 0xA730, "SQ", item(element(0x0040, 0xA160, "UT", b"text"), 1000)))


def nested(depth: int) -> bytes:
    """`depth` sequences of undefined length, each in an item of the one before."""
    opening = element(0x0040, 0xA730, "SQ", b"", UNDEFINED) + item(b"", UNDEFINED)
    return with_elements(opening * depth + (ITEM_END + SEQUENCE_END) * depth)


def nested_in_implicit(depth: int) -> bytes:
    """`depth` sequences of defined length, which implicit VR does not tell from other values."""
    value = b""
    for _ in range(depth):
        value = struct.pack("<HHI", 0x0040, 0xA730, len(value) + 8) + item(value)
    return with_elements_implicit(value)


def with_elements_implicit(extra: bytes) -> bytes:
    file = tiny_instance(transfer_syntax_uid=IMPLICIT_LITTLE)
    at = file.rindex(b"\xe0\x7f\x10\0")
    return file[:at] + extra + file[at:]


def deflated(file: bytes, *, trailer: bytes = b"") -> bytes:
    """An explicit little-endian file as a deflated one."""
    plain = tiny_instance(rows=1, columns=1, transfer_syntax_uid=DEFLATED)
    data_set = file[_meta_end(file) :]
    stream = zlib.compressobj(wbits=-15)
    return plain[: _meta_end(plain)] + stream.compress(data_set) + stream.flush() + trailer


def _meta_end(file: bytes) -> int:
    at = PREFIX_END + 12
    return at + struct.unpack_from("<I", file, at - 4)[0]


def deflate_bomb() -> bytes:
    """64 MiB of black image in 64 KiB."""
    return deflated(tiny_instance(rows=4096, columns=4096, NumberOfFrames=2, pixels=bytes(64 << 20)))


def pixel_flood() -> bytes:
    """One small fragment that claims to be 65535 × 65535 pixels."""
    return encapsulated_instance([b"\xff\x4f\xff\x51"], Rows=65535, Columns=65535)


def duplicate_uid() -> bytes:
    """Two SOP Instance UIDs that disagree."""
    return with_elements(element(0x0008, 0x0018, "UI", f"{ROOT}.7".encode().ljust(34, b"\0")))


def markup_name() -> bytes:
    """A sound instance of a patient whose name is markup."""
    return tiny_instance(PatientName='<script>alert("x")</script>^<b>Jane', PatientID='"><img src=x onerror=alert(1)>')
