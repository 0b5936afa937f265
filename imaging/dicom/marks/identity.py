"""Whose and of which study: attributes copied from an image to what is made about it, byte for byte.

Copied raw, padding and all, as long as everything new can be written in the image's own character set; otherwise both
are written in UTF-8 (ISO_IR 192), so that no letter is lost either way.
"""

import copy

from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imaging.dicom.part10 import parse_header
from imaging.dicom.transfer_syntaxes import EXPLICIT_BIG

UTF_8 = "ISO_IR 192"
_CHARACTER_SET = 0x00080005
# PS3.3 §C.7.1.1, §C.7.2.1, §C.7.2.2; what must be there even if empty comes first.
_TYPE_2 = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber",
    "ReferringPhysicianName", "StudyID",
)  # fmt: skip
_OTHERS = (
    "StudyInstanceUID", "IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "TypeOfPatientID",
    "PatientBirthTime", "OtherPatientIDsSequence", "OtherPatientNames", "EthnicGroup",
    "PatientComments", "PatientSpeciesDescription", "PatientSpeciesCodeSequence", "PatientBreedDescription",
    "PatientBreedCodeSequence", "BreedRegistrationSequence", "ResponsiblePerson", "ResponsiblePersonRole",
    "ResponsibleOrganization", "PatientIdentityRemoved", "DeidentificationMethod",
    "DeidentificationMethodCodeSequence", "StudyDescription", "IssuerOfAccessionNumberSequence",
    "PhysiciansOfRecord", "PatientAge", "PatientSize", "PatientWeight", "TimezoneOffsetFromUTC",
)  # fmt: skip
_COPIED = tuple(tag_for_keyword(keyword) for keyword in (*_TYPE_2, *_OTHERS))


class Identity:
    """Patient and study of one image's header."""

    def __init__(self, header: bytes, transfer_syntax_uid: str) -> None:
        self._header = header
        self._transfer_syntax_uid = transfer_syntax_uid

    def data_set(self, texts: list[str]) -> Dataset:
        """A new data set about the same patient and study, in a character set that can say all `texts`."""
        # Parsed anew each time: a value that is looked at is no longer raw.
        source = parse_header(self._header, self._transfer_syntax_uid, only=list(_COPIED))
        kept = self._transfer_syntax_uid != EXPLICIT_BIG and can_say(_character_set(source), texts)
        data_set = _copied(source) if kept else _decoded(source)
        for keyword in _TYPE_2:
            if keyword not in data_set:
                setattr(data_set, keyword, "")
        return data_set


def can_say(character_set: list[str], texts: list[str]) -> bool:
    """Whether all texts can be written in a Specific Character Set (PS3.3 §C.12.1.1.2) as it stands."""
    if all(text.isascii() for text in texts):
        return True
    if len(character_set) != 1 or character_set[0] not in python_encoding:
        return False
    try:
        "".join(texts).encode(python_encoding[character_set[0]])
    except (UnicodeEncodeError, LookupError):
        return False
    # The Japanese one-byte set has a yen where others have the backslash that parts values.
    return character_set[0] not in ("", "ISO_IR 13")


def _character_set(source: Dataset) -> list[str]:
    value = source.get("SpecificCharacterSet") or ""
    return [value] if isinstance(value, str) else [str(part) for part in value]


def _copied(source: Dataset) -> Dataset:
    data_set = Dataset()
    for tag in (_CHARACTER_SET, *_COPIED):
        element = source.get_item(tag)
        if isinstance(element, RawDataElement):
            data_set[tag] = element._replace(VR=_vr(element, tag), is_implicit_VR=False)
        elif element is not None:
            data_set[tag] = copy.deepcopy(element)
    return data_set


def _vr(element: RawDataElement, tag: int) -> str:
    return element.VR if element.VR not in (None, "UN") else dictionary_VR(tag)


def _decoded(source: Dataset) -> Dataset:
    """The same in UTF-8; what cannot be decoded at all is left out, as nobody could read it."""
    data_set = Dataset()
    data_set.SpecificCharacterSet = UTF_8
    for tag in _COPIED:
        try:
            if tag in source:
                element = source[tag]
                data_set[tag] = DataElement(tag, element.VR, _plain(element.value))
        except Exception:  # pydicom raises almost anything on values that break their VR
            continue
    return data_set


def _plain(value: object) -> object:
    if isinstance(value, Sequence):
        return Sequence([copy.deepcopy(item) for item in value])
    return str(value) if hasattr(value, "components") else value
