"""multipart/related, streamed both ways (RFC 2046 §5.1, RFC 2387, PS3.18 §8.6)."""

import re
from collections.abc import Callable, Iterator

_READ = 1 << 20
_MAX_HEADER = 16 << 10
_END_OF_HEADER = b"\r\n\r\n"
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", re.ASCII)
_TYPE = re.compile(r"\s*([\w.+*-]+/[\w.+*-]+)\s*(;.*)?", re.ASCII | re.DOTALL)
_PARAMETER = re.compile(r';\s*(?:([\w!#$%&\'*+.^`|~-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s"]*))?\s*', re.ASCII)
_LINE_BREAK = re.compile(r"[\r\n]")


class MalformedMultipart(ValueError):
    """The body, or the Content-Type that should describe it, breaks the rules of multipart."""


class Part:
    """One part: `headers` with lower-case names, and its body, which can be read once."""

    def __init__(self, headers: dict[str, str], body: Iterator[bytes]) -> None:
        self.headers = headers
        self._body = body

    def chunks(self) -> Iterator[bytes]:
        """The body in pieces of at most about 1 MiB; raises MalformedMultipart when it ends too early."""
        return self._body


def parse_content_type(value: str) -> tuple[str, dict[str, str]]:
    """(type/subtype in lower case, parameters with lower-case names); raises MalformedMultipart."""
    match = _TYPE.fullmatch(value)
    if not match:
        raise MalformedMultipart("no media type")
    rest, position, parameters = (match[2] or "").rstrip(), 0, {}
    while position < len(rest):
        parameter = _PARAMETER.match(rest, position)
        if not parameter:
            raise MalformedMultipart("a parameter of the media type cannot be read")
        if parameter[1]:
            parameters.setdefault(parameter[1].lower(), _unquoted(parameter[2]))
        position = parameter.end()
    return match[1].lower(), parameters


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def iter_parts(
    read: Callable[[int], bytes], content_type: str, max_header: int = _MAX_HEADER
) -> Iterator[Part]:
    """The parts of the body that `read(n)` gives in pieces (b'' at its end).

    What is left of a part is read over before the next. Raises MalformedMultipart for a content type without
    boundary, a broken header and a body that ends before its closing boundary.
    """
    body = _Body(read, _boundary_of(content_type))
    _drain(body.until_boundary())
    while body.read_boundary_end():
        headers = _parse_headers(body.read_header(max_header))
        chunks = body.until_boundary()
        yield Part(headers, chunks)
        _drain(chunks)


def part_head(boundary: str, content_type: str, **headers: str) -> bytes:
    """Boundary and header of a part; `content_location=…` becomes `Content-Location: …`."""
    fields = {"Content-Type": content_type} | {
        name.replace("_", "-").title(): headers[name] for name in headers
    }
    lines = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in fields.items())
    return f"\r\n--{boundary}\r\n{lines}\r\n".encode("latin-1")


def closing(boundary: str) -> bytes:
    return f"\r\n--{boundary}--\r\n".encode("ascii")


def _one_line(value: str) -> str:
    if _LINE_BREAK.search(value):
        raise ValueError("a header value of two lines")
    return value


def _boundary_of(content_type: str) -> bytes:
    kind, parameters = parse_content_type(content_type)
    boundary = parameters.get("boundary", "")
    if not kind.startswith("multipart/") or not _BOUNDARY.fullmatch(boundary):
        raise MalformedMultipart("no boundary")
    return boundary.encode("ascii")


def _drain(chunks: Iterator[bytes]) -> None:
    for _ in chunks:
        pass


def _parse_headers(block: bytes) -> dict[str, str]:
    text = block.decode("latin-1").replace("\r\n ", " ").replace("\r\n\t", " ")
    headers = {}
    for line in filter(None, text.split("\r\n")):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise MalformedMultipart("a part's header cannot be read")
        headers[name.strip().lower()] = value.strip()
    return headers


class _Body:
    """A window over the body; what lies before a boundary leaves it as soon as that is certain."""

    def __init__(self, read: Callable[[int], bytes], boundary: bytes) -> None:
        self._read = read
        self._delimiter = b"\r\n--" + boundary
        self._buffer = bytearray(b"\r\n")  # the first boundary may stand at the very beginning

    def _fill(self) -> None:
        data = self._read(_READ)
        if not data:
            raise MalformedMultipart("the body ends before its closing boundary")
        self._buffer += data

    def until_boundary(self) -> Iterator[bytes]:
        """What lies before the next boundary; the boundary itself is consumed."""
        buffer, delimiter = self._buffer, self._delimiter
        while (found := buffer.find(delimiter)) < 0:
            certain = len(buffer) - len(delimiter) + 1
            if certain > 0:
                yield self._cut(certain)
            self._fill()
        if found:
            yield self._cut(found)
        del buffer[: len(delimiter)]

    def _cut(self, length: int) -> bytes:
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def read_boundary_end(self) -> bool:
        """True if a part follows the boundary just consumed; its line break stays for the header."""
        while True:
            rest = bytes(self._buffer[:_READ]).lstrip(b" \t")
            if rest.startswith(b"--"):
                return False
            if rest.startswith(b"\r\n"):
                del self._buffer[: self._buffer.index(b"\r\n")]
                return True
            if len(rest) >= 2 or len(self._buffer) >= _READ:
                raise MalformedMultipart("a boundary is followed by neither a line break nor --")
            self._fill()

    def read_header(self, limit: int) -> bytes:
        while (found := self._buffer.find(_END_OF_HEADER, 0, limit + len(_END_OF_HEADER))) < 0:
            if len(self._buffer) >= limit:
                raise MalformedMultipart(f"a part's header is longer than {limit} bytes")
            self._fill()
        return self._cut(found + len(_END_OF_HEADER))
