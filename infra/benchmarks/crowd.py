"""Many requests in flight with one thread: epoll, kept connections, answers read into memory that is there already.

The client shares the server's cores. It therefore parses nothing but where an answer ends, and what came is looked at
when the clock has stopped.
"""

import re
import select
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from infra.benchmarks.wire import TIMEOUT_S, RequestFailed

_HEAD_ROOM = 16 << 10
_END_OF_HEAD = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)[^\r\n]*\r\n")
_MODEST = slice(500)


@dataclass
class Answer:
    """What came for one path: `body` as sent, less chunked coding; times in seconds since the request went out."""

    path: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray | memoryview = field(default_factory=bytearray)
    seconds: float = 0
    first_byte_s: float = 0


class Crowd:
    """`in_flight` connections to one server, with at most one request each at a time (HTTP/1.1 without pipelining)."""

    def __init__(self, origin: str, headers: dict[str, str], in_flight: int = 1) -> None:
        address = urlsplit(origin)
        self._address = (address.hostname or "", address.port or 80)
        fields = {"Host": address.netloc, **headers}
        self._fields = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._visitors = [_Visitor(self._address) for _ in range(in_flight)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for visitor in self._visitors:
            visitor.close()

    def get(self, paths: Iterable[str], room: int, **headers: str) -> tuple[float, list[Answer]]:
        """Wall seconds for all paths, and the answers in the order of `paths`; none has more than `room` bytes.

        Raises
        ------
        RequestFailed
            A status that is no success, or a body that is not whole.
        """
        named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        waiting = [
            (Answer(path), f"GET {path} HTTP/1.1\r\n{self._fields}{named}\r\n".encode(), bytearray(room + _HEAD_ROOM))
            for path in paths
        ]
        answers = [answer for answer, _, _ in waiting]
        started = time.perf_counter()
        ended = self._run(waiting[::-1])
        for visit in ended:
            visit.settle()
        return max(visit.ended for visit in ended) - started, answers

    def _run(self, waiting: list[tuple[Answer, bytes, bytearray]]) -> "list[_Visit]":
        poll, busy, ended = select.epoll(), {}, []
        for visitor in self._visitors[: len(waiting)]:
            busy[visitor.begin(*waiting.pop(), poll)] = visitor
        while busy:
            events = poll.poll(TIMEOUT_S)
            if not events:
                raise RequestFailed(f"no byte within {TIMEOUT_S} s")
            for descriptor, _ in events:
                visitor = busy[descriptor]
                if (visit := visitor.read()) is None:
                    continue
                ended.append(visit)
                del busy[descriptor]
                visitor.end(poll)
                if waiting:
                    busy[visitor.begin(*waiting.pop(), poll)] = visitor
        poll.close()
        return ended


class _Visit:
    """One request and its answer while it comes."""

    def __init__(self, answer: Answer, memory: bytearray) -> None:
        self.answer = answer
        self.memory = memory
        self.view = memoryview(memory)
        self.at = self.body_at = 0
        self.first = self.ended = 0.0
        self.length: int | None = None
        self.chunked = False
        self.closes = False
        self.begun = time.perf_counter()

    def take(self, count: int) -> bool:
        """Note `count` bytes more (0: the connection ended); tells whether the answer is complete."""
        if not self.at:
            self.first = time.perf_counter()
        self.at += count
        if not self.body_at:
            self._read_head()
        if not count or self._is_complete():
            self.ended = time.perf_counter()
            return True
        return False

    def settle(self) -> None:
        """Make the answer of what came. Raises `RequestFailed`."""
        body = self.view[self.body_at : self.at]
        answer = self.answer
        if not 200 <= answer.status < 300:
            raise RequestFailed(f"{answer.path}: {answer.status}: {bytes(body[_MODEST])!r}")
        if not self._is_complete() and not (self.closes and self.length is None and not self.chunked):
            raise RequestFailed(f"{answer.path}: ended after {len(body)} bytes")
        answer.body = _unchunked(self.memory, self.body_at, self.at) if self.chunked else body
        answer.seconds, answer.first_byte_s = self.ended - self.begun, self.first - self.begun

    def _is_complete(self) -> bool:
        if not self.body_at:
            return False
        if self.chunked:
            return self.memory.endswith(_LAST_CHUNK, self.body_at - 2, self.at)
        return self.length is not None and self.at - self.body_at >= self.length

    def _read_head(self) -> None:
        end = self.memory.find(_END_OF_HEAD, 0, self.at)
        if end < 0:
            return
        status, *fields = self.memory[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in fields)}
        self.body_at = end + len(_END_OF_HEAD)
        self.answer.status, self.answer.headers = int(status.split()[1]), headers
        self.length = int(headers["content-length"]) if "content-length" in headers else None
        self.chunked = headers.get("transfer-encoding", "") == "chunked"
        self.closes = headers.get("connection", "").lower() == "close"


class _Visitor:
    """One connection, made anew where the server ends it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._socket: socket.socket | None = self._connected()
        self._visit: _Visit | None = None

    def begin(self, answer: Answer, request: bytes, memory: bytearray, poll: select.epoll) -> int:
        """Send a request; the descriptor to wait for."""
        if self._socket is None or self._has_ended():
            self.close()
            self._socket = self._connected()
        self._visit = _Visit(answer, memory)
        self._socket.send(request)  # smaller than the socket's buffer
        poll.register(self._socket.fileno(), select.EPOLLIN)
        return self._socket.fileno()

    def read(self) -> _Visit | None:
        """Take what is there; the visit once its answer is complete."""
        visit = self._visit
        try:
            count = self._socket.recv_into(visit.view[visit.at :])
        except BlockingIOError:
            return None
        except ConnectionError:
            count = 0
        return visit if visit.take(count) else None

    def end(self, poll: select.epoll) -> None:
        """Wait for nothing more; forget the connection if it cannot be used again."""
        poll.unregister(self._socket.fileno())
        if self._visit.closes or self._visit.length is None and not self._visit.chunked:
            self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _has_ended(self) -> bool:
        """Whether the server let the connection go while it was idle."""
        try:
            return not self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(self._address, TIMEOUT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        return connection


def _unchunked(memory: bytearray, start: int, end: int) -> bytearray:
    """A body without the lines of RFC 9112 §7.1."""
    body, view = bytearray(), memoryview(memory)
    while (size := _CHUNK_SIZE.match(memory, start, end)) and (length := int(size[1], 16)):
        body += view[size.end() : size.end() + length]
        start = size.end() + length + 2
    return body
