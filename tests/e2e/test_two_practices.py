"""The same disc carried to two practices: each gets back its own bytes by every path, and keeps them."""

import json

import pytest
import requests
from pydicom.uid import generate_uid

from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import RunningStack, wait_until
from tests.e2e.test_faults import PENDING
from tests.imaging.dicom.hostile import tiny_instance

pytestmark = pytest.mark.e2e
SERIES, SOP = "1.2.826.0.1.3680043.8.498.5.1", "1.2.826.0.1.3680043.8.498.5.1.1"
INSPECT = """
import hashlib, json
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
from imaging.models import Instance
from imaging.services.regions import get_orthanc, get_vault
out = {{}}
for slug in ("northside", "southside"):
    tenant = find_tenant(slug)
    with tenant_scope(tenant.id):
        found = Instance.objects.filter(series__study__study_instance_uid={study!r})
        rows = list(found.values_list("pack_id", "pack_offset", "size"))
    for region in (1, 2):
        node = get_orthanc(tenant.id, region)
        held = {study!r} in node.list_study_uids()
        kept = b"".join(node.read_instance({sop!r})) if held else b""
        out[f"{{slug}}-node-{{region}}"] = hashlib.sha256(kept).hexdigest() if held else None
        for pack_id, offset, size in rows:
            with get_vault(region).open(tenant.id, pack_id) as reader:
                out[f"{{slug}}-vault-{{region}}"] = hashlib.sha256(reader.read(offset, size)).hexdigest()
print(json.dumps(out))
"""
PURGE = """
from datetime import timedelta
from django.utils import timezone
from audit.actor import Actor, ActorKind
from tenants.models import User
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
from imaging.models import Study, Tombstone
from imaging.services import purge, retention
tenant, now = find_tenant("northside"), timezone.now()
emails = ("bob@northside.example", "alice@northside.example")
people = [Actor(ActorKind.USER, str(User.objects.get(email=email).pk), email) for email in emails]
then = now - timedelta(days=12 * 366)
with tenant_scope(tenant.id):
    Study.objects.filter(study_instance_uid={study!r}).update(
        received_at=then, last_received_at=then, study_date=then.date(), patient_birth_date="1950-01-01")
retention.mark_ended_retention(tenant.id, now - timedelta(days=40))
with tenant_scope(tenant.id):
    retention.request_purge(people[0], {study!r}, now)
    retention.approve_purge(people[1], {study!r}, now)
print(purge.purge_approved(tenant.id, now))
"""
UNFINISHED = """
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
from imaging.models import Tombstone
with tenant_scope(find_tenant("northside").id):
    print(Tombstone.objects.filter(completed_at=None).count())
"""


def test_each_practice_gets_its_own_bytes_and_a_purge_at_one_leaves_the_other(stack: RunningStack) -> None:
    study, neighbour = generate_uid(), generate_uid()
    contents = {
        slug: tiny_instance(
            StudyInstanceUID=study, SeriesInstanceUID=SERIES, SOPInstanceUID=SOP, PatientID="SAME-ID", rows=size,
            columns=size, PatientName=f"Same^{slug}",
        )
        for slug, size in (("northside", 32), ("southside", 48))
    }  # fmt: skip
    clients = {
        slug: PortalClient(stack.origin, slug, stack.token(slug, name, "read", "store"))
        for slug, name in (("northside", "bob"), ("southside", "carol"))
    }
    next_door = tiny_instance(
        StudyInstanceUID=neighbour, SeriesInstanceUID=f"{SERIES}.9", SOPInstanceUID=f"{SOP}.9", PatientID="SAME-ID"
    )
    for slug, content in contents.items():
        assert clients[slug].store(content) == 200
    assert clients["northside"].store(next_door) == 200

    for slug, content in contents.items():
        assert clients[slug].instance(study, SERIES, SOP) == content
        assert clients[slug].frame(study, SERIES, SOP) in content
        metadata = clients[slug].get(f"studies/{study}/series/{SERIES}/metadata").json()[0]
        assert metadata["00100010"]["Value"][0]["Alphabetic"] == f"Same^{slug}"
    done = PENDING.format(studies=[study]).replace('find_tenant("northside")', 'find_tenant("{}")')
    for slug in contents:
        wait_until(lambda s=slug: last(stack.python(done.replace("{}", s))) == "0", 90, "the pipeline")
    before = inspect(stack, study)
    for slug in contents:
        copies = {digest for place, digest in before.items() if place.startswith(slug)}
        assert len(copies) == 1
    assert before["northside-vault-1"] != before["southside-vault-1"]

    assert last(stack.python(PURGE.format(study=study))) == "1"
    wait_until(lambda: last(stack.python(UNFINISHED)) == "0", 60, "the purge")

    after = inspect(stack, study)
    assert [place for place, digest in after.items() if digest] == [p for p in before if p.startswith("southside")]
    assert clients["northside"].get(f"studies/{study}/series/{SERIES}/metadata").status_code == 404
    assert clients["southside"].instance(study, SERIES, SOP) == contents["southside"]
    assert clients["northside"].instance(neighbour, f"{SERIES}.9", f"{SOP}.9") == next_door


def inspect(stack: RunningStack, study: str) -> dict[str, str | None]:
    """The digest of the instance in both vaults and both Orthancs of both practices."""
    return json.loads(last(stack.python(INSPECT.format(study=study, sop=SOP))))


def last(output: str) -> str:
    return output.strip().splitlines()[-1]


def test_a_token_of_one_practice_opens_nothing_at_the_other(stack: RunningStack) -> None:
    token = stack.token("northside", "bob", "read", "store")

    answer = requests.get(
        f"{stack.origin}/t/southside/dicomweb/studies", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )

    assert answer.status_code in (401, 404)
