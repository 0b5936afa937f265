"""What the server and its sandbox say to each other about one job, over a socket that is the job's own.

The server sends a line of JSON and then the bytes it counts; the child answers with results, each behind a status byte
and a length (u64, big-endian): `GIVEN` for each, `DONE` at the end, or `FAILED` with the name of what went wrong.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

HEAD = ">BQ"
GIVEN, FAILED, DONE = 0, 1, 2


class Bytes(Protocol):
    """Something of a known length that comes in pieces."""

    length: int
    pieces: Iterable[bytes]


@dataclass(frozen=True)
class Job:
    """What a child shall do with one data set: an operation of `imaging.dicom.operations` and its arguments."""

    operation: str
    transfer_syntax_uid: str
    arguments: dict[str, object] = field(default_factory=dict)


def write_job(job: Job, header: bytes, frames: Sequence[Bytes], seconds: float) -> Iterator[bytes]:
    """The job in pieces, to be finished within `seconds`.

    Raises
    ------
    EOFError
        A frame gave other than the length it announced.
    """
    line = {
        "operation": job.operation, "transfer_syntax_uid": job.transfer_syntax_uid, "arguments": job.arguments,
        "header": len(header), "frames": [frame.length for frame in frames], "seconds": seconds,
    }  # fmt: skip
    yield json.dumps(line).encode() + b"\n"
    yield header
    for frame in frames:
        yield from _exactly(frame)


def read_job(source: BinaryIO) -> tuple[Job, float, bytes, list[bytes]]:
    """The job, its seconds, the header and the frames; raises `EOFError` when the server broke it off."""
    line = json.loads(source.readline() or b"null")
    if line is None:
        raise EOFError
    header = _read(source, line["header"])
    frames = [_read(source, length) for length in line["frames"]]
    return Job(line["operation"], line["transfer_syntax_uid"], line["arguments"]), line["seconds"], header, frames


def _exactly(frame: Bytes) -> Iterator[bytes]:
    left = frame.length
    for piece in frame.pieces:
        left -= len(piece)
        yield piece
    if left:
        raise EOFError


def _read(source: BinaryIO, length: int) -> bytes:
    data = source.read(length)
    if len(data) < length:
        raise EOFError
    return data
