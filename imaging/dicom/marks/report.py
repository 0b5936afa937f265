"""Measurements as a Comprehensive SR by TID 1500, Measurement Report (PS3.16)."""

from dataclasses import replace

import numpy as np
from highdicom import sr
from highdicom.sr.coding import CodedConcept
from highdicom.sr.enum import RelationshipTypeValues
from highdicom.sr.value_types import CodeContentItem, ContainerContentItem, TextContentItem
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ComprehensiveSRStorage, CTImageStorage

from imaging.dicom.marks.codes import COMMENT, CONCEPTS, DERIVATIONS, UNITS, quantity_of
from imaging.dicom.marks.document import Saving, evidence, new_uid, person_name
from imaging.dicom.marks.model import KINDS, Author, ImageRef, Mark, Markings, Point, Value

DESCRIPTION, SERIES_NUMBER = "Measurements", 9001
_TITLES = {
    "length": "Length", "angle": "Angle", "cobb": "Cobb angle", "bidirectional": "Two diameters",
    "rectangle": "Rectangle", "ellipse": "Ellipse", "freehand": "Outline", "probe": "Value", "arrow": "Arrow",
}  # fmt: skip


def write_report(saving: Saving, markings: Markings) -> Dataset:
    """The report of all marks; without any it says so, which is how a later version takes earlier ones back."""
    data_set = saving.begin(ComprehensiveSRStorage, "SR", DESCRIPTION, SERIES_NUMBER, markings.texts())
    saving.write_content_date(data_set)
    data_set.ReferencedPerformedProcedureStepSequence = []
    data_set.CompletionFlag, data_set.VerificationFlag, data_set.PreliminaryFlag = "PARTIAL", "UNVERIFIED", "FINAL"
    data_set.PerformedProcedureCodeSequence = []
    data_set.AuthorObserverSequence = [_author(saving.author)]
    images = [mark.image for mark in markings.marks]
    if images:
        data_set.CurrentRequestedProcedureEvidenceSequence = evidence(saving.study_instance_uid, images)
    if markings.replaces:
        replaced = markings.replaces
        before = ImageRef(replaced.series_instance_uid, replaced.sop_class_uid, replaced.sop_instance_uid)
        data_set.PredecessorDocumentsSequence = evidence(saving.study_instance_uid, [before])
    for element in _root(saving, markings):
        data_set.add(element)
    return data_set


def _author(author: Author) -> Dataset:
    item = Dataset()
    item.ObserverType, item.PersonName = "PSN", person_name(author.name)
    item.PersonIdentificationCodeSequence = []
    item.InstitutionName, item.InstitutionCodeSequence = author.organization[:64], []
    return item


def observer_context(author: Author) -> sr.ObserverContext:
    """Who observed (TID 1002, 1003)."""
    return sr.ObserverContext(
        observer_type=codes.DCM.Person,
        observer_identifying_attributes=sr.PersonObserverIdentifyingAttributes(
            name=person_name(author.name), login_name=author.login or None,
            organization_name=author.organization or None,
        ),
    )  # fmt: skip


def _root(saving: Saving, markings: Markings) -> Dataset:
    context = sr.ObservationContext(observer_person_context=observer_context(saving.author))
    groups = [_group(number, mark) for number, mark in enumerate(markings.marks, 1)]
    if groups:
        return sr.MeasurementReport(
            observation_context=context, procedure_reported=codes.cid100.ImagingProcedure, imaging_measurements=groups,
        )[0]  # fmt: skip
    return _empty_root(context)


def _empty_root(context: sr.ObservationContext) -> Dataset:
    """TID 1500 with no measurement in it, which highdicom will not write."""
    root = ContainerContentItem(name=codes.cid7021.ImagingMeasurementReport, template_id="1500")
    procedure = CodeContentItem(
        name=codes.DCM.ProcedureReported, value=codes.cid100.ImagingProcedure,
        relationship_type=RelationshipTypeValues.HAS_CONCEPT_MOD,
    )  # fmt: skip
    measurements = ContainerContentItem(
        name=codes.DCM.ImagingMeasurements, relationship_type=RelationshipTypeValues.CONTAINS
    )
    language = sr.LanguageOfContentItemAndDescendants(CodedConcept("en", "RFC5646", "English"))
    root.ContentSequence = sr.ContentSequence([*language, *context, procedure, measurements])
    return root


def _group(number: int, mark: Mark) -> sr.MeasurementsAndQualitativeEvaluations:
    tracking = sr.TrackingIdentifier(
        uid=mark.tracking_uid or new_uid(), identifier=mark.label or f"{_TITLES[mark.kind]} {number}"
    )
    if KINDS[mark.kind].is_region or not mark.values:
        group = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking, referenced_region=_region(mark), measurements=_measurements(mark)
        )
    else:
        group = sr.MeasurementsAndQualitativeEvaluations(tracking_identifier=tracking, measurements=_measurements(mark))
    if mark.label:
        text = TextContentItem(name=COMMENT, value=mark.label, relationship_type=RelationshipTypeValues.CONTAINS)
        group[0].ContentSequence.append(text)
    return group


def _measurements(mark: Mark) -> list[sr.Measurement]:
    return [_measurement(mark, each) for each in mark.values]


def _measurement(mark: Mark, each: Value) -> sr.Measurement:
    name, derivation = _concept(mark, each)
    # In a region the coordinates are those of the group.
    drawn = None if KINDS[mark.kind].is_region else _coordinates(mark, each)
    return sr.Measurement(
        name=name, value=each.value, unit=UNITS[each.unit], derivation=derivation, referenced_coordinates=drawn
    )


def _concept(mark: Mark, each: Value) -> tuple[object, object | None]:
    """Name and derivation; where no concept says what the pixels are, how they were summed up is the name."""
    if each.name in CONCEPTS:
        return CONCEPTS[each.name], None
    quantity = quantity_of(mark.quantity)
    derivation = DERIVATIONS.get(each.name)
    if quantity is None:
        return derivation or DERIVATIONS["mean"], None
    return quantity, derivation


def _coordinates(mark: Mark, each: Value) -> list[sr.CoordinatesForMeasurement]:
    return [
        sr.CoordinatesForMeasurement(graphic_type, np.array(points, dtype=np.float32), _source(mark.image))
        for graphic_type, points in _lines(mark, each.name)
    ]


def _lines(mark: Mark, name: str) -> list[tuple[str, tuple[Point, ...]]]:
    points = mark.points
    if mark.kind == "probe":
        return [("POINT", points)]
    if mark.kind == "cobb":
        return [("POLYLINE", points[:2]), ("POLYLINE", points[2:])]
    if mark.kind == "bidirectional":
        return [("POLYLINE", points[:2] if name == "long_axis" else points[2:])]
    return [("POLYLINE", points)]


def _region(mark: Mark) -> sr.ImageRegion:
    graphic_type = {"ellipse": "ELLIPSE", "probe": "POINT"}.get(mark.kind, "POLYLINE")
    points = (*mark.points, mark.points[0]) if mark.kind in ("rectangle", "freehand") else mark.points
    # highdicom looks the image's SOP class up, and knows none that is private or withdrawn: it comes in afterwards.
    stand_in = replace(mark.image, sop_class_uid=CTImageStorage)
    region = sr.ImageRegion(graphic_type, np.array(points, dtype=np.float32), _source(stand_in))
    region.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPClassUID = mark.image.sop_class_uid
    return region


def _source(image: ImageRef) -> sr.SourceImageForRegion:
    return sr.SourceImageForRegion(
        image.sop_class_uid, image.sop_instance_uid, None if image.frame is None else [image.frame]
    )
