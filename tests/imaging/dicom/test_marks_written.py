"""Measurements, key images and views as DICOM objects: valid, about the right patient, and read back equal."""

import io
import subprocess
import warnings
from pathlib import Path

import highdicom
import pydicom
import pytest
from highdicom.ko import KeyObjectSelectionDocument
from pydicom.dataset import Dataset

from imaging.dicom.marks.model import Author, ImageRef, Mark, Markings, Predecessor, Value, View
from imaging.dicom.marks.reading import read_document
from imaging.dicom.part10 import split_part10
from tests.imaging.dicom.hostile import tiny_instance
from tests.imaging.library import CT, real_file
from tests.imaging.marking import NOON, SHAPES, all_markings, mark_of, ref_of, values_of, written
from tests.imaging.samples import Sample, judge, list_samples
from tests.imaging.standard import find_errors

EXPLICIT = "1.2.840.10008.1.2.1"
COLOUR, MULTI_FRAME = "examples_rgb_color.dcm", "examples_ybr_color.dcm"
PATIENT_AND_STUDY = (
    0x00080020, 0x00080030, 0x00080050, 0x00080090, 0x00081030, 0x00100010, 0x00100020, 0x00100030, 0x00100040,
    0x0020000D, 0x00200010,
)  # fmt: skip
CHARACTER_SETS = (
    "chrH31.dcm", "chrH32.dcm", "chrArab.dcm", "chrGreek.dcm", "chrKoreanMulti.dcm", "chrGerm.dcm", "chrX2.dcm",
)  # fmt: skip
# Modules that are copied from the image, byte for byte: what is wrong there was wrong before.
COPIED = {"Patient", "General Study", "Patient Study"}


def objects(name: str = CT, label: str = "Hip") -> list[Dataset]:
    data = real_file(name)
    return [pydicom.dcmread(io.BytesIO(each)) for each in written(data, all_markings(ref_of(judge(data)), label))]


def report_of(found: list[Dataset]) -> Dataset:
    return next(each for each in found if each.Modality == "SR")


def read(data: bytes):
    return read_document(split_part10(data)[1], EXPLICIT)


@pytest.mark.parametrize("name", [CT, COLOUR, MULTI_FRAME, "MR_small.dcm"])
def test_dicom_validator_finds_nothing_wrong(name: str) -> None:
    found = objects(name)

    assert sorted(each.Modality for each in found) == ["KO", "PR", "SR"]
    assert {each.SOPClassUID.name: find_errors(each) for each in found if find_errors(each)} == {}


def test_the_validator_would_find_what_is_missing_or_too_much_at_any_depth() -> None:
    for spoil in (
        lambda report: report.__delattr__("CompletionFlag"),
        lambda report: report.ContentSequence[0].__delattr__("ConceptCodeSequence"),
        lambda report: deepest(report).ConceptNameCodeSequence[0].__delattr__("CodeMeaning"),
        lambda report: report.__setattr__("StudyTime", "noon"),
        lambda report: report.__setattr__("WindowCenter", "1"),
    ):
        report = report_of(objects())
        spoil(report)

        assert find_errors(report)


def deepest(item: Dataset) -> Dataset:
    while "ContentSequence" in item:
        item = item.ContentSequence[-1]
    return item


def test_only_what_the_image_itself_says_wrongly_is_wrong() -> None:
    """Over every image of the sample sets that the archive takes."""
    tried = 0
    for sample in list_samples():
        if (data := taken(sample)) is None:
            continue
        image = ref_of(judge(data))
        marks = (
            Mark("length", image, ((0, 0), (1, 1)), (Value("length", 1.5, "mm"),), "Länge 長さ"),
            mark_of("arrow", image),
        )
        files = written(data, Markings(marks[:1], None, (View((image,), (1.0, 2.0)),)))
        for file in files:
            judge(file)
            wrong = find_errors(pydicom.dcmread(io.BytesIO(file)))
            assert wrong.keys() <= COPIED, (sample.name, wrong)
        (found,) = read(files[0]).marks
        assert (found.label, found.image) == ("Länge 長さ", ImageRef("", *vars_of(image)))
        tried += 1
    assert tried > 150


def taken(sample: Sample) -> bytes | None:
    data = sample.read()
    try:
        return data if judge(data).pixels else None
    except Exception:
        return None


def vars_of(image: ImageRef) -> tuple:
    return image.sop_class_uid, image.sop_instance_uid, image.frame


@pytest.mark.parametrize("name", [CT, COLOUR, MULTI_FRAME])
def test_dciodvfy_finds_no_error(name: str, tmp_path: Path) -> None:
    for number, each in enumerate(objects(name)):
        path = tmp_path / f"{number}.dcm"
        each.save_as(path)
        done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, check=False, timeout=60)
        assert b"Error" not in done.stderr + done.stdout, (each.Modality, done.stderr)


