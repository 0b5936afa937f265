"""Sending one message to a practice's own system: one connection, to one judged address, within a few seconds.

Built on `http.client`, not on `requests`: that follows redirects, reads proxies and `.netrc` from the environment, and
resolves the name once more when it connects. `http.client` does none of it.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from imaging.adapters.webhook_address import AddressRefused, Target, parse_target, resolve

CONNECT_SECONDS = 3
READ_SECONDS = 10
TOTAL_SECONDS = 14  # a server that sends a byte now and then must not hold us


class EndpointFailed(Exception):
    """Nothing was answered. `code` says why: unresolved, unreachable, tls, timeout, broken, or why it was refused."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _PinnedConnection(http.client.HTTPConnection):
    """A connection to an address that was resolved and judged before; TLS and the Host header go by the name."""

    def __init__(self, target: Target, address: str) -> None:
        super().__init__(target.host, target.port, timeout=READ_SECONDS)
        self._target, self._address, self.was_cut = target, address, False
        if target.over_tls:
            self.default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self._target.port), CONNECT_SECONDS)
        self.sock.settimeout(READ_SECONDS)
        if self._target.over_tls:
            # The handshake apart, so that `cut` finds the socket while it lasts.
            host = self._target.host
            self.sock = tls_context().wrap_socket(self.sock, server_hostname=host, do_handshake_on_connect=False)
            self.sock.do_handshake()

    def cut(self) -> None:
        """End whatever the connection is at; called from another thread."""
        self.was_cut = True
        if self.sock is not None:
            # Not `close`: that would not wake a thread that waits in `recv`.
            with suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def tls_context() -> ssl.SSLContext:
    """Certificates of the public authorities, TLS 1.2 or later."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def post(url: str, body: bytes, headers: Mapping[str, str], *, local: bool = False) -> int:
    """Send `body` as JSON and return the status of the answer, whatever it is.

    A redirect is not followed, and the body of an answer is not read: its status says it all.

    Parameters
    ----------
    local
        As of `parse_target`.

    Raises
    ------
    EndpointFailed
    """
    try:
        target = parse_target(url, local=local)
        connection = _PinnedConnection(target, resolve(target))
    except AddressRefused as refusal:
        raise EndpointFailed(refusal.code) from None
    except (OSError, UnicodeError, StopIteration):
        raise EndpointFailed("unresolved") from None
    return _exchange(connection, target, body, {**headers, "Content-Type": "application/json"})


def _exchange(connection: _PinnedConnection, target: Target, body: bytes, headers: Mapping[str, str]) -> int:
    try:
        with _cut_after(connection, TOTAL_SECONDS):
            connection.connect()
            connection.request("POST", target.path, body, dict(headers))
            status = connection.getresponse().status
        if connection.was_cut:
            raise TimeoutError  # half a header ends like a whole one
        return status
    except (OSError, http.client.HTTPException) as failure:
        raise EndpointFailed("timeout" if connection.was_cut else _code_of(failure)) from None
    finally:
        connection.close()


def _code_of(failure: Exception) -> str:
    codes = {TimeoutError: "timeout", ssl.SSLError: "tls", http.client.HTTPException: "broken"}
    return next((code for kind, code in codes.items() if isinstance(failure, kind)), "unreachable")


@contextmanager
def _cut_after(connection: _PinnedConnection, seconds: float) -> Iterator[None]:
    watch = threading.Timer(seconds, connection.cut)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
