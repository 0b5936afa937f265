"""The machine is gone; region 2 is left. From its sealed copies comes a stack with its logins, links and studies."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from pydicom.uid import generate_uid

from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import REPO, RunningStack, bare_environment, own_stack, started, wait_until  # noqa: F401
from tests.e2e.test_faults import pending
from tests.imaging.dicom.hostile import tiny_instance

pytestmark = pytest.mark.e2e
SHARE = """
from django.utils import timezone
from audit.actor import Actor, ActorKind
from imaging.services.sharing import create_link
from tenants.models import User
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
bob = User.objects.get(email="bob@northside.example")
with tenant_scope(find_tenant("northside").id):
    issued = create_link(
        Actor(ActorKind.USER, str(bob.pk), bob.email), {study!r}, recipient_name="Rita", days=7, may_download=True,
        recipient_email="rita@ortho.example", note="", now=timezone.now())
print(issued.secret)
"""


def run(stack: RunningStack, *command: str) -> None:
    script = f'. "{stack.var}/env" && exec "{sys.executable}" -m "$@"'
    done = subprocess.run(
        ["bash", "-c", script, "run", *command],
        cwd=REPO, env=bare_environment(), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def sign_in(stack: RunningStack, account: object) -> requests.Response:
    """The first page after password and code."""
    session = requests.Session()
    answer = session.get(f"{stack.origin}/login/")
    for field, value in (("password", account.password), ("code", account.code())):
        form = {"csrfmiddlewaretoken": re.search(r'csrfmiddlewaretoken" value="([^"]+)"', answer.text)[1], field: value}
        if field == "password":
            form["email"] = account.email
        answer = session.post(answer.url, data=form, headers={"Referer": answer.url})
        assert answer.status_code == 200
    return answer


def test_a_stack_comes_back_from_region_2_alone(own_stack: RunningStack, tmp_path: Path) -> None:
    study, series, sop = (generate_uid() for _ in range(3))
    content = tiny_instance(StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID=sop)
    token = own_stack.token("northside", "bob", "read", "store")
    assert PortalClient(own_stack.origin, "northside", token).store(content) == 200
    wait_until(lambda: pending(own_stack, study) == 0, 120, "the mirror")
    secret = own_stack.python(SHARE.format(study=study)).strip().splitlines()[-1]
    alice = own_stack.account("alice")
    run(own_stack, "infra.local.backup", "--once")
    run(own_stack, "infra.local", "down")
    os.rename(own_stack.var / "region2", tmp_path / "region2")
    os.rename(own_stack.var, tmp_path / "gone")

    fresh = tmp_path / "fresh"
    fresh.mkdir()
    with started("--restore", "--from-region", "2", "--regions", str(tmp_path), var=fresh) as restored:
        assert "Studies" in sign_in(restored, alice).text
        client = PortalClient(restored.origin, "northside", token)
        found = client.get(f"studies?StudyInstanceUID={study}").json()
        assert [each["0020000D"]["Value"][0] for each in found] == [study]
        assert client.instance(study, series, sop) == content
        assert requests.get(f"{restored.origin}/s/{secret}").status_code == 200
        assert requests.get(f"{restored.origin}/s/{secret[:-4]}AAAA").status_code == 404
        assert json.loads(restored.manage("verify_audit_chain", "--json"))
