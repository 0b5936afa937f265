"""A photograph as a whole slide, and a recording as an endoscope's."""

import io
from collections.abc import Iterator

import pydicom
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from tests.e2e.object_base import STORAGE, described, written
from tests.imaging.samples import list_samples

TILE = 256


def slide() -> dict[str, bytes]:
    """A photograph as a slide of three levels, the middle one sparse, with the picture of a label."""
    photo = _photograph()
    sizes = [(photo.width >> halved, photo.height >> halved) for halved in (0, 1, 2)]
    levels = {
        f"slide {at}": _level(photo.resize(size), at + 1, 0.0005 * 2**at, sparse=at == 1)
        for at, size in enumerate(sizes)
    }
    label = _level(Image.new("RGB", (TILE, TILE), "white"), 9, 0.1, flavour="LABEL", sparse=False)
    return levels | {"slide label": label}


def _photograph() -> Image.Image:
    """From deid-data: a photograph of biscuits, which is real and no patient."""
    sample = next(each for each in list_samples() if each.name.endswith("dicom-cookies/image1.dcm"))
    source = pydicom.dcmread(sample.path)
    frame = next(pydicom.encaps.generate_frames(source.PixelData, number_of_frames=1))
    return Image.open(io.BytesIO(frame)).convert("RGB")


def _level(picture: Image.Image, number: int, spacing: float, *, sparse: bool, flavour: str = "VOLUME") -> bytes:
    made = described("slide", f"{STORAGE}77.1.6", "SM", number)
    made.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    made.ImageType = ["ORIGINAL", "PRIMARY", flavour, "NONE" if number == 1 else "RESAMPLED"]
    made.Rows = made.Columns = TILE
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "YBR_FULL_422", 0
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    made.TotalPixelMatrixColumns, made.TotalPixelMatrixRows = picture.size
    made.DimensionOrganizationType = "TILED_SPARSE" if sparse else "TILED_FULL"
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [spacing, spacing], 0.001
    shared.PixelMeasuresSequence = [measures]
    made.SharedFunctionalGroupsSequence = [shared]
    tiles = list(_tiles(picture))
    if sparse:
        tiles.reverse()  # they lie where they say, not in order
        made.PerFrameFunctionalGroupsSequence = [_place(left, top) for left, top, _ in tiles]
    made.NumberOfFrames = len(tiles)
    made.PixelData = encapsulate([jpeg for _, _, jpeg in tiles])
    made["PixelData"].VR, made["PixelData"].is_undefined_length = "OB", True
    return written(made)


def _tiles(picture: Image.Image) -> Iterator[tuple[int, int, bytes]]:
    for top in range(0, picture.height, TILE):
        for left in range(0, picture.width, TILE):
            out = io.BytesIO()
            picture.crop((left, top, left + TILE, top + TILE)).save(out, "JPEG", quality=85)
            yield left, top, out.getvalue()


def _place(left: int, top: int) -> Dataset:
    position, group = Dataset(), Dataset()
    position.ColumnPositionInTotalImagePixelMatrix, position.RowPositionInTotalImagePixelMatrix = left + 1, top + 1
    group.PlanePositionSlideSequence = [position]
    return group


def video(content: bytes) -> bytes:
    """A recording as an endoscope's, of which only the container is looked at before the browser gets it."""
    made = described("video", f"{STORAGE}77.1.1.1", "ES")
    made.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    made.Rows, made.Columns, made.NumberOfFrames = 120, 160, 10
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "YBR_PARTIAL_420", 0
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation, made.FrameTime = 7, 0, "33.3"
    made.PixelData = encapsulate([content], has_bot=False)
    made["PixelData"].VR, made["PixelData"].is_undefined_length = "OB", True
    return written(made)
