"""Which of the media types we can give the client wants (PS3.18 §8.7, RFC 9110 §12.5.1)."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from imaging.dicom.multipart import MalformedMultipart, parse_content_type

_RANGES = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)
_COMPARED = ("type", "transfer-syntax")  # what else a client may add (charset, boundary) does not choose


@dataclass(frozen=True)
class MediaType:
    """A media type with parameters; `str()` gives it as a header value."""

    type: str
    params: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "; ".join((self.type, *(f"{name}={_quoted(value)}" for name, value in self.params.items())))


def choose(
    accept_header: str | None, offered: Sequence[MediaType], only_named: Collection[int] = ()
) -> MediaType | None:
    """The offered type the client prefers, None if it accepts none (answer 406).

    Among equals the first offered wins; no Accept header accepts everything. A range without
    transfer-syntax accepts any, except the offers at the places `only_named`: those are for ranges that
    name one, be it `*` (PS3.18 §8.7.3.5.2 has defaults for those that name none).
    """
    if not accept_header or not accept_header.strip():
        return offered[0] if offered else None
    ranges = list(_parse_accept(accept_header))
    naming = [(wanted, quality) for wanted, quality in ranges if "transfer-syntax" in wanted.params]
    rated = [
        (_quality(naming if place in only_named else ranges, media_type), -place)
        for place, media_type in enumerate(offered)
    ]
    quality, place = max(rated, default=(0.0, 0))
    return offered[-place] if quality > 0 else None


def accepted_types(accept_header: str) -> list[MediaType]:
    """The ranges of an Accept header, in its order, those of quality 0 left out."""
    return [wanted for wanted, quality in _parse_accept(accept_header) if quality > 0]


def _quoted(value: str) -> str:
    return f'"{value}"' if re.search(r"[^\w.*+-]", value) else value


def _parse_accept(header: str) -> Iterator[tuple[MediaType, float]]:
    """The ranges that can be read; others are passed over, as one client's slip must not cost it the rest."""
    for text in _RANGES.findall(header):
        try:
            kind, parameters = parse_content_type(text)
        except MalformedMultipart:
            continue
        quality = parameters.pop("q", "1")
        yield MediaType(kind, parameters), float(quality) if _QUALITY.fullmatch(quality) else 1.0


def _quality(ranges: Sequence[tuple[MediaType, float]], offer: MediaType) -> float:
    """The quality the most specific fitting range gives to the offer, 0 if none fits."""
    fitting = [(_specificity(wanted), quality) for wanted, quality in ranges if _fits(wanted, offer)]
    return max(fitting, default=(0, 0.0))[1]


def _specificity(wanted: MediaType) -> int:
    parts = (wanted.type, *(wanted.params.get(name, "*") for name in _COMPARED))
    wildcards = ("*/*" in part or part == "*" for part in parts)
    halves = (part.endswith("/*") and part != "*/*" for part in parts)
    return sum(3 - 3 * wild - half for wild, half in zip(wildcards, halves, strict=True))


def _fits(wanted: MediaType, offer: MediaType) -> bool:
    if not _type_fits(wanted.type, offer.type):
        return False
    inner = wanted.params.get("type")
    if inner is not None and not _type_fits(inner, offer.params.get("type", "")):
        return False
    syntax = wanted.params.get("transfer-syntax", "*")
    return syntax == "*" or syntax == offer.params.get("transfer-syntax")


def _type_fits(wanted: str, offered: str) -> bool:
    wanted, offered = wanted.lower(), offered.lower()
    if wanted == "*/*" or wanted == offered:
        return True
    return wanted.endswith("/*") and offered.startswith(wanted[:-1])
