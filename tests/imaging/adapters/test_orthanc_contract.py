"""What every node does, the one in memory and the real one."""

from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

from imaging.adapters.orthanc import InstanceAmbiguous, InstanceMissing, NodeRefused, OrthancNode
from imaging.adapters.stow import LengthMismatch
from tests.fakes.orthanc import FakeOrthancNode
from tests.fakes.orthanc_process import orthanc_node, orthanc_process  # noqa: F401

REAL_FILES = [
    "CT_small.dcm",
    "examples_ybr_color.dcm",
    "JPEG2000.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
]


@pytest.fixture(params=["fake", "real"])
def node(request) -> FakeOrthancNode | OrthancNode:
    return FakeOrthancNode() if request.param == "fake" else request.getfixturevalue("orthanc_node")


def real_file(name: str = "CT_small.dcm") -> bytes:
    return Path(get_testdata_file(name, download=False)).read_bytes()


def changed(content: bytes, **elements: str) -> bytes:
    dataset = dcmread(BytesIO(content))
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    if "SOPInstanceUID" in elements:
        dataset.file_meta.MediaStorageSOPInstanceUID = elements["SOPInstanceUID"]
    return written(dataset)


def written(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def uids(content: bytes) -> tuple[str, str]:
    """Study and SOP Instance UID."""
    dataset = dcmread(BytesIO(content), stop_before_pixels=True)
    return str(dataset.StudyInstanceUID), str(dataset.SOPInstanceUID)


def store(node, content: bytes) -> None:
    node.store_instance([content], len(content))


def read(node, sop_instance_uid: str) -> bytes:
    return b"".join(node.read_instance(sop_instance_uid))


@pytest.mark.parametrize("name", REAL_FILES)
def test_an_instance_comes_back_byte_for_byte(node, name):
    content = real_file(name)

    store(node, content)

    assert read(node, uids(content)[1]) == content


def test_an_instance_may_come_in_pieces_of_any_size(node):
    content = real_file()
    pieces = [content[:1], b"", content[1:7000], content[7000:]]

    node.store_instance(iter(pieces), len(content))

    assert read(node, uids(content)[1]) == content


def test_a_node_knows_what_it_holds(node):
    ct, mr = real_file("CT_small.dcm"), real_file("MR_small_RLE.dcm")
    store(node, ct)
    store(node, mr)

    assert node.count_instances() == 2
    assert node.list_study_uids() == sorted([uids(ct)[0], uids(mr)[0]])
    assert node.has_instance(uids(ct)[1])


def test_an_empty_node_holds_nothing(node):
    assert node.is_alive()
    assert node.count_instances() == 0
    assert node.list_study_uids() == []
    assert not node.has_instance("1.2.3")


def test_reading_what_is_not_there_says_so_before_any_byte(node):
    with pytest.raises(InstanceMissing):
        node.read_instance("1.2.3")


def test_storing_again_is_no_error_and_keeps_the_first_bytes(node):
    content = real_file()
    store(node, content)

    store(node, content)
    store(node, changed(content, PatientName="Other^Name"))

    assert node.count_instances() == 1
    assert read(node, uids(content)[1]) == content


@pytest.mark.parametrize("content", [b"not DICOM at all" * 20, bytes(200)])
def test_what_is_not_dicom_is_refused(node, content):
    with pytest.raises(NodeRefused):
        store(node, content)

    assert node.count_instances() == 0


def test_an_instance_without_study_is_refused(node):
    dataset = dcmread(BytesIO(real_file()))
    del dataset.StudyInstanceUID

    with pytest.raises(NodeRefused):
        store(node, written(dataset))

    assert node.count_instances() == 0


@pytest.mark.parametrize("announced", [-1, 1])
def test_a_lying_length_stores_nothing(node, announced):
    content = real_file()

    with pytest.raises(LengthMismatch):
        node.store_instance([content], len(content) + announced)

    assert node.count_instances() == 0


def test_deleting_a_study_leaves_its_neighbour(node):
    ct, mr = real_file("CT_small.dcm"), real_file("MR_small_RLE.dcm")
    store(node, ct)
    store(node, mr)

    assert node.delete_study(uids(ct)[0]) is True

    assert not node.has_instance(uids(ct)[1])
    assert read(node, uids(mr)[1]) == mr


def test_deleting_a_study_again_is_no_error(node):
    content = real_file()
    store(node, content)
    node.delete_study(uids(content)[0])

    assert node.delete_study(uids(content)[0]) is False


def test_deleting_a_study_takes_it_under_every_patient(node):
    content = real_file()
    store(node, content)
    store(node, changed(content, PatientID="other"))

    assert node.delete_study(uids(content)[0]) is True

    assert node.count_instances() == 0


def test_no_study_is_deleted_by_the_uid_of_something_else(node):
    content = real_file()
    store(node, content)
    dataset = dcmread(BytesIO(content))

    assert node.delete_study(str(dataset.SOPInstanceUID)) is False
    assert node.delete_study(str(dataset.SeriesInstanceUID)) is False
    assert node.delete_instance(str(dataset.StudyInstanceUID)) is False
    assert not node.has_instance(str(dataset.StudyInstanceUID))

    assert node.count_instances() == 1


def test_deleting_an_instance_leaves_its_sibling(node):
    first = real_file()
    second = changed(first, SOPInstanceUID="1.2.826.0.1.3680043.2.1")
    store(node, first)
    store(node, second)

    assert node.delete_instance(uids(first)[1]) is True
    assert node.delete_instance(uids(first)[1]) is False

    assert read(node, uids(second)[1]) == second


def test_one_uid_under_two_patients_is_not_guessed(node):
    content = real_file()
    store(node, content)
    store(node, changed(content, PatientID="other"))

    with pytest.raises(InstanceAmbiguous):
        node.read_instance(uids(content)[1])


@pytest.mark.parametrize("uid", ["", "../system", "1.2.3/file", "1.2.3\n", "1." * 40, "*"])
def test_what_is_no_uid_is_never_asked_for(node, uid):
    for call in (node.has_instance, node.read_instance, node.delete_instance, node.delete_study):
        with pytest.raises(ValueError, match="not a UID"):
            call(uid)


def test_the_source_failing_is_the_sources_error(node):
    def failing_source():
        yield real_file()[:1000]
        raise OSError("vault")

    with pytest.raises(OSError, match="vault"):
        node.store_instance(failing_source(), len(real_file()))

    assert node.count_instances() == 0
