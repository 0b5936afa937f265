"""The wall over every URL: a furnished practice, and everyone who must not get in, at each address by each method.

The ids in the URLs are real, so a 404 is the wall's and not an accident's; Northside's own people are the control.
"""

import re
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from imaging.models import Drill, Upload
from imaging.services.regions import get_vault
from imaging.services.sharing import revoke_link
from tenants.models import Invitation, Role, SecretKind, Tenant, User
from tenants.scoping import tenant_scope
from tenants.secrets import issue_secret
from tests.architecture.test_guards import ROUTES
from tests.cast import actor, sign_in
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.guests import cheap_codes  # noqa: F401  fixture
from tests.imaging.incoming import instance, take_in
from tests.imaging.regions import drawn  # noqa: F401  fixture
from tests.imaging.sharing import redeem, send_invitation, send_link

METHODS = ["get", "head", "post", "put", "patch", "delete", "options"]
WALLED = [
    (route, pattern)
    for route, pattern in ROUTES
    if pattern.callback.guard not in ("public", "signed-in", "vendor-admin", "secret")
]
# Addresses that a member with the right role gets something from by GET: the control.
OPEN_TO_ALICE = {
    "worklist", "study", "study_state", "study_history", "study_viewer", "study_download", "stow", "upload",
    "retention", "people", "audit", "tenant_agreement", "share_create", "patient_invite",
    "qido_series", "qido_study_instances", "qido_series_instances", "wado_study_metadata", "wado_series_metadata",
    "wado_instance_metadata",
    "protection", "drill_report", "region_missing", "wado_instance", "wado_series", "wado_frames", "audit_export",
}  # fmt: skip


@dataclass(frozen=True)
class Furnished:
    """Northside with something behind every address, and the values that stand in its URLs."""

    values: dict[str, str]
    revoked: Client

    def url(self, route: str) -> str:
        return "/" + re.sub(r"<(?:[^:>]+:)?([^>]+)>", lambda match: self.values[match.group(1)], route)


@pytest.fixture
def furnished(northside: Tenant, alice: User, bob: User) -> Furnished:
    take_in(actor(bob), northside, {"a.dcm": instance(1)})
    uid = f"{ROOT}.1"
    link, invitation = send_link(northside, bob, uid, may_download=True), send_invitation(northside, bob, uid)
    browser = redeem(link)
    now = timezone.now()
    with tenant_scope(northside.id):
        revoke_link(actor(bob), link.id, now)
        upload = Upload.objects.create(
            created_by=bob, batch=uuid4(), kind="file", length=9, created_at=now, expires_at=now
        )
        _, digest = issue_secret(SecretKind.MEMBER_INVITATION, northside.id)
        invited = Invitation.objects.create(
            email="new@northside.example", name="New", role=Role.VIEWER, digest=digest, invited_by=alice,
            created_at=now, expires_at=now,
        )  # fmt: skip
        drill = Drill.objects.create(started_at=now, finished_at=now, passed=True, report=uuid4())
    get_vault(1).seal(northside.id, drill.report, [b"%PDF-1.7"])
    values = {
        "drill_id": str(drill.id), "region": "2",
        "slug": "northside", "study_instance_uid": uid, "series_instance_uid": f"{uid}.1",
        "sop_instance_uid": f"{uid}.1.1", "frame_list": "1", "tag_path": "00420011", "link_id": str(link.id),
        "grant_id": str(link.id), "invitation_id": str(invitation.id), "upload_id": str(upload.id),
        "batch": str(upload.batch), "membership_id": str(bob.memberships.get().pk), "invited": str(invited.id),
    }  # fmt: skip
    return Furnished(values, browser)


@pytest.mark.parametrize("method", METHODS)
def test_strangers_and_revoked_links_get_404_or_the_login_on_every_url(
    method: str, furnished: Furnished, carol: User, eve: User
) -> None:
    strangers = {"carol": sign_in(carol), "eve": sign_in(eve), "revoked": furnished.revoked, "anonymous": Client()}
    let_in = [
        (name, method, route, answer.status_code)
        for route, pattern in WALLED
        for name, client in strangers.items()
        if not is_turned_away(answer := call(client, method, furnished.url(route)), pattern)
    ]

    assert let_in == []


def test_northsides_own_people_get_something_from_the_same_addresses(furnished: Furnished, alice: User) -> None:
    browser = sign_in(alice)
    shut_out = [
        (pattern.name, status)
        for route, pattern in WALLED
        if pattern.name in OPEN_TO_ALICE
        if (status := call(browser, "get", furnished.url(route)).status_code) != 200
    ]

    assert shut_out == []
    assert {pattern.name for _, pattern in WALLED} >= OPEN_TO_ALICE


def call(client: Client, method: str, url: str):
    return getattr(client, method)(url, headers={"Accept": "*/*"})


def is_turned_away(answer: object, pattern: URLPattern) -> bool:
    if answer.status_code in (401, 404, 405):
        return True
    return answer.status_code == 302 and answer["Location"].startswith("/login")
