"""What must hold when parts fail: nothing acknowledged is lost, and what was away catches up without a hand."""

import random
import threading
import time

import pytest
import requests
from pydicom.uid import generate_uid

from tests.e2e.browser import FULL
from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import RunningStack, wait_until
from tests.imaging.dicom.hostile import tiny_instance

pytestmark = pytest.mark.e2e
KILLS = 50 if FULL else 20
PENDING = """
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
from imaging.models import Instance
from django.db.models import Q
with tenant_scope(find_tenant("northside").id):
    print(Instance.objects.filter(series__study__study_instance_uid__in={studies!r}).filter(
        Q(sealed_at=None) | Q(stored_at=None, store_refusal="") | Q(mirrored_at=None)
        | Q(mirror_stored_at=None, mirror_store_refusal="")).count())
"""


@pytest.fixture(scope="module")
def northside(stack: RunningStack) -> PortalClient:
    return PortalClient(stack.origin, "northside", stack.token("northside", "bob", "read", "store"))


def new_instance(study: str, **tags: object) -> tuple[str, str, bytes]:
    """Series UID, SOP UID and bytes of a fresh instance of the study."""
    series, sop = generate_uid(), generate_uid()
    return series, sop, tiny_instance(StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID=sop, **tags)


def pending(stack: RunningStack, *studies: str) -> int:
    """How many of the studies' instances have not come all the way."""
    return int(stack.python(PENDING.format(studies=list(studies))).strip().splitlines()[-1])


def test_with_both_orthancs_stopped_uploads_are_acknowledged_and_studies_open(
    stack: RunningStack, northside: PortalClient
) -> None:
    study = generate_uid()
    series, sop, content = new_instance(study)
    stack.stop_nodes()
    try:
        assert not stack.processes("Orthanc")

        assert northside.store(content) == 200
        assert northside.instance(study, series, sop) == content
        assert northside.frame(study, series, sop)
        assert northside.get(f"studies/{study}/series/{series}/metadata").status_code == 200
        assert pending(stack, study) == 1
    finally:
        stack.start_nodes()

    wait_until(lambda: pending(stack, study) == 0, 90, "the nodes catching up")


def test_kill_9_of_anything_at_any_moment_loses_no_acknowledged_instance(
    stack: RunningStack, northside: PortalClient
) -> None:
    study, acknowledged, stop = generate_uid(), {}, threading.Event()

    def upload(number: int) -> None:
        client = PortalClient(stack.origin, "northside", token)
        while not stop.is_set():
            series, sop, content = new_instance(study, rows=64, columns=64)
            try:
                if client.store(content, timeout=20) == 200:
                    acknowledged[series, sop] = content
            except requests.RequestException:
                time.sleep(0.2)

    token = stack.token("northside", "bob", "store")
    uploaders = [threading.Thread(target=upload, args=(number,)) for number in range(3)]
    for uploader in uploaders:
        uploader.start()
    chance, kills = random.Random(7), 0
    while kills < KILLS:
        time.sleep(chance.uniform(0.1, 1.0))
        victim = chance.choice([("granian",), ("celery", "worker"), ("Orthanc",)])
        kills += bool(stack.kill(*victim))
        if victim == ("granian",):
            # Without this the web would never come up between two kills, and nothing would be acknowledged.
            wait_until(stack.is_ready, 60, "the web returning")
    stop.set()
    for uploader in uploaders:
        uploader.join()

    wait_until(stack.is_ready, 60, "the web returning")
    assert len(acknowledged) > KILLS
    for (series, sop), content in acknowledged.items():
        assert northside.instance(study, series, sop) == content
    wait_until(lambda: pending(stack, study) == 0, 300, "the pipeline catching up")


def test_nothing_under_var_but_the_databases_holds_a_name_or_pixels(
    stack: RunningStack, northside: PortalClient
) -> None:
    study, name = generate_uid(), "Zyxwvutsrq^Plaintextina"
    _, _, content = new_instance(study, PatientName=name, rows=64, columns=64)
    pixels = content[-64 * 64 * 2 :][2000:2064]
    assert len(set(pixels)) > 8
    assert northside.store(content) == 200
    wait_until(lambda: pending(stack, study) == 0, 90, "the pipeline")

    found = [
        path.relative_to(stack.var)
        for path in stack.var.rglob("*")
        if path.is_file() and not is_database(path.relative_to(stack.var).parts)
        if any(run in path.read_bytes() for run in (b"Zyxwvutsrq", b"Plaintextina", pixels, study.encode()))
    ]

    assert found == []


def is_database(parts: tuple[str, ...]) -> bool:
    """Ours, and Orthanc's index: they hold names by their nature (design.md §6)."""
    return "postgres" in parts or "index" in parts
