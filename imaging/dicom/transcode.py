"""A data set's header rewritten for Explicit VR Little Endian. Runs only inside the sandbox.

Values keep their bytes: text is not decoded, private elements stay, only their framing and the byte order change. What
is said about the pixels is corrected to what they are now; what is said about losses they once had stays.
"""

import struct
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, private_dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.tag import BaseTag

from imaging.dicom.byte_order import swap_words
from imaging.dicom.transfer_syntaxes import DECODED, EXPLICIT_BIG, EXPLICIT_LITTLE, JPEG

IMPLEMENTATION_CLASS_UID = "2.25.218995345265950064800239134323698370658"
IMPLEMENTATION_VERSION = "COLLIMATE"
_SHORT = {
    "AE",
    "AS",
    "AT",
    "CS",
    "DA",
    "DS",
    "DT",
    "FD",
    "FL",
    "IS",
    "LO",
    "LT",
    "PN",
    "SH",
    "SL",
    "SS",
    "ST",
    "TM",
    "UI",
    "UL",
    "US",
}  # fmt: skip  PS3.5 Table 7.1-2: 16 bits of length
_WORDS = {
    "AT": 2,
    "FD": 8,
    "FL": 4,
    "OD": 8,
    "OF": 4,
    "OL": 4,
    "OV": 8,
    "OW": 2,
    "SL": 4,
    "SS": 2,
    "SV": 8,
    "UL": 4,
    "US": 2,
    "UV": 8,
}  # fmt: skip  bytes that change places between the byte orders
_TABLES_OF_FRAGMENTS = (0x7FE00001, 0x7FE00002, 0x7FE00003)
Changes = dict[int, tuple[str, bytes] | None]  # tag → (VR, value), None to leave the element out


@dataclass(frozen=True)
class PixelElement:
    """The element the pixels stand in: tag (0 without one), VR and length in bytes."""

    tag: int
    vr: str
    length: int

    def head(self) -> bytes:
        return _element_head(self.tag, self.vr, self.length) if self.tag else b""


def write_file_head(facts: Dataset, header: Dataset, transfer_syntax_uid: str, pixels: PixelElement) -> bytes:
    """Preamble, file meta and header of a Part 10 file in Explicit VR Little Endian, up to its first pixel.

    Parameters
    ----------
    facts
        The header with the photometric interpretation of the decoded pixels.
    header
        The same header, of which nothing was read yet: its elements are bytes still.
    transfer_syntax_uid
        In which the pixels were stored.
    """
    changed = _changes(facts, transfer_syntax_uid) if transfer_syntax_uid in DECODED else {}
    signed = bool(int(facts.get("PixelRepresentation", 0) or 0))
    rewriter = _Rewriter(swapped=transfer_syntax_uid == EXPLICIT_BIG, signed=signed)
    return b"".join((bytes(128), b"DICM", _file_meta(facts), rewriter.write(header, changed), pixels.head()))


def _changes(facts: Dataset, transfer_syntax_uid: str) -> Changes:
    changes: Changes = dict.fromkeys(_TABLES_OF_FRAGMENTS)
    changes[0x00280004] = "CS", str(facts.PhotometricInterpretation).encode()
    if int(facts.get("SamplesPerPixel", 1)) > 1:
        changes[0x00280006] = "US", struct.pack("<H", 0)  # Planar Configuration: colour by pixel
    if transfer_syntax_uid in JPEG and "LossyImageCompression" not in facts:
        # Others may be either, and only the one who compressed knows.
        changes[0x00282110] = "CS", b"01"
    return changes


def _file_meta(facts: Dataset) -> bytes:
    """Of the file we write: who sent the original does not concern it (PS3.10 §7.1)."""
    elements = [
        (0x00020001, "OB", b"\0\1"), (0x00020002, "UI", str(facts.SOPClassUID).encode()),
        (0x00020003, "UI", str(facts.SOPInstanceUID).encode()), (0x00020010, "UI", EXPLICIT_LITTLE.encode()),
        (0x00020012, "UI", IMPLEMENTATION_CLASS_UID.encode()), (0x00020013, "SH", IMPLEMENTATION_VERSION.encode()),
    ]  # fmt: skip
    group = b"".join(_element(tag, vr, value) for tag, vr, value in elements)
    return _element(0x00020000, "UL", struct.pack("<I", len(group))) + group


@dataclass(frozen=True)
class _Rewriter:
    """Recursion is safe here: the gate lets no more than 64 levels pass."""

    swapped: bool
    signed: bool

    def write(self, data_set: Dataset, changed: Changes | None = None) -> bytes:
        changed = changed or {}
        written = []
        for tag in sorted({*data_set.keys(), *changed}):
            if tag in changed:
                written.append(_element(tag, *changed[tag]) if changed[tag] else b"")
            elif tag & 0xFFFF:  # group lengths are retired
                written.append(self._element(data_set, BaseTag(tag)))
        return b"".join(written)

    def _element(self, data_set: Dataset, tag: BaseTag) -> bytes:
        element = data_set.get_item(tag)
        vr = self._vr_of(data_set, tag, element.VR)
        if vr == "SQ":
            return self._sequence(data_set, tag)
        if not isinstance(element, RawDataElement):
            return _written(element)
        value = element.value or b""
        return _element(tag, vr, swap_words(value, _WORDS.get(vr, 1)) if self.swapped else value)

    def _sequence(self, data_set: Dataset, tag: BaseTag) -> bytes:
        items = b"".join(_item(self.write(item)) for item in data_set[tag].value or ())
        return _element_head(tag, "SQ", len(items)) + items

    def _vr_of(self, data_set: Dataset, tag: BaseTag, vr: str | None) -> str:
        """The element's own VR; for one that Implicit VR does not tell, the dictionary's, else UN."""
        if vr is None:
            try:
                vr = private_dictionary_VR(tag, data_set.private_creator(tag)) if tag.is_private else dictionary_VR(tag)
            except (KeyError, AttributeError):
                return "LO" if tag.is_private_creator else "UN"
        if " or " not in str(vr):
            return str(vr)
        return "OW" if "OW" in vr else ("SS" if self.signed else "US")


def _written(element: DataElement) -> bytes:
    """One of the few that pydicom has converted while it read: what others' meaning depends on."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_data_element(buffer, element)
    return buffer.getvalue()


def _item(content: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def _element(tag: int, vr: str, value: bytes) -> bytes:
    if len(value) % 2:
        value += b" " if vr in ("SH", "CS") else b"\0"
    if vr in _SHORT and len(value) > 0xFFFE:
        vr = "UN"  # PS3.5 §6.2.2: too long for its own VR in Explicit VR
    return _element_head(tag, vr, len(value)) + value


def _element_head(tag: int, vr: str, length: int) -> bytes:
    group, element = tag >> 16, tag & 0xFFFF
    if vr in _SHORT:
        return struct.pack("<HH2sH", group, element, vr.encode(), length)
    return struct.pack("<HH2s2xI", group, element, vr.encode(), length)
