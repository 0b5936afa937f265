"""The door's TLS: which client certificates are known to it, kept up to date while it stands open.

Known is not trusted. The handshake lets in whoever holds the key of a certificate that some practice named, also one
revoked or ended of late, so that its attempt is refused in words and written down where it knocked; who may associate
is decided then, by the exact certificate (`imaging.services.door`). Whoever holds none of them is gone before DICOM.
"""

import logging
import ssl
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from django.core.cache import cache
from django.utils import timezone

from imaging.selectors.devices import list_known_certificates

logger = logging.getLogger(__name__)

_STAMP = "dicom-devices"
_MOST_AGE_SECONDS = 300.0  # should an announcement be lost
# RFC 9325 §4.2: forward secrecy and authenticated encryption; TLS 1.3 has nothing else.
_TLS_1_2_SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: when a certificate ends is checked with who it belongs to


def announce_change() -> None:
    """Tell the doors of all regions that there is a new certificate to know."""
    try:
        cache.set(_STAMP, str(uuid4()), timeout=None)
    except Exception as error:  # of the cache's driver; the doors look again by themselves after a while
        logger.warning("The doors could not be told of a new device: %s", type(error).__name__)


class Trust:
    """Gives each connection its TLS context; a new one when devices or the door's own certificate changed."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._lock = threading.Lock()
        self._made_at = 0.0
        self._made_of: tuple[object, ...] = ()
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """The context as of now; an older one while the database is away."""
        with self._lock:
            made_of = (_find_stamp(), _modified(self._certificate), _modified(self._key))
            is_old = time.monotonic() - self._made_at > _MOST_AGE_SECONDS
            if self._context is None or made_of != self._made_of or is_old:
                self._renew(made_of)
            assert self._context is not None
            return self._context

    def _renew(self, made_of: tuple[object, ...]) -> None:
        try:
            self._context = make_context(self._certificate, self._key, list_known_certificates(timezone.now()))
        except Exception as error:
            if self._context is None:
                raise
            logger.warning("The known certificates could not be read anew: %s", type(error).__name__)
            return
        self._made_of, self._made_at = made_of, time.monotonic()


def make_context(certificate: Path, key: Path, known: Iterable[str]) -> ssl.SSLContext:
    """A server's context that demands one of the `known` client certificates (PEM), itself and not an issuer of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # PS3.15 Annex B.12
    context.set_ciphers(_TLS_1_2_SUITES)
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    # No resumption: each connection proves anew that it holds the key.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.num_tickets = 0
    for pem in set(known):
        try:
            context.load_verify_locations(cadata=pem)
        except ssl.SSLError:
            logger.error("A stored certificate of a device could not be loaded.")
    return context


def _find_stamp() -> object:
    try:
        return cache.get(_STAMP)
    except Exception:  # of the cache's driver: the age decides alone
        return None


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
