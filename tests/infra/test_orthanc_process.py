"""A real Orthanc under our configuration and our storage script."""

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
import requests
from pydicom import dcmread
from pydicom.data import get_testdata_file

from imaging.adapters.orthanc import (
    InstanceUnreadable,
    NodeError,
    NodeUnauthorised,
    NodeUnavailable,
    OrthancNode,
)
from tests.fakes.orthanc_process import (
    OrthancDidNotStart,
    OrthancProcess,
    orthanc_node,  # noqa: F401
    orthanc_process,  # noqa: F401
    start_orthanc,
)

FILES = ["CT_small.dcm", "examples_ybr_color.dcm", "MR_small.dcm"]
RUN_BYTES = 64


def real_file(name: str = "CT_small.dcm") -> bytes:
    return Path(get_testdata_file(name, download=False)).read_bytes()


def sop_instance_uid(content: bytes) -> str:
    return str(dcmread(BytesIO(content), stop_before_pixels=True).SOPInstanceUID)


def store(node: OrthancNode, content: bytes) -> str:
    node.store_instance([content], len(content))
    return sop_instance_uid(content)


def numbered(number: int) -> bytes:
    dataset = dcmread(BytesIO(real_file()))
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.9.{number}"
    buffer = BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def sealed_files(process: OrthancProcess) -> list[Path]:
    return sorted(path for path in (process.directory / "storage").glob("[0-9a-f][0-9a-f][0-9a-f]/*"))


def outside_the_index(process: OrthancProcess) -> dict[Path, bytes]:
    files = (path for path in process.directory.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if path.parent.name != "index"}


def pixel_runs(content: bytes) -> set[bytes]:
    pixels = dcmread(BytesIO(content)).PixelData
    runs = {pixels[start : start + RUN_BYTES] for start in range(0, len(pixels) - RUN_BYTES, 997)}
    return {run for run in runs if len(set(run)) > 8}


@pytest.fixture
def process(tmp_path):
    """A node of the test's own, which it may stop and damage."""
    started = start_orthanc(tmp_path, name="own", node_key=secrets.token_bytes(32))
    yield started
    started.kill()


def test_no_file_outside_the_index_shows_a_name_or_pixels(orthanc_process, orthanc_node):
    for name in FILES:
        store(orthanc_node, real_file(name))
    names = {str(dcmread(BytesIO(real_file(name))).PatientName).encode() for name in FILES}
    runs = set().union(*(pixel_runs(real_file(name)) for name in FILES))
    assert len(runs) > 100, "the search below looks for nothing"

    kept = outside_the_index(orthanc_process)

    assert len(sealed_files(orthanc_process)) == 2 * len(FILES)
    for path, content in kept.items():
        assert b"DICM" not in content, path.name
        assert not any(name in content for name in names if name), path.name
        assert not any(run in content for run in runs), path.name


def test_deleting_a_study_removes_its_sealed_files(orthanc_process, orthanc_node):
    store(orthanc_node, real_file())

    orthanc_node.delete_study(str(dcmread(BytesIO(real_file())).StudyInstanceUID))

    assert sealed_files(orthanc_process) == []


def test_a_flipped_bit_is_refused_and_storing_again_mends_it(process):
    node, content = process.client(), real_file()
    uid = store(node, content)
    for path in sealed_files(process):
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        path.write_bytes(damaged)
    process.kill()
    process.start()

    with pytest.raises(InstanceUnreadable):
        node.read_instance(uid)

    node.delete_instance(uid)
    store(node, content)
    assert b"".join(node.read_instance(uid)) == content


def test_a_restart_keeps_everything(process):
    node = process.client()
    stored = {store(node, real_file(name)): real_file(name) for name in FILES}

    process.restart()

    assert {uid: b"".join(node.read_instance(uid)) for uid in stored} == stored


def test_a_kill_while_storing_loses_nothing_that_was_acknowledged(process):
    node, acknowledged = process.client(), {}

    def store_numbered(number: int) -> None:
        content = numbered(number)
        try:
            acknowledged[store(node, content)] = content
        except NodeError:
            return
        if len(acknowledged) == 20:
            process.kill()

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(store_numbered, range(60)))
    process.start()

    assert 20 <= len(acknowledged) < 60
    for uid, content in acknowledged.items():
        assert b"".join(node.read_instance(uid)) == content


def test_a_node_whose_storage_fails_does_not_claim_to_have_stored(process):
    (process.directory / "storage" / "incoming").rename(process.directory / "storage" / "elsewhere")

    with pytest.raises(NodeUnavailable):
        store(process.client(), real_file())

    assert not process.client().has_instance(sop_instance_uid(real_file()))


def test_a_node_does_not_start_with_another_key(process):
    process.kill()
    process.node_key = secrets.token_bytes(32)

    with pytest.raises(OrthancDidNotStart, match="another key"):
        process.start()


@pytest.mark.parametrize("key", [b"", b"short"])
def test_a_node_without_a_proper_key_does_not_start(process, key):
    process.kill()
    process.node_key = key

    with pytest.raises(OrthancDidNotStart):
        process.start()


def test_a_node_without_its_own_cryptography_does_not_start(process, tmp_path):
    process.kill()
    process.environment["COLLIMATE_NODE_SITE"] = str(tmp_path)

    with pytest.raises(OrthancDidNotStart, match="COLLIMATE_NODE_SITE|No module named"):
        process.start()


WRONG = [None, ("orthanc", "orthanc"), ("collimate", "wrong"), ("collimate", "")]


@pytest.mark.parametrize("credentials", WRONG)
def test_nobody_else_gets_in(orthanc_process, credentials):
    assert requests.get(f"{orthanc_process.url}/system", auth=credentials, timeout=5).status_code == 401


def test_a_wrong_password_is_told_apart_from_an_outage(orthanc_process):
    stranger = OrthancNode(orthanc_process.url, orthanc_process.username, "wrong")

    with pytest.raises(NodeUnauthorised):
        store(stranger, real_file())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/app/explorer.html", 404), ("PROPFIND", "/webdav/", 404), ("GET", "/wado", 404),
     ("POST", "/tools/execute-script", 403), ("GET", "/system", 200)],
)  # fmt: skip
def test_what_we_do_not_use_is_shut(orthanc_process, method, path, status):
    auth = (orthanc_process.username, orthanc_process.password)

    assert requests.request(method, orthanc_process.url + path, auth=auth, timeout=5).status_code == status


def test_the_node_listens_on_its_http_port_alone(orthanc_process):
    links = [str(link.readlink()) for link in Path(f"/proc/{orthanc_process.process.pid}/fd").iterdir()]
    sockets = {re.sub(r"\D", "", link) for link in links if "socket" in link}
    listening = {
        int(fields[1].rpartition(":")[2], 16)
        for family in ("tcp", "tcp6")
        for fields in map(str.split, Path(f"/proc/net/{family}").read_text().splitlines()[1:])
        if fields[3] == "0A" and fields[9] in sockets
    }

    assert listening == {int(orthanc_process.url.rpartition(":")[2])}


def test_the_log_and_the_configuration_hold_no_name(orthanc_process, orthanc_node):
    store(orthanc_node, real_file())

    assert b"CompressedSamples" not in (orthanc_process.directory / "log").read_bytes()
