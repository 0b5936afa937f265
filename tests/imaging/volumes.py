"""A made CT volume with the geometry that viewers need to stack slices and to cut across them."""

import numpy as np

from tests.imaging.dicom.hostile import ROOT, tiny_instance

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
STUDY, SERIES = f"{ROOT}.900", f"{ROOT}.900.1"
PIXELS, SPACING, THICKNESS = 128, 0.75, 2.0  # across, mm, mm


def ct_volume(slices: int = 30) -> list[bytes]:
    """Part 10 files of a ball of bone in a ball of soft tissue in air, in Hounsfield units."""
    return [_slice(number, slices) for number in range(slices)]


def _slice(number: int, slices: int) -> bytes:
    height = (number - (slices - 1) / 2) * THICKNESS
    return tiny_instance(
        rows=PIXELS, columns=PIXELS, pixels=_pixels(height).tobytes(), SOPClassUID=CT_IMAGE_STORAGE,
        Modality="CT", PatientID="V-1",
        StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, SOPInstanceUID=f"{SERIES}.{number + 1}",
        FrameOfReferenceUID=f"{SERIES}.0", SeriesNumber=1, InstanceNumber=number + 1, SeriesDescription="Ball",
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        ImagePositionPatient=[-PIXELS * SPACING / 2, -PIXELS * SPACING / 2, height], SliceLocation=height,
        PixelSpacing=[SPACING, SPACING], SliceThickness=THICKNESS, RescaleIntercept=-1024, RescaleSlope=1,
        RescaleType="HU", WindowCenter=40, WindowWidth=400, BitsAllocated=16, BitsStored=16, HighBit=15,
        PixelRepresentation=1, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2",
    )  # fmt: skip


def _pixels(height: float) -> np.ndarray:
    along = (np.arange(PIXELS) - PIXELS / 2) * SPACING
    distance = np.sqrt(along[None, :] ** 2 + along[:, None] ** 2 + height**2)
    hounsfield = np.select([distance < 12, distance < 35], [700, 40 + 30 * np.sin(along / 4)[None, :]], -1000)
    return (hounsfield + 1024).astype("<i2")
