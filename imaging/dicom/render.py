"""Frames as pictures a browser shows. Runs only inside the sandbox (`imaging.dicom.render_child`)."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps
from pydicom import Dataset
from pydicom.pixels import apply_color_lut

from imaging.dicom.grayscale import to_grey
from imaging.dicom.native import read_frame
from imaging.dicom.part10 import parse_header, split_part10
from imaging.dicom.presentation import Presentation, Viewport, Window
from imaging.dicom.transfer_syntaxes import EXPLICIT_LITTLE

ANIMATION_PIXELS = 64 * 1024 * 1024  # of all frames of an animation
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP"}
_FLIPS = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM)


class NothingToShow(ValueError):
    """The region asked for holds no pixel of the image."""


def draw(data_set: Dataset, transfer_syntax_uid: str, frame: bytes, number: int, how: Presentation) -> bytes:
    """One frame as a picture.

    Parameters
    ----------
    frame
        The frame as stored; `number` is its own, from 1.
    """
    return _encode(_picture(data_set, transfer_syntax_uid, frame, number, how), how)


def animate(
    frames: Iterator[tuple[Dataset, bytes, int]],
    transfer_syntax_uid: str,
    count: int,
    milliseconds: float,
    how: Presentation,
) -> bytes:
    """Frames as an endless GIF, scaled down until all of them have at most `ANIMATION_PIXELS` pixels."""
    pictures = (_shrunk(_picture(each, transfer_syntax_uid, frame, number, how), count)
                for each, frame, number in frames)  # fmt: skip
    out = io.BytesIO()
    first = next(pictures)
    first.save(
        out, "GIF", save_all=True, append_images=pictures, duration=max(20, round(milliseconds)), loop=0, disposal=1
    )
    return out.getvalue()


def draw_thumbnail(header: bytes, transfer_syntax_uid: str, frame: bytes, edge: int) -> bytes:
    """The frame of a Part 10 file as WebP, at most `edge` pixels wide and high.

    Parameters
    ----------
    header
        The Part 10 file up to its Pixel Data; with an empty `transfer_syntax_uid` a whole deflated file.
    """
    if not transfer_syntax_uid:
        data_set, transfer_syntax_uid, frame = _open_deflated(header)
    else:
        data_set = parse_header(split_part10(header)[1], transfer_syntax_uid)
    return draw(data_set, transfer_syntax_uid, frame, 1, Presentation("image/webp", quality=80, edge=edge))


def _open_deflated(file: bytes) -> tuple[Dataset, str, bytes]:
    from pydicom import dcmread

    data_set = dcmread(io.BytesIO(file))
    rows, columns = int(data_set.Rows), int(data_set.Columns)
    length = rows * columns * int(data_set.SamplesPerPixel) * int(data_set.BitsAllocated) // 8
    return data_set, EXPLICIT_LITTLE, data_set.PixelData[:length]


def _picture(data_set: Dataset, transfer_syntax_uid: str, frame: bytes, number: int, how: Presentation) -> Image.Image:
    pixels = read_frame(data_set, transfer_syntax_uid, frame)
    picture = Image.fromarray(np.ascontiguousarray(_to_eight_bits(data_set, pixels, number, how.window)))
    if how.invert and picture.mode == "L":
        picture = ImageOps.invert(picture)
    if how.viewport:
        picture = _through(picture, how.viewport)
    if how.edge:
        picture.thumbnail((how.edge, how.edge), Image.Resampling.LANCZOS)
    return picture


def _to_eight_bits(data_set: Dataset, pixels: np.ndarray, number: int, window: Window | None) -> np.ndarray:
    photometric = str(data_set.get("PhotometricInterpretation", "MONOCHROME2"))
    if photometric == "PALETTE COLOR":
        return _eight_bits_of(apply_color_lut(pixels, data_set), _lut_bits(data_set))
    if pixels.ndim == 3:
        return _to_rgb(photometric, _eight_bits_of(pixels, int(data_set.get("BitsStored", 8))))
    return to_grey(data_set, pixels, number, window)


def _lut_bits(data_set: Dataset) -> int:
    # Some say 16 and mean 8: pydicom gives such entries as bytes.
    return int(data_set.RedPaletteColorLookupTableDescriptor[2])


def _eight_bits_of(values: np.ndarray, bits: int) -> np.ndarray:
    if values.dtype.itemsize == 1 and bits >= 8:
        return values.view(np.uint8)
    return (values.astype(np.float64) * (255.0 / ((1 << bits) - 1))).clip(0, 255).astype(np.uint8)


def _to_rgb(photometric: str, colour: np.ndarray) -> np.ndarray:
    if photometric.startswith("YBR_FULL"):
        return np.asarray(Image.fromarray(np.ascontiguousarray(colour), "YCbCr").convert("RGB"))
    return colour[..., :3]


def _through(picture: Image.Image, viewport: Viewport) -> Image.Image:
    """Cropped, flipped and scaled into the viewport, its aspect ratio kept (PS3.18 §8.3.5.1.2)."""
    if viewport.region:
        picture = _cropped(picture, viewport)
    width, height = viewport.width or picture.width, viewport.height or picture.height
    if viewport.width is None and viewport.height is None:
        return picture
    ratios = [size / own for size, own in ((viewport.width, picture.width), (viewport.height, picture.height)) if size]
    size = (max(1, round(picture.width * min(ratios))), max(1, round(picture.height * min(ratios))))
    size = min(size[0], width if viewport.width else size[0]), min(size[1], height if viewport.height else size[1])
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _cropped(picture: Image.Image, viewport: Viewport) -> Image.Image:
    x, y, across, down = viewport.region
    scale = (picture.width, picture.height) if viewport.relative else (1, 1)
    left, width, flip_x = _span(x, across, scale[0], picture.width)
    top, height, flip_y = _span(y, down, scale[1], picture.height)
    picture = picture.crop((left, top, left + width, top + height))
    for flip in (flip for flip, wanted in zip(_FLIPS, (flip_x, flip_y), strict=True) if wanted):
        picture = picture.transpose(flip)
    return picture


def _span(start: float, length: float | None, scale: int, size: int) -> tuple[int, int, bool]:
    """First pixel, number of pixels and whether they are flipped, of one side of a region."""
    first = round(start * scale)
    wanted = size - first if length is None else max(1, round(abs(length) * scale))
    within = min(wanted, size - first)
    if within < 1:
        raise NothingToShow
    return first, within, length is not None and length < 0


def _shrunk(picture: Image.Image, count: int) -> Image.Image:
    ratio = (ANIMATION_PIXELS / (count * picture.width * picture.height)) ** 0.5
    if ratio < 1:
        size = max(1, int(picture.width * ratio)), max(1, int(picture.height * ratio))
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    return picture if picture.mode == "L" else picture.quantize(256)


def _encode(picture: Image.Image, how: Presentation) -> bytes:
    out = io.BytesIO()
    options = {"quality": how.quality} if how.media_type in ("image/jpeg", "image/webp") else {}
    if how.media_type == "image/png":
        options["compress_level"] = 4
    picture.save(out, _FORMATS[how.media_type], **options)
    return out.getvalue()
