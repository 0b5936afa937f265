"""A made CT volume with the geometry that viewers need to stack slices and to cut across them."""

import numpy as np

from tests.imaging.dicom.hostile import ROOT, tiny_instance

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
STUDY, SERIES = f"{ROOT}.900", f"{ROOT}.900.1"
TODAY = {"StudyDate": "20260301", "StudyDescription": "CT of the ball"}  # one archive, whoever brings it in first
PIXELS, SPACING, THICKNESS = 128, 0.75, 2.0  # across, mm, mm


def ct_volume(slices: int = 30, **tags: object) -> list[bytes]:
    """Part 10 files of a ball of bone in a ball of soft tissue in air, in Hounsfield units; `tags` override."""
    return [_slice(number, _height(number, slices), **tags) for number in range(slices)]


def sagittal_series(slices: int = 12, **tags: object) -> list[bytes]:
    """The ball cut the other way, in the same frame of reference; a series of its own."""
    edge = PIXELS * SPACING / 2
    return [
        _slice(
            number, at := _height(number, slices),
            **{
                "SeriesInstanceUID": f"{STUDY}.2", "SOPInstanceUID": f"{STUDY}.2.{number + 1}", "SeriesNumber": 2,
                "SeriesDescription": "Ball, sagittal", "ImageOrientationPatient": [0, 1, 0, 0, 0, -1],
                "ImagePositionPatient": [at, -edge, edge], **tags,
            },
        )
        for number in range(slices)
    ]  # fmt: skip


def uneven_series(slices: int = 12, **tags: object) -> list[bytes]:
    """The ball with a slice missing; a series of its own."""
    heights = [_height(number, slices) for number in range(slices + 1) if number != slices // 2]
    return [
        _slice(
            number, height, SeriesInstanceUID=f"{STUDY}.3", SOPInstanceUID=f"{STUDY}.3.{number + 1}", SeriesNumber=3,
            SeriesDescription="Ball, a slice missing", **tags,
        )
        for number, height in enumerate(heights)
    ]  # fmt: skip


def _height(number: int, slices: int) -> float:
    return (number - (slices - 1) / 2) * THICKNESS


def _slice(number: int, height: float, **tags: object) -> bytes:
    edge = PIXELS * SPACING / 2
    stated = {
        "SOPClassUID": CT_IMAGE_STORAGE, "Modality": "CT", "PatientID": "V-1",
        "StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": f"{SERIES}.{number + 1}",
        "FrameOfReferenceUID": f"{SERIES}.0", "SeriesNumber": 1, "InstanceNumber": number + 1,
        "SeriesDescription": "Ball", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [-edge, -edge, height],
        "SliceLocation": height, "PixelSpacing": [SPACING, SPACING], "SliceThickness": THICKNESS,
        "RescaleIntercept": -1024, "RescaleSlope": 1, "RescaleType": "HU", "WindowCenter": 40, "WindowWidth": 400,
        "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 1, "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
    }  # fmt: skip
    drawn = {"rows": PIXELS, "columns": PIXELS, "pixels": _pixels(height).tobytes()}
    return tiny_instance(**(drawn | stated | tags))


def _pixels(height: float) -> np.ndarray:
    along = (np.arange(PIXELS) - PIXELS / 2) * SPACING
    distance = np.sqrt(along[None, :] ** 2 + along[:, None] ** 2 + height**2)
    hounsfield = np.select([distance < 12, distance < 35], [700, 40 + 30 * np.sin(along / 4)[None, :]], -1000)
    return (hounsfield + 1024).astype("<i2")
