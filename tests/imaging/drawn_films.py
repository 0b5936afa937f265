"""Drawings of teeth and breasts in the shape of real studies: dental films with tooth codes, mammograms with views."""

import numpy as np
from PIL import Image, ImageDraw
from pydicom import Dataset

from tests.imaging.dicom.hostile import ROOT, tiny_instance

INTRA_ORAL = "1.2.840.10008.5.1.4.1.1.1.3"
MAMMOGRAPHY = "1.2.840.10008.5.1.4.1.1.1.2"
FULL_MOUTH, BITEWINGS, MAMMOGRAMS, JAW = (f"{ROOT}.{number}" for number in range(910, 914))

# By rows, as they are mounted: whether a film stands, and its teeth (ISO 3950).
PERIAPICAL = [
    (False, "18 17 16"), (False, "16 15 14"), (True, "13 12"), (True, "12 11 21 22"), (True, "22 23"),
    (False, "24 25 26"), (False, "26 27 28"),
    (False, "48 47 46"), (False, "46 45 44"), (True, "43 42"), (True, "42 41 31 32"), (True, "32 33"),
    (False, "34 35 36"), (False, "36 37 38"),
]  # fmt: skip
WINGS = ["18 17 16 48 47 46", "16 15 14 46 45 44", "24 25 26 34 35 36", "26 27 28 36 37 38"]


def full_mouth(**tags: object) -> list[bytes]:
    """Eighteen films, in an order in which nobody mounts them."""
    films = [(standing, teeth, "PA") for standing, teeth in PERIAPICAL]
    films += [(False, teeth, "BW") for teeth in WINGS]
    return [
        _film(FULL_MOUTH, number, standing, teeth, words, PatientID="D-1", **tags)
        for number, (standing, teeth, words) in enumerate(reversed(films), start=1)
    ]  # fmt: skip


def bitewings() -> list[bytes]:
    """Four films whose headers say no more than that they are bitewings, of which side the first says."""
    comments = ["BW R molar", "bitewing", "bitewing", "BW L"]
    return [
        _film(BITEWINGS, number, False, teeth, words, coded=False, PatientID="D-2", PatientName="Roe^Richard")
        for number, (teeth, words) in enumerate(zip(WINGS, comments, strict=True), start=1)
    ]  # fmt: skip


def mammograms() -> list[bytes]:
    """The four standard views, one series each; the left oblique one is stored the other way round."""
    views = [("R", "CC", "P\\L"), ("L", "CC", "A\\R"), ("R", "MLO", "P\\F"), ("L", "MLO", "P\\F")]
    return [_mammogram(number, *view) for number, view in enumerate(views, start=1)]


def jaw(slices: int = 40) -> list[bytes]:
    """A horseshoe of teeth in soft tissue in air, as cone beam CT sees it, in Hounsfield units."""
    return [_jaw_slice(number, slices) for number in range(slices)]


def _jaw_slice(number: int, slices: int) -> bytes:
    edge, spacing = 200, 0.5
    down, across = np.mgrid[0:edge, 0:edge] * spacing - edge * spacing / 2
    arch = np.abs(down - (0.035 * across**2 - 25))
    teeth = (arch < 5) & (np.abs(across) < 27) & (slices * 0.3 < number < slices * 0.75)
    gaps = np.cos(across * 0.9) > 0.93
    values = np.where(across**2 + down**2 < 47**2, 40, -1000)
    values = np.where(teeth & ~gaps, np.where(arch < 1.2, 700, 2200), values)
    stated = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "Modality": "CT", "PatientID": "D-3", "SeriesDescription": "Jaw",
        "StudyInstanceUID": JAW, "SeriesInstanceUID": f"{JAW}.1", "SOPInstanceUID": f"{JAW}.1.{number + 1}",
        "FrameOfReferenceUID": f"{JAW}.2", "SeriesNumber": 1, "InstanceNumber": number + 1,
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [-50, -50, number * 1.0],
        "PixelSpacing": [spacing, spacing], "SliceThickness": 1, "RescaleIntercept": -1024, "RescaleSlope": 1,
        "WindowCenter": 700, "WindowWidth": 3000,
    }  # fmt: skip
    return tiny_instance(rows=edge, columns=edge, pixels=(values + 1024).astype("<u2").tobytes(), **stated)


