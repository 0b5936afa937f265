"""Why a file is refused: one constant per reason, in words for people and codes for machines."""

from dataclasses import dataclass, field, replace

_ = str  # marks a text for translators; it is translated where it is shown (imaging/selectors/refusals.py)
# PS3.18 Table I.2-2 and PS3.4 Table B.2-1
OUT_OF_RESOURCES = 0xA700
DATA_SET_DOES_NOT_MATCH_SOP_CLASS = 0xA900
CANNOT_UNDERSTAND = 0xC000
TRANSFER_SYNTAX_NOT_SUPPORTED = 0xC122
SOP_CLASS_NOT_SUPPORTED = 0x0122


@dataclass(frozen=True)
class Reason:
    """`code` identifies the reason (and alone makes two equal), `message` is plain English for the uploader,
    `failure_reason` is the STOW-RS Failure Reason (0008,1197)."""

    code: str
    message: str = field(compare=False)
    failure_reason: int = field(default=CANNOT_UNDERSTAND, compare=False)

    def saying(self, message: str) -> "Reason":
        """The same reason in words that fit this file better."""
        return replace(self, message=message)


class Refused(Exception):
    """The gate does not let this file in.

    `detail` narrows the reason down with tags and numbers and never holds a value of the file, so that it may
    be logged.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.code}: {detail}" if detail else reason.code)
        self.reason = reason
        self.detail = detail


EMPTY = Reason("EMPTY", _("The file is empty."))
NOT_DICOM = Reason("NOT_DICOM", _("This is not a DICOM file."))
DICOMDIR = Reason(
    "DICOMDIR",
    _("This is the index of a disc (DICOMDIR), not an image; its images are taken in on their own."),
    SOP_CLASS_NOT_SUPPORTED,
)
ACTIVE_PREAMBLE = Reason("ACTIVE_PREAMBLE", _("The file hides a program or a web page in front of its DICOM data."))
TRUNCATED = Reason("TRUNCATED", _("The file ends too early; it was probably not copied completely."))
LENGTH_LIES = Reason("LENGTH_LIES", _("The file is damaged: a length in it does not agree with its content."))
TRAILING_DATA = Reason("TRAILING_DATA", _("The file is damaged: foreign data follows the DICOM data."))
NESTED_TOO_DEEP = Reason("NESTED_TOO_DEEP", _("The file nests its sequences too deeply."))
TOO_MANY_ELEMENTS = Reason("TOO_MANY_ELEMENTS", _("The file has too many data elements."), OUT_OF_RESOURCES)
TOO_LARGE = Reason("TOO_LARGE", _("The file is larger than this archive accepts."), OUT_OF_RESOURCES)
HEADER_TOO_LARGE = Reason(
    "HEADER_TOO_LARGE", _("The data beside the image is larger than this archive accepts."), OUT_OF_RESOURCES
)
DEFLATE_BOMB = Reason("DEFLATE_BOMB", _("The compressed data grows beyond all measure."), OUT_OF_RESOURCES)
DEFLATE_CORRUPT = Reason("DEFLATE_CORRUPT", _("The file is damaged: its compressed data cannot be unpacked."))
PIXEL_DIMENSIONS = Reason("PIXEL_DIMENSIONS", _("The size of the image is missing, impossible or too large."))
INVALID_UID = Reason("INVALID_UID", _("An identifier (UID) in the file is not valid."))
MISSING_UID = Reason(
    "MISSING_UID",
    _("The file lacks an identifier (UID) of its study, series or instance."),
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
)
META_MISMATCH = Reason(
    "META_MISMATCH",
    _("The file's header names another object than the file holds."),
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
)
UNKNOWN_TRANSFER_SYNTAX = Reason(
    "UNKNOWN_TRANSFER_SYNTAX",
    _("The file is encoded in a way (transfer syntax) that is not supported."),
    TRANSFER_SYNTAX_NOT_SUPPORTED,
)
DUPLICATE_ELEMENT = Reason("DUPLICATE_ELEMENT", _("The file is damaged: it holds the same data element twice."))
BAD_VR = Reason("BAD_VR", _("The file is damaged: a data element is of an unknown kind."))
BAD_TAG = Reason("BAD_TAG", _("The file is damaged: it holds a data element that cannot be there."))
