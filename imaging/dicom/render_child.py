"""The child process that decodes pixels: reads one request from standard input, writes one WebP, ends.

Run as `python -m imaging.dicom.render_child` by `imaging.adapters.renderer`, never imported by the server.
"""

import json
import resource
import sys

CPU_SECONDS = 20
ADDRESS_SPACE = 4 * 1024**3


def _limit() -> None:
    for what, limit in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, ADDRESS_SPACE),
        (resource.RLIMIT_FSIZE, 0),  # it may write no file
        (resource.RLIMIT_CORE, 0),  # nor leave its memory behind
        (resource.RLIMIT_NPROC, 64),
    ):
        soft = min(limit, resource.getrlimit(what)[1]) if resource.getrlimit(what)[1] >= 0 else limit
        resource.setrlimit(what, (soft, soft))


def main() -> int:
    """Draw the requested frame; on failure name the kind of error, and nothing of the image."""
    _limit()
    source = sys.stdin.buffer
    request = json.loads(source.readline())
    header, frame = source.read(request["header"]), source.read(request["frame"])
    try:
        from imaging.dicom.render import draw

        sys.stdout.buffer.write(draw(header, request["transfer_syntax_uid"], frame, request["edge"]))
    except BaseException as error:  # whatever a decoder throws
        sys.stderr.write(type(error).__name__)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
