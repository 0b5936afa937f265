"""What the door gives a view: the parts of an answer, what each is, and one stream of their bytes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from imaging.dicom.media_types import MediaType
from imaging.services.sealed import Truncated

END_OF_PART = b""


class NotAcceptable(Exception):
    """The client accepts none of the encodings that can be given; `available` names them."""

    def __init__(self, reason: str = "", available: Sequence[MediaType] = ()) -> None:
        super().__init__(reason)
        self.reason = reason or "None of the media types you accept can be given."
        self.available = [str(each) for each in available]


@dataclass(frozen=True)
class Choice:
    """The media type of a body part, with its transfer syntax where it has one, and whether it comes without others."""

    media_type: MediaType
    single: bool = False

    @property
    def transfer_syntax_uid(self) -> str:
        return self.media_type.params["transfer-syntax"]


ChooseType = Callable[[str], Choice]  # from the stored transfer syntax; raises NotAcceptable


@dataclass(frozen=True)
class Parts:
    """Body parts in order: each one's media type and length in bytes, and one stream of all their bytes.

    No piece of the stream belongs to two parts. Behind a part whose length is None comes an empty piece. A `single`
    part is the whole body, of which `extent`, if not None, is the (start, length) that the stream gives.
    """

    heads: list[tuple[MediaType, int | None]]
    pieces: Iterator[bytes]
    single: bool = False
    etag: str = ""
    extent: tuple[int, int] | None = None
    is_partial: bool = False  # there would be more parts than one answer holds


def begun(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces, the first of them read already; raises what reading it raises."""
    pieces = iter(pieces)
    return chain((next(pieces, b""),), pieces)


def iter_parts(parts: Parts, head_of: Callable[[MediaType], bytes], end: bytes) -> Iterator[bytes]:
    """Each part's head and bytes, then `end`; raises `Truncated` where the stream gives less than was announced."""
    for media_type, length in parts.heads:
        yield head_of(media_type)
        yield from _pieces_of_part(parts.pieces, length)
    yield from _no_more(parts.pieces)
    yield end


def iter_single(parts: Parts) -> Iterator[bytes]:
    """The bytes of the only part, or of what is wanted of it; raises `Truncated` where there are fewer."""
    ((_, length),) = parts.heads
    yield from _pieces_of_part(parts.pieces, parts.extent[1] if parts.extent else length)
    yield from _no_more(parts.pieces)


def cut(pieces: Iterable[bytes], extent: tuple[int, int] | None) -> Iterator[bytes]:
    """Of a stream the (start, length) that is wanted; all of it for None."""
    if extent is None:
        yield from pieces
        return
    start, length = extent
    for piece in pieces:
        wanted = piece[start : start + length] if start < len(piece) else b""
        start, length = max(0, start - len(piece)), length - len(wanted)
        if wanted:
            yield wanted
        if not length:
            return


def _pieces_of_part(pieces: Iterator[bytes], length: int | None) -> Iterator[bytes]:
    while length is None or length > 0:
        piece = next(pieces, None)
        if piece is None or (length is not None and not piece):
            raise Truncated
        if not piece:
            return
        length = None if length is None else length - len(piece)
        yield piece


def _no_more(pieces: Iterator[bytes]) -> Iterator[bytes]:
    # The last file's digest is judged behind its last byte.
    if next(pieces, b""):
        raise Truncated
    yield from ()
