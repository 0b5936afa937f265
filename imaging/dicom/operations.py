"""What the sandbox can be asked to do. Runs only inside it (`imaging.dicom.render_child`).

An operation gets its job, the header of a data set and frames as stored, and yields the results.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator

from pydicom import Dataset

from imaging.dicom.encode import encode_frame
from imaging.dicom.native import read_frame
from imaging.dicom.part10 import parse_header
from imaging.dicom.presentation import presentation_of
from imaging.dicom.render import animate, draw, draw_thumbnail
from imaging.dicom.sandbox import Job
from imaging.dicom.transcode import PixelElement, write_file_head
from imaging.dicom.transfer_syntaxes import DECODED, EXPLICIT_BIG, EXPLICIT_LITTLE

Operation = Callable[[Job, bytes, list[bytes]], Iterable[bytes]]
warnings.filterwarnings("ignore")


def _thumbnail(job: Job, header: bytes, frames: list[bytes]) -> Iterator[bytes]:
    """A WebP from a Part 10 header; `edge` in pixels."""
    yield draw_thumbnail(header, job.transfer_syntax_uid, frames[0], job.arguments["edge"])


def _pictures(job: Job, header: bytes, frames: list[bytes]) -> Iterator[bytes]:
    """One picture per frame; `numbers` are the frames', `presentation` how they look."""
    how = presentation_of(job.arguments["presentation"])
    for data_set, frame, number in _with_headers(job, header, frames):
        yield draw(data_set, _syntax_of_frames(job), frame, number, how)


def _animation(job: Job, header: bytes, frames: list[bytes]) -> Iterator[bytes]:
    """One GIF of all frames, each seen for `stride` times the frame time."""
    how = presentation_of(job.arguments["presentation"])
    duration = _frame_milliseconds(parse_header(header, job.transfer_syntax_uid)) * job.arguments["stride"]
    yield animate(_with_headers(job, header, frames), _syntax_of_frames(job), len(frames), duration, how)


def _frames(job: Job, header: bytes, frames: list[bytes]) -> Iterator[bytes]:
    """Each frame in the transfer syntax `target`."""
    for data_set, frame, _ in _with_headers(job, header, frames):
        pixels = read_frame(data_set, _syntax_of_frames(job), frame)
        yield encode_frame(data_set, pixels, job.arguments["target"])


def _file_head(job: Job, header: bytes, frames: list[bytes]) -> Iterator[bytes]:
    """The head of a Part 10 file in Explicit VR Little Endian; the first frame tells what decoding makes of colours."""
    facts = parse_header(header, job.transfer_syntax_uid)
    if frames and job.transfer_syntax_uid in DECODED:
        read_frame(facts, job.transfer_syntax_uid, frames[0])
    element = PixelElement(job.arguments["pixel_tag"], job.arguments["pixel_vr"], job.arguments["length"])
    untouched = parse_header(header, job.transfer_syntax_uid)
    yield write_file_head(facts, untouched, job.transfer_syntax_uid, element)


def _with_headers(job: Job, header: bytes, frames: list[bytes]) -> Iterator[tuple[Dataset, bytes, int]]:
    """Each frame with its number and a header whose photometric interpretation decoding may change."""
    data_set = parse_header(header, job.transfer_syntax_uid)
    photometric = data_set.get("PhotometricInterpretation")
    for frame, number in zip(frames, job.arguments.get("numbers") or range(1, len(frames) + 1), strict=True):
        if photometric is not None:
            data_set.PhotometricInterpretation = photometric
        yield data_set, frame, number


def _syntax_of_frames(job: Job) -> str:
    # The server has turned the words of a big-endian file round: only its elements tell how long they are.
    return EXPLICIT_LITTLE if job.transfer_syntax_uid == EXPLICIT_BIG else job.transfer_syntax_uid


def _frame_milliseconds(data_set: Dataset) -> float:
    """PS3.3 §C.7.6.5: Frame Time, or what follows from a rate; ten a second where neither is told."""
    if time := data_set.get("FrameTime"):
        return min(10_000.0, float(time))
    rate = data_set.get("RecommendedDisplayFrameRate") or data_set.get("CineRate")
    return 1000 / float(rate) if rate and float(rate) > 0 else 100.0


OPERATIONS: dict[str, Operation] = {
    "thumbnail": _thumbnail,
    "pictures": _pictures,
    "animation": _animation,
    "frames": _frames,
    "file_head": _file_head,
}