def test_highdicom_reads_every_measurement_as_it_was(tmp_path: Path) -> None:
    data = real_file(CT)
    image = ref_of(judge(data))
    (tmp_path / "sr.dcm").write_bytes(written(data, all_markings(image))[0])

    report = highdicom.sr.srread(tmp_path / "sr.dcm").content

    regions = {group.roi.graphic_type.value: group for group in report.get_planar_roi_measurement_groups()}
    assert {group.tracking_uid for group in regions.values()} <= {
        mark.tracking_uid for mark in all_markings(image).marks
    }
    ellipse = regions["ELLIPSE"]
    assert ellipse.roi.value.tolist() == [list(map(float, point)) for point in SHAPES["ellipse"][0]]
    names = [(m.derivation or m.name).meaning for m in ellipse.get_measurements()]
    measured = dict(zip(names, [(m.value, m.unit.value) for m in ellipse.get_measurements()], strict=True))
    assert measured == {
        "Area": (25.125, "{square_pixels}"), "Mean": (40.5, "[hnsf'U]"), "Standard Deviation": (2.25, "[hnsf'U]"),
        "Minimum": (-10.0, "[hnsf'U]"), "Maximum": (99.0, "[hnsf'U]"),
    }  # fmt: skip
    others = report.get_image_measurement_groups()
    lines = {m.name.meaning: (m.value, m.unit.value) for group in others for m in group.get_measurements()}
    assert lines == {
        "Length": (31.25, "mm"), "Angle": (62.5, "deg"), "Cobb angle": (25.125, "deg"), "Long axis": (11.0, "{pixels}"),
        "Short axis": (3.0, "{pixels}"), "Attenuation Coefficient": (-1000.0, "[hnsf'U]"),
    }  # fmt: skip
    (observer,) = report.get_observer_contexts()
    assert str(observer.observer_identifying_attributes.name).rstrip("^") == "Bob Baker"


def test_highdicom_reads_the_key_images() -> None:
    selection = next(each for each in objects() if each.Modality == "KO")

    content = KeyObjectSelectionDocument.from_dataset(selection).content

    image = ref_of(judge(real_file(CT)))
    assert [item.referenced_sop_instance_uid for item in content.get_references()] == [image.sop_instance_uid]
    assert selection.ConceptNameCodeSequence[0].CodeMeaning == "Of Interest"


@pytest.mark.parametrize("name", [CT, MULTI_FRAME])
@pytest.mark.parametrize("kind", SHAPES)
def test_every_kind_is_read_back_as_it_was_drawn(kind: str, name: str) -> None:
    data = real_file(name)
    drawn = mark_of(kind, ref_of(judge(data)), "Hip")

    (found,) = read(written(data, Markings((drawn,)))[0]).marks

    assert (found.kind, found.points, found.label) == (kind, drawn.points, "Hip")
    assert found.tracking_uid == drawn.tracking_uid
    assert {value.name: (value.value, value.unit) for value in found.values} == values_of(kind)
    assert vars_of(found.image) == vars_of(drawn.image)


@pytest.mark.parametrize("quantity", ["CT", "MR", "PT", "DX", "OT", ""])
def test_values_of_pixels_are_read_back_whatever_they_measure(quantity: str) -> None:
    data = real_file(CT)
    for kind in ("probe", "ellipse"):
        drawn = mark_of(kind, ref_of(judge(data)), quantity=quantity)
        (found,) = read(written(data, Markings((drawn,)))[0]).marks
        assert {value.name: value.value for value in found.values} == {v.name: v.value for v in drawn.values}


def test_the_view_and_the_key_images_are_read_back() -> None:
    data = tiny_instance()
    markings = all_markings(ref_of(judge(data)))

    documents = {document.kind: document for document in map(read, written(data, markings))}

    (view,) = documents["view"].views
    wanted = markings.views[0]
    assert (view.window, view.inverted, view.rotation, view.flipped, view.area) == (
        wanted.window, wanted.inverted, wanted.rotation, wanted.flipped, wanted.area,
    )  # fmt: skip
    assert documents["key_images"].key_images.note == "Hip for the surgeon"
    assert {document.author for document in documents.values()} == {"Bob Baker^"}
    assert {document.written for document in documents.values()} == {NOON.replace(tzinfo=None).isoformat()}


def test_patient_and_study_are_copied_byte_for_byte() -> None:
    """In each character set of pydicom's collection, padding and all."""
    for name in CHARACTER_SETS:
        data = with_pixels(name)
        source = raw_elements(data)
        for file in written(data, all_markings(ref_of(judge(data)), "Hip")):
            copy = raw_elements(file)
            assert {tag: copy[tag] for tag in source if tag in copy} == source


def with_pixels(name: str) -> bytes:
    """A made image of the patient in a file that has a name and no pixels."""
    from pydicom.data import get_charset_files

    source = pydicom.dcmread(get_charset_files(name)[0])
    made = pydicom.dcmread(io.BytesIO(tiny_instance()))
    for tag in (0x00080005, 0x00100010):
        made[tag] = source.get_item(tag)._replace(is_implicit_VR=False) if source.get_item(tag).is_raw else source[tag]
    buffer = io.BytesIO()
    made.save_as(buffer)
    return buffer.getvalue()


