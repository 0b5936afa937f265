"""Values too long for JSON: as a list, numbers take a hundred times the memory of their text."""

import pydicom
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

LONGEST = 1 << 16  # of one value; more than a VR of 16-bit length can hold in explicit VR
TOGETHER = 8 << 20  # of all values of a header
COUNTED = 1024  # from where a value counts at all
# What may be bulk data beside the binary representations (PS3.18 §F.2.2), and the size of its words.
WORDS = {
    **dict.fromkeys(["DS", "IS", "LT", "ST", "UC", "UR", "UT"], 1),
    **dict.fromkeys(["SS", "US"], 2),
    **dict.fromkeys(["FL", "SL", "UL"], 4),
    **dict.fromkeys(["FD", "SV", "UV"], 8),
}


def find_stored(data_set: pydicom.Dataset, tag: BaseTag) -> tuple[str, bytes] | None:
    """(VR, value) as stored, without decoding it; None where it is decoded already, or is a sequence."""
    element = data_set.get_item(tag)
    if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
        return None
    vr = _representation(element)
    return None if vr == "SQ" else (vr, element.value)


def _representation(element: RawDataElement) -> str:
    if element.VR not in (None, "UN"):
        return element.VR
    try:
        vr = dictionary_VR(element.tag)
    except KeyError:
        return "UN"
    return "OW" if " or " in vr else vr


class Room:
    """How much of a header's values may still be written out."""

    def __init__(self) -> None:
        self._left = TOGETHER

    def takes(self, size: int) -> bool:
        """Whether a value of `size` bytes fits; counts it if so."""
        if size < COUNTED:
            return True
        if size > LONGEST or size > self._left:
            return False
        self._left -= size
        return True
