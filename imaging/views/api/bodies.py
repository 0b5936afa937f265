"""What the API reads and writes: small JSON, and nothing that a hostile header or body could make of it."""

import json

from django.http import HttpRequest
from rest_framework.exceptions import NotAcceptable, ParseError, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from imaging.views.api.problems import PayloadTooLarge
from imaging.views.bodies import body_reader

LARGEST_BODY = 64 * 1024  # bytes; the longest search or share is a hundredth of it
_PIECE = 16 * 1024


class SmallJSON(BaseParser):
    """A JSON body (RFC 8259) of at most `LARGEST_BODY` bytes, in UTF-8."""

    media_type = "application/json"

    def parse(self, stream: HttpRequest, media_type: str = "", parser_context: dict | None = None) -> object:
        """The value.

        Raises
        ------
        PayloadTooLarge
        ParseError
        """
        try:
            return json.loads(_read(stream).decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            # Neither the text nor the parser's words are repeated: they may hold a name.
            raise ParseError("The body is not JSON in UTF-8.") from None


class Negotiation(DefaultContentNegotiation):
    """Django's own, which trips over some headers that nobody sends in good faith."""

    def select_renderer(
        self, request: HttpRequest, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except (LookupError, ValueError):
            raise NotAcceptable from None

    def select_parser(self, request: HttpRequest, parsers: list[BaseParser]) -> BaseParser | None:
        try:
            return super().select_parser(request, parsers)
        except (LookupError, ValueError):
            raise UnsupportedMediaType("This media type") from None


def _read(stream: HttpRequest) -> bytes:
    read = body_reader(stream) if isinstance(stream, HttpRequest) else stream.read
    body = bytearray()
    while piece := read(_PIECE):
        body += piece
        if len(body) > LARGEST_BODY:
            raise PayloadTooLarge
    return bytes(body)


def _refuse_constant(name: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")