def raw_elements(data: bytes) -> dict[int, bytes]:
    data_set = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
    items = {tag: data_set.get_item(tag) for tag in (*PATIENT_AND_STUDY, 0x00080005) if tag in data_set}
    # The one element that pydicom decodes at once.
    return {tag: item.value if item.is_raw else repr(item.value) for tag, item in items.items()}


def test_a_label_that_the_character_set_cannot_say_turns_everything_into_utf_8() -> None:
    data = tiny_instance(SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Änne")
    image = ref_of(judge(data))

    kept, turned = (written(data, Markings((mark_of("length", image, label),)))[0] for label in ("Hüfte", "股関節"))

    assert pydicom.dcmread(io.BytesIO(kept)).SpecificCharacterSet == "ISO_IR 100"
    assert pydicom.dcmread(io.BytesIO(turned)).SpecificCharacterSet == "ISO_IR 192"
    assert {str(pydicom.dcmread(io.BytesIO(each)).PatientName) for each in (kept, turned)} == {"Müller^Änne"}
    assert [read(each).marks[0].label for each in (kept, turned)] == ["Hüfte", "股関節"]


def test_each_save_has_new_identifiers_and_names_what_it_replaces() -> None:
    data = real_file(CT)
    image = ref_of(judge(data))
    first = written(data, all_markings(image))
    before = pydicom.dcmread(io.BytesIO(first[0]))
    replaced = Predecessor(before.SeriesInstanceUID, before.SOPClassUID, before.SOPInstanceUID)

    second = written(data, all_markings(image, replaces=replaced))

    assert read(second[0]).replaces == (before.SOPInstanceUID,)
    headers = [pydicom.dcmread(io.BytesIO(each)) for each in (*first, *second)]
    assert len({each.SOPInstanceUID for each in headers}) == len({each.SeriesInstanceUID for each in headers}) == 6


def test_a_version_without_marks_takes_earlier_ones_back() -> None:
    (file,) = written(real_file(CT), Markings(replaces=Predecessor("1.2", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.3")))

    assert find_errors(pydicom.dcmread(io.BytesIO(file))) == {}
    assert (read(file).marks, read(file).replaces) == ((), ("1.2.3",))


@pytest.mark.parametrize(("photometric", "inverted", "shape"), [
    ("MONOCHROME2", False, "IDENTITY"), ("MONOCHROME2", True, "INVERSE"),
    ("MONOCHROME1", False, "INVERSE"), ("MONOCHROME1", True, "IDENTITY"),
])  # fmt: skip
def test_an_image_whose_low_values_are_bright_is_kept_so(photometric: str, inverted: bool, shape: str) -> None:
    data = tiny_instance(PhotometricInterpretation=photometric)
    (file,) = written(data, Markings(views=(View((ref_of(judge(data)),), (10.0, 20.0), inverted),)))

    assert pydicom.dcmread(io.BytesIO(file)).PresentationLUTShape == shape


@pytest.mark.parametrize(("rotation", "flipped", "top_left", "bottom_right"), [
    (0, False, [3, 4], [12, 14]), (90, False, [3, 14], [12, 4]), (180, False, [12, 14], [3, 4]),
    (0, True, [12, 4], [3, 14]), (90, True, [3, 4], [12, 14]),
])  # fmt: skip
def test_the_displayed_area_names_the_corners_that_are_seen(
    rotation: int, flipped: bool, top_left: list[int], bottom_right: list[int]
) -> None:
    data = tiny_instance()
    view = View((ref_of(judge(data)),), None, False, rotation, flipped, (2.0, 3.0, 12.0, 14.0))
    state = pydicom.dcmread(io.BytesIO(written(data, Markings(views=(view,)))[0]))

    (item,) = state.DisplayedAreaSelectionSequence
    assert item.DisplayedAreaTopLeftHandCorner == top_left
    assert item.DisplayedAreaBottomRightHandCorner == bottom_right


def test_a_name_cannot_break_out_of_its_component() -> None:
    data = tiny_instance()
    files = written(data, all_markings(ref_of(judge(data))), Author("Eve^=\\\r\n\x1bMallory" + "x" * 99))

    names = {str(pydicom.dcmread(io.BytesIO(each)).get("ContentCreatorName", "")) for each in files} - {""}
    assert all(name.startswith("Eve Mallory") and name.count("^") == 1 and len(name) <= 64 for name in names)


def test_time_is_written_in_the_zone_that_the_image_states() -> None:
    data = tiny_instance(TimezoneOffsetFromUTC="-0330")
    report = pydicom.dcmread(io.BytesIO(written(data, all_markings(ref_of(judge(data))))[0]))

    assert (report.ContentTime, report.TimezoneOffsetFromUTC) == ("090045.123456", "-0330")


@pytest.fixture(autouse=True)
def quiet() -> None:
    warnings.simplefilter("ignore", UserWarning)
