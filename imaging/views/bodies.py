"""Request bodies that are read piece by piece."""

from collections.abc import Callable

from django.http import HttpRequest


def body_reader(request: HttpRequest) -> Callable[[int], bytes]:
    """`read(n)`: up to n bytes of the body, b'' at its end; raises `UnreadablePostError` when the line breaks.

    Django reads as many bytes as Content-Length says, so none of a chunked body. Where the server itself ends its
    input (granian does), the input is read directly; elsewhere that would wait for ever.
    """
    ends = request.environ.get("wsgi.input_terminated")
    if ends and not request.META.get("CONTENT_LENGTH"):
        return request.environ["wsgi.input"].read
    return request.read
