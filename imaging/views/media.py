"""Which encodings of images we offer a client (PS3.18 §8.7.3): always the stored one, never a transcoded one."""

from collections.abc import Callable, Sequence

from imaging.dicom.media_types import MediaType, choose
from imaging.dicom.transfer_syntaxes import DEFLATED, EXPLICIT_LITTLE, IMPLICIT_LITTLE, RLE
from imaging.services.retrieval import NotAcceptable

OCTET_STREAM = "application/octet-stream"
DICOM = "application/dicom"
DICOM_JSON = (MediaType("application/dicom+json"), MediaType("application/json"))
_STEM = "1.2.840.10008.1.2.4."
_FRAME_TYPES = {  # PS3.18 Tables 8.7.3-2 to 8.7.3-5
    RLE: "image/dicom-rle",
    **dict.fromkeys([_STEM + last for last in ("50", "51", "53", "55", "57", "70")], "image/jpeg"),
    **dict.fromkeys([_STEM + last for last in ("80", "81")], "image/jls"),
    **dict.fromkeys([_STEM + last for last in ("90", "91")], "image/jp2"),
    **dict.fromkeys([_STEM + last for last in ("92", "93")], "image/jpx"),
    **dict.fromkeys([_STEM + last for last in ("201", "202", "203")], "image/jphc"),
}
# Their frames have the same bytes as Explicit VR Little Endian's, which is what a client gets that names none.
_LIKE_EXPLICIT_LITTLE = (IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED)


def frame_type(accept: str | None) -> Callable[[str], MediaType]:
    """From a transfer syntax to the media type of its frames' body parts; that raises `NotAcceptable`."""

    def choose_type(transfer_syntax_uid: str) -> MediaType:
        return _part_type(_choose(accept, [_multipart(offer) for offer in _frame_offers(accept, transfer_syntax_uid)]))

    return choose_type


def file_type(accept: str | None) -> Callable[[str], MediaType]:
    """From a transfer syntax to the media type of a Part 10 file; that raises `NotAcceptable`."""

    def choose_type(transfer_syntax_uid: str) -> MediaType:
        return _part_type(_choose(accept, [_multipart(_typed(DICOM, transfer_syntax_uid))]))

    return choose_type


def require_json(accept: str | None) -> MediaType:
    """The JSON type the client prefers; raises `NotAcceptable`."""
    return _choose(accept, DICOM_JSON)


def bulk_type(accept: str | None) -> MediaType:
    """A body of its own, or the only part of a multipart one; raises `NotAcceptable`."""
    return _choose(accept, [MediaType(OCTET_STREAM), MediaType("multipart/related", {"type": OCTET_STREAM})])


def _frame_offers(accept: str | None, transfer_syntax_uid: str) -> list[MediaType]:
    if transfer_syntax_uid in _LIKE_EXPLICIT_LITTLE:
        return [_typed(OCTET_STREAM, transfer_syntax_uid), _typed(OCTET_STREAM, EXPLICIT_LITTLE)]
    own = _FRAME_TYPES.get(transfer_syntax_uid)
    offers = [_typed(own, transfer_syntax_uid)] if own else []
    if not offers or "transfer-syntax" in (accept or "").lower():
        # Octets of no named transfer syntax are read as Explicit VR Little Endian (PS3.18 §8.7.3.3.2).
        offers.append(_typed(OCTET_STREAM, transfer_syntax_uid))
    return offers


def _typed(media_type: str, transfer_syntax_uid: str) -> MediaType:
    return MediaType(media_type, {"transfer-syntax": transfer_syntax_uid})


def _multipart(part: MediaType) -> MediaType:
    return MediaType("multipart/related", {"type": part.type, **part.params})


def _part_type(multipart: MediaType) -> MediaType:
    return _typed(multipart.params["type"], multipart.params["transfer-syntax"])


def _choose(accept: str | None, offers: Sequence[MediaType]) -> MediaType:
    chosen = choose(accept, offers)
    if chosen is None:
        raise NotAcceptable
    return chosen
