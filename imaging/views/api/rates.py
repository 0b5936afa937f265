"""How often a token may ask: so many reads and so many changes a minute, counted for all processes together."""

import logging
import time

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

logger = logging.getLogger(__name__)
WINDOW = 60  # seconds
_away = False


class TokenRate(BaseThrottle):
    """A fixed window per token and kind of request. Where the count cannot be kept, nobody is held back by it."""

    def allow_request(self, request: Request, view: object) -> bool:
        kind = view.rate_of(request.method)
        self._left = WINDOW - time.time() % WINDOW
        key = f"api:{request.auth.id}:{kind}:{int(time.time() // WINDOW)}"
        return _count(key) <= settings.API_RATES[kind]

    def wait(self) -> float:
        return self._left


def _count(key: str) -> int:
    """How often the key was counted, this time included; 0 when the store is away."""
    global _away  # one line in the log per outage and process, not one per request
    try:
        cache.add(key, 0, timeout=2 * WINDOW)
        counted = cache.incr(key)
    except (RedisError, ValueError) as error:
        if not _away:
            logger.warning("API rates are not counted: %s", type(error).__name__)
        _away = True
        return 0
    _away = False
    return counted
