"""HTTP with as little client as possible, because it runs on the cores of the server it measures."""

import json
import socket
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from blake3 import blake3

PIECE = 1 << 20
BOUNDARY = "collimate-bench"
STOW_TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
STOW_HEAD = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
STOW_TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
TIMEOUT_S = 600


class RequestFailed(Exception):
    """A server refused; the text is its answer's status and beginning."""


class Wire:
    """One connection to one server; `headers` go with every request."""

    def __init__(self, origin: str, headers: dict[str, str] | None = None) -> None:
        address = urlsplit(origin)
        self._headers = headers or {}
        self._connection = HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> HTTPResponse:
        """The answer, to be read by the caller; raises `RequestFailed`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body or None, {**self._headers, **named})
        return self._answer()

    def send_file(
        self, method: str, path: str, file: Path, head: bytes = b"", tail: bytes = b"", **headers: str
    ) -> HTTPResponse:
        """Send a file between `head` and `tail` without it passing through this process; raises `RequestFailed`."""
        length = len(head) + file.stat().st_size + len(tail)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {**self._headers, **named, "Content-Length": str(length)}.items():
            self._connection.putheader(name, value)
        self._connection.endheaders(head or None)
        with file.open("rb") as content:
            self._socket().sendfile(content)
        if tail:
            self._connection.send(tail)
        return self._answer()

    def _socket(self) -> socket.socket:
        return self._connection.sock

    def _answer(self) -> HTTPResponse:
        response = self._connection.getresponse()
        if response.status >= 300:
            raise RequestFailed(f"{response.status}: {response.read(500)!r}")
        return response


def only_part(body: bytes, length: int) -> bytes:
    """The content of a multipart answer with one part of `length` bytes; b"" if there is less."""
    start = body.find(b"\r\n\r\n") + 4
    part = body[start : start + length]
    return part if len(part) == length else b""


def json_field(content: bytes, name: str) -> str:
    """One text of a JSON object."""
    return str(json.loads(content)[name])


def digest_of_part(response: HTTPResponse, length: int) -> bytes:
    """The BLAKE3 of the only part of a multipart answer; of a plain body if it is no multipart."""
    rest = b""
    if response.headers.get_content_type() == "multipart/related":
        while b"\r\n\r\n" not in rest:
            rest += response.read(256)
        rest = rest.partition(b"\r\n\r\n")[2]
    digest = blake3(rest[:length])
    left = length - len(rest)
    while left > 0 and (piece := response.read(min(PIECE, left))):
        digest.update(piece)
        left -= len(piece)
    response.read()
    return digest.digest()


def digest_of_file(path: Path) -> bytes:
    """The BLAKE3 of a file."""
    digest = blake3()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.digest()
