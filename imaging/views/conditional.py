"""Conditional and range requests, and the encodings of a body (RFC 9110 §8.4, §13, §14)."""

import re
import zlib
from collections.abc import Iterable, Iterator

import brotli
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from imaging.services.conditions import ByteRange, Conditions

_TAGS = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")|(\*)')
_RANGE = re.compile(r"bytes=(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))", re.ASCII | re.IGNORECASE)
_CODING = re.compile(r"\s*([\w*-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*", re.ASCII | re.IGNORECASE)
CODINGS = ("br", "gzip")  # the better first


def conditions_of(request: HttpRequest) -> Conditions:
    """What the request says about the bytes it has and wants. A range that cannot be read is none (RFC 9110 §14.2)."""
    found = _TAGS.finditer(request.headers.get("If-None-Match", ""))
    tags = frozenset(tag or star for tag, star in (match.groups() for match in found))
    wanted = _range_of(request.headers.get("Range", "")) if request.method == "GET" else None
    return Conditions(tags, wanted, request.headers.get("If-Range", "").strip())


def not_modified(etag: str) -> HttpResponse:
    """304: the client has it."""
    response = HttpResponse(status=304)
    response["ETag"] = etag
    return response


def range_not_satisfiable(length: int) -> HttpResponse:
    """416, with the length there is."""
    response = HttpResponse(status=416)
    response["Content-Range"] = f"bytes */{length}"
    return response


def mark_extent(response: HttpResponseBase, etag: str, length: int, extent: tuple[int, int] | None) -> HttpResponseBase:
    """Say how long the body is and, of a part, which one it is of the `length` bytes."""
    if etag:
        response["ETag"] = etag
    response["Content-Length"] = str(extent[1] if extent else length)
    response["Accept-Ranges"] = "bytes"
    if extent:
        response.status_code = 206
        response["Content-Range"] = f"bytes {extent[0]}-{sum(extent) - 1}/{length}"
    return response


def choose_coding(header: str, offered: tuple[str, ...] = CODINGS) -> str:
    """The content coding the client prefers, '' for none; among equals the first offered (RFC 9110 §12.5.3)."""
    wanted = {}
    for text in header.split(","):
        if match := _CODING.fullmatch(text):
            wanted[match[1].lower()] = float(match[2] or 1)
    rated = [(wanted.get(coding, wanted.get("*", 0.0)), -place, coding) for place, coding in enumerate(offered)]
    quality, _, coding = max(rated)
    return coding if quality > 0 and quality >= wanted.get("identity", 0.0) else ""


def pack(coding: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces in a content coding: headers of one series repeat each other, a fiftieth of the bytes is left."""
    if coding == "br":
        packer, compress, finish = brotli.Compressor(quality=4), "process", "finish"
    else:
        packer, compress, finish = zlib.compressobj(level=3, wbits=31), "compress", "flush"
    for piece in pieces:
        if packed := getattr(packer, compress)(piece):
            yield packed
    yield getattr(packer, finish)()


def _range_of(text: str) -> ByteRange | None:
    match = _RANGE.fullmatch(text.strip())
    if not match:
        return None
    first, last, suffix = (None if number is None else int(number) for number in match.groups())
    if suffix is not None:
        return ByteRange(None, suffix)
    return None if last is not None and last < first else ByteRange(first, last)
