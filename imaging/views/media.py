"""Which encodings of images we offer a client (PS3.18 §8.7), and which of them it wants.

Where the client names no transfer syntax it gets a file as it was stored, and frames in the default of the media type
it names. Whatever it accepts without preference is given as stored.
"""

from collections.abc import Callable, Sequence

from django.http import HttpRequest

from imaging.dicom.media_types import MediaType, choose
from imaging.dicom.transfer_syntaxes import (
    DECODED,
    DEFLATED,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    HTJ2K_LOSSLESS,
    IMPLICIT_LITTLE,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LS_LOSSLESS,
    RLE,
    VIDEO,
)
from imaging.services.answers import Choice, NotAcceptable

OCTET_STREAM = "application/octet-stream"
DICOM = "application/dicom"
PDF = "application/pdf"
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
_LOSSLESS_TARGETS = (JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS, HTJ2K_LOSSLESS, RLE)
RENDERED = ("image/jpeg", "image/png", "image/gif")
_THUMBNAILS = ("image/jpeg", "image/png", "image/webp", "image/gif")


def accept_of(request: HttpRequest) -> str | None:
    """What the client accepts: the query parameter `accept`, else the header (PS3.18 §8.3.3.1)."""
    # A plus sign in a query is a space, unless it was escaped.
    return request.GET.get("accept", "").replace("dicom ", "dicom+") or request.headers.get("Accept")


def frame_type(accept: str | None, *, single: bool) -> Callable[[str], Choice]:
    """From a transfer syntax to how its frames are given; `single` for a request that names one frame."""

    def choose_type(transfer_syntax_uid: str) -> Choice:
        offers = _frame_offers(transfer_syntax_uid)
        types = [media_type for media_type, _ in offers]
        named = {place for place, (_, only_named) in enumerate(offers) if only_named}
        return _choose_part(accept, types, named, single)

    return choose_type


def file_type(accept: str | None, *, single: bool) -> Callable[[str], Choice]:
    """From a transfer syntax to how a Part 10 file is given; `single` for a request that names one instance."""

    def choose_type(transfer_syntax_uid: str) -> Choice:
        types = [_typed(DICOM, transfer_syntax_uid)]
        if transfer_syntax_uid not in VIDEO and transfer_syntax_uid != EXPLICIT_LITTLE:
            types.append(_typed(DICOM, EXPLICIT_LITTLE))
        return _choose_part(accept, types, set(range(1, len(types))), single)

    return choose_type


def rendered_type(accept: str | None) -> Callable[[Sequence[str], bool], Choice]:
    """From media types and whether one picture is the answer to how pictures are given."""

    def choose_type(types: Sequence[str], single: bool) -> Choice:
        offers = [MediaType(each) for each in types if single or each in ("image/gif", PDF)]
        offers += [_multipart(MediaType(each)) for each in types]
        # Of several frames, a moving picture only for those who ask for it by name.
        if not single:
            offers.sort(key=lambda offer: offer.type != "multipart/related")
        chosen = require_one(accept, offers)
        return Choice(MediaType(chosen.params.get("type", chosen.type)), single=not chosen.params)

    return choose_type


def thumbnail_type(accept: str | None, *, stored: bool) -> Choice:
    """How a thumbnail is given; WebP first where one is stored, as most browsers take it."""
    types = sorted(_THUMBNAILS, key=lambda each: not (stored and each == "image/webp"))
    return Choice(require_one(accept, [MediaType(each) for each in types]), single=True)


def require_json(accept: str | None) -> MediaType:
    """The JSON type the client prefers; raises `NotAcceptable`."""
    return require_one(accept, DICOM_JSON)


def bulk_type(accept: str | None, *, single: bool = True) -> MediaType:
    """A body of its own if `single` is possible, or a part of a multipart one; raises `NotAcceptable`."""
    offers = [MediaType(OCTET_STREAM), MediaType("multipart/related", {"type": OCTET_STREAM})]
    return require_one(accept, offers if single else offers[1:])


def require_one(accept: str | None, offers: Sequence[MediaType]) -> MediaType:
    """The offer the client prefers; raises `NotAcceptable`."""
    chosen = choose(accept, offers)
    if chosen is None:
        raise NotAcceptable(available=offers)
    return chosen


def _frame_offers(stored: str) -> list[tuple[MediaType, bool]]:
    """Each media type with whether a client gets it only if it names a transfer syntax; the best first."""
    own = _FRAME_TYPES.get(stored)
    offers = [(_typed(own, stored), False)] if own else []
    if stored in _LIKE_EXPLICIT_LITTLE:
        offers += [(_typed(OCTET_STREAM, stored), False), (_typed(OCTET_STREAM, EXPLICIT_LITTLE), False)]
    else:
        # Octets of no named transfer syntax are Explicit VR Little Endian (PS3.18 §8.7.3.3.2).
        offers.append((_typed(OCTET_STREAM, stored), True))
    if stored in DECODED or stored == EXPLICIT_BIG:
        offers.append((_typed(OCTET_STREAM, EXPLICIT_LITTLE), False))
    if stored not in VIDEO:
        offers += [(_typed(_FRAME_TYPES[target], target), False) for target in _LOSSLESS_TARGETS if target != stored]
        # Lossy: only for who says so.
        offers.append((_typed("image/jpeg", JPEG_BASELINE), True))
    elif not own:
        offers.append((_typed(OCTET_STREAM, stored), False))
    return offers


def _choose_part(accept: str | None, types: Sequence[MediaType], only_named: set[int], single: bool) -> Choice:
    """Among multipart ones, and single ones where the answer is one part; multipart for who does not care."""
    offers = [_multipart(each) for each in types] + (list(types) if single else [])
    named = only_named | {len(types) + place for place in only_named}
    chosen = choose(accept, offers, named)
    if chosen is None:
        raise NotAcceptable(available=offers)
    is_multipart = chosen.type == "multipart/related"
    kind = chosen.params["type"] if is_multipart else chosen.type
    return Choice(_typed(kind, chosen.params["transfer-syntax"]), single=not is_multipart)


def _typed(media_type: str, transfer_syntax_uid: str) -> MediaType:
    return MediaType(media_type, {"transfer-syntax": transfer_syntax_uid})


def _multipart(part: MediaType) -> MediaType:
    return MediaType("multipart/related", {"type": part.type, **part.params})