def _film(
    study: str, number: int, standing: bool, teeth: str, words: str, *, coded: bool = True, **tags: object
) -> bytes:
    columns, rows = (300, 400) if standing else (400, 300)
    structures = [_code(tooth) for tooth in teeth.split()] if coded else None
    stated = {
        "SOPClassUID": INTRA_ORAL, "Modality": "IO", "StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.1",
        "SOPInstanceUID": f"{study}.1.{number}", "SeriesNumber": 1, "InstanceNumber": number, "StudyDate": "20260301",
        "ImageComments": words, "PrimaryAnatomicStructureSequence": structures, "SeriesDescription": "Films",
        "WindowCenter": 2048, "WindowWidth": 4096, "ImagerPixelSpacing": [0.1, 0.1], "PresentationLUTShape": "IDENTITY",
    }  # fmt: skip
    pixels = _drawn_film(columns, rows, teeth.split(), words)
    return tiny_instance(rows=rows, columns=columns, pixels=pixels, **stated | tags)


def _code(tooth: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = tooth, "ISO 3950-2010", f"Tooth {tooth}"
    return item


def _drawn_film(columns: int, rows: int, teeth: list[str], words: str) -> bytes:
    picture = Image.new("L", (columns, rows), 36)
    draw = ImageDraw.Draw(picture)
    jaws = [[tooth for tooth in teeth if tooth[0] in "1256"], [tooth for tooth in teeth if tooth[0] in "3478"]]
    for lower, jaw in enumerate(jaws):
        for place in range(len(jaw)):
            _draw_tooth(draw, columns, rows, place, len(jaw), bool(lower), both=all(jaws))
    draw.text((8, rows - 18), f"{words} {' '.join(teeth)}", 230)
    return (np.asarray(picture).astype("<u2") * 16).tobytes()


def _draw_tooth(
    draw: ImageDraw.ImageDraw, columns: int, rows: int, place: int, count: int, lower: bool, both: bool
) -> None:
    """A crown towards the bite and roots away from it."""
    width = columns / (count + 0.4)
    left, right = width * (place + 0.25), width * (place + 1.15)
    half = rows / 2 if both else rows
    top = rows / 2 if both and lower else 0
    crown = (top + half * 0.08, top + half * 0.45) if lower else (top + half * 0.55, top + half * 0.92)
    root = (top + half * 0.4, top + half * 0.95) if lower else (top + half * 0.05, top + half * 0.6)
    for part in (0.15, 0.6):
        draw.ellipse((left + width * part, root[0], left + width * (part + 0.28), root[1]), 120)
    draw.rounded_rectangle((left, crown[0], right, crown[1]), 18, 190)


def _mammogram(number: int, side: str, view: str, orientation: str) -> bytes:
    columns, rows = 300, 400
    series = f"{MAMMOGRAMS}.{number}"
    stated = {
        "SOPClassUID": MAMMOGRAPHY, "Modality": "MG", "StudyInstanceUID": MAMMOGRAMS, "SeriesInstanceUID": series,
        "SOPInstanceUID": f"{series}.1", "SeriesNumber": number, "InstanceNumber": 1, "PatientID": "M-1",
        "SeriesDescription": f"{side} {view}", "ImageLaterality": side, "ViewPosition": view,
        "PatientOrientation": orientation.split("\\"), "WindowCenter": 2048, "WindowWidth": 4096,
        "ImagerPixelSpacing": [0.5, 0.5],
    }  # fmt: skip
    wall_right = orientation.startswith("P")
    picture = Image.new("L", (columns, rows), 6)
    draw = ImageDraw.Draw(picture)
    centre = columns if wall_right else 0
    draw.ellipse((centre - 210, 60, centre + 210, 360), 130)
    draw.ellipse((centre - 120, 140, centre + 120, 300), 190)
    if view == "MLO":
        draw.polygon([(centre, 0), (centre + (-110 if wall_right else 110), 0), (centre, 170)], 220)
    pixels = (np.asarray(picture).astype("<u2") * 16).tobytes()
    return tiny_instance(rows=rows, columns=columns, pixels=pixels, **stated)
