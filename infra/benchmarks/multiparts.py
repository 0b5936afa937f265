"""Taking `multipart/related` answers apart, after the clock has stopped."""

from collections.abc import Iterable

from blake3 import blake3

from infra.benchmarks.crowd import Answer

Body = bytes | bytearray | memoryview


def parts_of(answer: Answer) -> list[memoryview]:
    """The content of each part (RFC 2046 §5.1); none of an answer that is not whole."""
    content = answer.body.obj if isinstance(answer.body, memoryview) else answer.body
    view = memoryview(content)
    delimiter = b"--" + _boundary(answer).encode()
    begins = content.find(delimiter)
    parts = []
    while begins >= 0:
        head_ends = content.find(b"\r\n\r\n", begins)
        ends = content.find(b"\r\n" + delimiter, head_ends) if head_ends >= 0 else -1
        if ends < 0:
            break
        parts.append(view[head_ends + 4 : ends])
        begins = ends + 2
    closed = content.startswith(delimiter + b"--", begins) if parts else False
    return parts if closed else []


def only_part(answer: Answer) -> bytes:
    """The one part of a multipart answer, or the body of any other; b"" where there are more."""
    if not answer.headers.get("content-type", "").startswith("multipart/"):
        return bytes(answer.body)
    parts = parts_of(answer)
    return bytes(parts[0]) if len(parts) == 1 else b""


def digests(contents: Iterable[Body]) -> list[bytes]:
    """What tells whether two heaps of files are the same, whatever their order."""
    return sorted(blake3(each).digest() for each in contents)


def _boundary(answer: Answer) -> str:
    fields = answer.headers["content-type"].split(";")
    return next(each.split("=", 1)[1].strip(' "') for each in fields if each.strip().startswith("boundary="))
