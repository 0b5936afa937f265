"""The hash chain: each event's digest covers the one before it. Pure."""

import hashlib
import json
from collections.abc import Mapping

DOMAIN = b"collimate-audit-v1\x00"
GENESIS = bytes(32)


def canonical(content: Mapping[str, object]) -> bytes:
    """The event's content as JSON with sorted keys, no spaces, UTF-8 (the subset of RFC 8785 we use: no floats)."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def link(previous: bytes, content: Mapping[str, object]) -> bytes:
    """SHA-256 over the domain, the previous event's digest and the content: 32 bytes."""
    return hashlib.sha256(DOMAIN + previous + canonical(content)).digest()
