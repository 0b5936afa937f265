"""The listener: DICOM over TLS, and nothing before it (PS3.15 Annex B.12).

A thread for each connection, and few of them: whoever has shown no certificate yet holds one of a few places, for
seconds; whoever has, one of the associations. The accepting loop itself never waits for a peer.
"""

import contextlib
import logging
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Collection

from imaging.adapters.dicom_association import Application, Association, Requester, Session
from imaging.adapters.dicom_negotiation import Rejected
from imaging.adapters.dicom_upper_layer import AssociationEnded, UpperLayer

logger = logging.getLogger(__name__)

MOST_ASSOCIATIONS = 20
MOST_UNKNOWN = 32  # connections whose peer has no association yet
MOST_UNKNOWN_PER_ADDRESS = 12
HANDSHAKE_SECONDS = 10.0
_POLL_SECONDS = 0.5
_BACKLOG = 64


class Listener:
    """Takes connections on one address; `tls` gives the context of each anew, as trust changes."""

    def __init__(
        self, address: tuple[str, int], tls: Callable[[], ssl.SSLContext], application: Application,
        transfer_syntaxes: Collection[str],
    ) -> None:  # fmt: skip
        self._tls = tls
        self._application = _Limited(application)
        self._transfer_syntaxes = transfer_syntaxes
        self._unknown: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._socket = socket.create_server(address, backlog=_BACKLOG)
        self._socket.settimeout(_POLL_SECONDS)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def serve_forever(self) -> None:
        """Take connections until `shutdown`."""
        while not self._stopping.is_set():
            try:
                connection, address = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                # Out of file descriptors, or the peer was gone before we took it: neither may end the listener.
                self._stopping.wait(_POLL_SECONDS)
                continue
            self._begin(connection, address[0])
        self._socket.close()

    def shutdown(self, seconds: float = 10.0) -> None:
        """Take no more, and give what is under way so long to end; what is cut off then was never acknowledged."""
        self._stopping.set()
        with self._lock:
            running = dict(self._open)
        for connection in running.values():
            with contextlib.suppress(OSError):
                # Not the method of SSLSocket: that one takes TLS off, and the last answer would go out in the clear.
                socket.socket.shutdown(connection, socket.SHUT_RD)
        for thread in running:
            thread.join(seconds / max(len(running), 1))

    def _begin(self, connection: socket.socket, address: str) -> None:
        if not self._admit(address):
            connection.close()
            return
        thread = threading.Thread(target=self._serve, args=(connection, address), daemon=True)
        with self._lock:
            self._open[thread] = connection
        thread.start()

    def _admit(self, address: str) -> bool:
        with self._lock:
            if self._unknown.total() >= MOST_UNKNOWN or self._unknown[address] >= MOST_UNKNOWN_PER_ADDRESS:
                return False
            self._unknown[address] += 1
            return True

    def _let_go(self, address: str) -> None:
        with self._lock:
            self._unknown[address] -= 1
            self._unknown += Counter()  # forgets addresses at zero

    def _serve(self, connection: socket.socket, address: str) -> None:
        known = _Once(lambda: self._let_go(address))
        try:
            with self._shake_hands(connection) as secured:
                self._associate(secured, address, known)
        except (OSError, ValueError) as error:  # ValueError: what ssl makes of a connection that is gone already
            logger.info("No TLS with %s: %s", address, getattr(error, "reason", None) or type(error).__name__)
        except Exception as error:  # a fault of ours costs this association, and no other
            logger.error("An association with %s failed: %s", address, type(error).__name__)
        finally:
            known()
            connection.close()
            with self._lock:
                self._open.pop(threading.current_thread(), None)

    def _shake_hands(self, connection: socket.socket) -> ssl.SSLSocket:
        connection.settimeout(HANDSHAKE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        secured = self._tls().wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        try:
            secured.do_handshake()
        except BaseException:
            secured.close()
            raise
        with self._lock:
            self._open[threading.current_thread()] = secured
        return secured

    def _associate(self, secured: ssl.SSLSocket, address: str, known: Callable[[], None]) -> None:
        layer = UpperLayer(secured)
        association = Association(layer, _Announcing(self._application, known), self._transfer_syntaxes)
        try:
            association.run(secured.getpeercert(binary_form=True) or b"", address)
        except AssociationEnded as end:
            logger.info("An association with %s ended: %s %s", address, type(end).__name__, end)
        layer.linger()


class _Once:
    """Calls what it is given the first time only."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def __call__(self) -> None:
        call, self._call = self._call, None
        if call:
            call()


class _Announcing:
    """The application, telling the listener when a peer has its association."""

    def __init__(self, application: Application, known: Callable[[], None]) -> None:
        self._application = application
        self._known = known

    def associate(self, requester: Requester) -> Session:
        session = self._application.associate(requester)
        self._known()
        return session


class _Limited:
    """The application, for no more associations at once than the machine bears."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._places = threading.BoundedSemaphore(MOST_ASSOCIATIONS)

    def associate(self, requester: Requester) -> Session:
        if not self._places.acquire(blocking=False):
            raise Rejected.local_limit_exceeded()
        try:
            return _Placed(self._application.associate(requester), self._places.release)
        except BaseException:
            self._places.release()
            raise


class _Placed:
    """A session that gives its place back."""

    def __init__(self, session: Session, give_back: Callable[[], None]) -> None:
        self._session = session
        self._give_back = _Once(give_back)
        self.verify = session.verify
        self.store = session.store
        self.find_uncommitted = session.find_uncommitted

    def close(self) -> None:
        try:
            self._session.close()
        finally:
            self._give_back()
