"""Two tenants, two nodes, one process: orthanc-rest-client alone would send one's requests to the other."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from imaging.adapters.orthanc import OrthancNode
from tests.fakes.orthanc_process import start_orthanc

INSTANCES = 20


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    started = {
        name: start_orthanc(tmp_path_factory.mktemp(name), name=name, node_key=secrets.token_bytes(32))
        for name in ("northside", "southside")
    }
    yield started
    for process in started.values():
        process.kill()


@pytest.fixture
def nodes(processes) -> dict[str, OrthancNode]:
    return {name: process.client() for name, process in processes.items()}


def instance(tenant: str, number: int) -> tuple[str, bytes]:
    """The same UIDs and patient for both tenants, other bytes."""
    dataset = dcmread(Path(get_testdata_file("CT_small.dcm", download=False)))
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.7.{number}"
    dataset.InstitutionName = tenant
    buffer = BytesIO()
    dataset.save_as(buffer)
    return dataset.SOPInstanceUID, buffer.getvalue()


def test_a_client_made_later_does_not_redirect_an_earlier_one(nodes):
    assert {name: node.system()["Name"] for name, node in nodes.items()} == {
        "northside": "northside",
        "southside": "southside",
    }


def test_nothing_crosses_between_two_nodes_used_at_once(nodes):
    def store_and_read(work: tuple[str, int]) -> bool:
        tenant, number = work
        uid, content = instance(tenant, number)
        nodes[tenant].store_instance([content], len(content))
        return b"".join(nodes[tenant].read_instance(uid)) == content

    work = [(tenant, number) for number in range(INSTANCES) for tenant in nodes]
    with ThreadPoolExecutor(4) as threads:
        own_bytes = list(threads.map(store_and_read, work))

    assert all(own_bytes)
    assert {name: node.count_instances() for name, node in nodes.items()} == dict.fromkeys(nodes, INSTANCES)


def test_deleting_at_one_tenant_leaves_the_same_study_at_the_other(nodes):
    uid, content = instance("southside", 100)
    for node in nodes.values():
        node.store_instance([content], len(content))
    study_instance_uid = str(dcmread(BytesIO(content)).StudyInstanceUID)

    assert nodes["northside"].delete_study(study_instance_uid) is True

    assert not nodes["northside"].has_instance(uid)
    assert b"".join(nodes["southside"].read_instance(uid)) == content
