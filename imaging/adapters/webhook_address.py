"""Which addresses a webhook may have: a stranger's URL must not make us call anything of our own (SSRF, OWASP A10).

A URL is judged twice: its text when it is entered, and what its name resolves to on each delivery. The connection then
goes to exactly the address that was judged (`imaging.adapters.webhook`), so a name that changes its mind gains nothing.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_URL = 500
TLS_PORT = 443
LOWEST_FREE_PORT = 1024  # below it live services that never were meant for us: mail, SSH, databases' neighbours
# What a URL is written with (RFC 3986 §2): no space, control character, backslash or double quote.
_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]+")
# A top-level name begins with a letter, so no spelling of an IP address is a name.
_LABEL, _TOP = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)+{_TOP}", re.IGNORECASE)
_LOOPBACK = ("127.0.0.1", "localhost")
# Translated and tunnelled addresses (RFC 6052, RFC 8215, RFC 3056, RFC 4380, RFC 4291 §2.5.5) reach the IPv4 address
# inside them, and one public address is a cloud's own: Azure's platform service.
_REFUSED = [
    ipaddress.ip_network(each)
    for each in (
        "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "::ffff:0:0/96", "fec0::/10",
        "168.63.129.16/32", "192.0.0.0/24", "100.64.0.0/10",
    )
]  # fmt: skip


class AddressRefused(Exception):
    """We do not call this address. `reason` is a sentence for the person who entered it, `code` for the log."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code)
        self.code, self.reason = code, reason


@dataclass(frozen=True)
class Target:
    """Where a message goes: `host` is a DNS name, `path` begins with a slash and holds the query."""

    host: str
    port: int
    path: str
    over_tls: bool = True

    @property
    def is_local(self) -> bool:
        """Whether it is this machine, which only demonstrations may call."""
        return self.host in _LOOPBACK


def parse_target(url: str, *, local: bool = False) -> Target:
    """The parts of a URL that we would call.

    Parameters
    ----------
    local
        Whether this machine may be called too, and without TLS: for demonstrations.

    Raises
    ------
    AddressRefused
    """
    if len(url) > MAX_URL or not _PLAIN.fullmatch(url) or "#" in url:
        raise AddressRefused("url", "This is not an address of the web.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise AddressRefused("url", "This is not an address of the web.") from None
    if "@" in parts.netloc:
        raise AddressRefused("credentials", "The address must not hold a user name or password.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if local and host in _LOOPBACK and parts.scheme in ("http", "https"):
        return Target(host, port or (443 if parts.scheme == "https" else 80), path, parts.scheme == "https")
    return _require_public(parts.scheme, host, TLS_PORT if port is None else port, path)


def _require_public(scheme: str, host: str, port: int, path: str) -> Target:
    if scheme != "https":
        raise AddressRefused("scheme", "The address must begin with https://.")
    if not _NAME.fullmatch(host):
        raise AddressRefused("host", "The address must hold the full name of a server, such as hooks.example.com.")
    if port != TLS_PORT and port < LOWEST_FREE_PORT:
        raise AddressRefused("port", f"The port must be {TLS_PORT}, or {LOWEST_FREE_PORT} or above.")
    return Target(host, port, path)


def resolve(target: Target) -> str:
    """The one IP address to connect to. A name with any address that is not public is refused whole.

    Raises
    ------
    AddressRefused
    OSError
        The name could not be resolved.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    if target.is_local:
        return next(each for each in addresses if ipaddress.ip_address(each).is_loopback)
    if not addresses or not all(map(is_public, addresses)):
        raise AddressRefused("private-address", "The name leads to an address that is not on the public internet.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is a host of the public internet, and reaches nothing else by way of translation."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    refused = any(ip in network for network in _REFUSED if network.version == ip.version)
    return ip.is_global and not (refused or ip.is_multicast or ip.is_reserved or ip.is_unspecified)
