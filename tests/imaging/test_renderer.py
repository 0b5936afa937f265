"""The sandbox draws every transfer syntax of the real files, and whatever a hostile image does stays inside it."""

import io
import subprocess
import sys
from pathlib import Path

import pydicom.data
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from PIL import Image

from imaging.adapters import renderer
from imaging.adapters.renderer import Frame, RenderFailed, SandboxBusy, render_thumbnail
from imaging.dicom.gate import Gate
from imaging.dicom.part10 import split_part10
from imaging.dicom.sandbox import Job
from imaging.dicom.transfer_syntaxes import EXPLICIT_LITTLE

REAL = [
    "CT_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "JPEG-lossy.dcm", "JPEG-LL.dcm", "SC_rgb_small_odd.dcm",
    "US1_UNCR.dcm", "examples_palette.dcm", "examples_ybr_color.dcm", "ExplVR_BigEnd.dcm", "image_dfl.dcm",
    "color-pl.dcm",
    "SC_rgb_jpeg_dcmtk.dcm", "MR_small_jpeg_ls_lossless.dcm", "HTJ2KLossless_08_RGB.dcm", "liver_1frame.dcm",
]  # fmt: skip


def read(name: str) -> bytes:
    path = pydicom.data.get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"{name} is not in this version of the package")
    return Path(path).read_bytes()


def parts_of(data: bytes) -> tuple[bytes, str, bytes]:
    gate = Gate()
    gate.feed(data)
    passed = gate.finish()
    pixels, middle = passed.pixels, passed.pixels.number_of_frames // 2
    if pixels.deflated:
        return data, "", b""
    header = data[: passed.header_end]
    if pixels.fragments:
        frame = b"".join(data[offset : offset + length] for offset, length in pixels.fragments[middle])
    else:
        start = pixels.value_offset + middle * (pixels.frame_length or 0)
        frame = data[start : start + (pixels.frame_length or pixels.value_length)]
    return header, passed.transfer_syntax_uid, frame


@pytest.mark.parametrize("name", REAL)
def test_a_real_image_becomes_a_small_picture_with_contrast(name: str) -> None:
    picture = Image.open(io.BytesIO(render_thumbnail(*parts_of(read(name)))))

    assert max(picture.size) <= 320
    low, high = picture.convert("L").getextrema()
    assert high - low > 20


def test_a_codestream_of_other_dimensions_is_refused() -> None:
    header, syntax, frame = parts_of(read("JPEG2000.dcm"))
    _, _, other = parts_of(read("US1_J2KR.dcm"))

    assert frame != other
    with pytest.raises(RenderFailed, match="WrongCodestream"):
        render_thumbnail(header, syntax, other)


def test_garbage_costs_only_its_own_picture() -> None:
    header, syntax, _ = parts_of(read("JPEG2000.dcm"))

    with pytest.raises(RenderFailed):
        render_thumbnail(header, syntax, bytes(range(256)) * 100)


def test_a_decoder_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renderer, "_WALL_SECONDS", 0.0)

    with pytest.raises(RenderFailed, match="too long"):
        render_thumbnail(*parts_of(read("CT_small.dcm")))


def test_a_flood_of_pixels_hits_the_memory_limit() -> None:
    header, syntax, frame = parts_of(read("MR_small_RLE.dcm"))
    for tag in (b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x11\x00US\x02\x00"):
        at = header.index(tag) + len(tag)
        header = header[:at] + b"\xff\xff" + header[at + 2 :]

    # 65,535 x 65,535 pixels of 16 bits, out of a few kilobytes: without the limit another error comes, much later.
    with pytest.raises(RenderFailed, match="MemoryError"):
        render_thumbnail(header, syntax, frame)


def test_a_decoder_can_write_no_file(tmp_path: Path) -> None:
    script = "import sys; from imaging.dicom.render_child import _limit; _limit(); open(sys.argv[1], 'w').write('x')"
    written = tmp_path / "leak"

    subprocess.run([sys.executable, "-c", script, str(written)], cwd=renderer._ROOT, check=False, capture_output=True)

    assert not written.exists() or written.read_bytes() == b""


def test_the_sandbox_comes_back_when_it_died() -> None:
    render_thumbnail(*parts_of(read("CT_small.dcm")))
    renderer._sandbox._process.kill()
    renderer._sandbox._process.wait()

    assert render_thumbnail(*parts_of(read("CT_small.dcm")))


def test_the_child_gets_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLIMATE_SECRET_KEY", "do not hand me down")

    assert "COLLIMATE_SECRET_KEY" not in renderer._bare_environment()


def test_a_request_broken_off_by_a_time_limit_leaves_no_answer_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def strike(*_: object) -> None:
        raise SoftTimeLimitExceeded

    with monkeypatch.context() as broken:
        broken.setattr(renderer, "_read_results", strike)
        with pytest.raises(SoftTimeLimitExceeded):
            render_thumbnail(*parts_of(read("CT_small.dcm")))

    # The job's socket went with it: what its child still answers, nobody can take for the next one's.
    assert Image.open(io.BytesIO(render_thumbnail(*parts_of(read("JPEG2000.dcm"))))).size == (80, 320)


def test_jobs_run_beside_each_other_and_the_one_too_many_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renderer, "_QUEUE_SECONDS", 0.01)
    slots = renderer._sandbox.slots
    taken = 0
    while slots.acquire(blocking=False):
        taken += 1
    try:
        with pytest.raises(SandboxBusy):
            render_thumbnail(*parts_of(read("CT_small.dcm")))
    finally:
        for _ in range(taken):
            slots.release()

    assert render_thumbnail(*parts_of(read("CT_small.dcm")))


def test_a_child_that_gives_more_than_asked_for_is_cut_off() -> None:
    header, syntax, frame = parts_of(read("CT_small.dcm"))
    _, data_set, _ = split_part10(header)

    with pytest.raises(RenderFailed, match="more than it may"):
        renderer.run(
            Job("frames", syntax, {"target": EXPLICIT_LITTLE}), data_set, [Frame(len(frame), [frame])], limit=9
        )


def test_a_child_cannot_receive_the_next_jobs() -> None:
    script = (
        "import os, socket, sys\nfrom imaging.dicom import render_child\nours, theirs = socket.socketpair()\n"
        "os.dup2(theirs.fileno(), 0)\nline, other = socket.socketpair()\n"
        "render_child._work_and_exit = lambda _: os._exit(len([f for f in (0, theirs.fileno()) if is_open(f)]))\n"
        "def is_open(number):\n    try: os.fstat(number); return True\n    except OSError: return False\n"
        "child = render_child._fork(theirs, line.fileno())\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=renderer._ROOT, check=False)

    assert done.returncode == 0
