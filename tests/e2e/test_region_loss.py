"""Region 1 is deleted while uploads run: its vault, its keys, its nodes. Region 2 goes on, and region 1 comes back."""

import json
import os
import shutil
import signal
import threading
import time

import pytest
import requests
from pydicom.uid import generate_uid

from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import RunningStack, own_stack, wait_until  # noqa: F401
from tests.imaging.dicom.hostile import tiny_instance

pytestmark = pytest.mark.e2e
IN_BOTH = """
from tenants.models import Tenant
Tenant.objects.filter(slug="northside").update(acknowledge_in=2)
"""
BEHIND = """
import json
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
from imaging.models import Instance
tenant = find_tenant("southside")
with tenant_scope(tenant.id):
    print(json.dumps(list(Instance.objects.filter(mirrored_at=None).values_list("sop_instance_uid", flat=True))))
"""
ORDER = """
from django.utils import timezone
from audit.actor import Actor, ActorKind
from imaging.services import failover
from tenants.models import User
now = timezone.now()
vera = User.objects.get(email="vera@collimate.example")
victor, _ = User.objects.get_or_create(
    email="victor@collimate.example", defaults={{"name": "Victor", "is_vendor_admin": True}})
people = [Actor(ActorKind.USER, str(user.pk), user.email) for user in (vera, victor)]
order = failover.request_failover(people[0], {to}, "Region lost", now)
failover.approve_failover(people[1], order.id, now)
"""
MISSING = """
import json
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
from imaging.selectors.failover import list_missing
tenant = find_tenant("southside")
with tenant_scope(tenant.id):
    print(json.dumps([study.study_instance_uid for study in list_missing(tenant.id, 2)]))
"""
COMPARE = """
import json
from blake3 import blake3
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
from imaging.models import Instance
from imaging.services.regions import get_vault
tenant, wrong = find_tenant("northside"), []
with tenant_scope(tenant.id):
    rows = list(Instance.objects.values_list("sop_instance_uid", "pack_id", "pack_offset", "size", "digest"))
for uid, pack, offset, size, digest in rows:
    for region in (1, 2):
        with get_vault(region).open(tenant.id, pack) as reader:
            if blake3(reader.read(offset, size)).digest() != bytes(digest):
                wrong.append(uid)
print(json.dumps({"held": [row[0] for row in rows], "wrong": wrong}))
"""


class Uploader(threading.Thread):
    """Stores tiny instances, each a study of its own, until told to stop; remembers what was acknowledged."""

    def __init__(self, stack: RunningStack, slug: str, token: str) -> None:
        super().__init__()
        self._client = PortalClient(stack.origin, slug, token)
        self.stop = threading.Event()
        self.acknowledged: dict[str, tuple[str, str, bytes]] = {}

    def run(self) -> None:
        while not self.stop.is_set():
            study, series, sop = (generate_uid() for _ in range(3))
            content = tiny_instance(StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID=sop)
            try:
                if self._client.store(content, timeout=20) == 200:
                    self.acknowledged[sop] = (study, series, content)
            except requests.RequestException:
                time.sleep(0.2)


def printed(stack: RunningStack, script: str) -> object:
    return json.loads(stack.python(script).strip().splitlines()[-1])


def delete_region_1(stack: RunningStack) -> None:
    region = stack.var / "region1"
    stack.kill("Orthanc", str(region))
    # Renamed first: nothing finds half of it.
    os.rename(region, stack.var / "gone")
    shutil.rmtree(stack.var / "gone")


def readable(client: PortalClient, acknowledged: dict[str, tuple[str, str, bytes]]) -> set[str]:
    """Those that come back byte for byte; others must be an honest error."""
    found = set()
    for sop, (study, series, content) in acknowledged.items():
        answer = client.get(
            f"studies/{study}/series/{series}/instances/{sop}",
            'multipart/related; type="application/dicom"; transfer-syntax=*',
        )
        assert answer.status_code in (200, 503)
        if answer.status_code == 200:
            assert content in answer.content
            found.add(sop)
    return found


def test_region_1_is_lost_while_uploads_run(own_stack: RunningStack) -> None:
    stack = own_stack
    stack.python(IN_BOTH)
    north_token = stack.token("northside", "bob", "read", "store")
    south_token = stack.token("southside", "carol", "read", "store")
    north, south = Uploader(stack, "northside", north_token), Uploader(stack, "southside", south_token)
    for uploader in (north, south):
        uploader.start()
    wait_until(lambda: min(len(north.acknowledged), len(south.acknowledged)) > 20, 120, "uploads")
    # The mirror stands still for a while: what Southside sends now is in one region only.
    mirrors = stack.processes("celery", "worker", "mirror")
    for process in mirrors:
        process.send_signal(signal.SIGSTOP)
    time.sleep(3)
    south.stop.set()
    south.join()
    behind = set(printed(stack, BEHIND)) & south.acknowledged.keys()
    assert behind

    delete_region_1(stack)
    for process in mirrors:
        process.send_signal(signal.SIGKILL)
    lost_at = dict(north.acknowledged)

    south_client, north_client = (
        PortalClient(stack.origin, "southside", south_token), PortalClient(stack.origin, "northside", north_token),
    )  # fmt: skip
    assert readable(north_client, lost_at) == lost_at.keys()
    assert readable(south_client, south.acknowledged) == south.acknowledged.keys() - behind
    assert {south.acknowledged[sop][0] for sop in behind} <= set(printed(stack, MISSING))

    stack.python(ORDER.format(to=2))
    stack.manage("failover", "--to", "2")
    before = len(north.acknowledged)
    wait_until(lambda: len(north.acknowledged) > before + 5, 60, "uploads in region 2")
    north.stop.set()
    north.join()

    stack.python(ORDER.format(to=1))
    stack.manage("failover", "--to", "1")
    compared = printed(stack, COMPARE)
    assert compared["wrong"] == []
    assert north.acknowledged.keys() <= set(compared["held"])
    assert readable(north_client, north.acknowledged) == north.acknowledged.keys()
    assert readable(south_client, south.acknowledged) == south.acknowledged.keys() - behind
