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
from imaging.adapters.renderer import RenderFailed, render_thumbnail
from imaging.dicom.gate import Gate

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
    with pytest.raises(RenderFailed, match="ValueError"):
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
    sandbox = renderer._Sandbox()

    def strike(*_: object) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(sandbox, "_read_answer", strike)
    with pytest.raises(SoftTimeLimitExceeded):
        sandbox.ask(b"{}\n")

    # The next request starts a sandbox of its own: the old one's answer is another patient's picture.
    assert sandbox._process is None
