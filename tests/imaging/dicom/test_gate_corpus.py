"""The gate agrees with pydicom on the real files of pydicom's own test set and of pydicom-data."""

from collections import Counter
from pathlib import Path

import data_store
import pydicom.data
import pytest
from pydicom.encaps import generate_frames

from imaging.dicom.gate import Gate, Refused
from imaging.dicom.part10 import inflate_header, split_part10

FOLDERS = (Path(pydicom.data.__file__).parent / "test_files", Path(data_store.__file__).parent / "data")
FILES = sorted(file for folder in FOLDERS for file in folder.rglob("*") if file.is_file() and file.suffix != ".py")

# Every file of the corpus that is refused, and why; all others have to pass.
REFUSED = {
    # neither preamble nor file meta
    "OT-PAL-8-face.dcm": "NOT_DICOM",
    "ExplVR_BigEndNoMeta.dcm": "NOT_DICOM",
    "ExplVR_LitEndNoMeta.dcm": "NOT_DICOM",
    "no_meta.dcm": "NOT_DICOM",
    "rtstruct.dcm": "NOT_DICOM",
    # not DICOM at all
    "crayons.icc": "NOT_DICOM",
    "README": "NOT_DICOM",
    "README.txt": "NOT_DICOM",
    "rtplan.dump": "NOT_DICOM",
    "rtstruct.dump": "NOT_DICOM",
    "test1.json": "NOT_DICOM",
    "test_PN.json": "NOT_DICOM",
    "zipMR.gz": "NOT_DICOM",
    # indexes of discs
    "DICOMDIR": "DICOMDIR",
    "DICOMDIR-bigEnd": "DICOMDIR",
    "DICOMDIR-empty.dcm": "DICOMDIR",
    "DICOMDIR-implicit": "DICOMDIR",
    "DICOMDIR-nooffset": "DICOMDIR",
    "DICOMDIR-nopatient": "DICOMDIR",
    "DICOMDIR-reordered": "DICOMDIR",
    # cut short
    "MR_truncated.dcm": "TRUNCATED",
    "rtplan_truncated.dcm": "TRUNCATED",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "TRUNCATED",
    # anonymised into something without valid identity
    "bad_sequence.dcm": "INVALID_UID",
    "JPEGLSNearLossless_08.dcm": "MISSING_UID",
    "JPEGLSNearLossless_16.dcm": "MISSING_UID",
    "SC_rgb_jls_lossy_line.dcm": "MISSING_UID",
    "SC_rgb_jls_lossy_sample.dcm": "MISSING_UID",
    "UN_sequence.dcm": "MISSING_UID",
    "empty_charset_LEI.dcm": "MISSING_UID",
    "no_meta_group_length.dcm": "MISSING_UID",
    "priv_SQ.dcm": "MISSING_UID",
    # file meta names another instance than the data set
    "badVR.dcm": "META_MISMATCH",
    "rtdose.dcm": "META_MISMATCH",
    "rtdose_1frame.dcm": "META_MISMATCH",
    "rtdose_expb.dcm": "META_MISMATCH",
    "rtdose_expb_1frame.dcm": "META_MISMATCH",
    "rtplan.dcm": "META_MISMATCH",
    # encoded otherwise than stated, or not stated
    "SC_rgb_jpeg.dcm": "BAD_VR",
    "meta_missing_tsyntax.dcm": "UNKNOWN_TRANSFER_SYNTAX",
    "nested_priv_SQ.dcm": "BAD_TAG",
}


def judge(data):
    gate = Gate()
    for at in range(0, len(data), 50_000):
        gate.feed(data[at : at + 50_000])
    return gate.finish()


def passed_files():
    return [file for file in FILES if file.name not in REFUSED]


def test_the_corpus_is_there():
    assert len(FILES) > 200
    assert len(passed_files()) > 180


@pytest.mark.parametrize("file", [file for file in FILES if file.name in REFUSED], ids=lambda file: file.name)
def test_it_is_refused_as_expected(file):
    with pytest.raises(Refused) as caught:
        judge(file.read_bytes())
    assert caught.value.reason.code == REFUSED[file.name]


@pytest.mark.parametrize("file", passed_files(), ids=lambda file: file.name)
def test_it_agrees_with_pydicom(file):
    data = file.read_bytes()
    passed, data_set = judge(data), pydicom.dcmread(file)
    assert passed.size == len(data)
    assert passed.sop_class_uid == data_set.SOPClassUID
    assert passed.sop_instance_uid == data_set.SOPInstanceUID
    assert passed.study_instance_uid == data_set.StudyInstanceUID
    assert passed.series_instance_uid == data_set.SeriesInstanceUID
    assert passed.transfer_syntax_uid == data_set.file_meta.TransferSyntaxUID
    _assert_same_pixels(data, passed.pixels, data_set)


def _assert_same_pixels(data, pixels, data_set):
    values = [
        data_set[name].value for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if name in data_set
    ]
    assert (pixels is not None) == bool(values)
    if pixels is None:
        return
    assert (pixels.rows, pixels.columns) == (data_set.Rows, data_set.Columns)
    assert pixels.number_of_frames == int(data_set.get("NumberOfFrames") or 1)
    assert pixels.photometric_interpretation == data_set.get("PhotometricInterpretation", "")
    if pixels.encapsulated:
        _assert_same_frames(data, pixels, values[0])
    elif not pixels.deflated:
        assert data[pixels.value_offset : pixels.value_offset + pixels.value_length] == values[0]
        assert pixels.frame_length is None or pixels.frame_length * pixels.number_of_frames <= len(values[0])


def _assert_same_frames(data, pixels, value):
    expected = list(generate_frames(value, number_of_frames=pixels.number_of_frames))
    assert [b"".join(data[at : at + length] for at, length in frame) for frame in pixels.fragments] == expected


def test_native_frames_are_slices_of_the_value():
    file = FOLDERS[1] / "emri_small.dcm"
    data = file.read_bytes()
    pixels, frames = judge(data).pixels, pydicom.dcmread(file).pixel_array
    for number, frame in enumerate(frames):
        start = pixels.value_offset + number * pixels.frame_length
        assert data[start : start + pixels.frame_length] == frame.astype("<u2").tobytes()


@pytest.mark.parametrize("file", passed_files(), ids=lambda file: file.name)
def test_its_parts_can_be_taken_again_from_what_is_stored(file):
    data = file.read_bytes()
    passed = judge(data)
    meta, data_set, uid = split_part10(data[: passed.header_end])
    assert (meta, uid) == (passed.file_meta, passed.transfer_syntax_uid)
    assert (inflate_header(data_set) if uid.endswith(".99") else data_set).rstrip(b"\0") == passed.header.rstrip(b"\0")


def test_the_corpus_covers_native_encapsulated_and_imageless_files():
    kinds = Counter(
        "none" if pixels is None else "encapsulated" if pixels.encapsulated else "native"
        for pixels in (judge(file.read_bytes()).pixels for file in passed_files()[::3])
    )
    assert min(kinds["none"], kinds["encapsulated"], kinds["native"]) > 5
