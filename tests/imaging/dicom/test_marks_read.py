"""Reading SR, KOS and presentation states that others wrote, sound ones and broken ones."""

import copy
import io
import random

import numpy as np
import pydicom
import pytest
from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from imaging.dicom.marks.content_tree import MOST_ITEMS, walk
from imaging.dicom.marks.model import ReadDocument
from imaging.dicom.marks.reading import MOST_MARKS, read_document
from imaging.dicom.part10 import split_part10
from tests.imaging.dicom.hostile import tiny_instance
from tests.imaging.library import CT, real_file
from tests.imaging.marking import all_markings, ref_of, written
from tests.imaging.samples import judge, list_samples

EXPLICIT = "1.2.840.10008.1.2.1"


def read(data_set: Dataset) -> ReadDocument:
    buffer = io.BytesIO()
    data_set.save_as(buffer, enforce_file_format=True)
    return read_document(split_part10(buffer.getvalue())[1], str(data_set.file_meta.TransferSyntaxUID))


def foreign_report(*groups: object) -> Dataset:
    """As highdicom's users write them."""
    image = pydicom.dcmread(io.BytesIO(real_file(CT)))
    observer = sr.ObserverContext(codes.DCM.Person, sr.PersonObserverIdentifyingAttributes(name="Strange^Sam"))
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_person_context=observer),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion, imaging_measurements=list(groups),
    )  # fmt: skip
    return sr.Comprehensive3DSR(
        evidence=[image], content=content, series_instance_uid=generate_uid(), series_number=1,
        sop_instance_uid=generate_uid(), instance_number=1, manufacturer="Elsewhere",
    )  # fmt: skip


def source() -> sr.SourceImageForRegion:
    image = ref_of(judge(real_file(CT)))
    return sr.SourceImageForRegion(image.sop_class_uid, image.sop_instance_uid)


def region(graphic_type: str, points: list, *measurements: sr.Measurement) -> object:
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=generate_uid(), identifier="Nodule 1"),
        referenced_region=sr.ImageRegion(graphic_type, np.array(points, dtype=np.float32), source()),
        measurements=list(measurements) or None,
    )


def line(name: object, value: float, unit: object, points: list) -> object:
    drawn = sr.CoordinatesForMeasurement("POLYLINE", np.array(points, dtype=np.float32), source())
    measurement = sr.Measurement(name, value, unit, referenced_coordinates=[drawn])
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=generate_uid(), identifier="Line 1"), measurements=[measurement]
    )


def test_a_report_of_another_program_can_be_drawn() -> None:
    mean = sr.Measurement(codes.SCT.Mean, 41.5, codes.UCUM.HounsfieldUnit)
    area = sr.Measurement(codes.SCT.Area, 2.5, codes.UCUM.SquareCentimeter)
    found = read(foreign_report(
        region("CIRCLE", [[8, 8], [8, 12]], mean, area), region("POLYLINE", [[1, 1], [9, 1], [5, 9], [1, 1]]),
        line(codes.SCT.Diameter, 1.25, codes.UCUM.Centimeter, [[1, 1], [9, 9]]),
        line(codes.SCT.Angle, 30, codes.UCUM.Degree, [[1, 1], [9, 9], [9, 1]]),
    ))  # fmt: skip

    circle, outline, diameter, angle = found.marks
    assert (circle.kind, circle.points) == ("ellipse", ((4, 8), (12, 8), (8, 4), (8, 12)))
    assert {value.name: (value.value, value.unit) for value in circle.values} == {
        "mean": (41.5, "HU"),
        "area": (250, "mm2"),
    }
    assert (outline.kind, outline.points, outline.values) == ("freehand", ((1, 1), (9, 1), (5, 9)), ())
    assert (diameter.kind, diameter.values[0].value, diameter.values[0].unit) == ("length", 12.5, "mm")
    assert (angle.kind, angle.values[0].value) == ("angle", 30)
    assert (circle.label, found.author, found.ours, found.not_understood) == ("Nodule 1", "Strange^Sam", False, 0)


def test_what_cannot_be_drawn_is_counted() -> None:
    volume = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=generate_uid(), identifier="In space"),
        referenced_region=sr.ImageRegion3D(
            "POLYGON", np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]], dtype=float), generate_uid()
        ),
    )
    found = read(foreign_report(volume, region("POINT", [[3, 4]])))

    assert [mark.kind for mark in found.marks] == ["probe"]
    assert found.not_understood == 1


def test_whatever_the_sample_sets_hold_is_read_without_an_error() -> None:
    tried = 0
    for sample in list_samples():
        try:
            passed = judge(sample.read())
        except Exception:
            continue
        assert read_document(passed.header, passed.transfer_syntax_uid).kind
        tried += 1
    assert tried > 150


def wrong_ones() -> list[tuple[str, object]]:
    """(keyword, value) that break an item of the tree."""
    return [
        ("ContentSequence", Sequence()), ("ConceptNameCodeSequence", Sequence()), ("GraphicData", [1.0]),
        ("GraphicData", [float("nan"), float("inf")]), ("GraphicData", [1e30, -1e30, 3.0, 4.0]),
        ("GraphicType", "MULTIPOINT"), ("GraphicType", "BEZIER"), ("ReferencedSOPSequence", Sequence()),
        ("MeasuredValueSequence", Sequence()), ("ValueType", "SHOUT"), ("TextValue", "<script>\u202e" * 999),
        ("UID", "../../etc/passwd"),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(12))
def test_a_broken_item_anywhere_costs_no_more_than_itself(number: int) -> None:
    keyword, value = wrong_ones()[number]
    data = real_file(CT)
    report = pydicom.dcmread(io.BytesIO(written(data, all_markings(ref_of(judge(data))))[0]))
    total = len(read(report).marks)
    for at in range(number % 7, len(list(walk(report))), 7):
        broken = copy.deepcopy(report)
        setattr(list(walk(broken))[at], keyword, value)
        found = read(broken)
        assert len(found.marks) <= total
        assert all(abs(x) < 1e31 for mark in found.marks for point in mark.points for x in point)


def test_flipped_bytes_never_raise() -> None:
    data = real_file(CT)
    chance = random.Random(5)
    for file in written(data, all_markings(ref_of(judge(data)))):
        header = split_part10(file)[1]
        for _ in range(300):
            spoiled = bytearray(header)
            for _ in range(chance.randrange(1, 6)):
                spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
            try:
                judge(file[: len(file) - len(header)] + bytes(spoiled))
            except Exception:
                continue  # the gate has never let it in
            read_document(bytes(spoiled), EXPLICIT)


def test_a_tree_without_end_is_read_up_to_a_bound() -> None:
    report = foreign_report(region("POINT", [[3, 4]]))
    group = report.ContentSequence[-1].ContentSequence[0]
    report.ContentSequence[-1].ContentSequence = Sequence([group] * (MOST_MARKS + 5))

    found = read(report)

    assert (len(found.marks), found.not_understood) == (MOST_MARKS, 5)
    wide = Dataset()
    wide.ContentSequence = Sequence([Dataset()] * (MOST_ITEMS + 99))
    assert sum(1 for _ in walk(wide)) < MOST_ITEMS


def test_an_image_is_no_document_with_marks_in_it() -> None:
    passed = judge(tiny_instance())
    found = read_document(passed.header, passed.transfer_syntax_uid)
    assert (found.marks, found.views, found.key_images) == ((), (), None)
