"""The WSGI application: WSGI, because Django under ASGI buffers whole streams (design.md §5)."""

import os
from collections.abc import Callable, Iterable
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
_django = get_wsgi_application()
import_module(settings.ROOT_URLCONF)  # and with it every view: no request waits for that


def application(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Django's, but a Content-Type that it cannot read is the client's mistake (400), not ours (500)."""
    try:
        parse_header_parameters(str(environ.get("CONTENT_TYPE", "")))
    except (ValueError, LookupError):
        start_response("400 Bad Request", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return []
    return _django(environ, start_response)
